//! The house beside its baseline: slot by slot, what both paid, and the inventory, the energy by which their stores differ.
//!
//! The model of the baseline follows what compute changed, and nothing else: its room and its tank are those of the house less that
//! difference, slot by slot, so that no error of the model outlasts the heat it is about. It is not brought to the state of the house
//! itself at any hour: that would give it for nothing what compute's heat and power have left in the stores. With the plant of an
//! outside judge as a perfect model, a return at 04:00 leaves 950 EUR of a bill of 982; without one it is 982. Only where a
//! slot is missing, or was hardly observed, the baseline begins anew at the state of the house: what happened is compared with nothing.
//!
//! Example: at noon 2 kWh go into compute that would have charged the battery: the inventory falls by 2 kWh. At 20:00 the battery of
//! the house is empty and it takes them from the grid, the baseline's is not: the inventory rises again, the bill of the house too.

use crate::baseline::{self, Passed, Without};
use crate::entry::{Baseline, Bill, SlotAccount, SlotReadings, Stores};
use crate::knowing::Fitted;
use crate::point::Point;
use crate::site::Site;
use crate::time::Slot;
use crate::units::{Currency, Eur, EurPerKwh, KilowattHours};
use crate::value::capacity::MonthPeak;
use crate::value::thermal;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A slot counts as known where no more than this share of its time is not.
const UNKNOWN_MAX: f64 = 0.01;
/// At least this share of a slot has to be observed.
const OBSERVED_MIN: f64 = 0.5;
/// Less export than this in a slot is what an inverter that holds it at nothing leaves.
const EXPORTS: KilowattHours = KilowattHours(0.02);
/// Weight of a slot in the price at which stores are valued: a mean over about a week.
const PRICE_WEIGHT: f64 = 1.0 / (7.0 * 96.0);

/// The baseline, and what it differs in.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    baseline: baseline::Baseline,
    state: Standing,
}

/// What of the comparison outlasts a restart, the baseline's own state aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// What was read at the end of the last slot.
    readings: Option<(Slot, SlotReadings)>,
    /// Energy by which the stores of the house differ from those of the baseline.
    pub stores: Stores,
    /// The price at which they are valued; `None` before the first.
    price: Option<EurPerKwh>,
    /// The same of heat: one that followed the weather would make a loss of what is heated when it is mild.
    #[serde(default)]
    heat_price: Option<EurPerKwh>,
    /// The currency of the price.
    #[serde(default)]
    currency: Currency,
    /// The highest quarter-hour mean of the month's import.
    #[serde(default)]
    peak: MonthPeak,
    /// The same of the baseline.
    #[serde(default)]
    peak_without: MonthPeak,
}

/// What a restart finds of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonState {
    baseline: baseline::BaselineState,
    standing: Standing,
}

impl Comparison {
    /// The comparison as a restart found it.
    pub(super) fn new(site: &Site, found: Option<&ComparisonState>) -> Self {
        let baseline = baseline::Baseline::new(site, found.map(|found| &found.baseline));
        Self { baseline, state: found.map(|found| found.standing).unwrap_or_default() }
    }

    /// What outlasts a restart.
    pub(super) fn state(&self) -> ComparisonState {
        ComparisonState { baseline: self.baseline.state().clone(), standing: self.state }
    }

    /// Takes over what the history shows of the building.
    pub(super) fn know(&mut self, building: &Fitted) {
        self.baseline.know(building);
    }

    /// Energy by which the stores of the house differ from those of the baseline.
    pub(super) fn stores(&self) -> Stores {
        self.state.stores
    }

    /// The baseline begins anew at the house's state.
    fn skip(&mut self) {
        self.state.readings = None;
    }

    /// Takes over a slot that the ledger holds beyond what was restored.
    pub(super) fn catch_up(&mut self, site: &Site, account: &SlotAccount) {
        self.skip();
        let without = account.baseline.map(|baseline| baseline.import);
        self.peaks(site, account, without);
    }

    /// Closes `account`: what the baseline did in its slot, and what the house gained on it. `sunny`: PV made power when it was known
    /// last.
    pub(super) fn close(&mut self, site: &Site, account: &mut SlotAccount, sunny: bool) {
        account.gain = account.revenue;
        if account.observed_s < OBSERVED_MIN * Slot::SECONDS as f64 {
            // Too little of it was seen to say what the stores did meanwhile.
            self.skip();
            self.charge_peak(site, account, None);
            return;
        }
        let before = self.state.readings.filter(|(slot, _)| slot.plus(1) == account.slot);
        if before.is_none() {
            self.bring_back();
        }
        let before = before.map_or(account.readings, |(_, readings)| readings);
        let without = self.baseline.pass(site, &passed(site, account, (&before, sunny)));
        if let Some(without) = &without {
            self.compare(site, account, without);
        }
        self.charge_peak(site, account, without.map(|without| without.import));
        if let Some(baseline) = &account.baseline {
            account.gain += baseline.bill.total() - baseline.house.total() + baseline.inventory - baseline.colder_room;
        }
        self.state.readings = Some((account.slot, account.readings));
    }

    /// Charges both houses for the peak of the month; where nothing is compared, the house stands for its own baseline.
    fn charge_peak(&mut self, site: &Site, account: &mut SlotAccount, without: Option<KilowattHours>) {
        let Some((house, other)) = self.peaks(site, account, without) else { return };
        account.bill.capacity = house;
        if let Some(baseline) = &mut account.baseline {
            (baseline.house.capacity, baseline.bill.capacity) = (house, other);
        }
    }

    /// Takes the slot into the month's peaks, and says by how much the charge of the house and that of the baseline grow; `None` where
    /// peaks cost nothing.
    fn peaks(&mut self, site: &Site, account: &SlotAccount, without: Option<KilowattHours>) -> Option<(Eur, Eur)> {
        let capacity = site.tariff.capacity.as_ref()?;
        let Standing { peak, peak_without, .. } = &mut self.state;
        let house = peak.take(capacity, site.timezone, account.slot, account.import);
        let other = peak_without.take(capacity, site.timezone, account.slot, without.unwrap_or(account.import));
        Some((house, other))
    }

    /// Brings the baseline to the state of the house. What the stores differ in is in the inventory already.
    fn bring_back(&mut self) {
        self.baseline.return_to_real();
        self.state.stores = Stores::default();
    }

    fn compare(&mut self, site: &Site, account: &mut SlotAccount, without: &Without) {
        let priced = account.unpriced_s <= UNKNOWN_MAX * account.observed_s;
        if priced {
            let same = self.state.currency == account.currency;
            let mean = self.state.price.filter(|_| same).unwrap_or(account.import_price);
            self.state.currency = account.currency;
            let mean = mean + (account.import_price - mean) * PRICE_WEIGHT;
            let now = heat_price(site, account, mean);
            let heat = self.state.heat_price.filter(|_| same).unwrap_or(now);
            (self.state.price, self.state.heat_price) = (Some(mean), Some(heat + (now - heat) * PRICE_WEIGHT));
        }
        let differs = self.baseline.difference(site);
        let stores = Stores {
            battery: differs.battery.unwrap_or(self.state.stores.battery),
            room: differs.room_heat,
            tank: differs.tank_heat,
        };
        let inventory = self.worth(site, &difference(stores, self.state.stores));
        self.state.stores = stores;
        // What is not burnt is known as a difference alone: the house's own fuel is not metered.
        account.bill.fuel = -(without.fuel * thermal::fuel_price(site));
        let bill = Bill {
            import: without.import * account.import_price,
            export: without.export * account.export_price,
            wear: site.battery.map_or(Eur::ZERO, |battery| without.discharged * battery.wear),
            ..Bill::default()
        };
        account.baseline = Some(Baseline {
            compared_s: if priced { account.observed_s } else { 0.0 },
            import: without.import,
            export: without.export,
            charged: without.charged,
            discharged: without.discharged,
            heat_pump: without.heat_pump,
            bill: if priced { bill } else { Bill::default() },
            house: if priced { account.bill } else { Bill::default() },
            inventory: if priced { inventory } else { Eur::ZERO },
            colder_room: colder(site, account, differs.room_k),
            spread: without.spread * account.import_price.positive(),
        });
    }

    /// What `stores` are worth at the mean prices of import and heat, less what is lost on the way out.
    fn worth(&self, site: &Site, stores: &Stores) -> Eur {
        let Some(price) = self.state.price else { return Eur::ZERO };
        let one_way = site.battery.map_or(1.0, |battery| battery.round_trip.clamp(0.0, 1.0).sqrt());
        let heat = self.state.heat_price.unwrap_or(EurPerKwh::ZERO);
        stores.battery * (price.positive() * one_way) + (stores.room + stores.tank) * heat
    }
}

/// What the baseline sees of a slot.
fn passed(site: &Site, account: &SlotAccount, (before, sunny): (&SlotReadings, bool)) -> Passed {
    let span = Duration::from_secs_f64(account.observed_s);
    // What was not known in a part of the slot has no mean.
    let unknown = |seconds: f64| seconds > UNKNOWN_MAX * account.observed_s;
    let dark = unknown(account.unmetered_s);
    let metered = !unknown(account.unmetered_s - account.pv_unmetered_s);
    let mean = |energy: KilowattHours| Some(energy.mean_over(span));
    let offered = |point, energy| mean(energy).filter(|_| metered && site.offers(point));
    let after = &account.readings;
    Passed {
        slot: account.slot,
        observed: span,
        pv: mean(account.pv).filter(|_| !dark),
        load: mean(account.house).filter(|_| !unknown(account.house_unmetered_s)),
        grid: mean(account.import - account.export),
        compute: mean(account.compute.total()).filter(|_| !unknown(account.uncounted_s)),
        route: after.route,
        cools: after.cools,
        heat_pump: offered(Point::HeatPumpPower, account.heat_pump),
        hot_water: offered(Point::HeatPumpHotWaterPower, account.hot_water),
        battery: offered(Point::BatteryPower, account.discharged - account.charged),
        own_rule: !unknown(account.steered_s),
        outdoor: after.outdoor,
        sun: after.irradiance,
        room: (before.room, after.room),
        tank: (before.tank, after.tank),
        soc: (before.soc, after.soc),
        sunny,
        // A house that exports all the same has an inverter that does not look at prices.
        export_pays: (account.unpriced_s <= 0.0)
            .then_some(account.export_price > EurPerKwh::ZERO || account.export > EXPORTS),
    }
}

/// What a room colder than the baseline's saved: the heat that it loses less.
fn colder(site: &Site, account: &SlotAccount, room_k: f64) -> Eur {
    let loss = site.room.map_or(0.0, |room| room.loss_kw_per_k);
    let hours = account.observed_s / 3600.0;
    let heat = KilowattHours(loss * (-room_k).max(0.0) * hours);
    heat * heat_price(site, account, account.import_price)
}

fn difference(now: Stores, before: Stores) -> Stores {
    Stores { battery: now.battery - before.battery, room: now.room - before.room, tank: now.tank - before.tank }
}

/// What a kilowatt-hour of heat costs where import costs `import`.
fn heat_price(site: &Site, account: &SlotAccount, import: EurPerKwh) -> EurPerKwh {
    thermal::made_price(site, account.readings.outdoor, import)
}
