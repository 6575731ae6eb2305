//! Why a decision was taken, and what the three numbers were.

use crate::units::EurPerKwh;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! reasons {
    ($($variant:ident $name:literal $text:literal;)*) => {
        /// Why HeatMine does what it does this second.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason { $(#[doc = $text] $variant,)* }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant,)*];

            /// The word used in topics and JSON.
            pub fn name(self) -> &'static str { match self { $(Reason::$variant => $name,)* } }
            /// The same as a short sentence for a person.
            pub fn sentence(self) -> &'static str { match self { $(Reason::$variant => $text,)* } }
        }
    };
}

reasons! {
    Surplus "surplus" "solar surplus would otherwise be exported";
    CheapPower "cheap_power" "power is cheap enough now";
    NegativePrice "negative_price" "the grid pays for taking power";
    Curtailment "curtailment" "solar power would otherwise be curtailed";
    HeatDemand "heat_demand" "the house needs the heat";
    PaidWork "paid_work" "the work pays for its power";
    Deadline "deadline" "a job has to finish in time";
    Interactive "interactive" "somebody is waiting for an answer";
    Boost "boost" "boost was asked for";
    Idle "idle" "nothing is worth its power now";
    MinOnTime "min_on_time" "it has to stay on a little longer";
    MinOffTime "min_off_time" "it has to stay off a little longer";
    FuseLimit "fuse_limit" "the house connection is at its limit";
    GridDimmed "grid_dimmed" "the grid operator limits the power";
    TooHot "too_hot" "it is too hot";
    BatteryReserve "battery_reserve" "the battery reserve is kept";
    StaleData "stale_data" "a needed measurement is missing or old";
    Implausible "implausible" "the meters contradict each other";
    WorkerDown "worker_down" "the engine does not answer";
    WorkerStarting "worker_starting" "the engine is starting";
    Island "island" "the grid is lost";
    Off "off" "it is switched off";
    GridCharge "grid_charge" "power is cheaper now than when it will be needed";
    KeepRoom "keep_room" "room is kept for the sun that is to come";
    HoldForLater "hold_for_later" "its energy is worth more later";
    Preheat "preheat" "heat is cheaper now than later";
    Legionella "legionella" "the tank is heated against legionella";
    Comfort "comfort" "room or tank need the heat";
    OwnRule "own_rule" "it follows its own rule";
    Unset "unset" "nothing is set";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one kilowatt-hour of compute is worth here and now: the three numbers behind every decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Worth {
    /// What the queued and expected work pays.
    pub revenue: EurPerKwh,
    /// What its heat displaces; zero where nobody needs it, negative where it must be rejected.
    pub heat: EurPerKwh,
    /// What its electricity costs: the export lost, the import paid, the stored energy spent.
    pub electricity: EurPerKwh,
}

impl Worth {
    /// Revenue plus heat less electricity.
    pub fn net(self) -> EurPerKwh {
        self.revenue + self.heat - self.electricity
    }
}
