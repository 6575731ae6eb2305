//! Raw numbers to the house's points: scale, unit, sign, range, and what follows from several of them. Pure.

use crate::definition::{Definition, Derived, GUARDS, Parameters, PointRow, unit};
use plant::point::Point;
use std::collections::{BTreeMap, BTreeSet};

/// Values of points and parts by name; `None` where the device has none.
pub(crate) type Parts = BTreeMap<String, Option<f64>>;

/// The value of a row from its raw number.
pub(crate) fn value(row: &PointRow, parameters: &Parameters, raw: f64) -> Option<f64> {
    if row.not_available.contains(&raw) {
        return None;
    }
    let raw = if row.one_when.is_empty() { raw } else { f64::from(u8::from(row.one_when.contains(&raw))) };
    let turned = row.sign_parameter.as_ref().map_or(1.0, |key| parameters.sign(key)) * f64::from(row.sign.unwrap_or(1));
    let (factor, _) = unit::factor(&row.unit)?;
    let scaled = times(raw, row.scale.unwrap_or(1.0));
    let further = row.scale_parameter.as_ref().map_or(Some(1.0), |key| parameters.0.get(key)?.parse().ok())?;
    let value = times((scaled + row.offset) * further, factor) * turned;
    let value = if row.absolute { value.abs() } else { value };
    let within = row.range.is_none_or(|[low, high]| (low..=high).contains(&value));
    (within && value.is_finite()).then_some(if value == 0.0 { 0.0 } else { value })
}

/// The product. A factor of one over a whole number is divided by, which gives the nearest number to the decimal one.
fn times(value: f64, factor: f64) -> f64 {
    let whole = (1.0 / factor).round();
    if factor.abs() < 1.0 && whole * factor == 1.0 { value / whole } else { value * factor }
}

/// What follows from the parts, in the order of the definition, so that one row may use another above it.
pub(crate) fn derive(definition: &Definition, parameters: &Parameters, parts: &mut Parts) {
    for row in &definition.derived {
        let value = derived(row, parameters, parts);
        parts.insert(row.name.clone(), value);
    }
}

fn derived(row: &Derived, parameters: &Parameters, parts: &Parts) -> Option<f64> {
    let known = |name: &String| parts.get(name).copied().flatten();
    if row.valid_when.as_ref().is_some_and(|condition| known(&condition.part) != Some(condition.value)) {
        return None;
    }
    if !row.first.is_empty() {
        return row.first.iter().find_map(known);
    }
    let count = |key: &String| parameters.0.get(key)?.parse().ok();
    let count = row.add_count_parameter.as_ref().map_or(Some(usize::MAX), count)?;
    let add: Vec<f64> = row.add.iter().take(count).map(known).collect::<Option<_>>()?;
    let subtract: Vec<f64> = row.subtract.iter().map(known).collect::<Option<_>>()?;
    let optional: Vec<f64> = row.add_if_known.iter().filter_map(known).collect();
    let magnitude = row.magnitude.as_ref().map(known);
    if magnitude == Some(None) {
        return None;
    }
    let magnitude = magnitude.flatten();
    if add.is_empty() && optional.is_empty() && magnitude.is_none() {
        return None;
    }
    let mut value = add.iter().sum::<f64>() + optional.iter().sum::<f64>() - subtract.iter().sum::<f64>();
    value += magnitude.unwrap_or(0.0);
    if let Some(flag) = &row.negate_when
        && magnitude.is_none_or(|part| part >= 0.0)
        && known(&flag.part)? as u64 & flag.mask != 0
    {
        value = -value;
    }
    Some(row.at_least.map_or(value, |least| value.max(least)))
}

/// The points that the names read this time bear on.
pub(crate) fn touched(definition: &Definition, wanted: &BTreeSet<Point>, read: &BTreeSet<String>) -> BTreeSet<Point> {
    let mut names = read.clone();
    for row in &definition.derived {
        if row.ingredients().any(|part| names.contains(part)) {
            names.insert(row.name.clone());
        }
    }
    wanted.iter().copied().filter(|point| names.contains(point.name())).collect()
}

/// The points to report again while nobody speaks: those that are still true, except [`GUARDS`], and those that have `aged`.
pub(crate) fn repeated(
    definition: &Definition,
    wanted: &BTreeSet<Point>,
    heard: &BTreeSet<String>,
    aged: &BTreeSet<String>,
) -> BTreeSet<Point> {
    let mut points = touched(definition, wanted, heard);
    points.retain(|point| !GUARDS.contains(point));
    points.extend(touched(definition, wanted, aged));
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_numbers_become_canonical_values() {
        let row = |scale, unit: &str| PointRow { scale: Some(scale), unit: unit.to_owned(), ..PointRow::default() };
        let cases = [
            (row(0.1, "°C"), 215.0, Some(21.5)),
            (row(0.1, "kW"), 71.0, Some(7100.0)),
            (PointRow { sign: Some(-1), ..row(1.0, "W") }, 500.0, Some(-500.0)),
            (PointRow { sign: Some(-1), ..row(1.0, "W") }, 0.0, Some(0.0)),
            (PointRow { not_available: vec![-300.0], ..row(0.1, "°C") }, -300.0, None),
            (PointRow { range: Some([-50.0, 60.0]), ..row(0.1, "°C") }, 32767.0, None),
            (PointRow { offset: -40.0, ..row(1.0, "°C") }, 61.0, Some(21.0)),
            (row(1.0, "Wh"), 1500.0, Some(1.5)),
            (PointRow { absolute: true, ..row(0.01, "A") }, -1234.0, Some(12.34)),
            (PointRow { one_when: vec![2.0, 240.0], ..row(1.0, "") }, 240.0, Some(1.0)),
            (PointRow { one_when: vec![2.0, 240.0], ..row(1.0, "") }, 1.0, Some(0.0)),
            (PointRow { one_when: vec![240.0], not_available: vec![0.0], ..row(1.0, "") }, 0.0, None),
            (row(1.0, "Wh"), 311_712_932.0, Some(311_712.932)),
        ];
        for (row, raw, expected) in cases {
            let found = value(&row, &Parameters::default(), raw);
            assert_eq!(found.map(|value| value.to_bits()), expected.map(f64::to_bits), "{row:?} {raw}: {found:?}");
        }
    }

    #[test]
    fn a_missing_part_is_never_taken_for_zero() {
        let parts: Parts =
            [("a".into(), Some(3.0)), ("b".into(), None), ("c".into(), Some(1.0)), ("flags".into(), Some(4.0))].into();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let row = |add: &[&str], optional: &[&str], subtract: &[&str]| Derived {
            add: names(add),
            add_if_known: names(optional),
            subtract: names(subtract),
            ..Derived::default()
        };
        let of = |row: &Derived| derived(row, &Parameters::default(), &parts);
        assert_eq!(of(&row(&["a", "c"], &[], &[])), Some(4.0));
        assert_eq!(of(&row(&["a", "b"], &[], &[])), None);
        assert_eq!(of(&row(&["a"], &[], &["b"])), None);
        assert_eq!(of(&row(&[], &["a", "b"], &[])), Some(3.0));
        assert_eq!(of(&row(&[], &["b"], &[])), None);
        let first = Derived { first: names(&["b", "c"]), ..Derived::default() };
        assert_eq!(of(&first), Some(1.0));
        let flag = |mask| Some(crate::definition::Flag { part: "flags".into(), mask });
        assert_eq!(of(&Derived { negate_when: flag(4), ..row(&["a"], &[], &[]) }), Some(-3.0));
        assert_eq!(of(&Derived { negate_when: flag(2), ..row(&["a"], &[], &[]) }), Some(3.0));
    }

    /// Definition, names heard of, names too old, and the points that are reported again.
    type Row = (&'static str, &'static [&'static str], &'static [&'static str], &'static [Point]);

    #[test]
    fn what_guards_the_fuse_is_as_old_as_its_message() {
        use Point::{BatteryPower, BatterySoc, ComputeEnergy, ComputePower, GridImportEnergy, GridPower, PvPower};
        let rows: [Row; 6] = [
            ("evcc", &["grid.power", "pv.power", "battery.power", "battery.soc"], &[], &[PvPower, BatterySoc]),
            ("evcc", &["pv.power"], &["grid.power", "battery.power"], &[GridPower, PvPower, BatteryPower]),
            ("tasmota-sml", &["grid.power", "grid.import_energy"], &[], &[GridImportEnergy]),
            ("shelly-plug", &["compute.power", "compute.energy"], &[], &[ComputeEnergy]),
            ("shelly-plug", &["compute.energy"], &["compute.power"], &[ComputePower, ComputeEnergy]),
            ("victron-gx-mqtt", &["grid.power_l1", "grid.power_l2", "grid.power_l3", "pv_dc"], &[], &[PvPower]),
        ];
        for (id, heard, aged, expected) in rows {
            let definition = crate::definition::find(id).unwrap();
            let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
            let found = repeated(&definition, &definition.points(), &names(heard), &names(aged));
            assert_eq!(found, expected.iter().copied().collect(), "{id} {heard:?} {aged:?}");
        }
    }

    #[test]
    fn a_lost_meter_shows_nothing() {
        let rows = [
            ("huawei-sun2000", "meter_power", "grid.power"),
            ("huawei-sun2000", "meter_export", "grid.export_energy"),
            ("huawei-sun2000", "meter_import", "grid.import_energy"),
            ("goodwe-et", "meter_power", "grid.power"),
            ("goodwe-et", "meter_export", "grid.export_energy"),
            ("goodwe-et", "meter_import", "grid.import_energy"),
            ("sigenergy", "meter_power", "grid.power"),
            ("huawei-sun2000", "meter_power_l2", "grid.power_l2"),
            ("huawei-sun2000", "meter_current_l3", "grid.current_l3"),
            ("goodwe-et", "meter_power_l1", "grid.power_l1"),
        ];
        for (id, part, name) in rows {
            let definition = crate::definition::find(id).unwrap();
            assert!(definition.needed(&[name.parse().unwrap()].into()).contains("meter_online"), "{id} {name}");
            for (online, expected) in [(Some(1.0), Some(0.0)), (Some(0.0), None), (Some(2.0), None), (None, None)] {
                let mut parts: Parts = [(part.into(), Some(0.0)), ("meter_online".into(), online)].into();
                derive(&definition, &Parameters::default(), &mut parts);
                assert_eq!(parts[name], expected, "{id} {name} {online:?}");
            }
        }
    }

    #[test]
    fn a_missing_phase_makes_the_grid_unknown_unless_the_house_lacks_it() {
        let all = [Some(100.0), Some(-30.0), Some(5.0)];
        let rows = [
            (None, all, Some(75.0)),
            (None, [Some(100.0), Some(-30.0), None], None),
            (Some("3"), [None, Some(-30.0), Some(5.0)], None),
            (Some("2"), [Some(100.0), Some(-30.0), None], Some(70.0)),
            (Some("1"), [Some(100.0), None, None], Some(100.0)),
            (Some("1"), [None, Some(-30.0), Some(5.0)], None),
        ];
        for (id, (phases, powers, expected)) in
            ["victron-gx", "victron-gx-mqtt"].into_iter().flat_map(|id| rows.map(|row| (id, row)))
        {
            let definition = crate::definition::find(id).unwrap();
            let given = phases.map(|count| ("phases".to_owned(), count.to_owned())).into_iter().collect();
            let parameters = Parameters::fill(&definition, &given).unwrap();
            let names = ["grid.power_l1", "grid.power_l2", "grid.power_l3"].map(str::to_owned);
            let mut parts: Parts = names.into_iter().zip(powers).collect();
            derive(&definition, &parameters, &mut parts);
            assert_eq!(parts["grid.power"], expected, "{id} {phases:?} {powers:?}");
        }
    }

    #[test]
    fn no_maker_knows_the_house_without_heat_pump_and_compute() {
        // They show the whole load; house.power follows from the balance.
        let offering = crate::definition::load_builtin().into_iter();
        let offering = offering.filter(|definition| definition.points().contains(&Point::HousePower));
        assert_eq!(offering.map(|definition| definition.id).collect::<Vec<_>>(), ["generic-mqtt"]);
    }

    #[test]
    fn a_sungrow_battery_has_its_sign_from_the_state_word_or_from_the_number_itself() {
        let sungrow = crate::definition::find("sungrow-sh").unwrap();
        // The raw power, the state word (bit 1: charging), and the power.
        let rows = [
            (Some(7977.0), Some(43.0), Some(-7977.0)),
            (Some(2000.0), Some(4.0), Some(2000.0)),
            (Some(2000.0), Some(0.0), Some(2000.0)),
            (Some(-2000.0), Some(0.0), Some(-2000.0)),
            (Some(-2000.0), Some(2.0), Some(-2000.0)),
            (Some(-2000.0), None, Some(-2000.0)),
            (Some(2000.0), None, None),
            (None, Some(2.0), None),
        ];
        for (raw, word, expected) in rows {
            let mut parts: Parts = [("battery_raw".into(), raw), ("flow_bits".into(), word)].into();
            derive(&sungrow, &Parameters::default(), &mut parts);
            assert_eq!(parts["battery.power"], expected, "{raw:?} {word:?}");
        }
    }
}
