//! The newest samples of the devices, each with its age, and the image made of them.
//!
//! Terms: powers and counters of several devices add up, temperatures are averaged, but of the compute box the hottest counts; the
//! sum is as old as its oldest part, and missing where a part is. A reading stands for `max_age`, then it is stale: with 30 s, a meter last heard 31 s ago shows its value as stale.
//!
//! A meter may show each phase or not: a phase belongs to the house from its first value on. Until then it is neither missing nor read.
//!
//! Invariant: a value that cannot be (not a number, a state of charge of 150 %) counts as the device saying it has none.

use crate::image::{HOUSE_BALANCE, Image, Known, Trust};
use crate::point::{DeviceId, Point, Role, Sample};
use crate::record::DeviceStatus;
use crate::site::Site;
use crate::time::{Moment, Timestamp};
use crate::units::Watts;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The newest sample of every device's points.
#[derive(Clone, Debug)]
pub(crate) struct Readings {
    devices: Vec<DeviceReadings>,
    index: BTreeMap<DeviceId, usize>,
    offered: BTreeMap<Point, Vec<usize>>,
}

#[derive(Clone, Debug)]
struct DeviceReadings {
    id: DeviceId,
    max_age: Duration,
    slow: BTreeMap<Point, Duration>,
    newest: BTreeMap<Point, Newest>,
    /// The points that have had a value.
    shown: BTreeSet<Point>,
}

#[derive(Clone, Copy, Debug)]
struct Newest {
    value: Option<f64>,
    at: Moment,
}

impl Readings {
    /// Nothing received yet from any device of `site`.
    pub(crate) fn new(site: &Site) -> Self {
        let devices = site.devices.iter().map(|device| DeviceReadings {
            id: device.id.clone(),
            max_age: device.max_age,
            slow: device.slow.clone(),
            newest: BTreeMap::new(),
            shown: BTreeSet::new(),
        });
        let mut offered: BTreeMap<Point, Vec<usize>> = BTreeMap::new();
        for (number, device) in site.devices.iter().enumerate() {
            for point in &device.points {
                offered.entry(*point).or_default().push(number);
            }
        }
        let index = site.devices.iter().enumerate().map(|(number, device)| (device.id.clone(), number)).collect();
        Self { devices: devices.collect(), index, offered }
    }

    /// Whether a device of the site offers `point`.
    pub(crate) fn offers(&self, point: Point) -> bool {
        self.offered.contains_key(&point)
    }

    /// How long the readings of the house's powers go on to stand for what they show: until the first of those that are fresh is
    /// stale.
    pub(crate) fn stand_for(&self, now: Moment) -> Duration {
        let powers = [Point::GridPower, Point::PvPower, Point::BatteryPower, Point::ComputePower, Point::HeatPumpPower];
        let offered = powers.iter().filter_map(|point| Some((*point, self.offered.get(point)?)));
        let left = offered.flat_map(|(point, devices)| {
            devices.iter().filter_map(move |number| self.devices[*number].stands_for(point, now))
        });
        left.min().unwrap_or(Duration::ZERO)
    }

    /// Keeps `sample`, taken at `at`; one from a device or point that the site does not have is dropped.
    pub(crate) fn record(&mut self, sample: &Sample, at: Moment) {
        let Some(number) = self.index.get(&sample.device).copied() else { return };
        let known = self.offered.get(&sample.point).is_some_and(|devices| devices.contains(&number));
        if !known {
            return;
        }
        let value = sample.value.filter(|value| plausible(sample.point, *value));
        let device = &mut self.devices[number];
        device.newest.insert(sample.point, Newest { value, at });
        if value.is_some() {
            device.shown.insert(sample.point);
        }
    }

    /// The devices' points at `now`, before the balance is closed. What the `worker` said, and when, stands in for compute's
    /// power where no device measures it.
    pub(crate) fn image(&self, now: Timestamp, moment: Moment, (worker, said): (Option<Watts>, Moment)) -> Image {
        let offered = self.offered.iter();
        let offered =
            offered.filter(|(point, devices)| devices.iter().any(|number| self.devices[*number].has(**point)));
        let mut points: BTreeMap<Point, Known<f64>> =
            offered.map(|(point, devices)| (*point, self.over_devices(*point, devices, moment))).collect();
        if !self.offers(Point::ComputePower) {
            let known = worker.map_or(Known::Missing, |power| Known::Fresh { value: power.0 });
            points.insert(Point::ComputePower, known);
        }
        Image { at: now, moment, points, taken: self.taken(said), trust: Trust::default() }
    }

    /// Closes the balance of `image`: what the house takes, where no device measures it.
    pub(crate) fn close(&self, image: &mut Image) {
        if !self.offers(Point::HousePower) {
            let house = self.house(&image.points);
            image.points.insert(Point::HousePower, house);
        }
    }

    /// When the points were read last; where no device measures compute, it is as old as what the engine `said`.
    fn taken(&self, said: Moment) -> BTreeMap<Point, Moment> {
        let of = |(point, devices): (&Point, &Vec<usize>)| {
            let newest = |number: &usize| self.devices[*number].newest.get(point).map(|newest| newest.at);
            Some((*point, devices.iter().map(newest).min()??))
        };
        let mut taken: BTreeMap<Point, Moment> = self.offered.iter().filter_map(of).collect();
        if !self.offers(Point::ComputePower) {
            taken.insert(Point::ComputePower, said);
        }
        taken
    }

    /// The devices as a person wants to see them.
    pub(crate) fn statuses(&self, now: Moment, errors: &BTreeMap<DeviceId, String>) -> Vec<DeviceStatus> {
        let status = |(number, readings): (usize, &DeviceReadings)| {
            let offers = self.offered.iter();
            let offers = offers.filter(|(point, devices)| devices.contains(&number) && readings.has(**point));
            let points: BTreeMap<_, _> = offers.map(|(point, _)| (*point, readings.known(*point, now))).collect();
            DeviceStatus {
                id: readings.id.clone(),
                fresh: points.values().all(|known| known.fresh().is_some()),
                points,
                error: errors.get(&readings.id).cloned(),
            }
        };
        self.devices.iter().enumerate().map(status).collect()
    }

    fn over_devices(&self, point: Point, devices: &[usize], now: Moment) -> Known<f64> {
        let mut values = Vec::with_capacity(devices.len());
        let mut oldest = None;
        for number in devices {
            match self.devices[*number].known(point, now) {
                Known::Fresh { value } => values.push(value),
                Known::Stale { value, age_s } => {
                    values.push(value);
                    oldest = oldest.max(Some(age_s));
                }
                Known::Missing => return Known::Missing,
            }
        }
        let sum: f64 = values.iter().sum();
        let value = match () {
            () if point == Point::ComputeTemperature => values.into_iter().fold(f64::MIN, f64::max),
            () if point.is_additive() => sum,
            () => sum / devices.len().max(1) as f64,
        };
        oldest.map_or(Known::Fresh { value }, |age_s| Known::Stale { value, age_s })
    }

    /// What the house takes, from the balance: a role that the site lacks moves no power, one that is silent is unknown.
    fn house(&self, points: &BTreeMap<Point, Known<f64>>) -> Known<f64> {
        if !self.offers(Point::GridPower) {
            return Known::Missing;
        }
        let mut house = Known::Fresh { value: 0.0 };
        for (point, sign) in HOUSE_BALANCE {
            let Some(term) = points.get(&point) else { continue };
            house = plus(house, term.map(|value| sign * value));
        }
        house
    }
}

impl DeviceReadings {
    /// Whether the device has a point that it offers, so that its silence means something.
    fn has(&self, point: Point) -> bool {
        !point.is_of_phase() || self.shown.contains(&point)
    }

    fn known(&self, point: Point, now: Moment) -> Known<f64> {
        let Some(newest) = self.newest.get(&point) else { return Known::Missing };
        let Some(value) = newest.value else { return Known::Missing };
        Known::aged(value, now.since(newest.at), self.max_age(point))
    }

    /// How long `point` stays fresh; `None` where it is not.
    fn stands_for(&self, point: Point, now: Moment) -> Option<Duration> {
        self.known(point, now).fresh()?;
        Some(self.max_age(point).saturating_sub(now.since(self.newest.get(&point)?.at)))
    }

    fn max_age(&self, point: Point) -> Duration {
        self.slow.get(&point).map_or(self.max_age, |slow| self.max_age.max(*slow))
    }
}

/// The sum; no better known than the lesser known of the two.
fn plus(a: Known<f64>, b: Known<f64>) -> Known<f64> {
    match (a, b) {
        (Known::Missing, _) | (_, Known::Missing) => Known::Missing,
        (Known::Fresh { value: a }, Known::Fresh { value: b }) => Known::Fresh { value: a + b },
        (Known::Stale { value: a, age_s: x }, Known::Stale { value: b, age_s: y }) => {
            Known::Stale { value: a + b, age_s: x.max(y) }
        }
        (Known::Stale { value: a, age_s }, Known::Fresh { value: b })
        | (Known::Fresh { value: a }, Known::Stale { value: b, age_s }) => Known::Stale { value: a + b, age_s },
    }
}

/// Whether `value` can be what a house shows.
pub(crate) fn plausible(point: Point, value: f64) -> bool {
    let range = match point.unit() {
        "W" => match point.role() {
            // PV, compute and heat pump may be counted backwards: the judgement turns them.
            Role::Grid | Role::Battery | Role::Pv | Role::Compute | Role::HeatPump | Role::Wallbox => -1e6..=1e6,
            Role::House | Role::Tank | Role::Room | Role::Outdoor => -1e3..=1e6,
        },
        "A" => -1e4..=1e4,
        "" => 0.0..=1.0,
        "%" => 0.0..=100.0,
        "°C" => -60.0..=150.0,
        "W/m²" => 0.0..=2000.0,
        _ => 0.0..=1e9,
    };
    value.is_finite() && range.contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_site::{at, site};

    #[test]
    fn a_phase_is_part_of_the_house_from_its_first_value_on() {
        let mut site = site();
        let meter = site.devices.iter_mut().find(|device| device.points.contains(&Point::GridPower)).unwrap();
        meter.points.extend([Point::GridCurrentL1, Point::GridCurrentL2]);
        let device = meter.id.clone();
        let (now, moment) = (at("2026-05-01T10:00:00Z"), Moment::default());
        let mut readings = Readings::new(&site);
        let mut shows = |values: [Option<f64>; 2]| {
            let points = [Point::GridCurrentL1, Point::GridCurrentL2];
            for (point, value) in points.into_iter().zip(values) {
                readings.record(&Sample { device: device.clone(), point, value, at: now }, moment);
            }
            let image = readings.image(now, moment, (None, moment));
            points.map(|point| image.points.get(&point).copied())
        };
        let fresh = |value| Some(Known::Fresh { value });
        assert_eq!(shows([None, None]), [None, None], "a meter that shows no phases is whole");
        assert_eq!(shows([Some(7.0), None]), [fresh(7.0), None]);
        assert_eq!(shows([None, None]), [Some(Known::Missing), None], "one that showed it and falls silent is not");
    }
}
