//! The leases of shipped definitions.

use super::*;
use crate::definition::find;
use crate::lease::Act;
use plant::decision::{BatteryMode, HeatPumpMode};
use plant::units::{Percent, Watts};
use std::sync::Arc;

fn leases(id: &str) -> Leases {
    let config = DeviceConfig {
        id: DeviceId("d".into()),
        definition: Arc::new(find(id).unwrap()),
        address: "tcp://127.0.0.1:502".parse().unwrap(),
        unit: None,
        points: None,
        broker: None,
        controls: BTreeSet::new(),
        parameters: BTreeMap::new(),
        interval: Duration::from_secs(2),
    };
    Leases::new(&config, Pace { speed: 600.0 }, 0, &BTreeSet::new())
}

#[test]
fn a_number_that_is_part_of_a_mode_is_written_with_it() {
    const CHARGE: Setting = Setting::BatteryMode(BatteryMode::Charge);
    const NORMAL: Setting = Setting::BatteryMode(BatteryMode::Normal);
    const HOLD: Setting = Setting::BatteryMode(BatteryMode::Hold);
    const POWER: Setting = Setting::BatteryChargePower(Watts(1500.0));
    const LIMIT: Setting = Setting::BatteryChargeLimit(Percent(20.0));
    type Written = Option<(Setting, Setting)>;
    let rows: [(&[Setting], Written); 8] = [
        // What is wanted -> what is written, and what the core hears of it.
        (&[CHARGE], Some((CHARGE, CHARGE))),
        (&[CHARGE, POWER], Some((POWER, CHARGE))),
        (&[POWER], Some((POWER, CHARGE))),
        (&[NORMAL, LIMIT], Some((LIMIT, NORMAL))),
        (&[HOLD, LIMIT], Some((HOLD, HOLD))),
        (
            &[NORMAL, Setting::BatteryDischargeLimit(Percent(5.0))],
            Some((Setting::BatteryDischargeLimit(Percent(5.0)), NORMAL)),
        ),
        (
            &[CHARGE, Setting::BatteryChargePower(Watts(99_000.0))],
            Some((Setting::BatteryChargePower(Watts(15_000.0)), CHARGE)),
        ),
        (&[NORMAL, Setting::BatteryChargePower(Watts(0.0))], None),
    ];
    for (settings, written) in rows {
        let (mut leases, now) = (leases("fronius-gen24"), Instant::now());
        let setpoint =
            |setting: &Setting| Setpoint { device: DeviceId("d".into()), setting: *setting, reason: Reason::Surplus };
        let setpoints = Setpoints { cycle: 1, setpoints: settings.iter().map(setpoint).collect() };
        leases.take(&Wanted { setpoints, at: now });
        let due = leases.due(Control::BatteryMode, now).map(|(row, duty)| {
            let (setpoint, setting) = (duty.setpoint.clone(), duty.setpoint.setting);
            assert!(row.writes(setting).is_ok(), "{settings:?}");
            leases.written(&duty, None, now);
            (setting, leases.outcome(setpoint).setting)
        });
        assert_eq!(due, written, "{settings:?}");
        assert_eq!(leases.any_set(), written.is_some(), "{settings:?}");
    }
}

fn wanted(cycle: u64, setting: Setting, at: Instant) -> Wanted {
    let setpoint = Setpoint { device: DeviceId("d".into()), setting, reason: Reason::Surplus };
    Wanted { setpoints: Setpoints { cycle, setpoints: vec![setpoint] }, at }
}

/// When a device is written to in ten minutes in which the core wants the same.
fn writes(id: &str, setting: Setting) -> Vec<u64> {
    let (mut leases, start) = (leases(id), Instant::now());
    let mut at = Vec::new();
    for second in 0..600 {
        let now = start + Duration::from_secs(second);
        let known = leases.take(&wanted(second + 1, setting, now));
        assert_eq!(known.len(), usize::from(second == 0 && setting.is_safe()), "{known:?}");
        while let Some((_, duty)) = leases.due(setting.control(), now) {
            if duty.act == Act::Look {
                assert_eq!(leases.looked(setting.control(), &Look::Stands, now), None);
                continue;
            }
            leases.written(&duty, None, now);
            at.push(second);
            break;
        }
    }
    at
}

#[tokio::test]
async fn what_a_device_forgets_is_renewed_by_the_machines_clock_and_its_own_control_is_not() {
    let (boost, normal) = (HeatPumpMode::Boost, HeatPumpMode::Normal);
    let rows = [
        ("stiebel-isg", Setting::HeatPumpMode(boost), Some(24)),
        ("stiebel-isg", Setting::HeatPumpMode(normal), None),
        ("sma-hybrid", Setting::BatteryMode(BatteryMode::Hold), Some(24)),
        ("sma-hybrid", Setting::BatteryMode(BatteryMode::Normal), None),
        ("solaredge", Setting::BatteryMode(BatteryMode::Hold), Some(48)),
        ("solaredge", Setting::BatteryMode(BatteryMode::Normal), None),
        ("lambda-eu-l", Setting::HeatPumpSurplus(Watts(500.0)), Some(24)),
        ("lambda-eu-l", Setting::HeatPumpSurplus(Watts(0.0)), None),
        ("sungrow-sh", Setting::BatteryMode(BatteryMode::Hold), None),
    ];
    for (id, setting, every) in rows {
        // What was never set is not written at all; what needs no renewal is written once.
        let once = if setting.is_safe() { vec![] } else { vec![0] };
        let expected = every.map_or(once, |every| (0..600).step_by(every).collect());
        assert_eq!(writes(id, setting), expected, "{id} {setting:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_words_once() {
    let rows = [
        ("lambda-eu-l", Setting::PvLimit(Percent(50.0)), "no control pv.limit"),
        ("lambda-eu-l", Setting::HeatPumpSurplus(Watts(f64::INFINITY)), "cannot be inf"),
        ("victron-gx", Setting::BatteryMode(BatteryMode::Charge), "cannot be 'charge'"),
    ];
    for (id, setting, part) in rows {
        let mut leases = leases(id);
        let now = Instant::now();
        let said = leases.take(&wanted(1, setting, now));
        let words: Vec<_> = said.iter().filter_map(|(_, error)| error.clone()).collect();
        assert!(said.len() == 1 && words[0].contains(part), "{said:?}");
        assert!(leases.take(&wanted(2, setting, now)).is_empty());
        let due = leases.controls().into_iter().filter_map(|control| leases.due(control, now)).count();
        assert_eq!((due, leases.any_set()), (0, false));
    }
}
