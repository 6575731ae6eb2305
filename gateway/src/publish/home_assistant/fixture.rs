//! Records for the tests of this folder.

use plant::command::Mode;
use plant::decision::Decision;
use plant::image::Known;
use plant::plan::{Plan, PlannedSlot};
use plant::point::{DeviceId, Point};
use plant::reason::{Reason, Worth};
use plant::record::{DeviceStatus, Record};
use plant::time::{Slot, Timestamp};
use plant::units::{Currency, Eur, EurPerKwh, Watts};
use plant::work::{Backlog, WorkerState, WorkerStatus};
use std::collections::BTreeMap;

/// A sunny moment in a house that has every point.
pub(super) fn record() -> Record {
    let at: Timestamp = "2026-06-21T10:07:00Z".parse().unwrap();
    let points: BTreeMap<Point, Known<f64>> = Point::ALL
        .iter()
        .map(|&point| (point, Known::Fresh { value: if point == Point::GridPower { -1234.4 } else { 21.5 } }))
        .collect();
    let worth = Worth { revenue: EurPerKwh(0.3), heat: EurPerKwh(0.02), electricity: EurPerKwh(0.08) };
    Record {
        at,
        site: "Test house".into(),
        currency: Currency::EUR,
        timezone: chrono_tz::Europe::Berlin,
        mode: Mode::Auto,
        boost_until: None,
        power_limit: Watts(600.0),
        power_max: Watts(600.0),
        grid_dimming: None,
        points,
        surplus: Known::Fresh { value: 1500.0 },
        import_price: Some(EurPerKwh(0.31)),
        export_price: Some(EurPerKwh(0.08)),
        decision: Decision {
            at,
            wanted: Watts(600.0),
            budget: Watts(600.0),
            reason: Reason::Surplus,
            worth,
            limits: Vec::new(),
            settings: Vec::new(),
        },
        explanation: "Surplus.".into(),
        battery_explanation: None,
        heat_pump_explanation: None,
        plan: None,
        knowledge: Default::default(),
        worker: WorkerStatus { state: WorkerState::Busy, ..WorkerStatus::default() },
        backlog: Backlog::default(),
        energy: Default::default(),
        today: Default::default(),
        month: Default::default(),
        total: Default::default(),
        gains: Default::default(),
        devices: vec![DeviceStatus { id: DeviceId("meter".into()), fresh: true, points: BTreeMap::new(), error: None }],
        problems: Vec::new(),
        to_confirm: 0,
        leases: Vec::new(),
        feeds: Vec::new(),
    }
}

/// A plan that expects these watts of compute, slot after slot.
pub(super) fn plan_of(at: Timestamp, watts: &[f64]) -> Plan {
    let planned = |(index, &watts): (usize, &f64)| {
        let slot = Slot::containing(at).plus(index as i64);
        PlannedSlot {
            slot,
            start: slot.start(),
            import_price: Some(EurPerKwh(-0.123)),
            export_price: EurPerKwh(0.08),
            estimated_from: None,
            pv: Some(Watts(12345.0)),
            load: Some(Watts(400.0)),
            compute: Watts(watts),
            floor: Watts::ZERO,
            ceiling: Watts(watts),
            battery_first: false,
            stored: EurPerKwh::ZERO,
            heat: Watts(12345.0),
            battery_soc: None,
            outdoor: None,
            reason: Reason::BatteryReserve,
            worth: Worth { electricity: EurPerKwh(1.234), ..Worth::default() },
            pv_spread: Watts::ZERO,
            load_spread: Watts::ZERO,
            house: None,
        }
    };
    Plan {
        made_at: at,
        mode: Mode::Auto,
        slots: watts.iter().enumerate().map(planned).collect(),
        expected_net: Eur(1.0),
    }
}
