//! The history: one row for each quarter hour that has passed, from which the time ahead is expected.

use crate::entry::SlotAccount;
use crate::plan::HeatRoute;
use crate::point::Point;
use crate::site::Site;
use crate::time::Slot;
use crate::units::{Celsius, EurPerKwh, KilowattHours, Percent, Watts};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Seconds of a slot that must have been observed for its means to stand for it: a third.
const OBSERVED_MIN: f64 = 300.0;
/// Share of them in which a power may have been unknown.
const UNKNOWN_MAX: f64 = 0.1;
/// A battery above this takes no more sun, in %: inverters end a charge at 95 to 100.
const FULL: f64 = 95.0;
/// So near its limit, as a share of it, an export or a charge may have been held down.
const AT_CAP: f64 = 0.97;
/// Less mean export than this is what an inverter leaves that holds it at nothing.
const NO_EXPORT: Watts = Watts(80.0);
/// A battery that moves less than this has nothing to take or to give.
const FLOATS: Watts = Watts(50.0);
/// Less PV than this holds nothing back.
const AWAKE: Watts = Watts(50.0);

/// A quarter hour of the house: means of powers and weather, stores at its end. What was not known is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quarter {
    /// The slot.
    pub slot: Slot,
    /// PV power.
    pub pv: Option<Watts>,
    /// Whether more of it may have been held back: such a slot says nothing of the sun.
    pub curtailed: bool,
    /// Consumption of the house without compute and heat pump.
    pub load: Option<Watts>,
    /// The heat pump; `None` also where no device measures it.
    pub heat_pump: Option<Watts>,
    /// The part of it for the tank; as above.
    pub hot_water: Option<Watts>,
    /// Compute.
    pub compute: Option<Watts>,
    /// Where the plan sent its heat; `None`: where its own rule did.
    pub route: Option<HeatRoute>,
    /// Whether the heat pump was set to cool.
    pub cools: bool,
    /// Work that arrived; `None` for none.
    pub arrived: Option<KilowattHours>,
    /// Room temperature at its end.
    pub room: Option<Celsius>,
    /// Tank temperature at its end.
    pub tank: Option<Celsius>,
    /// State of charge at its end.
    pub soc: Option<Percent>,
    /// Outdoor temperature.
    pub outdoor: Option<Celsius>,
    /// Global irradiance in W/m2.
    pub irradiance: Option<f64>,
    /// What the weather service had expected of its PV power just before it began.
    pub expected_pv: Option<Watts>,
    /// The same of its outdoor temperature.
    pub expected_outdoor: Option<Celsius>,
}

impl Quarter {
    /// The quarter hour that `account` closes; `None` where too little of it was observed to say anything.
    pub fn of(site: &Site, account: &SlotAccount) -> Option<Self> {
        if account.observed_s < OBSERVED_MIN {
            return None;
        }
        let observed = Duration::from_secs_f64(account.observed_s);
        let known = |unknown_s: f64| unknown_s <= UNKNOWN_MAX * account.observed_s;
        let metered = known(account.unmetered_s - account.pv_unmetered_s);
        let mean = |energy: KilowattHours, known: bool| known.then(|| energy.mean_over(observed).positive());
        let offered = |point, energy| mean(energy, metered && site.offers(point));
        let pv = mean(account.pv, known(account.unmetered_s));
        let readings = account.readings;
        Some(Self {
            slot: account.slot,
            pv,
            curtailed: pv.is_none_or(|pv| pv > AWAKE) && curtails(site, account, observed),
            load: load(account, observed, known(account.unmetered_s)),
            heat_pump: offered(Point::HeatPumpPower, account.heat_pump),
            hot_water: offered(Point::HeatPumpHotWaterPower, account.hot_water),
            compute: mean(account.compute.total(), known(account.uncounted_s)),
            route: readings.route,
            cools: readings.cools,
            arrived: readings.arrived,
            room: readings.room,
            tank: readings.tank,
            soc: readings.soc,
            outdoor: readings.outdoor,
            irradiance: readings.irradiance,
            expected_pv: readings.expected_pv,
            expected_outdoor: readings.expected_outdoor,
        })
    }
}

/// The house's own consumption: as it is known, else what the others leave of the balance.
fn load(account: &SlotAccount, observed: Duration, metered: bool) -> Option<Watts> {
    if account.house_unmetered_s <= UNKNOWN_MAX * account.observed_s {
        return Some(account.house.mean_over(observed).positive());
    }
    let others = account.heat_pump + account.compute.total() + account.charged + account.export;
    let used = account.import + account.pv + account.discharged - others;
    (metered && account.uncounted_s <= UNKNOWN_MAX * account.observed_s).then(|| used.mean_over(observed).positive())
}

/// Whether PV may have been held back: the export stood at its cap, or nothing was exported that would have earned nothing, and no battery
/// gave or took what was left.
fn curtails(site: &Site, account: &SlotAccount, observed: Duration) -> bool {
    let export = account.export.mean_over(observed);
    if site.grid.export_limit.is_some_and(|cap| export >= cap * AT_CAP) {
        return true;
    }
    let unpaid = account.unpriced_s <= 0.0 && account.export_price <= EurPerKwh::ZERO;
    let imports = account.import.mean_over(observed) > NO_EXPORT;
    unpaid && export < NO_EXPORT && !imports && !balances(site, account, observed)
}

/// Whether the battery takes or gives what is left of the house, and could take more.
fn balances(site: &Site, account: &SlotAccount, observed: Duration) -> bool {
    let Some(battery) = site.battery else { return false };
    let charging = account.charged.mean_over(observed) - account.discharged.mean_over(observed);
    let full = account.readings.soc.is_none_or(|soc| soc.0 >= FULL);
    charging < -FLOATS || charging > FLOATS && charging < battery.charge_max * AT_CAP && !full
}
