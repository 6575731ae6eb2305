//! The judgement in words: which device, what contradicts, and what to turn.

use crate::observe::judgement::level::Impossible;
use crate::observe::judgement::{BELIEVED, CONDEMNED, Judgement, LASTING};
use crate::point::{Point, Role};
use crate::site::Site;
use crate::units::Watts;

/// What a person can do about a sign.
const TURN: &str = "turn its sign in the configuration, or the clamp";
/// Another cause of a house below zero.
const MISSING: &str = "a source (a second inverter, a battery) is missing in the configuration";

impl Judgement {
    /// What contradicts itself, in words for a person.
    pub(crate) fn problems(&self, site: &Site) -> Vec<String> {
        let mut problems: Vec<String> = [self.grid(site), self.battery(site), self.house(site), self.counters(site)]
            .into_iter()
            .flatten()
            .collect();
        for (point, since) in &self.backwards {
            if self.now.since(*since) >= LASTING {
                let meter = meter(site, *point);
                problems.push(format!(
                    "{meter} shows {point} below zero: it seems to count backwards. Its size counts; {TURN}"
                ));
            }
        }
        for (point, since) in &self.stuck {
            let (meter, minutes) = (meter(site, *point), self.now.since(*since).as_secs() / 60);
            let why = if *point == Point::ComputePower {
                "though its budget is less: it seems to be stuck, or the box does not obey"
            } else {
                "while the rest of the house moved: it seems to be stuck"
            };
            problems.push(format!("{meter} has shown the same {point} for {minutes} min {why}"));
        }
        problems
    }

    /// Whether what is seen says that it is the grid meter's sign.
    fn is_grid_named(&self) -> bool {
        let impossible = self.level.impossible();
        let below = matches!(impossible, Some(Impossible::FeedIn | Impossible::House));
        let against = self.grid_counters.run_against();
        let wrong = self.grid.answers() < 0 && (below || against);
        let both = impossible == Some(Impossible::House) && against;
        let again = self.grid.answers() < 0 && self.grid.is_repeated();
        let condemned = self.grid.answers() <= CONDEMNED || again;
        let named = impossible == Some(Impossible::FeedIn) || wrong || both || condemned;
        self.grid.since().is_some() && named
    }

    fn grid(&self, site: &Site) -> Option<String> {
        let meter = meter(site, Point::GridPower);
        if !self.is_grid_named() {
            let rests = self.grid.since().is_some() && self.level.impossible().is_none() && !self.level.unknown();
            return rests.then(|| {
                format!(
                    "{meter} contradicted the rest of the house: compute rests until that has been over for a while"
                )
            });
        }
        let (why, or) = match self.level.impossible() {
            Some(Impossible::FeedIn | Impossible::House) => {
                (format!("the house would consume {}", Watts(self.level.house)), format!(". Or {MISSING}"))
            }
            Some(Impossible::Charge) | None => ("it fell when compute drew more".to_owned(), String::new()),
        };
        Some(format!(
            "{meter} seems to count the wrong way: {why}. Compute rests; {TURN} (grid.power: import is positive){or}"
        ))
    }

    fn battery(&self, site: &Site) -> Option<String> {
        self.battery.since()?;
        let meter = meter(site, Point::BatteryPower);
        let why = match () {
            () if self.battery.answers() < 0 => "its charge goes the other way",
            () if self.battery_counters.run_against() => "its counters go the other way",
            () => "it shows charging though no source delivers",
        };
        Some(format!(
            "{meter} seems to count the battery's power the wrong way: {why}; {TURN} (battery.power: discharge is positive)"
        ))
    }

    /// The house below zero, where that names nobody.
    fn house(&self, site: &Site) -> Option<String> {
        let impossible = self.level.impossible()?;
        let named = match impossible {
            Impossible::FeedIn => self.is_grid_named(),
            Impossible::Charge => self.battery.since().is_some(),
            Impossible::House => self.is_grid_named() || self.battery.since().is_some(),
        };
        if named {
            return None;
        }
        let house = Watts(self.level.house);
        if self.grid.answers() >= BELIEVED {
            return Some(format!(
                "the house's consumption is {house}, below zero: {MISSING}, or {} counts too little",
                meter(site, Point::PvPower)
            ));
        }
        let grid = meter(site, Point::GridPower);
        let battery =
            if site.battery.is_some() { format!(" or {}", meter(site, Point::BatteryPower)) } else { String::new() };
        let rests = if self.grid.since().is_some() { ". Compute rests" } else { "" };
        Some(format!(
            "the house's consumption is {house}, below zero: {MISSING}, or {grid}{battery} counts the wrong way{rests}"
        ))
    }

    /// Counters against power, where that names nobody.
    fn counters(&self, site: &Site) -> Option<String> {
        if !self.grid_counters.run_against() || self.is_grid_named() {
            return None;
        }
        let meter = meter(site, Point::GridPower);
        let which = if self.grid.answers() >= BELIEVED {
            "grid.power is right, so grid.import_energy and grid.export_energy are exchanged"
        } else {
            "turn the sign of grid.power, or exchange grid.import_energy and grid.export_energy"
        };
        Some(format!("{meter} counts import and export against the power it shows: {which}"))
    }
}

/// The devices that offer `point`, by name.
fn meter(site: &Site, point: Point) -> String {
    let offering = site.devices.iter().filter(|device| device.points.contains(&point));
    let names: Vec<&str> = offering.map(|device| device.id.0.as_str()).collect();
    let what = match point.role() {
        Role::Grid => "the grid meter",
        Role::Battery => "the battery",
        Role::Pv => "PV",
        Role::Compute => "the meter of compute",
        Role::HeatPump => "the meter of the heat pump",
        Role::House | Role::Wallbox | Role::Tank | Role::Room | Role::Outdoor => point.name(),
    };
    if names.is_empty() { what.to_owned() } else { format!("{what} ({})", names.join(", ")) }
}
