//! What the plan means a heat pump to take that can only be offered power, with or without a surplus.
//!
//! A plan that leaves the heat pump to its own rule says nothing of offers: it gets what is left over. So does one whose power or set
//! points are set: that is how it takes what the plan means. One that has it rest leaves the
//! surplus to the grid, where that pays more than the heat is worth: between plans the marginal values decide, not the forecast.
//!
//! Example: heat in the room is worth 0.02 EUR/kWh, at a COP of 4 the kilowatt-hour 0.08: an export of 0.079 is no reason to hold back.

use crate::act::devices::pump;
use crate::act::devices::spare::LeftOver;
use crate::decision::Control;
use crate::observe::draw::Span;
use crate::reason::Reason;
use crate::site::HeatSource;
use crate::units::{EurPerKwh, Watts};
use crate::value::situation::Situation;
use crate::value::thermal::{self, OUTDOOR_UNKNOWN};

/// Prices within this are the same.
const SAME: EurPerKwh = EurPerKwh(0.003);
/// The reasons for which a heat pump is to take more than its own rule would.
const RAISED: [Reason; 6] = [
    Reason::Preheat,
    Reason::Surplus,
    Reason::Legionella,
    Reason::NegativePrice,
    Reason::CheapPower,
    Reason::Curtailment,
];

/// Whether the heat pump's power or set points can be set.
fn is_set(situation: &Situation<'_>) -> bool {
    [
        Control::HeatPumpRoomPower,
        Control::HeatPumpHotWaterPower,
        Control::HeatPumpCoolingPower,
        Control::HeatPumpRoomShift,
        Control::HeatPumpHotWaterShift,
    ]
    .into_iter()
    .any(|control| situation.site.controls(control))
}

/// What is meant to be offered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meant {
    /// What is left over.
    LeftOver,
    /// So much, whoever makes it.
    More(Watts),
    /// Nothing: the surplus earns more than its heat is worth.
    Nothing,
}

impl Meant {
    /// What the plan means.
    pub(super) fn of(situation: &Situation<'_>) -> Self {
        let Some((house, intent)) = pump::planned(situation) else { return Meant::LeftOver };
        let total = [intent.room, intent.tank, intent.cooling].into_iter().flatten().sum::<Watts>();
        if total > Watts::ZERO {
            let raised = RAISED.contains(&house.heat_pump_reason) && !is_set(situation);
            return if raised { Meant::More(total) } else { Meant::LeftOver };
        }
        let outdoor = situation.temperatures.outdoor.unwrap_or(OUTDOOR_UNKNOWN);
        let cop = match situation.site.displaced {
            Some(HeatSource::HeatPump { carnot, flow, .. }) => thermal::cop(carnot, flow, outdoor),
            Some(HeatSource::Gas { .. } | HeatSource::Electric) | None => 1.0,
        };
        let heat = house.values.room.max(house.values.tank) * cop;
        let earns = situation.prices.export.unwrap_or_default();
        if heat + SAME < earns { Meant::Nothing } else { Meant::LeftOver }
    }

    /// Whether more is meant than what is left over.
    pub(super) fn is_more(self) -> bool {
        matches!(self, Meant::More(_))
    }

    /// What that makes of the power that is left over, where the fuse leaves `free` beyond what is drawn.
    pub(super) fn bound(self, left_over: &mut LeftOver, free: Watts) {
        let Span { least, most } = left_over.power;
        left_over.power = match self {
            Meant::LeftOver => return,
            Meant::More(power) => {
                let power = power.max(left_over.taken).min(left_over.taken + free.positive());
                Span { least: least.max(power), most: most.max(power) }
            }
            Meant::Nothing => Span { least: least.min(Watts::ZERO), most: most.min(Watts::ZERO) },
        };
    }
}
