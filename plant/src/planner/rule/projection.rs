//! The slots ahead as they would be with a given compute power: the battery under the house's own self-consumption rule,
//! and what energy in it will be worth.

use crate::plan::ExpectedSlot;
use crate::site::Battery;
use crate::time::Slot;
use crate::units::{EurPerKwh, KilowattHours, Percent, Watts};
use crate::value::merit::Without;

/// One slot ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    /// The house in it.
    pub without: Without,
    /// Energy in the battery at its end.
    pub energy: KilowattHours,
    /// What a kilowatt-hour taken out of the battery in it would have been worth later.
    pub stored: EurPerKwh,
}

/// What a slot is planned on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SlotPrices {
    /// What imported power costs; assumed where `said` is not.
    pub import: EurPerKwh,
    /// Whether the price of import is published or estimated. Else nothing is bought but what was promised.
    pub said: bool,
    /// What exported power earns.
    pub export: EurPerKwh,
}

/// The slots ahead with `compute(index)` running in them.
pub(super) fn look(
    slots: &[ExpectedSlot],
    prices: &[Option<SlotPrices>],
    battery: Option<(&Battery, Percent)>,
    can_hold: bool,
    compute: impl Fn(usize) -> Watts,
) -> Vec<Ahead> {
    let mut energy = battery.map_or(KilowattHours::ZERO, |(battery, soc)| battery.capacity * (soc.0 / 100.0));
    let mut ahead = Vec::with_capacity(slots.len());
    for (index, slot) in slots.iter().enumerate() {
        let Some(surplus) = slot.surplus() else {
            // Nobody knows what flows: no surplus is counted on, and the battery as it is.
            ahead.push(Ahead { without: Without { can_hold, ..Without::default() }, energy, stored: EurPerKwh::ZERO });
            continue;
        };
        let surplus = surplus - compute(index);
        let (charge, discharge, dischargeable) = match battery {
            Some((battery, _)) => serve(battery, &mut energy, surplus),
            None => (Watts::ZERO, Watts::ZERO, Watts::ZERO),
        };
        let grid = -surplus + charge - discharge;
        let without = Without {
            import: grid.positive(),
            export: (-grid).positive(),
            charge,
            dischargeable,
            can_hold,
            at_cap: false,
        };
        ahead.push(Ahead { without, energy, stored: EurPerKwh::ZERO });
    }
    value(&mut ahead, prices, battery.map(|(battery, _)| battery));
    ahead
}

/// Moves one slot's energy; charging power, discharging power and what more could be taken out.
fn serve(battery: &Battery, energy: &mut KilowattHours, surplus: Watts) -> (Watts, Watts, Watts) {
    let one_way = battery.round_trip.clamp(0.1, 1.0).sqrt();
    let room = (battery.capacity - *energy).positive().mean_over(Slot::LENGTH) / one_way;
    let held = energy.positive().mean_over(Slot::LENGTH) * one_way;
    let charge = surplus.positive().min(battery.charge_max).min(room);
    let discharge = (-surplus).positive().min(battery.discharge_max).min(held);
    *energy += (charge * one_way - discharge / one_way).over(Slot::LENGTH);
    let reserve = battery.capacity * (battery.reserve.0 / 100.0);
    let free = (*energy - reserve).positive().mean_over(Slot::LENGTH) * one_way;
    (charge, discharge, (battery.discharge_max - discharge).positive().min(free))
}

/// A kilowatt-hour more in the battery displaces import when the battery next runs empty, or causes export when it next
/// runs full; whichever comes first. Beyond the horizon it is worth a cautious share of the mean import price.
fn value(ahead: &mut [Ahead], prices: &[Option<SlotPrices>], battery: Option<&Battery>) {
    const BEYOND: f64 = 0.8;
    let all: Vec<f64> = prices.iter().flatten().map(|prices| prices.import.0).collect();
    let mean = EurPerKwh(all.iter().sum::<f64>() / all.len().max(1) as f64);
    let mut stored = mean.positive() * BEYOND;
    for (slot, prices) in ahead.iter_mut().zip(prices).rev() {
        let Some(prices) = prices else {
            slot.stored = stored;
            continue;
        };
        match battery {
            None => stored = prices.import,
            Some(battery) => {
                let full = slot.energy >= battery.capacity * 0.995;
                let empty = slot.energy <= battery.capacity * 0.005;
                if full && slot.without.export > Watts(1.0) {
                    stored = (prices.export.positive() + battery.wear) / battery.round_trip.max(0.1);
                } else if empty && slot.without.import > Watts(1.0) {
                    stored = prices.import.positive();
                }
            }
        }
        slot.stored = stored;
    }
}
