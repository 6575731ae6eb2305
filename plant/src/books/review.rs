//! What the plan of a day said against what happened.
//!
//! Example: `The sun gave 5.2 kWh less than planned (12.1 instead of 17.3 kWh), most of it between 11:00 and 14:00. The day cost
//! 1.20 EUR, 0.40 EUR more than planned. It ended with 44 % in the battery instead of 58 %.`

use crate::entry::{Planned, SlotAccount};
use crate::time::{Slot, Timestamp};
use crate::units::{Celsius, Currency, Eur, EurPerKwh, KilowattHours, Percent, Watts};
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Less of a slot than this, in seconds, stands for no slot. Chosen.
const KNOWN_S: f64 = 600.0;
/// Differences below this are as planned. Chosen: what nobody would look for.
const SHOWN: KilowattHours = KilowattHours(0.5);
/// Less than half a cent is no difference.
const SHOWN_MONEY: Eur = Eur(0.005);
/// A battery whose charge is off by less is as planned: about what half a kilowatt-hour is of a common one.
const SHOWN_SOC: Percent = Percent(5.0);
/// The span that is named where most of a difference lies in it: three hours.
const SPAN: usize = 12;

/// What happened in a slot, as means; what is not known is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Happened {
    /// Price of import.
    pub import_price: Option<EurPerKwh>,
    /// PV power.
    pub pv: Option<Watts>,
    /// House consumption, heat pump included.
    pub load: Option<Watts>,
    /// Compute power.
    pub compute: Option<Watts>,
    /// State of charge at its end.
    pub soc: Option<Percent>,
    /// Room temperature at its end.
    pub room: Option<Celsius>,
    /// Tank temperature at its end.
    pub tank: Option<Celsius>,
    /// What it cost: the grid's power, less what was fed in and what the work paid.
    pub cost: Option<Eur>,
}

impl Happened {
    /// What `account` says.
    pub fn of(account: &SlotAccount) -> Self {
        let mean = |energy: KilowattHours, lacking_s: f64| {
            let known_s = account.observed_s - lacking_s;
            (known_s >= KNOWN_S).then(|| energy.mean_over(Duration::from_secs_f64(known_s)))
        };
        let house = mean(account.house, account.house_unmetered_s);
        let heat_pump = mean(account.heat_pump, (account.unmetered_s - account.pv_unmetered_s).max(0.0));
        let whole = account.observed_s >= KNOWN_S && account.unpriced_s <= 0.0;
        Self {
            import_price: whole.then_some(account.import_price),
            pv: mean(account.pv, account.pv_unmetered_s),
            load: house.and_then(|house| Some(house + heat_pump?)),
            compute: mean(account.compute.total(), account.uncounted_s),
            soc: account.readings.soc,
            room: account.readings.room,
            tank: account.readings.tank,
            cost: whole.then(|| account.bill.import - account.bill.export - account.revenue),
        }
    }
}

/// A slot as it was planned, and as it came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reviewed {
    /// The slot.
    pub slot: Slot,
    /// Its first moment, for readers.
    pub start: Timestamp,
    /// What was planned; `None` where nothing was.
    pub planned: Option<Planned>,
    /// What happened.
    pub happened: Happened,
}

/// Sums over the slots in which both are known; `None` where there is no such slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// PV energy.
    pub pv: Option<KilowattHours>,
    /// What house and heat pump used.
    pub load: Option<KilowattHours>,
    /// What compute used.
    pub compute: Option<KilowattHours>,
    /// What it cost.
    pub cost: Option<Eur>,
}

/// A local day as it was planned, and as it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// The day.
    pub day: NaiveDate,
    /// Its slots, in order; those of which nothing is known are left out.
    pub slots: Vec<Reviewed>,
    /// What was planned of it.
    pub planned: Sums,
    /// What came.
    pub happened: Sums,
    /// The largest difference, in words for a person.
    pub sentence: String,
}

/// How a day went: its zone, and what its amounts are in.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The zone that says where the day begins and ends.
    pub timezone: Tz,
    /// What its amounts are in.
    pub currency: Currency,
}

/// Holds `accounts` of `day` against what was planned for it.
pub fn review(day: NaiveDate, accounts: impl IntoIterator<Item = SlotAccount>, place: Place) -> Review {
    let mut by_slot: BTreeMap<Slot, SlotAccount> = BTreeMap::new();
    for account in accounts {
        // After a clock that was set back a slot has several accounts; a part in another currency is no part of the sum.
        match by_slot.get_mut(&account.slot) {
            Some(sum) if sum.currency == account.currency => {
                sum.planned = sum.planned.or(account.planned);
                *sum += account;
            }
            Some(_) => {}
            None => drop(by_slot.insert(account.slot, account)),
        }
    }
    let of = |account: &SlotAccount| Reviewed {
        slot: account.slot,
        start: account.slot.start(),
        planned: account.planned,
        happened: Happened::of(account),
    };
    let slots: Vec<Reviewed> = by_slot.values().map(of).collect();
    let energies = QUANTITIES.map(|(quantity, _)| energies(&slots, quantity));
    let [pv, load, compute] = energies;
    let cost = costs(&slots);
    let planned = Sums {
        pv: pv.map(|both| both.0),
        load: load.map(|both| both.0),
        compute: compute.map(|both| both.0),
        cost: cost.map(|both| both.0),
    };
    let happened = Sums {
        pv: pv.map(|both| both.1),
        load: load.map(|both| both.1),
        compute: compute.map(|both| both.1),
        cost: cost.map(|both| both.1),
    };
    let sentence = sentence(&slots, &energies, cost, place);
    Review { day, slots, planned, happened, sentence }
}

/// What of a slot is compared: planned and happened, where both are known.
type Quantity = fn(&Reviewed) -> Option<(Watts, Watts)>;

/// What is compared as energy, and what it does.
const QUANTITIES: [(Quantity, &str); 3] = [
    (|slot| Some((slot.planned?.pv?, slot.happened.pv?)), "The sun gave"),
    (|slot| Some((slot.planned?.load?, slot.happened.load?)), "House and heat pump used"),
    (|slot| Some((slot.planned?.compute, slot.happened.compute?)), "Compute used"),
];

fn energies(slots: &[Reviewed], of: Quantity) -> Option<(KilowattHours, KilowattHours)> {
    let known = slots.iter().filter_map(of);
    let both = known.map(|(planned, happened)| (planned.over(Slot::LENGTH), happened.over(Slot::LENGTH)));
    both.reduce(|one, other| (one.0 + other.0, one.1 + other.1))
}

fn costs(slots: &[Reviewed]) -> Option<(Eur, Eur)> {
    let known = slots.iter().filter_map(|slot| Some((slot.planned?.cost?, slot.happened.cost?)));
    known.reduce(|one, other| (one.0 + other.0, one.1 + other.1))
}

fn sentence(
    slots: &[Reviewed],
    energies: &[Option<(KilowattHours, KilowattHours)>; 3],
    cost: Option<(Eur, Eur)>,
    place: Place,
) -> String {
    if slots.iter().all(|slot| slot.planned.is_none()) {
        return "Nothing was planned for this day.".to_owned();
    }
    let known = QUANTITIES.iter().zip(energies).filter_map(|((of, does), both)| Some((*of, *does, (*both)?)));
    let off = |both: &(KilowattHours, KilowattHours)| (both.1 - both.0).abs().0;
    let largest = known.max_by(|one, other| off(&one.2).total_cmp(&off(&other.2)));
    let mut text = match largest {
        None => "What happened on this day is not known well enough to be held against the plan.".to_owned(),
        Some((of, does, both)) if off(&both) >= SHOWN.0 => {
            let turn = if both.1 > both.0 { "more" } else { "less" };
            let (planned, happened) = (both.0, both.1);
            let (off, when) = ((happened - planned).abs(), when(slots, of, place.timezone));
            format!("{does} {off:.1} {turn} than planned ({:.1} instead of {planned:.1}){when}.", happened.0)
        }
        Some(_) => "The day went as planned: sun, house and compute within half a kilowatt-hour.".to_owned(),
    };
    if let Some((planned, happened)) = cost {
        text += &paid(planned, happened, place.currency);
    }
    text + &left(slots)
}

/// What the day cost or earned, and how far that is off, as a sentence.
fn paid(planned: Eur, happened: Eur, currency: Currency) -> String {
    let money = |money: Eur| format!("{:.2} {currency}", money.0.abs());
    let earns = |amount: Eur| amount < -SHOWN_MONEY;
    let verb = if earns(happened) { "earned" } else { "cost" };
    let off = happened - planned;
    let against = if off.abs() < SHOWN_MONEY {
        "as planned".to_owned()
    } else if earns(planned) != earns(happened) {
        let was = if earns(planned) { "earning" } else { "a cost of" };
        format!("where {was} {} was planned", money(planned))
    } else {
        let more = happened.abs() > planned.abs();
        format!("{} {} than planned", money(off), if more { "more" } else { "less" })
    };
    format!(" The day {verb} {}, {against}.", money(happened))
}

/// What the battery held at the end of the day beside what was planned, as a sentence: energy that is left is no loss. Nothing where it
/// is about the same, or not known.
fn left(slots: &[Reviewed]) -> String {
    let last = slots.last().and_then(|slot| Some((slot.planned?.soc?, slot.happened.soc?)));
    match last {
        Some((planned, happened)) if (happened.0 - planned.0).abs() >= SHOWN_SOC.0 => {
            format!(" It ended with {:.0} % in the battery instead of {:.0} %.", happened.0, planned.0)
        }
        Some(_) | None => String::new(),
    }
}

/// The three hours in which most of a difference lies, as the end of a sentence; nothing where it is spread over the day.
fn when(slots: &[Reviewed], of: Quantity, timezone: Tz) -> String {
    let off = |slot: &Reviewed| of(slot).map_or(0.0, |(planned, happened)| (happened - planned).0);
    let total: f64 = slots.iter().map(off).sum();
    let spans = slots.windows(SPAN).map(|span| (span, span.iter().map(off).sum::<f64>() / total));
    let best = spans.max_by(|one, other| one.1.total_cmp(&other.1));
    let Some(([first, .., last], _)) = best.filter(|(_, share)| *share > 0.5) else { return String::new() };
    let clock = |at: Timestamp| at.with_timezone(&timezone).format("%H:%M").to_string();
    format!(", most of it between {} and {}", clock(first.start), clock(last.slot.end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Bill, BySource};
    use crate::reason::Reason;

    const PLACE: Place = Place { timezone: chrono_tz::Europe::Berlin, currency: Currency::EUR };

    /// A slot `index` of 21 November in Berlin: its sun as planned and as it came, in W; a cost of 0.02 EUR where 0.01 was planned.
    fn account(index: i64, planned: f64, came: f64) -> SlotAccount {
        let slot = Slot::containing("2026-11-20T23:00:00Z".parse().unwrap()).plus(index);
        SlotAccount {
            observed_s: 900.0,
            pv: Watts(came).over(Slot::LENGTH),
            house: Watts(300.0).over(Slot::LENGTH),
            heat_pump: Watts(100.0).over(Slot::LENGTH),
            compute: BySource { grid: Watts(200.0).over(Slot::LENGTH), ..BySource::default() },
            bill: Bill { import: Eur(0.03), export: Eur(0.01), ..Bill::default() },
            planned: Some(Planned {
                made_at: slot.start(),
                import_price: Some(EurPerKwh(0.3)),
                pv: Some(Watts(planned)),
                load: Some(Watts(400.0)),
                compute: Watts(200.0),
                reason: Reason::PaidWork,
                soc: None,
                room: None,
                tank: None,
                cost: Some(Eur(0.01)),
            }),
            ..SlotAccount::new(slot)
        }
    }

    fn day() -> NaiveDate {
        "2026-11-21".parse().unwrap()
    }

    #[test]
    fn the_largest_difference_is_said_with_its_hours() {
        let cloudy = |index| (44..56).contains(&index);
        let accounts = (0..96).map(|index| account(index, 1000.0, if cloudy(index) { 100.0 } else { 990.0 }));
        let review = review(day(), accounts, PLACE);
        // 12 slots of 900 W less and 84 of 10 W less: 2.7 + 0.21 kWh of 24.
        assert_eq!(
            review.sentence,
            "The sun gave 2.9 kWh less than planned (21.1 instead of 24.0 kWh), most of it between 11:00 and 14:00. \
             The day cost 1.92 EUR, 0.96 EUR more than planned."
        );
        let close = |sum: Option<KilowattHours>, kwh: f64| assert!((sum.unwrap().0 - kwh).abs() < 1e-9, "{sum:?}");
        close(review.planned.pv, 24.0);
        close(review.happened.pv, 21.09);
        close(review.happened.load, 9.6);
        close(review.happened.compute, 4.8);
        assert_eq!(review.slots.len(), 96);
    }

    #[test]
    fn what_a_day_earned_and_left_in_the_battery_is_held_against_the_plan() {
        let rows = [
            (0.50, 0.80, " The day cost 0.80 EUR, 0.30 EUR more than planned."),
            (0.80, 0.50, " The day cost 0.50 EUR, 0.30 EUR less than planned."),
            (-0.80, -0.50, " The day earned 0.50 EUR, 0.30 EUR less than planned."),
            (-0.50, -0.80, " The day earned 0.80 EUR, 0.30 EUR more than planned."),
            (0.20, -0.10, " The day earned 0.10 EUR, where a cost of 0.20 EUR was planned."),
            (-0.10, 0.20, " The day cost 0.20 EUR, where earning 0.10 EUR was planned."),
            (0.50, 0.501, " The day cost 0.50 EUR, as planned."),
        ];
        for (planned, happened, expected) in rows {
            assert_eq!(paid(Eur(planned), Eur(happened), Currency::EUR), expected);
        }
        let ends = |planned: f64, came: f64| {
            let mut account = account(95, 500.0, 500.0);
            account.readings.soc = Some(Percent(came));
            account.planned.as_mut().unwrap().soc = Some(Percent(planned));
            review(day(), [account], PLACE).sentence
        };
        assert!(ends(58.0, 44.0).ends_with(" It ended with 44 % in the battery instead of 58 %."));
        assert!(!ends(58.0, 55.0).contains("battery"));
    }

    #[test]
    fn a_day_that_went_as_planned_says_so() {
        let review = review(day(), (0..96).map(|index| account(index, 500.0, 501.0)), PLACE);
        assert!(review.sentence.starts_with("The day went as planned"), "{}", review.sentence);
    }

    #[test]
    fn what_nobody_knew_is_held_against_nothing() {
        let without = (0..96).map(|index| SlotAccount { planned: None, ..account(index, 0.0, 500.0) });
        let none = review(day(), without, PLACE);
        assert_eq!((none.sentence.as_str(), none.planned), ("Nothing was planned for this day.", Sums::default()));
        assert_eq!(none.slots[0].happened.pv, Some(Watts(500.0)), "what happened is known all the same");
        let dark = (0..96).map(|index| SlotAccount { observed_s: 0.0, ..account(index, 500.0, 0.0) });
        let dark = review(day(), dark, PLACE);
        assert!(dark.sentence.starts_with("What happened on this day is not known"), "{}", dark.sentence);
        assert_eq!((dark.happened, dark.slots[0].happened.cost), (Sums::default(), None));
    }

    #[test]
    fn what_is_known_of_half_a_slot_stands_for_none() {
        let mut half = account(0, 500.0, 500.0);
        (half.pv_unmetered_s, half.uncounted_s, half.unpriced_s) = (450.0, 450.0, 1.0);
        let happened = Happened::of(&half);
        assert_eq!((happened.pv, happened.compute, happened.cost, happened.import_price), (None, None, None, None));
        assert_eq!(happened.load, Some(Watts(400.0)));
    }
}
