//! What work pays for a kilowatt-hour of compute.

use crate::site::WorkPrices;
use crate::units::{Eur, EurPerKwh, KilowattHours};
use crate::work::Backlog;

/// Tokens assumed of a job that names none: a page of text.
const TOKENS_UNKNOWN: u64 = 500;

/// What there is to do, in energy and money.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Demand {
    /// Energy that the waiting jobs will take.
    pub jobs: KilowattHours,
    /// What they pay for each kilowatt-hour.
    pub rate: EurPerKwh,
    /// What a kilowatt-hour beyond them pays; zero where there is no such work.
    pub standing: EurPerKwh,
}

impl WorkPrices {
    /// What so many tokens pay by the price list.
    pub fn listed(&self, tokens_in: u64, tokens_out: u64) -> Eur {
        Eur((tokens_in as f64 * self.eur_per_mtok_in + tokens_out as f64 * self.eur_per_mtok_out) / 1e6)
    }
}

impl Demand {
    /// The demand of `backlog`, at the speed that receipts have shown.
    pub(crate) fn of(backlog: &Backlog, prices: &WorkPrices, tokens_per_kwh: f64) -> Self {
        if backlog.jobs == 0 {
            return Self { standing: prices.standing, ..Self::default() };
        }
        let tokens = if backlog.tokens > 0 { backlog.tokens } else { TOKENS_UNKNOWN * u64::from(backlog.jobs) };
        let jobs = Self::energy(tokens, tokens_per_kwh);
        let rate = backlog.value / jobs;
        let rate = if rate.0.is_finite() { rate } else { EurPerKwh::ZERO };
        // Work that can always be had is not worth less for waiting behind a cheap job.
        Self { jobs, rate: rate.max(prices.standing), standing: prices.standing }
    }

    /// Energy that `tokens` of it take.
    pub(crate) fn energy(tokens: u64, tokens_per_kwh: f64) -> KilowattHours {
        KilowattHours(tokens as f64 / tokens_per_kwh.max(1.0))
    }

    /// What the next kilowatt-hour pays.
    pub(crate) fn next(self) -> EurPerKwh {
        if self.jobs > KilowattHours::ZERO { self.rate } else { self.standing }
    }

    /// Whether there is anything to do but answering questions.
    pub(crate) fn any(self) -> bool {
        self.jobs > KilowattHours::ZERO || self.standing > EurPerKwh::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_site::site;
    use crate::units::Eur;

    #[test]
    fn jobs_pay_by_the_energy_they_take() {
        let prices = WorkPrices { standing: EurPerKwh(0.1), ..site().work };
        let rows = [
            // jobs, tokens, value -> kWh, EUR/kWh
            (0, 0, 0.0, 0.0, 0.1),
            (2, 2_000_000, 0.6, 2.0, 0.3),
            (2, 2_000_000, 0.1, 2.0, 0.1),
            (1, 0, 0.0, 0.0005, 0.1),
        ];
        for (jobs, tokens, value, energy, rate) in rows {
            let backlog = Backlog { jobs, tokens, value: Eur(value), ..Backlog::default() };
            let demand = Demand::of(&backlog, &prices, 1e6);
            assert!((demand.jobs.0 - energy).abs() < 1e-9 && (demand.next().0 - rate).abs() < 1e-9, "{demand:?}");
        }
    }
}
