//! The plan as a table: slots in a row of which the same is intended are one line, with what battery and heat pump do below it.

use chrono::{LocalResult, TimeDelta, TimeZone};
use chrono_tz::Tz;
use plant::plan::{HouseIntent, Plan as Intended, PlannedSlot, Stores};
use plant::reason::Reason;
use plant::time::{Slot, Timestamp};
use plant::units::{Currency, Eur, EurPerKwh, Watts};

/// Slots in a row of which the same is intended, as one line.
struct Stretch<'a> {
    slots: Vec<&'a PlannedSlot>,
}

impl<'a> Stretch<'a> {
    fn takes(&self, slot: &PlannedSlot, timezone: Tz) -> bool {
        let day = |slot: &PlannedSlot| slot.start.with_timezone(&timezone).date_naive();
        let known = |slot: &PlannedSlot| {
            (slot.import_price.is_some(), slot.estimated_from.is_some(), slot.pv.is_some(), slot.load.is_some())
        };
        self.slots.last().is_some_and(|last| {
            known(last) == known(slot)
                && last.reason == slot.reason
                && same_bounds(last, slot)
                && last.house.as_ref().map(intent) == slot.house.as_ref().map(intent)
                && day(last) == day(slot)
        })
    }

    fn mean(&self, value: impl Fn(&PlannedSlot) -> f64) -> f64 {
        self.slots.iter().map(|slot| value(slot)).sum::<f64>() / self.slots.len() as f64
    }

    /// The intents of the whole house as one, at mean powers, with what it comes to at the end; `None` where only compute is planned.
    fn house(&self) -> Option<HouseIntent> {
        let houses: Vec<&HouseIntent> = self.slots.iter().filter_map(|slot| slot.house.as_ref()).collect();
        let last = **houses.last()?;
        let watts =
            |of: fn(&HouseIntent) -> Watts| houses.iter().map(|house| of(house)).sum::<Watts>() / houses.len() as f64;
        let sink = |of: fn(&HouseIntent) -> Option<Watts>| {
            of(&last).map(|_| houses.iter().filter_map(|house| of(house)).sum::<Watts>() / houses.len() as f64)
        };
        let mut mean = last;
        mean.battery_power = watts(|house| house.battery_power);
        mean.grid = watts(|house| house.grid);
        mean.heat_pump_power = watts(|house| house.heat_pump_power);
        if let Some(pump) = &mut mean.heat_pump {
            pump.room = sink(|house| house.heat_pump?.room);
            pump.tank = sink(|house| house.heat_pump?.tank);
            pump.cooling = sink(|house| house.heat_pump?.cooling);
        }
        if let Some(battery) = &mut mean.battery {
            battery.charge_min = watts(|house| house.battery.map_or(Watts::ZERO, |battery| battery.charge_min));
        }
        mean.cost = houses.iter().map(|house| house.cost).sum();
        mean.cost_without = houses.iter().map(|house| house.cost_without).sum::<Option<Eur>>();
        Some(mean)
    }

    /// What battery and heat pump do, and what it costs: a line each.
    fn sentences(&self, currency: Currency) -> Option<String> {
        let house = self.house()?;
        let mut text = String::new();
        let soc = self.slots.last().and_then(|slot| slot.battery_soc);
        let warmth = Stores { soc: None, room: house.room, tank: house.tank }.words();
        let warmth = if warmth.is_empty() { warmth } else { format!(" Then {warmth}.") };
        let pump = house.heat_pump_sentence().map(|sentence| sentence + &warmth);
        for (name, words) in [("battery", house.battery_sentence(soc)), ("heat pump", pump)] {
            if let Some(words) = words {
                text += &format!("{:13}{name}: {words}\n", "");
            }
        }
        let leaves = house.stores_without.map(|stores| stores.words()).filter(|words| !words.is_empty());
        let leaves = leaves.map_or(String::new(), |words| format!(", and leave {words}"));
        let without = house.cost_without.map_or(String::new(), |without| {
            format!("; without compute and plan it would {}{leaves}", pays(without, ["cost", "earn"], currency))
        });
        text += &format!("{:13}all of it {}{without}\n", "", pays(house.cost, ["costs", "earns"], currency));
        Some(text)
    }

    fn line(&self, timezone: Tz) -> Option<String> {
        let (first, last) = (self.slots.first()?, self.slots.last()?);
        let end = last.start + TimeDelta::seconds(Slot::SECONDS);
        let clock = |at| clock(at, timezone);
        let some = |value: fn(&PlannedSlot) -> Option<f64>, digits: usize| {
            value(first).map_or_else(
                || "-".to_owned(),
                |_| format!("{:.digits$}", self.mean(|slot| value(slot).unwrap_or_default())),
            )
        };
        let estimated = if first.estimated_from.is_some() { "~" } else { "" };
        let watts = |value: fn(&PlannedSlot) -> Watts| format!("{:.0}", self.mean(|slot| value(slot).0));
        let price = |value: fn(&PlannedSlot) -> EurPerKwh| format!("{:.3}", self.mean(|slot| value(slot).0));
        let charge = last.battery_soc.map(|percent| format!("{:.0}", percent.0)).unwrap_or_default();
        Some(format!(
            "{}-{}{:>8}{:>8}{:>7}{:>7}{:>9}{:>7}{:>6}{:>9}{:>7}{:>7}{:>7}  {}\n",
            clock(first.start),
            clock(end),
            estimated.to_owned() + &some(|slot| Some(slot.import_price?.0), 3),
            price(|slot| slot.export_price),
            some(|slot| Some(slot.pv?.0), 0),
            some(|slot| Some(slot.load?.0), 0),
            watts(|slot| slot.compute),
            watts(|slot| slot.heat),
            charge,
            price(|slot| slot.worth.revenue),
            price(|slot| slot.worth.heat),
            price(|slot| slot.worth.electricity),
            price(|slot| slot.worth.net()),
            why(first)
        ))
    }
}

/// Why compute does what it does in a slot.
fn why(slot: &PlannedSlot) -> &'static str {
    let rests = slot.house.is_some() && slot.reason == Reason::Idle;
    match slot.reason.sentence() {
        _ if rests && slot.ceiling > Watts::ZERO => "only if there is surplus",
        _ if rests => "rests: more would gain nothing",
        sentence => sentence,
    }
}

/// `costs 0.12 EUR`, or what it earns.
fn pays(amount: Eur, [costs, earns]: [&str; 2], currency: Currency) -> String {
    if amount.0.abs() < 0.005 {
        return format!("{costs} nothing");
    }
    format!("{} {:.2} {currency}", if amount.0 < -0.005 { earns } else { costs }, amount.0.abs())
}

/// What all of a plan comes to.
fn total(plan: &Intended, timezone: Tz, currency: Currency) -> String {
    let houses: Option<Vec<&HouseIntent>> = plan.slots.iter().map(|slot| slot.house.as_ref()).collect();
    let (Some(houses), Some(last)) = (houses, plan.slots.last()) else {
        return format!("Compute is expected to gain {}.", currency.amount(plan.expected_net));
    };
    let until = last.slot.end().with_timezone(&timezone).format("%a %d.%m. %H:%M");
    let planned = houses.iter().map(|house| house.cost).sum();
    let without = houses.iter().map(|house| house.cost_without).sum::<Option<Eur>>().map_or(String::new(), |without| {
        format!(" Without compute and plan it would {}.", pays(without, ["cost", "earn"], currency))
    });
    let planned = pays(planned, ["costs", "earns"], currency);
    format!("Until {until} the house's energy, less what the work pays, {planned}.{without}")
}

/// Whether compute may do the same. A plan for the whole house has other bounds in every slot: there it counts whether there are any.
fn same_bounds(one: &PlannedSlot, other: &PlannedSlot) -> bool {
    if one.house.is_none() || other.house.is_none() {
        return (one.floor, one.ceiling) == (other.floor, other.ceiling);
    }
    let runs = |slot: &PlannedSlot| (slot.floor > Watts::ZERO, slot.ceiling > Watts::ZERO, slot.compute > Watts::ZERO);
    runs(one) == runs(other)
}

/// What a person would call the same intent, whatever its watts.
type Intent = (Reason, [Option<bool>; 3], Reason, [Option<bool>; 3]);

fn intent(house: &HouseIntent) -> Intent {
    let some = |power: Option<Watts>| power.map(|power| power > Watts(0.5));
    let battery = house.battery.map_or([None; 3], |battery| {
        [Some(battery.charge_min > Watts::ZERO), some(battery.charge_max), some(battery.discharge_max)]
    });
    let pump = house.heat_pump.map_or([None; 3], |pump| [some(pump.room), some(pump.tank), some(pump.cooling)]);
    (house.battery_reason, battery, house.heat_pump_reason, pump)
}

/// A time of the wall; with its zone in the night in which it comes twice.
pub(super) fn clock(at: Timestamp, timezone: Tz) -> String {
    let local = at.with_timezone(&timezone);
    let twice = matches!(timezone.from_local_datetime(&local.naive_local()), LocalResult::Ambiguous(_, _));
    local.format(if twice { "%H:%M %Z" } else { "%H:%M" }).to_string()
}

/// The plan for so many hours.
pub(super) fn table(plan: &Intended, timezone: Tz, currency: Currency, hours: u16) -> String {
    let made = plan.made_at.with_timezone(&timezone);
    let gain = if plan.slots.iter().any(|slot| slot.house.is_some()) {
        "From revenue to net: what one more kWh of compute would gain; its work counts by what it spares later."
    } else {
        "From revenue to net: what a kWh of compute is worth."
    };
    let mut text = format!(
        "Made {} ({timezone}). {}\nPrices in {currency}/kWh, powers in W, charge in %. ~ is an estimated price, - is not known.\n{gain}\n\n",
        made.format("%a %d.%m.%Y %H:%M"),
        total(plan, timezone, currency)
    );
    text += &format!(
        "{:<11}{:>8}{:>8}{:>7}{:>7}{:>9}{:>7}{:>6}{:>9}{:>7}{:>7}{:>7}  {}\n",
        "", "import", "export", "pv", "load", "compute", "heat", "soc", "revenue", "+heat", "-power", "=net", "why"
    );
    let mut stretches: Vec<Stretch<'_>> = Vec::new();
    for slot in plan.slots.iter().take(usize::from(hours) * 4) {
        match stretches.last_mut() {
            Some(last) if last.takes(slot, timezone) => last.slots.push(slot),
            Some(_) | None => stretches.push(Stretch { slots: vec![slot] }),
        }
    }
    let mut day = None;
    for stretch in stretches {
        let Some(first) = stretch.slots.first() else { continue };
        let date = first.start.with_timezone(&timezone).date_naive();
        if day.replace(date) != Some(date) {
            text += &format!("{}\n", date.format("%A %d.%m."));
        }
        text += &stretch.line(timezone).unwrap_or_default();
        text += &stretch.sentences(currency).unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::Berlin;
    use plant::command::Mode;
    use plant::units::{Eur, Percent};

    /// A plan of quarter hours from a moment on, none of them like the one before.
    fn plan(from: &str, quarters: i64) -> Intended {
        let first = Slot::containing(from.parse().unwrap());
        let template = crate::http::fixture::record(first.start()).plan.unwrap().slots[0].clone();
        let slot = |ahead: i64| {
            let slot = first.plus(ahead);
            PlannedSlot {
                slot,
                start: slot.start(),
                ceiling: Watts(ahead as f64),
                battery_soc: Some(Percent(50.0)),
                house: None,
                ..template.clone()
            }
        };
        let slots = (0..quarters).map(slot).collect();
        Intended { made_at: first.start(), mode: Mode::Auto, slots, expected_net: Eur(1.0) }
    }

    #[test]
    fn the_hour_that_comes_twice_is_told_apart() {
        let text = table(&plan("2026-10-24T23:45:00Z", 10), Berlin, Currency::EUR, 24);
        assert!(text.contains("01:45-02:00 CEST"), "{text}");
        assert!(text.contains("02:15 CEST-02:30 CEST") && text.contains("02:15 CET-02:30 CET"), "{text}");
        assert!(text.contains("02:45 CEST-02:00 CET"), "{text}");
        let spring = table(&plan("2027-03-28T00:45:00Z", 3), Berlin, Currency::EUR, 24);
        assert!(spring.contains("01:45-03:00") && spring.contains("03:00-03:15"), "{spring}");
    }

    #[test]
    fn battery_and_heat_pump_say_what_they_do_and_why() {
        let mut plan = plan("2026-11-21T11:30:00Z", 8);
        let house = crate::http::fixture::record("2026-11-21T11:30:00Z".parse().unwrap()).plan.unwrap();
        plan.slots.iter_mut().zip(&house.slots).for_each(|(slot, other)| *slot = other.clone());
        let text = table(&plan, Berlin, Currency::EUR, 24);
        // From 13:00 on it heats the tank, from 13:45 on the sun is why it computes: three stretches.
        assert_eq!(text.lines().filter(|line| line.contains("battery: Charges at 2.1 kW")).count(), 3, "{text}");
        let room =
            "heat pump: Heats the rooms at 1.6 kW: heat is cheaper now than later. Then room 21.4 °C, tank 50.6 °C.";
        assert!(text.contains(room), "{text}");
        assert!(text.contains("Heats the tank at 2.1 kW: the tank is heated against legionella."), "{text}");
        let all = text.lines().find(|line| line.contains("without compute and plan it would")).unwrap();
        assert!(all.contains(", and leave battery ") && all.ends_with(" %, room 20.6 °C, tank 49.0 °C"), "{all}");
        assert!(text.contains("Without compute and plan it would earn"), "{text}");
        assert!(text.contains("what one more kWh of compute would gain"), "{text}");
        plan.slots.iter_mut().for_each(|slot| slot.house = None);
        let by_rule = table(&plan, Berlin, Currency::EUR, 24);
        assert!(!by_rule.contains("battery:") && !by_rule.contains("without"), "{by_rule}");
    }

    #[test]
    fn an_estimate_and_what_nobody_knows_are_marked() {
        let mut plan = plan("2026-06-01T12:00:00Z", 3);
        plan.slots[1].estimated_from = Some(plan.slots[0].start);
        plan.slots[1].import_price = Some(EurPerKwh(0.3));
        (plan.slots[2].import_price, plan.slots[2].pv, plan.slots[2].load) = (None, None, None);
        let text = table(&plan, Berlin, Currency::EUR, 24);
        let line = |time: &str| text.lines().find(|line| line.starts_with(time)).unwrap().to_owned();
        assert!(line("14:15").contains("~0.300"), "{text}");
        let words: Vec<String> = line("14:30").split_whitespace().map(str::to_owned).collect();
        assert_eq!((words[1].as_str(), words[3].as_str(), words[4].as_str()), ("-", "-", "-"), "{text}");
    }
}
