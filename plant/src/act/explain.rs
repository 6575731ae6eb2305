//! The decision in words: what is done and why, with the three numbers; or what speaks against doing anything.

/// Battery and heat pump.
mod devices;

pub(crate) use devices::{explain_battery, explain_heat_pump};

use crate::command::Origin;
use crate::decision::Decision;
use crate::plan::PlannedSlot;
use crate::reason::{Reason, Worth};
use crate::units::{Currency, Watts};
use crate::value::situation::Situation;

/// What work gains more by waiting for another hour is said from here on, EUR/kWh: less is shown as nothing.
const LATER: f64 = 0.0005;

/// One or two sentences for a person.
pub(crate) fn explain(situation: &Situation<'_>, decision: &Decision) -> String {
    if decision.budget > Watts::ZERO { running(situation, decision) } else { resting(situation, decision) }
}

fn running(situation: &Situation<'_>, decision: &Decision) -> String {
    let limited = decision.limits.last().filter(|hit| hit.to < decision.wanted);
    let limited = limited.map_or(String::new(), |_| format!(", down from {}", decision.wanted));
    let currency = situation.site.currency;
    let net = decision.worth.net().0;
    let verdict =
        if net >= 0.0 { format!("{net:.2} {currency} ahead") } else { format!("{:.2} {currency} short", -net) };
    let assumed = assumed(situation);
    format!(
        "Computing at {}{limited}: {}. {}: {verdict}.{assumed}",
        decision.budget,
        decision.reason.sentence(),
        numbers(decision.worth, currency)
    )
}

fn resting(situation: &Situation<'_>, decision: &Decision) -> String {
    let why = decision.reason.sentence();
    let numbers = |worth| numbers(worth, situation.site.currency);
    let wanted = decision.wanted > Watts::ZERO;
    if wanted {
        return format!("Not computing: {why}. {} were wanted.", decision.wanted);
    }
    match decision.reason {
        Reason::Idle if situation.questions > 0 => {
            format!("Not computing: a question waits, but it is not worth its power. {}.", numbers(decision.worth))
        }
        Reason::Idle if !situation.demand.any() => "Not computing: there is no work to do.".to_owned(),
        Reason::Idle if decision.worth.net().0 > 0.0 => {
            let worth = numbers(decision.worth);
            format!("Not computing yet: {}. {worth}.{}", waits(situation.planned), assumed(situation))
        }
        Reason::Idle => format!("Not computing: {why}. {}.{}", numbers(decision.worth), assumed(situation)),
        Reason::StaleData if situation.prices.export.is_none() => {
            "Not computing: the price of power is not known.".to_owned()
        }
        Reason::Off => match situation.commands.set_by {
            Origin::Person => "Off, until a person sets another mode or boosts.".to_owned(),
            Origin::Schedule => "Off, until the schedule or a person sets another mode.".to_owned(),
        },
        Reason::Surplus
        | Reason::CheapPower
        | Reason::NegativePrice
        | Reason::Curtailment
        | Reason::HeatDemand
        | Reason::PaidWork
        | Reason::Deadline
        | Reason::Interactive
        | Reason::Boost
        | Reason::MinOnTime
        | Reason::MinOffTime
        | Reason::FuseLimit
        | Reason::GridDimmed
        | Reason::TooHot
        | Reason::BatteryReserve
        | Reason::StaleData
        | Reason::Implausible
        | Reason::WorkerDown
        | Reason::WorkerStarting
        | Reason::Island
        | Reason::GridCharge
        | Reason::KeepRoom
        | Reason::HoldForLater
        | Reason::Preheat
        | Reason::Legionella
        | Reason::Comfort
        | Reason::OwnRule
        | Reason::Unset => format!("Not computing: {why}."),
    }
}

/// What work that is worth its power waits for. A plan for the whole house knows that it gains more later, with the sun at its best, too.
fn waits(planned: Option<&PlannedSlot>) -> &'static str {
    let later = planned.is_some_and(|planned| planned.house.is_some() && planned.worth.net().0 < -LATER);
    if later { "the same work gains more at a better hour" } else { "it waits for surplus or a better hour" }
}

/// What is not known of the prices, and what follows.
fn assumed(situation: &Situation<'_>) -> &'static str {
    match (situation.prices.import, situation.prices.export) {
        (Some(_), Some(_)) => "",
        (None, Some(_)) => {
            " The import price is missing; a high one is assumed, so that nothing is bought because it seems cheap."
        }
        (Some(_), None) | (None, None) => " The price of power is not known; that is assumed.",
    }
}

fn numbers(worth: Worth, currency: Currency) -> String {
    let heat = match worth.heat.0 {
        heat if heat <= -0.005 => format!("getting rid of its heat costs {:.2} {currency}", -heat),
        heat if heat < 0.005 => "its heat saves nothing".to_owned(),
        heat => format!("its heat saves {heat:.2} {currency}"),
    };
    let power = match worth.electricity.0 {
        cost if cost <= -0.005 => format!("taking its power earns {:.2} {currency}", -cost),
        cost if cost < 0.005 => "its power costs nothing".to_owned(),
        cost => format!("its power costs {cost:.2} {currency}"),
    };
    format!("One kWh earns {:.2} {currency}, {heat}, {power}", worth.revenue.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planned_test::{nothing, slot};
    use crate::units::EurPerKwh;

    #[test]
    fn work_that_waits_in_the_sun_waits_for_what_gains_more() {
        let net = |electricity, house| PlannedSlot {
            worth: Worth { revenue: EurPerKwh(0.06), heat: EurPerKwh::ZERO, electricity: EurPerKwh(electricity) },
            ..slot("2026-04-14T12:45:00Z".parse().unwrap(), house)
        };
        let rows = [
            (Some(net(0.08, Some(nothing()))), "the same work gains more at a better hour"),
            (Some(net(0.06, Some(nothing()))), "it waits for surplus or a better hour"),
            (Some(net(0.08, None)), "it waits for surplus or a better hour"),
            (None, "it waits for surplus or a better hour"),
        ];
        for (planned, expected) in rows {
            assert_eq!(waits(planned.as_ref()), expected, "{planned:?}");
        }
    }

    #[test]
    fn three_numbers_in_words() {
        let rows = [
            ((0.20, 0.05, 0.08), "One kWh earns 0.20 EUR, its heat saves 0.05 EUR, its power costs 0.08 EUR"),
            (
                (0.0, -0.01, -0.10),
                "One kWh earns 0.00 EUR, getting rid of its heat costs 0.01 EUR, taking its power earns 0.10 EUR",
            ),
            ((0.15, 0.0, 0.0), "One kWh earns 0.15 EUR, its heat saves nothing, its power costs nothing"),
        ];
        for ((revenue, heat, electricity), expected) in rows {
            let worth =
                Worth { revenue: EurPerKwh(revenue), heat: EurPerKwh(heat), electricity: EurPerKwh(electricity) };
            assert_eq!(numbers(worth, Currency::EUR), expected);
            let crowns = expected.replace("EUR", "CZK");
            assert_eq!("CZK".parse().map(|currency| numbers(worth, currency)), Ok(crowns));
        }
    }
}
