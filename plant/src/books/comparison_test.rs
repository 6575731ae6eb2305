//! A house whose heat pump a plan steers, beside its baseline, in money.

use crate::books::comparison::Comparison;
use crate::entry::{SlotAccount, SlotReadings};
use crate::house::{Around, Controls, House};
use crate::site::building::Building;
use crate::site::{HeatSource, Site};
use crate::test_site::{self, fabric};
use crate::time::Slot;
use crate::units::{Celsius, Eur, EurPerKwh, Percent, Watts};

/// Midnight of 1 January 2024, UTC.
const JANUARY: Slot = Slot(1_893_408);
const DAY: i64 = 96;
const PRICE: EurPerKwh = EurPerKwh(0.3);

fn site() -> Site {
    let mut site = test_site::site();
    site.displaced = Some(HeatSource::HeatPump { carnot: 0.4, flow: Celsius(38.0), power_max: Watts(3_000.0) });
    site.building = Building { fabric: Some(fabric()), ..Building::default() };
    site
}

/// Mild around noon, frost at night, no sun; nothing is drawn and nothing computes.
fn around(slot: Slot) -> Around {
    let hour = slot.0.rem_euclid(DAY) as f64 / 4.0;
    Around {
        pv: Watts::ZERO,
        sun: 0.0,
        outdoor: Celsius(2.0 + 8.0 * ((hour - 13.0) / 3.82).cos()),
        household: Watts(400.0),
        hot_water: Watts::ZERO,
        compute: Watts::ZERO,
        export_pays: true,
    }
}

/// A plan that heats for the whole day while it is mild.
fn steered(slot: Slot) -> Controls {
    let mild = (36..68).contains(&slot.0.rem_euclid(DAY));
    Controls { room_power: Some(Watts(if mild { 1_950.0 } else { 0.0 })), ..Controls::default() }
}

/// The slot as the books have it.
fn account(site: &Site, house: &mut House, slot: Slot) -> SlotAccount {
    let around = around(slot);
    house.controls = steered(slot);
    let flows = house.step(slot.start(), &around, Slot::LENGTH);
    let over = |power: Watts| power.positive().over(Slot::LENGTH);
    let import = over(flows.grid);
    let mut account = SlotAccount {
        observed_s: Slot::SECONDS as f64,
        steered_s: Slot::SECONDS as f64,
        import,
        export: over(-flows.grid),
        charged: over(-flows.battery),
        discharged: over(flows.battery),
        heat_pump: over(flows.heat_pump),
        hot_water: over(flows.hot_water),
        house: over(flows.household),
        import_price: PRICE,
        export_price: EurPerKwh(0.08),
        readings: SlotReadings {
            room: Some(house.room()),
            tank: house.tank(),
            soc: site.battery.map(|battery| Percent(100.0 * (house.stored() / battery.capacity))),
            outdoor: Some(around.outdoor),
            irradiance: Some(around.sun),
            ..SlotReadings::default()
        },
        ..SlotAccount::in_currency(slot, site.currency)
    };
    account.bill.import = import * PRICE;
    account
}

#[test]
fn heat_that_is_made_while_it_is_mild_is_no_loss_of_stores() {
    let site = site();
    let (mut house, mut comparison) = (House::new(&site), Comparison::new(&site, None));
    let mut inventory = Eur::ZERO;
    for slot in (0..28 * DAY).map(|number| JANUARY.plus(number)) {
        let mut account = account(&site, &mut house, slot);
        comparison.close(&site, &mut account, false);
        inventory += account.baseline.unwrap().inventory;
    }
    let stores = comparison.stores();
    let worth = (stores.room + stores.tank).0 * PRICE.0 / 3.5;
    assert!(stores.battery.0.abs() < 0.1, "{stores:?}");
    assert!((inventory.0 - worth).abs() < 0.4, "{inventory:?} of stores worth {worth}");
}
