//! Which statistic of Home Assistant is what: as the owner says, or as its unit and name say.

use super::statistics::{Quantity, Statistic};
use anyhow::{Result, bail};
use plant::site::Site;
use std::fmt;
use std::str::FromStr;

/// What a statistic may be to a house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Load,
    Pv,
    Import,
    Export,
    Charge,
    Discharge,
    HeatPump,
    Wallbox,
    Outdoor,
    Spot,
}

impl Role {
    const ALL: [Self; 10] = [
        Self::Load,
        Self::Pv,
        Self::Import,
        Self::Export,
        Self::Charge,
        Self::Discharge,
        Self::HeatPump,
        Self::Wallbox,
        Self::Outdoor,
        Self::Spot,
    ];

    /// Its name on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Pv => "pv",
            Self::Import => "import",
            Self::Export => "export",
            Self::Charge => "charge",
            Self::Discharge => "discharge",
            Self::HeatPump => "heat_pump",
            Self::Wallbox => "wallbox",
            Self::Outdoor => "outdoor",
            Self::Spot => "spot",
        }
    }

    /// What it is, for people.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Load => "the household without heat pump",
            Self::Pv => "PV",
            Self::Import => "import from the grid",
            Self::Export => "export to the grid",
            Self::Charge => "what the battery takes",
            Self::Discharge => "what the battery gives",
            Self::HeatPump => "the heat pump",
            Self::Wallbox => "the wallbox",
            Self::Outdoor => "the air outside",
            Self::Spot => "the price of the exchange",
        }
    }

    /// Whether a statistic of this quantity can be it.
    fn fits(self, quantity: Quantity) -> bool {
        match quantity {
            Quantity::Power(_) | Quantity::Energy(_) => !matches!(self, Self::Outdoor | Self::Spot),
            Quantity::Temperature(..) => self == Self::Outdoor,
            Quantity::Price(_) => self == Self::Spot,
        }
    }

    /// Parts of the names that people and integrations give it. The load is never guessed: `power` and `consumption` may be anything.
    fn usual(self) -> &'static [&'static str] {
        match self {
            Self::Load | Self::Wallbox => &[],
            Self::Pv => &["solar", "pv_", "_pv", "photovolt", "yield", "ertrag"],
            Self::Import => &["import", "from_grid", "bezug", "grid_consum"],
            Self::Export => &["export", "to_grid", "feed_in", "feedin", "einspeis", "grid_return"],
            Self::Charge => &["battery_charge", "batterie_lad", "battery_in", "to_battery", "charged"],
            Self::Discharge => &["discharge", "entlad", "battery_out", "from_battery"],
            Self::HeatPump => &["heat_pump", "heatpump", "waermepumpe", "warmepumpe"],
            Self::Outdoor => &["outdoor", "outside", "aussen", "external_temp"],
            Self::Spot => &["spot", "nordpool", "nord_pool", "epex", "day_ahead", "energy_charts"],
        }
    }

    /// Parts of names that say that it is something else.
    fn unusual(self) -> &'static [&'static str] {
        match self {
            Self::Charge => &["discharge", "entlad", "forecast", "state_of"],
            Self::Pv => &["forecast", "prognos", "estimat", "to_grid", "battery", "export", "import"],
            Self::HeatPump => &["heat_energy", "thermal", "produced", "waermemenge"],
            Self::Load | Self::Import | Self::Export | Self::Discharge | Self::Wallbox | Self::Outdoor | Self::Spot => {
                &["forecast", "prognos"]
            }
        }
    }

    /// Whether the house has it.
    fn is_wanted(self, site: &Site) -> bool {
        match self {
            Self::Pv | Self::Export => site.pv.is_some(),
            Self::Charge | Self::Discharge => site.battery.is_some(),
            Self::Spot => site.tariff.import.needs_spot() || site.tariff.export.needs_spot(),
            Self::HeatPump => site.displaced.is_some(),
            Self::Load | Self::Import | Self::Wallbox | Self::Outdoor => true,
        }
    }
}

/// What the owner says a role is: entities that add up, or none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    role: Role,
    entities: Vec<String>,
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Role::ALL.map(Role::name).join(", ");
        let expected = || format!("expected ROLE=ENTITY, as pv=sensor.solar_energy, or ROLE=none; roles: {names}");
        let (role, entities) = text.split_once('=').ok_or_else(expected)?;
        let role = Role::ALL.into_iter().find(|known| known.name() == role.trim()).ok_or_else(expected)?;
        let entities: Vec<String> = entities.split('+').map(|entity| entity.trim().to_owned()).collect();
        if entities.iter().any(String::is_empty) {
            return Err(expected());
        }
        let none = entities.len() == 1 && entities[0] == "none";
        Ok(Self { role, entities: if none { Vec::new() } else { entities } })
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.role.name(), self.entities.join("+"))
    }
}

/// The statistics of each role that is known: as the owner says, else the only one that it can be.
///
/// # Errors
///
/// Where the owner names what is not there, or several may be meant.
pub(super) fn chosen(statistics: &[Statistic], choices: &[Choice], site: &Site) -> Result<Vec<(Role, Vec<Statistic>)>> {
    let mut found = Vec::new();
    for role in Role::ALL {
        if let Some(choice) = choices.iter().find(|choice| choice.role == role) {
            let named: Result<Vec<Statistic>> =
                choice.entities.iter().map(|entity| named(statistics, role, entity)).collect();
            found.extend(Some(named?).filter(|named| !named.is_empty()).map(|named| (role, named)));
        } else if role.is_wanted(site)
            && let Some(statistic) = guessed(statistics, role)?
        {
            found.push((role, vec![statistic]));
        }
    }
    Ok(found)
}

fn named(statistics: &[Statistic], role: Role, entity: &str) -> Result<Statistic> {
    let fitting = || statistics.iter().filter(|statistic| role.fits(statistic.quantity));
    if let Some(statistic) = fitting().find(|statistic| statistic.entity == entity) {
        return Ok(statistic.clone());
    }
    let near = fitting()
        .max_by(|a, b| strsim::jaro_winkler(entity, &a.entity).total_cmp(&strsim::jaro_winkler(entity, &b.entity)));
    let near = near.map_or_else(|| "the history has none".to_owned(), |near| format!("for example {}", near.entity));
    bail!(
        "--entity {}={entity}: the history has no such statistic; expected one of {}, {near}",
        role.name(),
        role.words()
    )
}

/// The only statistic that a role can be by unit and name: a counter before a power.
fn guessed(statistics: &[Statistic], role: Role) -> Result<Option<Statistic>> {
    let is_called = |statistic: &Statistic, names: &[&str]| {
        let entity = statistic.entity.to_lowercase();
        names.iter().any(|name| entity.contains(name))
    };
    let candidates: Vec<&Statistic> = statistics
        .iter()
        .filter(|statistic| role.fits(statistic.quantity))
        .filter(|statistic| is_called(statistic, role.usual()) && !is_called(statistic, role.unusual()))
        .collect();
    let counters: Vec<&Statistic> =
        candidates.iter().copied().filter(|statistic| matches!(statistic.quantity, Quantity::Energy(_))).collect();
    let candidates = if counters.is_empty() { candidates } else { counters };
    match candidates.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some((*only).clone())),
        several => {
            let names: Vec<&str> = several.iter().map(|statistic| statistic.entity.as_str()).collect();
            let name = role.name();
            bail!(
                "several statistics of the history may be {}: {}; expected --entity {name}=ENTITY (several that add up with +), or --entity {name}=none",
                role.words(),
                names.join(", ")
            )
        }
    }
}
