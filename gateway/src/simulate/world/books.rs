//! The books at the end, under the names of the simulator's result, so that the two can be laid side by side.
//!
//! The house without compute covers the same time as the house: where the two were not compared, the house stands for both.

use plant::entry::{Booking, Entry, SlotAccount};
use plant::totals::Earnings;
use plant::units::KilowattHours;
use serde::Serialize;
use std::time::Duration;

/// How far from the bill without compute its true value may lie, in standard deviations: 95 % of them.
const WIDTH: f64 = 1.96;

/// HeatMine's own books.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Books {
    #[serde(flatten)]
    house: Account,
    /// The same house without compute.
    without_compute: Without,
    /// What compute brought, all in all.
    gain_eur: f64,
    /// What the valuation promised.
    valuation_eur: f64,
    /// What the gain is more than that.
    forecast_error_eur: f64,
    /// What the stores of the house gained on those without compute.
    inventory_eur: f64,
    /// What a room cost less that was colder than the house's own rule keeps it.
    colder_room_eur: f64,
    /// Times that compute started.
    starts: u64,
    /// Quarter hours with anything in them.
    slots: u64,
    /// Seconds that were observed.
    observed_s: f64,
    /// Seconds of those in which the house without compute is known.
    compared_s: f64,
    /// Seconds of those without a price.
    unpriced_s: f64,
    /// What its plans took.
    pub(super) plans: Plans,
    /// The standard deviation of the bill without compute. What the model has learnt wrong, it has all the time: deviations add up.
    #[serde(skip)]
    deviation: f64,
}

/// What plans took, in seconds of CPU each.
#[derive(Clone, Debug, Default)]
pub(super) struct Spent(Vec<f64>);

impl Spent {
    /// What `plan` comes to, and what it takes.
    pub(super) fn measure<T>(&mut self, plan: impl FnOnce() -> T) -> T {
        let began = computed();
        let planned = plan();
        self.0.push((computed() - began).as_secs_f64());
        planned
    }

    /// All of them, in short.
    pub(super) fn sum(&self) -> Plans {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (share * sorted.len() as f64).ceil() as usize;
            sorted.get(rank.saturating_sub(1)).map_or(0.0, |seconds| seconds * 1000.0)
        };
        Plans {
            count: sorted.len(),
            cpu_s: sorted.iter().sum(),
            cpu_ms_p50: at(0.5),
            cpu_ms_p95: at(0.95),
            cpu_ms_max: at(1.0),
        }
    }
}

/// Time that this process has computed for so far.
fn computed() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), spent.tv_nsec.unsigned_abs() as u32)
}

/// What all plans took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Plans {
    count: usize,
    cpu_s: f64,
    /// Half of them took no longer.
    cpu_ms_p50: f64,
    /// 95 of 100 took no longer.
    cpu_ms_p95: f64,
    cpu_ms_max: f64,
}

/// Money and energy of one house.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct Account {
    import_eur: f64,
    export_eur: f64,
    bill_eur: f64,
    revenue_eur: f64,
    wear_eur: f64,
    start_eur: f64,
    kwh: Flows,
}

/// The house without compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct Without {
    #[serde(flatten)]
    house: Account,
    /// Where its true bill lies, in 95 of 100 cases.
    bill_eur_interval: [f64; 2],
}

/// Energy by flow, in kWh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct Flows {
    /// Unknown of the house without compute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pv: Option<f64>,
    grid_import: f64,
    grid_export: f64,
    battery_in: f64,
    battery_out: f64,
    load: f64,
    compute: f64,
    heat_pump: f64,
}

impl Books {
    /// Takes in an entry of the ledger.
    pub(super) fn book(&mut self, entry: &Entry) {
        if let Ok(Booking::Slot(account)) = plant::ledger::booking(entry) {
            self.add(&account);
        }
    }

    /// Takes in an account that is no entry yet.
    pub(super) fn add(&mut self, account: &SlotAccount) {
        if account.is_empty() {
            return;
        }
        let earnings = Earnings::from(account);
        self.house.add(&Account::of(account));
        self.without_compute.house.add(&Account::without(account, &earnings));
        self.gain_eur += earnings.gain.0;
        self.valuation_eur += earnings.net.0;
        self.forecast_error_eur += earnings.forecast_error().0;
        self.inventory_eur += earnings.inventory.0;
        self.colder_room_eur += earnings.colder_room.0;
        self.starts += account.starts;
        self.slots += 1;
        self.observed_s += account.observed_s;
        self.compared_s += earnings.compared_s;
        self.unpriced_s += account.unpriced_s;
        self.deviation += earnings.spread.0;
        let (bill, width) = (self.without_compute.house.bill_eur, WIDTH * self.deviation);
        self.without_compute.bill_eur_interval = [bill - width, bill + width];
    }
}

impl Account {
    /// The house itself.
    fn of(account: &SlotAccount) -> Self {
        let bill = &account.bill;
        Self {
            import_eur: bill.import.0,
            export_eur: bill.export.0,
            bill_eur: bill.paid().0,
            revenue_eur: account.revenue.0,
            wear_eur: bill.wear.0,
            start_eur: bill.starts.0,
            kwh: Flows {
                pv: Some(account.pv.0),
                grid_import: account.import.0,
                grid_export: account.export.0,
                battery_in: account.charged.0,
                battery_out: account.discharged.0,
                load: account.house.0,
                compute: account.compute.total().0,
                heat_pump: account.heat_pump.0,
            },
        }
    }

    /// The same without compute.
    fn without(account: &SlotAccount, earnings: &Earnings) -> Self {
        let flow = |house: KilowattHours, without: Option<KilowattHours>| without.unwrap_or(house).0;
        let baseline = account.baseline;
        Self {
            import_eur: earnings.import_cost_without.0,
            export_eur: earnings.export_revenue_without.0,
            bill_eur: earnings.cost_without.0,
            revenue_eur: 0.0,
            wear_eur: earnings.wear_without.0,
            start_eur: 0.0,
            kwh: Flows {
                pv: None,
                grid_import: flow(account.import, baseline.map(|without| without.import)),
                grid_export: flow(account.export, baseline.map(|without| without.export)),
                battery_in: flow(account.charged, baseline.map(|without| without.charged)),
                battery_out: flow(account.discharged, baseline.map(|without| without.discharged)),
                load: account.house.0,
                compute: 0.0,
                heat_pump: flow(account.heat_pump, baseline.map(|without| without.heat_pump)),
            },
        }
    }

    fn add(&mut self, more: &Self) {
        self.import_eur += more.import_eur;
        self.export_eur += more.export_eur;
        self.bill_eur += more.bill_eur;
        self.revenue_eur += more.revenue_eur;
        self.wear_eur += more.wear_eur;
        self.start_eur += more.start_eur;
        let (flows, more) = (&mut self.kwh, &more.kwh);
        flows.pv = flows.pv.zip(more.pv).map(|(sum, pv)| sum + pv).or(more.pv);
        flows.grid_import += more.grid_import;
        flows.grid_export += more.grid_export;
        flows.battery_in += more.battery_in;
        flows.battery_out += more.battery_out;
        flows.load += more.load;
        flows.compute += more.compute;
        flows.heat_pump += more.heat_pump;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_summed_up_by_what_most_of_them_took() {
        assert_eq!(Spent::default().sum(), Plans::default());
        let spent = Spent((1..=100).rev().map(|hundredths| f64::from(hundredths) / 100.0).collect());
        let Plans { count, cpu_s, cpu_ms_p50, cpu_ms_p95, cpu_ms_max } = spent.sum();
        assert_eq!((count, cpu_ms_p50, cpu_ms_p95, cpu_ms_max), (100, 500.0, 950.0, 1000.0));
        assert!((cpu_s - 50.5).abs() < 1e-9);
    }
}
