//! Temperatures: a box that is too hot stops, and so does one whose heat can go nowhere but into a store that is warm enough. Both
//! have a hysteresis: they let go at another temperature than the one at which they began.
//!
//! And when a thermometer says nothing? Silence cools nothing: what was hot stays hot. Where it was not, or nobody ever knew, compute
//! stops all the same (`stale_data`), because it would heat unseen.
//!
//! Example: a box that may be 80 °C hot stops at 80.1 °C and starts again at 77 °C. A room that is warm enough at 23 °C, with heat that
//! cannot be rejected, stops compute above 24 °C until it is back at 23 °C.

use super::Passage;
use crate::point::Point;
use crate::reason::Reason;
use crate::site::HeatSink;
use crate::value::situation::Situation;

/// Hysteresis: how far a hot box has to cool before compute starts again, in K. Chosen above the swing of a fan's control.
const COOLING: f64 = 3.0;
/// How far above its upper temperature a store may be where compute's heat cannot be rejected, in K. Chosen: a thermostat's band.
const STORE_MARGIN: f64 = 1.0;

/// What was too hot when it was last seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heat {
    in_box: bool,
    in_store: bool,
}

impl Heat {
    pub(super) fn guard(&mut self, situation: &Situation<'_>, passage: &mut Passage) {
        if let Some(most) = situation.site.compute.temperature_max {
            let now = situation.image.get(Point::ComputeTemperature).fresh();
            check(&mut self.in_box, now, (most.0 - COOLING, most.0), passage);
        }
        // Where unwanted heat can be rejected, a warm store does not stop compute; it only makes its heat worthless.
        if situation.site.compute.reject_share > 0.0 {
            return;
        }
        let store = match situation.site.compute.heat_into {
            HeatSink::Room => situation.site.room.map(|room| (room, Point::RoomTemperature)),
            HeatSink::Tank => situation.site.tank.map(|tank| (tank, Point::TankTemperature)),
            HeatSink::HeatPumpSource | HeatSink::Outside => None,
        };
        if let Some((store, thermometer)) = store {
            let now = situation.image.get(thermometer).fresh();
            check(&mut self.in_store, now, (store.high.0, store.high.0 + STORE_MARGIN), passage);
        }
    }
}

/// Stops compute where it is hot or the thermometer is silent; what is `hot` cools at the lower of the two temperatures.
fn check(hot: &mut bool, now: Option<f64>, (cool, warm): (f64, f64), passage: &mut Passage) {
    *hot = now.map_or(*hot, |now| now > if *hot { cool } else { warm });
    match now {
        _ if *hot => passage.forbid(Reason::TooHot),
        None => passage.forbid(Reason::StaleData),
        Some(_) => {}
    }
}
