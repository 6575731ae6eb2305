use super::*;
use proptest::prelude::*;

fn record() -> Record {
    serde_json::from_str(include_str!("../../../tests/record.json")).unwrap()
}

fn line_of(record: &Record, start: &str) -> String {
    let lines = lines(record, "heatmine_");
    lines.lines().find(|line| line.starts_with(start)).map(str::to_owned).unwrap_or_default()
}

#[test]
fn a_record_is_one_line_per_quantity_with_the_site_as_tag() {
    let site = r"site=House\ 1\,\ north\=east";
    let at = "1782036420000";
    let rows = [
        ("heatmine_price,", format!("heatmine_price,{site} import=0.31 {at}")),
        ("heatmine_share,", format!("heatmine_share,{site} battery_soc=77 {at}")),
        ("heatmine_temperature,", format!("heatmine_temperature,{site} heat_pump_flow=34.5,room=21.25 {at}")),
        ("heatmine_limit,", format!("heatmine_limit,reason=fuse_limit,{site} to=420 {at}")),
        ("heatmine_device,device=heat", format!("heatmine_device,device=heat\\ pump,{site} error=1i,fresh=0i {at}")),
    ];
    for (start, expected) in rows {
        assert_eq!(line_of(&record(), start), expected);
    }
    let names: Vec<String> =
        lines(&record(), "").lines().map(|line| line.split(',').next().unwrap().to_owned()).collect();
    let expected = "power meter temperature share energy price decision limit money money money \
                    household household household work device device";
    assert_eq!(names.join(" "), expected);
}

#[test]
fn currents_and_contacts_have_measurements_of_their_own() {
    use plant::image::Known::Fresh;
    let mut record = record();
    record.points.insert(plant::point::Point::GridCurrentL1, Fresh { value: 16.1 });
    record.points.insert(plant::point::Point::GridPowerL1, Fresh { value: 3700.0 });
    record.points.insert(plant::point::Point::GridDimmed, Fresh { value: 1.0 });
    assert!(line_of(&record, "heatmine_current,").contains(" grid_l1=16.1 "));
    assert!(line_of(&record, "heatmine_contact,").contains(" grid_dimmed=1 "));
    assert!(line_of(&record, "heatmine_power,").contains("grid_power_l1=3700"));
    assert!(!line_of(&record, "heatmine_share,").contains("grid"), "no share is a current");
}

#[test]
fn what_is_planned_for_the_moment_is_said_with_its_reasons() {
    let mut record = crate::http::fixture::record("2026-11-21T11:30:00Z".parse().unwrap());
    let line = line_of(&record, "heatmine_plan,");
    for part in ["battery=-2057", "heat_pump=1650", "battery_soc=60,", "tank=48.95", "compute=2400", "cost_today="] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(line_of(&record, "heatmine_intent,device=battery,reason=grid_charge").contains(" planned=1i "));
    assert!(line_of(&record, "heatmine_intent,device=heat_pump,reason=preheat").contains(" planned=1i "));
    for slot in &mut record.plan.as_mut().unwrap().slots {
        slot.house = None;
    }
    assert_eq!(line_of(&record, "heatmine_intent,"), "", "compute alone is planned");
    assert!(!line_of(&record, "heatmine_plan,").contains("cost_today"));
}

#[test]
fn a_missing_value_is_left_out_and_a_stale_one_is_marked() {
    let line = line_of(&record(), "heatmine_power,");
    assert!(line.contains("pv_stale=4000"), "{line}");
    for absent in ["pv=", "battery=", "battery_stale="] {
        assert!(!line.contains(absent), "{absent} in {line}");
    }
    let mut nothing = record();
    nothing.points.clear();
    assert_eq!(line_of(&nothing, "heatmine_temperature,"), "");
}

#[test]
fn money_has_its_accounts_and_own_questions_are_none_of_them() {
    let mut record = record();
    record.today.observed_s = 7200.0;
    record.today.compared_s = 3600.0;
    record.today.heat_saved.0 = 0.25;
    record.today.gain.0 = 1.0;
    record.today.promised.0 = 0.4;
    record.today.household.0 = 1.5;
    let line = line_of(&record, "heatmine_money,site=House\\ 1\\,\\ north\\=east,span=today");
    for field in ["gain=1,", "power=0.1", "heat_saved=0.25", "forecast_error=0.6,", "compared=0.5", "cost_without=1.4,"]
    {
        assert!(line.contains(field), "{field} is not in {line}");
    }
    assert!(!line.contains("household") && !line.contains("1.5"), "{line}");
    let own = line_of(&record, "heatmine_household,site=House\\ 1\\,\\ north\\=east,span=today");
    assert!(own.contains(" value=1.5 "), "{own}");
    record.today.compared_s = 0.0;
    let line = line_of(&record, "heatmine_money,site=House\\ 1\\,\\ north\\=east,span=today");
    assert!(line.contains("cost=1,") && line.contains("compared=0,"), "{line}");
    for unknown in ["gain=", "power=", "cost_without=", "forecast_error="] {
        assert!(!line.contains(unknown), "{unknown} is in {line}");
    }
}

#[test]
fn numbers_that_are_none_are_left_out() {
    let mut record = record();
    record.decision.worth.heat.0 = f64::NAN;
    record.worker.tokens_per_second = f64::INFINITY;
    let text = lines(&record, "heatmine_");
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    assert!(!line_of(&record, "heatmine_decision,").contains(",heat="));
}

/// A reader of the line protocol, written from its description: `measurement,tag=value field=value time`.
fn tags(line: &str) -> Vec<(String, String)> {
    let (mut parts, mut part, mut escaped) = (Vec::new(), String::new(), false);
    for letter in line.chars() {
        match letter {
            letter if escaped => {
                part.push(letter);
                escaped = false;
            }
            '\\' => escaped = true,
            ',' | '=' => parts.push(std::mem::take(&mut part)),
            ' ' => break,
            letter => part.push(letter),
        }
    }
    parts.push(part);
    parts[1..].chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

proptest! {
    #[test]
    fn any_site_name_can_be_read_back(name in "\\PC{0,12}[\\\\ ,=\"\n\r\t'a]{0,6}\\PC{0,4}") {
        let mut record = record();
        record.site = name.clone();
        let text = lines(&record, "heatmine_");
        prop_assert_eq!(text.lines().count(), 17, "{}", text);
        for line in text.lines() {
            let read = tags(line);
            let site = read.iter().find(|(key, _)| key == "site").map(|(_, value)| value.clone());
            let plain: String = name.trim().chars()
                .map(|letter| if letter == '\\' { '/' } else if letter.is_control() { ' ' } else { letter })
                .collect();
            let plain = plain.trim();
            prop_assert_eq!(site, (!plain.is_empty()).then(|| plain.to_owned()), "{}", line);
            prop_assert!(line.ends_with(" 1782036420000"), "{}", line);
        }
    }
}
