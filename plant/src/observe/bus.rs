//! The house bus at the moment when the grid was last read.
//!
//! The meters of a house speak at different moments: grid, battery and compute are added as they were when the grid was read, not as
//! they were heard last. What one of them was at that moment is known to lie between two numbers (a *span*): compute between the
//! budgets that it may still obey (`draw.rs`), the battery between its readings before and after. The surplus then lies in a span
//! too, and moves from where it was only as far as that span forces it. While everything rests the span is one number.
//!
//! Example: the grid shows -3000 W, compute was at 1100 W and has just been given 4100 W, the battery rests: the surplus is 4100 to
//! 7100 W. It was 4100 W, and stays that.
//!
//! A battery that was read before the grid may have moved since, either way, as fast as between its last two readings.

use crate::image::Image;
use crate::observe::draw::{Draw, Span};
use crate::observe::flows::Flows;
use crate::point::Point;
use crate::site::Compute;
use crate::time::Moment;
use crate::units::Watts;
use std::collections::VecDeque;
use std::time::Duration;

/// How long readings of the battery are remembered: as long as the slowest grid reading stands.
const MEMORY: Duration = Duration::from_secs(120);

/// What is remembered of the bus.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bus {
    battery: VecDeque<(Moment, Watts)>,
    surplus: Option<Watts>,
    /// The powers when the grid was read; `None` where those of grid or battery are not known.
    pub flows: Option<Flows>,
}

impl Bus {
    /// Takes the newest readings.
    pub(crate) fn observe(&mut self, image: &Image, draw: &Draw, compute: &Compute) {
        self.read_battery(image);
        self.flows = self.aligned(image, draw, compute);
        self.surplus = self.flows.map(Flows::surplus);
    }

    fn read_battery(&mut self, image: &Image) {
        let reading = image.get(Point::BatteryPower).fresh().zip(image.taken.get(&Point::BatteryPower));
        let Some((power, taken)) = reading else {
            self.battery.clear();
            return;
        };
        if self.battery.back().is_none_or(|(last, _)| last < taken) {
            self.battery.push_back((*taken, Watts(power)));
        }
        while self.battery.get(2).is_some_and(|(read, _)| taken.since(*read) > MEMORY) {
            self.battery.pop_front();
        }
    }

    fn aligned(&self, image: &Image, draw: &Draw, compute: &Compute) -> Option<Flows> {
        let measured = Flows::measured(image)?;
        let seen = *image.taken.get(&Point::GridPower)?;
        let mut drawn = draw.at(seen, compute);
        if image.get(Point::ComputePower).fresh().is_none() {
            drawn.least = Watts::ZERO;
        }
        let battery = self.battery_at(seen).unwrap_or(Span::exactly(Watts::ZERO));
        let least = drawn.least - measured.grid - battery.most;
        let most = drawn.most - measured.grid - battery.least;
        let surplus = self.surplus.unwrap_or(least).between(least, most);
        let middle = (battery.least + battery.most) / 2.0;
        let compute = (surplus + measured.grid + middle).between(drawn.least, drawn.most);
        Some(Flows { compute, battery: compute - measured.grid - surplus, ..measured })
    }

    /// What the battery did at `moment`; `None` where there is none.
    fn battery_at(&self, moment: Moment) -> Option<Span> {
        let (newest, last) = *self.battery.back()?;
        let after = self.battery.iter().position(|(read, _)| *read >= moment);
        let Some(after) = after else {
            let (older, before) = self.battery.len().checked_sub(2).map_or((newest, last), |index| self.battery[index]);
            let apart = newest.since(older).as_secs_f64();
            let share = if apart > 0.0 { (moment.since(newest).as_secs_f64() / apart).min(1.0) } else { 0.0 };
            let moved = Watts((last - before).abs().0 * share);
            return Some(Span { least: last - moved, most: last + moved });
        };
        let (read, power) = self.battery[after];
        if read == moment || after == 0 {
            return Some(Span::exactly(power));
        }
        let (_, before) = self.battery[after - 1];
        Some(Span { least: before.min(power), most: before.max(power) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Known;
    use crate::test_site::{at, site};
    use std::collections::BTreeMap;

    fn moment(seconds: u64) -> Moment {
        Moment::default().after(Duration::from_secs(3600 + seconds))
    }

    /// The image of a cycle in which the points were read, each at its own second.
    fn image(readings: &[(Point, f64, u64)]) -> Image {
        let value = |(point, value, _): &(Point, f64, u64)| (*point, Known::Fresh { value: *value });
        Image {
            at: at("2026-05-01T10:00:00Z"),
            moment: moment(60),
            points: readings.iter().map(value).collect::<BTreeMap<_, _>>(),
            taken: readings.iter().map(|(point, _, second)| (*point, moment(*second))).collect(),
        }
    }

    #[test]
    fn a_surplus_moves_only_as_far_as_the_readings_force_it() {
        let compute = site().compute;
        let mut draw = Draw::default();
        draw.set(moment(0), Watts(1100.0));
        draw.read(moment(19), Watts(1100.0));
        let mut bus = Bus::default();
        // second, grid, battery and its second -> surplus; at second 22 compute is given 4100 W
        let rows = [
            (20, 0.0, 0.0, 20, 1100.0),
            (21, -3000.0, 0.0, 20, 4100.0),
            // Compute is on its way: 3000 W less export are its own.
            (23, -3000.0, 0.0, 22, 4100.0),
            (24, 0.0, 0.0, 24, 4100.0),
            // A cloud on its way: compute draws 4100 W at most.
            (25, 3000.0, 0.0, 25, 1100.0),
        ];
        for (second, grid, battery, battery_second, surplus) in rows {
            if second == 23 {
                draw.set(moment(22), Watts(4100.0));
            }
            let readings = [
                (Point::GridPower, grid, second),
                (Point::BatteryPower, battery, battery_second),
                (Point::ComputePower, 1100.0, 19),
            ];
            bus.observe(&image(&readings), &draw, &compute);
            assert_eq!(bus.flows.map(Flows::surplus), Some(Watts(surplus)), "{second}");
        }
    }

    #[test]
    fn the_battery_lies_between_its_readings_around_the_grids() {
        let mut bus = Bus::default();
        for (second, power) in [(10, 0.0), (12, -1000.0), (14, -1000.0)] {
            bus.read_battery(&image(&[(Point::BatteryPower, power, second)]));
        }
        let rows = [
            (10, 0.0, 0.0),
            (11, -1000.0, 0.0),
            (12, -1000.0, -1000.0),
            (13, -1000.0, -1000.0),
            (16, -1000.0, -1000.0),
        ];
        for (second, least, most) in rows {
            let span = Span { least: Watts(least), most: Watts(most) };
            assert_eq!(bus.battery_at(moment(second)), Some(span), "{second}");
        }
        bus.read_battery(&image(&[(Point::BatteryPower, -1400.0, 16)]));
        let moving = [(17, -1600.0, -1200.0), (18, -1800.0, -1000.0), (40, -1800.0, -1000.0)];
        for (second, least, most) in moving {
            let span = Span { least: Watts(least), most: Watts(most) };
            assert_eq!(bus.battery_at(moment(second)), Some(span), "{second}");
        }
    }
}
