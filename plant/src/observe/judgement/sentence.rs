//! The judgement in words: which device, what contradicts, and what to turn.

use crate::observe::judgement::level::Impossible;
use crate::observe::judgement::{Judgement, LASTING};
use crate::point::{Point, Role};
use crate::site::Site;
use crate::units::Watts;

/// What a person can do about a sign.
const TURN: &str = "turn its sign in the configuration, or the clamp";

impl Judgement {
    /// What contradicts itself, in words for a person.
    pub(crate) fn problems(&self, site: &Site) -> Vec<String> {
        let mut problems: Vec<String> =
            [self.grid(site), self.battery(site), self.house(site)].into_iter().flatten().collect();
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
            problems.push(format!(
                "{meter} has shown the same {point} for {minutes} min while the rest of the house moved: it seems to be stuck"
            ));
        }
        problems
    }

    fn grid(&self, site: &Site) -> Option<String> {
        self.grid.since()?;
        let meter = meter(site, Point::GridPower);
        let why = match self.level.impossible {
            Some(Impossible::FeedIn | Impossible::House) => {
                format!("the house would consume {}", Watts(self.level.house))
            }
            Some(Impossible::Charge) | None => "it fell when compute drew more".to_owned(),
        };
        let else_ = if self.level.impossible.is_some() {
            ". Or a source (PV, battery) is missing in the configuration"
        } else {
            ""
        };
        Some(format!(
            "{meter} seems to count the wrong way: {why}. Compute rests; {TURN} (grid.power: import is positive){else_}"
        ))
    }

    fn battery(&self, site: &Site) -> Option<String> {
        self.battery.since()?;
        let meter = meter(site, Point::BatteryPower);
        let why = match self.level.impossible {
            Some(Impossible::Charge) => "it shows charging though no source delivers",
            Some(Impossible::FeedIn | Impossible::House) | None => "its charge goes the other way",
        };
        Some(format!(
            "{meter} seems to count the battery's power the wrong way: {why}; {TURN} (battery.power: discharge is positive)"
        ))
    }

    /// The house below zero, where that names nobody.
    fn house(&self, site: &Site) -> Option<String> {
        let impossible = self.level.impossible?;
        let named = match impossible {
            Impossible::FeedIn => self.grid.since().is_some(),
            Impossible::Charge => self.battery.since().is_some(),
            Impossible::House => self.grid.since().or(self.battery.since()).is_some(),
        };
        if named {
            return None;
        }
        let house = Watts(self.level.house);
        let missing = "a source (a second inverter, a battery) is missing in the configuration";
        if self.grid.proven() {
            return Some(format!(
                "the house's consumption is {house}, below zero: {missing}, or {} counts too little",
                meter(site, Point::PvPower)
            ));
        }
        let grid = meter(site, Point::GridPower);
        let battery =
            if site.battery.is_some() { format!(" or {}", meter(site, Point::BatteryPower)) } else { String::new() };
        Some(format!(
            "the house's consumption is {house}, below zero: {missing}, or {grid}{battery} counts the wrong way"
        ))
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
