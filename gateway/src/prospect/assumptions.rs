//! What an answer rests on, in words for the owner.

use super::outfit::holds_battery;
use super::{HOUSEHOLD_KWH, Question};
use plant::site::{HeatSink, HeatSource};
use plant::units::EurPerKwh;

/// Above this share of the heat it is an air conditioner that takes it out, no fan.
const FAN_MAX: f64 = 0.15;

impl Question {
    /// What is made up where there is no history.
    pub(super) fn made_up(&self) -> String {
        let latitude = self.place.latitude;
        let household = match self.household_kwh {
            Some(_) => "the household's yearly consumption is the owner's",
            None => &format!("the household is a usual one of {HOUSEHOLD_KWH:.0} kWh a year (--household says more)"),
        };
        let spot = match self.spot_counts() {
            true => "; prices of the exchange are the typical days of each season of 2024/25 (DE-LU)",
            false => "",
        };
        format!("Without a history the year is made up: sun and air at {latitude:.1} degrees, {household}{spot}.")
    }

    fn spot_counts(&self) -> bool {
        self.site.tariff.import.needs_spot() || self.site.tariff.export.needs_spot()
    }

    /// What holds with and without a history.
    pub(super) fn assumptions(&self) -> Vec<String> {
        let site = &self.site;
        let (work, currency) = (site.work.standing, site.currency);
        let mut said = Vec::new();
        said.push(if work > EurPerKwh::ZERO {
            format!(
                "Work pays {:.2} {currency} for each kWh, and is there in {:.0} % of the hours in which HeatMine would run.",
                work.0,
                self.sold * 100.0
            )
        } else {
            "No work pays: work.standing_eur_per_kwh is 0 (--work says what it would pay). Without work HeatMine lets the box rest."
                .to_owned()
        });
        said.push(self.heat());
        said.push(self.summer());
        if holds_battery(site) {
            said.push(
                "HeatMine may hold and charge the battery (battery.mode), as most hybrid inverters allow.".to_owned(),
            );
        }
        said.push(
            format!(
                "HeatMine plans with the errors of a public weather service, and knows tomorrow's prices from 13:00. {} for each month, and \
                 as much of each season for what may come otherwise.",
                if self.days == 1 { "One day stands".to_owned() } else { format!("{} days stand", self.days) }
            ),
        );
        said.push(
            "Not in it: repairs, the network, taxes on what the work pays, and interest on the price.".to_owned(),
        );
        said
    }

    fn heat(&self) -> String {
        let currency = self.site.currency;
        match self.site.displaced {
            Some(HeatSource::HeatPump { flow, .. }) => {
                format!(
                    "Its heat spares a heat pump with a flow of {flow}: a kWh of it is worth a third to a quarter of a kWh of power."
                )
            }
            Some(HeatSource::Gas { price, efficiency }) => format!(
                "Its heat spares gas at {:.3} {currency} for each kWh, burnt at {:.0} %.",
                price.0,
                efficiency * 100.0
            ),
            Some(HeatSource::Electric) => {
                "Its heat spares direct electric heating: a kWh of it is worth a kWh of power.".to_owned()
            }
            None => "Its heat replaces nothing and is worth nothing ([heat] or --replaces say what it would replace)."
                .to_owned(),
        }
    }

    fn summer(&self) -> String {
        let compute = &self.site.compute;
        let share = compute.reject_share * 100.0;
        let way = if compute.reject_share > FAN_MAX { "an air conditioner takes it out" } else { "a fan blows it out" };
        match compute.heat_into {
            HeatSink::Outside => format!("Its heat always goes outside, at {share:.0} % of it in power."),
            HeatSink::Room | HeatSink::Tank | HeatSink::HeatPumpSource => {
                format!(
                    "Heat that nobody needs, as in summer, leaves the house: {way} for {share:.0} % of it in power."
                )
            }
        }
    }
}
