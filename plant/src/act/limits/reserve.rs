//! The battery's reserve: compute never takes the battery below it.
//!
//! Terms: the battery is *low* at or below its reserve, and *recovered* 2 % above it. It is *guarded* from when compute takes from a
//! low battery until it has recovered: compute then has the surplus only.
//!
//! And when it says nothing? A battery whose charge is not known counts as low, one whose power is not known may only be relied on
//! when it has recovered.

use super::Passage;
use crate::point::Point;
use crate::reason::Reason;
use crate::time::Moment;
use crate::units::{Percent, Watts};
use crate::value::situation::Situation;
use std::time::Duration;

/// Hysteresis: a battery at its reserve has to be charged this much above it before compute may take from it again. Batteries show
/// their charge in steps of 1 %.
const RECOVERED: Percent = Percent(2.0);
/// A battery that moves less than this is at rest: inverters hold zero to within some tens of watts.
const RESTING: Watts = Watts(50.0);
/// How long a battery may take to obey: the slowest known gateways poll once a minute.
const OBEYING: Duration = Duration::from_secs(60);

/// Whether the battery is guarded, and since when compute takes from a low one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reserve {
    guarding: bool,
    taking_since: Option<Moment>,
}

impl Reserve {
    /// Guards the battery from compute, which is `on` or not where its power is not known.
    pub(super) fn guard(&mut self, situation: &Situation<'_>, on: bool, passage: &mut Passage) {
        let Some(battery) = &situation.site.battery else { return };
        let now = situation.moment;
        let low = situation.soc.is_none_or(|soc| soc <= battery.reserve);
        let recovered = situation.soc.is_some_and(|soc| soc > battery.reserve + RECOVERED);
        let Some(bus) = situation.bus else {
            // What the battery gives is not known: it may only be above its reserve.
            if !recovered {
                passage.lower(Reason::StaleData, Watts::ZERO);
            }
            return;
        };
        let computing = situation.image.get(Point::ComputePower).fresh().map_or(on, |power| power > RESTING.0);
        let taking = low && bus.discharge() > RESTING && computing;
        self.taking_since = taking.then(|| self.taking_since.unwrap_or(now));
        // A battery that can hold is asked to when compute starts; it gets a moment to obey.
        let grace = if situation.can_hold() { OBEYING } else { Duration::ZERO };
        let disobeys = self.taking_since.is_some_and(|since| now.since(since) >= grace);
        self.guarding = !recovered && (self.guarding || disobeys);
        if self.guarding {
            let reason = if situation.soc.is_some() { Reason::BatteryReserve } else { Reason::StaleData };
            passage.lower(reason, bus.surplus().positive());
        }
    }
}
