//! The canonical points a device can offer, and samples of them.

use crate::error::UnknownWord;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The engine's name as a device.
pub const WORKER: &str = "worker";

/// A device's name in the site, unique, as the owner wrote it in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(pub String);

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a device is to the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The meter at the grid connection.
    Grid,
    /// Photovoltaic generation.
    Pv,
    /// The house battery.
    Battery,
    /// A meter of the house's own consumption.
    House,
    /// The compute box, or the plug that measures it.
    Compute,
    /// The heat pump.
    HeatPump,
    /// The charger of an electric car.
    Wallbox,
    /// The hot-water or buffer tank.
    Tank,
    /// The heated room.
    Room,
    /// The air outside.
    Outdoor,
}

macro_rules! points {
    ($($variant:ident $name:literal $role:ident $unit:literal;)*) => {
        /// A canonical point, written `role.quantity`. Powers in W, energies in kWh, currents in A, temperatures in °C, shares in %;
        /// what is either so or not (no unit) is 1 or 0.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Point { $(#[doc = $name] $variant,)* }

        impl Point {
            /// Every point, in the order of the roles.
            pub const ALL: &'static [Point] = &[$(Point::$variant,)*];

            /// The canonical name.
            pub fn name(self) -> &'static str { match self { $(Point::$variant => $name,)* } }
            /// The role the point belongs to.
            pub fn role(self) -> Role { match self { $(Point::$variant => Role::$role,)* } }
            /// The unit of its values.
            pub fn unit(self) -> &'static str { match self { $(Point::$variant => $unit,)* } }
        }
    };
}

points! {
    GridPower "grid.power" Grid "W";
    GridImportEnergy "grid.import_energy" Grid "kWh";
    GridExportEnergy "grid.export_energy" Grid "kWh";
    GridPowerL1 "grid.power_l1" Grid "W";
    GridPowerL2 "grid.power_l2" Grid "W";
    GridPowerL3 "grid.power_l3" Grid "W";
    GridCurrentL1 "grid.current_l1" Grid "A";
    GridCurrentL2 "grid.current_l2" Grid "A";
    GridCurrentL3 "grid.current_l3" Grid "A";
    GridDimmed "grid.dimmed" Grid "";
    GridIsland "grid.island" Grid "";
    PvPower "pv.power" Pv "W";
    PvEnergy "pv.energy" Pv "kWh";
    BatteryPower "battery.power" Battery "W";
    BatterySoc "battery.soc" Battery "%";
    BatteryChargeEnergy "battery.charge_energy" Battery "kWh";
    BatteryDischargeEnergy "battery.discharge_energy" Battery "kWh";
    HousePower "house.power" House "W";
    HouseEnergy "house.energy" House "kWh";
    ComputePower "compute.power" Compute "W";
    ComputeEnergy "compute.energy" Compute "kWh";
    ComputeTemperature "compute.temperature" Compute "°C";
    HeatPumpPower "heat_pump.power" HeatPump "W";
    HeatPumpHotWaterPower "heat_pump.hot_water_power" HeatPump "W";
    HeatPumpHeat "heat_pump.heat" HeatPump "W";
    HeatPumpEnergy "heat_pump.energy" HeatPump "kWh";
    HeatPumpHeatEnergy "heat_pump.heat_energy" HeatPump "kWh";
    HeatPumpFlowTemperature "heat_pump.flow_temperature" HeatPump "°C";
    HeatPumpReturnTemperature "heat_pump.return_temperature" HeatPump "°C";
    WallboxPower "wallbox.power" Wallbox "W";
    WallboxEnergy "wallbox.energy" Wallbox "kWh";
    TankTemperature "tank.temperature" Tank "°C";
    RoomTemperature "room.temperature" Room "°C";
    OutdoorTemperature "outdoor.temperature" Outdoor "°C";
    OutdoorIrradiance "outdoor.irradiance" Outdoor "W/m²";
}

impl Point {
    /// Whether it is about one phase of the connection.
    pub fn is_of_phase(self) -> bool {
        matches!(
            self,
            Point::GridPowerL1
                | Point::GridPowerL2
                | Point::GridPowerL3
                | Point::GridCurrentL1
                | Point::GridCurrentL2
                | Point::GridCurrentL3
        )
    }

    /// Whether several devices' values add up to the house's (powers and counters), or not (the rest).
    pub fn is_additive(self) -> bool {
        matches!(self.unit(), "W" | "kWh")
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Point {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Point::ALL.iter().copied().find(|point| point.name() == text).ok_or_else(|| UnknownWord::Point(text.to_owned()))
    }
}

impl Serialize for Point {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One value of one device's point, in the point's canonical unit and sign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The device that was read.
    pub device: DeviceId,
    /// What was read.
    pub point: Point,
    /// The value; `None` where the device itself said it has none (NaN, sentinel, offline).
    pub value: Option<f64>,
    /// When it was received.
    pub at: Timestamp,
}
