//! The books at the end, under the names of the simulator's result, so that the two can be laid side by side.
//!
//! What the books do not hold is `null`.

use plant::entry::{Booking, Entry, SlotAccount};
use plant::site::Site;
use serde::Serialize;

/// HeatMine's own books.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Books {
    #[serde(flatten)]
    house: Account,
    /// The same house without compute.
    without_compute: Option<Account>,
    /// What compute brought, all in all.
    gain_eur: Option<f64>,
    /// What valuation promised beyond that.
    forecast_error_eur: Option<f64>,
    /// What a room cost less that was colder than the house's own rule keeps it.
    colder_room_eur: Option<f64>,
    /// Quarter hours with anything in them.
    slots: u64,
    /// Seconds that were observed.
    observed_s: f64,
    /// Seconds of those without a price.
    unpriced_s: f64,
}

/// Money and energy of one house.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct Account {
    import_eur: Option<f64>,
    export_eur: Option<f64>,
    bill_eur: Option<f64>,
    revenue_eur: Option<f64>,
    wear_eur: Option<f64>,
    start_eur: Option<f64>,
    kwh: Flows,
}

/// Energy by flow, in kWh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct Flows {
    pv: f64,
    grid_import: f64,
    grid_export: f64,
    battery_in: f64,
    battery_out: f64,
    load: Option<f64>,
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

    /// These with the slot that is `open`.
    pub(super) fn with(mut self, open: &SlotAccount, _site: &Site) -> Self {
        if !open.is_empty() {
            self.add(open);
        }
        self
    }

    fn add(&mut self, account: &SlotAccount) {
        let add = |sum: &mut Option<f64>, more: f64| *sum = Some(sum.unwrap_or_default() + more);
        let (import, export) = (account.import * account.import_price, account.export * account.export_price);
        let house = &mut self.house;
        add(&mut house.import_eur, import.0);
        add(&mut house.export_eur, export.0);
        add(&mut house.bill_eur, (import - export).0);
        add(&mut house.revenue_eur, account.revenue.0);
        let flows = &mut house.kwh;
        flows.pv += account.pv.0;
        flows.grid_import += account.import.0;
        flows.grid_export += account.export.0;
        flows.battery_in += account.charged.0;
        flows.battery_out += account.discharged.0;
        flows.compute += account.compute.total().0;
        flows.heat_pump += account.heat_pump.0;
        self.slots += 1;
        self.observed_s += account.observed_s;
        self.unpriced_s += account.unpriced_s;
    }
}
