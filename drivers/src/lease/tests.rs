//! The lease, second by second.

use super::*;
use plant::decision::{BatteryMode, HeatPumpMode};
use plant::units::Watts;

const ZERO: Duration = Duration::ZERO;
/// The heat pump of the head's example.
const PUMP: Terms = Terms {
    range: Some([0.0, 15_000.0]),
    min_interval: Duration::from_secs(10),
    keep_alive: Some(Duration::from_secs(60)),
    renew_safe: true,
    dead_band: 75.0,
    retry: Terms::RETRY,
    readable: false,
};
/// A battery without a watchdog.
const BATTERY: Terms = Terms {
    range: None,
    min_interval: ZERO,
    keep_alive: None,
    renew_safe: false,
    dead_band: 0.0,
    retry: Terms::RETRY,
    readable: false,
};
/// The engine, as its feeder has it.
const ENGINE: Terms = Terms {
    range: Some([0.0, 1000.0]),
    keep_alive: Some(Duration::from_secs(10)),
    renew_safe: true,
    dead_band: 5.0,
    retry: [Duration::from_millis(100), Duration::from_secs(1)],
    ..BATTERY
};

fn pump(watts: f64) -> Setting {
    Setting::HeatPumpSurplus(Watts(watts))
}

fn engine(watts: f64) -> Setting {
    Setting::ComputeBudget(Watts(watts))
}

const HOLD: Setting = Setting::BatteryMode(BatteryMode::Hold);
const NORMAL: Setting = Setting::BatteryMode(BatteryMode::Normal);

/// A lease at work: the core cycles once a second, the device takes what is not refused.
struct Bench {
    lease: Lease,
    start: Instant,
    cycle: u64,
    refuses: bool,
    /// What a look finds, when one was due, and what was said of it.
    holds: Look,
    looks: Vec<u64>,
    said: Vec<String>,
    /// Second, value, and whether it was a renewal.
    writes: Vec<(u64, Setting, bool)>,
}

impl Bench {
    fn new(control: Control, terms: Terms, debt: bool) -> Self {
        let lease = Lease::new(DeviceId("d".into()), control, terms, 0, debt);
        let (looks, said, writes) = (Vec::new(), Vec::new(), Vec::new());
        Self { lease, start: Instant::now(), cycle: 0, refuses: false, holds: Look::Stands, looks, said, writes }
    }

    /// Lives from second `from` to before second `to` with what the core wants; with `None` the core is silent.
    fn live(&mut self, from: u64, to: u64, wanted: Option<Setting>) {
        for second in from..to {
            let now = self.start + Duration::from_secs(second);
            if let Some(setting) = wanted {
                self.cycle += 1;
                let setpoint = Setpoint { device: DeviceId("d".into()), setting, reason: Reason::Surplus };
                self.lease.take(&Setpoints { cycle: self.cycle, setpoints: vec![setpoint] }, now);
            }
            while let Some(duty) = self.lease.due(now) {
                if duty.act == Act::Look {
                    self.looks.push(second);
                    self.said.extend(self.lease.looked(&self.holds, now));
                    continue;
                }
                self.writes.push((second, duty.setpoint.setting, duty.act == Act::Renew));
                self.lease.written(&duty, self.refuses.then(|| Failure::touched("busy")), now);
                break;
            }
        }
    }

    fn state(&self) -> Option<LeaseState> {
        self.lease.status().map(|status| status.state)
    }

    /// The writes since the last question.
    fn seconds(&mut self) -> Vec<(u64, Setting)> {
        std::mem::take(&mut self.writes).into_iter().map(|(second, setting, _)| (second, setting)).collect()
    }
}

#[tokio::test]
async fn the_example_of_the_head_is_what_happens() {
    let mut bench = Bench::new(Control::HeatPumpSurplus, PUMP, false);
    assert_eq!(bench.state(), None);
    for (from, to, watts) in [(0, 1, 2000.0), (1, 2, 2050.0), (2, 60, 3000.0)] {
        bench.live(from, to, Some(pump(watts)));
        assert_eq!(bench.state(), Some(LeaseState::Held));
    }
    bench.live(60, 95, None);
    assert_eq!(bench.state(), Some(LeaseState::FellBack));
    bench.live(95, 96, Some(pump(2500.0)));
    assert_eq!(bench.state(), Some(LeaseState::Held));
    let expected = [
        (0, pump(2000.0), false),
        (10, pump(3000.0), false),
        (34, pump(3000.0), true),
        (58, pump(3000.0), true),
        (69, pump(0.0), false),
        (93, pump(0.0), true),
        (95, pump(2500.0), false),
    ];
    assert_eq!(bench.writes, expected);
}

#[tokio::test]
async fn a_change_is_written_and_what_is_none_is_not() {
    // The control's terms, the value before, the one after, whether it is written in the next second.
    let rows = [
        (ENGINE, engine(500.0), engine(504.0), false),
        (ENGINE, engine(500.0), engine(506.0), true),
        // Less power at once, and the first of it.
        (ENGINE, engine(500.0), engine(499.0), true),
        (ENGINE, engine(0.0), engine(3.0), true),
        (ENGINE, engine(500.0), engine(9000.0), true),
        (ENGINE, engine(1000.0), engine(9000.0), false),
        (ENGINE, engine(0.0), engine(f64::NAN), false),
        (PUMP, pump(500.0), pump(575.0), false),
        // The least interval: a safe value never waits for it.
        (PUMP, pump(500.0), pump(900.0), false),
        (PUMP, pump(500.0), pump(0.0), true),
        (BATTERY, NORMAL, HOLD, true),
        (BATTERY, HOLD, HOLD, false),
    ];
    for (terms, before, after, written) in rows {
        let mut bench = Bench::new(before.control(), terms, false);
        bench.live(0, 1, Some(before));
        // What nobody has set is under its own control already.
        let first: &[_] = if before.is_safe() { &[] } else { &[(0, before)] };
        assert_eq!(bench.seconds(), first);
        bench.live(1, 2, Some(after));
        assert_eq!(bench.seconds().len(), usize::from(written), "{before:?} {after:?}");
    }
}

#[tokio::test]
async fn of_values_that_waited_the_newest_is_written() {
    let mut bench = Bench::new(Control::HeatPumpSurplus, PUMP, false);
    for (second, watts) in [(0, 500.0), (3, 900.0), (6, 1300.0), (9, 800.0)] {
        bench.live(second, second + 3, Some(pump(watts)));
    }
    assert_eq!(bench.seconds(), [(0, pump(500.0)), (10, pump(800.0))]);
}

#[tokio::test]
async fn silence_is_a_number_that_does_not_grow_and_never_a_value_that_stays() {
    let mut bench = Bench::new(Control::BatteryMode, BATTERY, false);
    bench.live(0, 3600, Some(HOLD));
    assert_eq!((bench.seconds(), bench.state()), (vec![(0, HOLD)], Some(LeaseState::Held)));
    // The old cycle, said again, is no sign of life.
    let old = Setpoints { cycle: bench.cycle, setpoints: Vec::new() };
    bench.lease.take(&old, bench.start + Duration::from_secs(3605));
    bench.live(3600, 3700, None);
    assert_eq!((bench.seconds(), bench.state()), (vec![(3609, NORMAL)], Some(LeaseState::FellBack)));
    bench.live(3700, 3710, Some(HOLD));
    assert_eq!((bench.seconds(), bench.state()), (vec![(3700, HOLD)], Some(LeaseState::Held)));
}

#[tokio::test]
async fn who_holds_nothing_falls_back_from_nothing() {
    let rows = [(None, None, vec![]), (Some(NORMAL), Some(LeaseState::Own), vec![])];
    for (wanted, state, writes) in rows {
        let mut bench = Bench::new(Control::BatteryMode, BATTERY, false);
        bench.live(0, 5, wanted);
        bench.live(5, 60, None);
        assert_eq!((bench.state(), bench.seconds()), (state, writes));
    }
}

#[tokio::test]
async fn a_lease_begins_with_the_next_cycle() {
    let mut lease = Lease::new(DeviceId("d".into()), Control::ComputeBudget, ENGINE, 7, false);
    let now = Instant::now();
    let wanted = |cycle| Setpoints {
        cycle,
        setpoints: vec![Setpoint { device: DeviceId("d".into()), setting: engine(500.0), reason: Reason::Surplus }],
    };
    lease.take(&wanted(7), now);
    assert_eq!(lease.due(now), None, "nobody knows how old it is");
    lease.take(&wanted(8), now);
    assert_eq!(lease.due(now).map(|duty| duty.setpoint.setting), Some(engine(500.0)));
}

#[tokio::test]
async fn a_control_that_is_wanted_no_more_is_given_back() {
    let mut bench = Bench::new(Control::BatteryMode, BATTERY, false);
    bench.live(0, 2, Some(HOLD));
    bench.lease.take(&Setpoints { cycle: 9, setpoints: Vec::new() }, bench.start);
    bench.live(2, 3, None);
    assert_eq!((bench.seconds(), bench.state()), (vec![(0, HOLD), (2, NORMAL)], Some(LeaseState::Own)));
}

#[tokio::test]
async fn a_debt_comes_before_what_is_wanted() {
    let mut bench = Bench::new(Control::BatteryMode, BATTERY, true);
    bench.live(0, 1, None);
    assert_eq!((bench.seconds(), bench.state()), (vec![(0, NORMAL)], Some(LeaseState::Own)));
    let mut bench = Bench::new(Control::BatteryMode, BATTERY, true);
    bench.live(0, 2, Some(HOLD));
    assert_eq!(bench.seconds(), [(0, NORMAL), (1, HOLD)]);
}

#[tokio::test]
async fn what_is_refused_is_tried_again_ever_more_seldom_until_health() {
    let mut bench = Bench::new(Control::BatteryMode, BATTERY, false);
    bench.refuses = true;
    bench.live(0, 1000, Some(HOLD));
    let tries: Vec<u64> = bench.seconds().into_iter().map(|(second, _)| second).collect();
    assert_eq!(tries, [0, 5, 15, 35, 75, 155, 315, 615, 915]);
    assert_eq!(bench.lease.status().unwrap().error.as_deref(), Some("busy"));
}

#[tokio::test]
async fn one_success_does_not_make_a_device_well_and_a_minute_does() {
    // Seconds of health after a wait of 20 s, and the wait after the next refusal.
    for (healthy, wait) in [(30, 40), (70, 5)] {
        let mut bench = Bench::new(Control::BatteryMode, BATTERY, false);
        bench.refuses = true;
        bench.live(0, 16, Some(HOLD));
        bench.refuses = false;
        bench.live(16, 35 + healthy, Some(HOLD));
        bench.refuses = true;
        bench.live(35 + healthy, 200, Some(Setting::BatteryMode(BatteryMode::Charge)));
        let tries: Vec<u64> = bench.seconds().into_iter().map(|(second, _)| second).collect();
        let again = 35 + healthy;
        assert_eq!(tries[..6], [0, 5, 15, 35, again, again + wait], "{healthy}");
    }
}

#[tokio::test]
async fn a_device_that_answers_again_is_set_at_once() {
    let mut bench = Bench::new(Control::BatteryMode, BATTERY, false);
    bench.refuses = true;
    bench.live(0, 100, Some(HOLD));
    bench.writes.clear();
    bench.lease.retry();
    bench.live(100, 106, Some(HOLD));
    assert_eq!(bench.seconds(), [(100, HOLD), (105, HOLD)]);
}

#[tokio::test]
async fn giving_back_is_not_put_off_by_what_was_refused() {
    let mut bench = Bench::new(Control::BatteryMode, BATTERY, false);
    bench.refuses = true;
    bench.live(0, 6, Some(HOLD));
    bench.live(6, 12, Some(NORMAL));
    // Refused at 5, tried again after 10 s: but the safe value goes out at once, and is itself not hammered.
    assert_eq!(bench.seconds(), [(0, HOLD), (5, HOLD), (6, NORMAL)]);
    assert_eq!(bench.state(), Some(LeaseState::Held), "nobody knows what it holds");
}

/// What was wanted, whether the device took it, and what is written at the end.
type End<'a> = (&'a [(Setting, bool)], &'a [Setting]);

#[tokio::test]
async fn at_the_end_what_may_be_set_is_given_back_and_nothing_else() {
    let rows: [End<'_>; 5] = [
        (&[], &[]),
        (&[(NORMAL, true)], &[]),
        (&[(HOLD, false)], &[NORMAL]),
        (&[(HOLD, true)], &[NORMAL]),
        (&[(HOLD, true), (NORMAL, true)], &[]),
    ];
    for (wanted, expected) in rows {
        let mut bench = Bench::new(Control::BatteryMode, BATTERY, false);
        for (second, (setting, taken)) in (0..).zip(wanted) {
            bench.refuses = !taken;
            bench.live(second, second + 1, Some(*setting));
        }
        bench.writes.clear();
        bench.lease.end();
        bench.refuses = false;
        bench.live(10, 20, Some(HOLD));
        assert_eq!(bench.seconds().into_iter().map(|(_, setting)| setting).collect::<Vec<_>>(), expected, "{wanted:?}");
        assert!(!bench.lease.is_set());
    }
}

#[tokio::test]
async fn in_the_seconds_of_an_end_a_device_is_asked_more_often() {
    let mut bench = Bench::new(Control::BatteryMode, BATTERY, false);
    bench.live(0, 1, Some(HOLD));
    bench.lease.end();
    bench.refuses = true;
    bench.writes.clear();
    bench.live(1, 9, None);
    assert_eq!(bench.seconds(), [(1, NORMAL), (2, NORMAL), (4, NORMAL), (8, NORMAL)]);
}

#[tokio::test]
async fn what_came_of_a_write_is_news_when_it_changes_something() {
    let mut lease = Lease::new(DeviceId("d".into()), Control::HeatPumpMode, BATTERY, 0, false);
    let setpoint = |act| Duty {
        setpoint: Setpoint {
            device: DeviceId("d".into()),
            setting: Setting::HeatPumpMode(HeatPumpMode::Boost),
            reason: Reason::Surplus,
        },
        act,
    };
    // A renewal or a change, what came of it, whether that is news.
    let (set, renew) = (Act::Set, Act::Renew);
    let rows = [(set, None, true), (renew, None, false), (renew, Some("busy"), true), (renew, None, true)];
    for (act, error, news) in rows {
        let failure = error.map(Failure::touched);
        assert_eq!(lease.written(&setpoint(act), failure, Instant::now()), news, "{act:?} {error:?}");
    }
}

#[tokio::test]
async fn silence_counts_from_when_the_core_spoke_and_not_from_when_it_was_heard() {
    let mut bench = Bench::new(Control::BatteryMode, BATTERY, false);
    bench.live(0, 2, Some(HOLD));
    // A write takes until second 6; what the core said at second 2 is heard then.
    let setpoint = Setpoint { device: DeviceId("d".into()), setting: HOLD, reason: Reason::Surplus };
    bench.lease.take(&Setpoints { cycle: 9, setpoints: vec![setpoint] }, bench.start + Duration::from_secs(2));
    bench.live(6, 20, None);
    assert_eq!(bench.seconds(), [(0, HOLD), (12, NORMAL)]);
}

#[tokio::test]
async fn what_is_withdrawn_before_it_was_written_is_known_to_be_held() {
    let mut lease = Lease::new(DeviceId("d".into()), Control::HeatPumpSurplus, PUMP, 0, false);
    let start = Instant::now();
    // Second, what is wanted, whether the device is known to hold it already, whether it is written.
    let rows = [
        (0, 500.0, false, true),
        (1, 500.0, false, false),
        (2, 0.0, false, true),
        (3, 900.0, false, false),
        (4, 900.0, false, false),
        (5, 0.0, true, false),
        (6, 0.0, false, false),
        (13, 900.0, false, true),
    ];
    for (second, watts, known, written) in rows {
        let now = start + Duration::from_secs(second);
        let setpoint = Setpoint { device: DeviceId("d".into()), setting: pump(watts), reason: Reason::Surplus };
        let found = lease.take(&Setpoints { cycle: second + 1, setpoints: vec![setpoint] }, now);
        assert_eq!(found.is_some_and(|(_, error)| error.is_none()), known, "{second}");
        let due = lease.due(now);
        assert_eq!(due.is_some(), written, "{second}: {due:?}");
        due.iter().for_each(|duty| {
            lease.written(duty, None, now);
        });
    }
}

/// A battery whose registers can be read.
const READABLE: Terms = Terms { readable: true, ..BATTERY };

fn fell() -> Look {
    Look::Changed { what: "register 7 holds 150, not 0".into(), foreign: false }
}

fn foreign() -> Look {
    Look::Changed { what: "register 7 holds 30, not 0".into(), foreign: true }
}

#[tokio::test]
async fn what_was_set_is_looked_at_within_a_minute_after_a_return_and_before_a_renewal() {
    let mut bench = Bench::new(Control::BatteryMode, READABLE, false);
    bench.live(0, 100, Some(HOLD));
    assert_eq!(bench.looks, [45, 90]);
    bench.lease.back();
    bench.live(100, 101, Some(HOLD));
    assert_eq!(bench.looks.pop(), Some(100));
    bench.live(101, 200, Some(NORMAL));
    assert_eq!(bench.looks, [45, 90], "its own control is its own");

    let terms = Terms { keep_alive: Some(Duration::from_secs(50)), ..READABLE };
    let mut bench = Bench::new(Control::BatteryMode, terms, false);
    bench.live(0, 42, Some(HOLD));
    assert_eq!(bench.looks, [20, 40]);
    assert_eq!(bench.writes, [(0, HOLD, false), (20, HOLD, true), (40, HOLD, true)]);
}

#[tokio::test]
async fn what_falls_back_is_written_again_a_few_times_and_then_said() {
    let mut bench = Bench::new(Control::BatteryMode, READABLE, false);
    bench.holds = fell();
    bench.live(0, 3600, Some(HOLD));
    assert_eq!(bench.seconds(), [(0, HOLD), (45, HOLD), (90, HOLD), (135, HOLD)]);
    assert_eq!(bench.said.len(), 4);
    let why = bench.lease.status().unwrap().error.unwrap();
    assert!(why.contains("3 times and more") && why.contains("150,") && why.contains("60 minutes"), "{why}");
    // The rest of the day: after the rest once, and three times more.
    bench.live(3600, 24 * 3600, Some(HOLD));
    assert_eq!(bench.seconds().len(), 4);
}

#[tokio::test]
async fn somebody_elses_value_is_left_alone_for_an_hour() {
    let mut bench = Bench::new(Control::BatteryMode, READABLE, false);
    bench.live(0, 10, Some(HOLD));
    bench.holds = foreign();
    bench.live(10, 100, Some(HOLD));
    assert_eq!(bench.seconds(), [(0, HOLD)]);
    assert!(bench.said[0].contains("somebody else has set it: register 7 holds 30, not 0"), "{:?}", bench.said);
    bench.holds = Look::Stands;
    bench.live(100, 3700, Some(HOLD));
    assert_eq!((bench.seconds(), bench.lease.status().unwrap().error), (vec![(3645, HOLD)], None));
}

#[tokio::test]
async fn what_a_device_holds_after_a_restart_is_nobody_elses() {
    let mut bench = Bench::new(Control::BatteryMode, READABLE, false);
    bench.live(0, 10, Some(HOLD));
    bench.lease.back();
    bench.holds = foreign();
    bench.live(10, 12, Some(HOLD));
    assert_eq!(bench.seconds(), [(0, HOLD), (10, HOLD)]);
}

#[tokio::test]
async fn what_is_not_written_at_all_leaves_the_device_its_own() {
    let mut bench = Bench::new(Control::BatteryMode, READABLE, false);
    bench.lease.take(&Setpoints { cycle: 1, setpoints: Vec::new() }, bench.start);
    let setpoint = Setpoint { device: DeviceId("d".into()), setting: HOLD, reason: Reason::Surplus };
    bench.lease.take(&Setpoints { cycle: 2, setpoints: vec![setpoint] }, bench.start);
    let duty = bench.lease.due(bench.start).unwrap();
    assert!(bench.lease.written(&duty, Some(Failure::untouched("used up")), bench.start));
    assert_eq!((bench.lease.is_set(), bench.state()), (false, Some(LeaseState::Own)));
}

#[tokio::test]
async fn what_the_device_says_of_its_own_revert_time_is_renewed_in_less_than_half_of_it() {
    let mut bench = Bench::new(Control::BatteryMode, BATTERY, false);
    bench.live(0, 1, Some(HOLD));
    bench.lease.forgets_after(Duration::from_secs(3600));
    bench.live(1, 3600, Some(HOLD));
    assert_eq!(bench.writes, [(0, HOLD, false), (1440, HOLD, true), (2880, HOLD, true)]);
}

#[tokio::test]
async fn what_rests_is_known_to_the_core_until_the_rest_is_over() {
    let mut bench = Bench::new(Control::BatteryMode, READABLE, false);
    bench.live(0, 10, Some(HOLD));
    bench.holds = foreign();
    bench.live(10, 60, Some(HOLD));
    // What is left of it is given back.
    bench.live(60, 61, Some(NORMAL));
    // Second, what is wanted, and what is said of it without a write: that it rests, or that it is held.
    let rows = [
        (61, HOLD, Some(true)),
        (62, HOLD, None),
        (63, NORMAL, None),
        (3646, NORMAL, Some(false)),
        (3647, NORMAL, None),
    ];
    for (second, setting, rests) in rows {
        bench.cycle += 1;
        let setpoint = Setpoint { device: DeviceId("d".into()), setting, reason: Reason::Surplus };
        let setpoints = Setpoints { cycle: bench.cycle, setpoints: vec![setpoint] };
        let said = bench.lease.take(&setpoints, bench.start + Duration::from_secs(second));
        assert_eq!(said.map(|(_, error)| error.is_some()), rests, "{second}");
    }
}

#[tokio::test]
async fn a_device_that_does_not_answer_a_look_is_asked_every_five_seconds_and_stays_held() {
    let terms = Terms { keep_alive: Some(Duration::from_secs(120)), ..READABLE };
    let mut bench = Bench::new(Control::BatteryMode, terms, false);
    bench.live(0, 10, Some(HOLD));
    bench.lease.back();
    bench.holds = Look::Unread;
    bench.live(10, 70, Some(HOLD));
    // The renewal goes on, and says that the value stands.
    assert_eq!(bench.looks, [10, 15, 20, 25, 30, 35, 40, 45]);
    assert_eq!((bench.seconds(), bench.state()), (vec![(0, HOLD), (48, HOLD)], Some(LeaseState::Held)));
}

#[tokio::test]
async fn another_value_that_is_refused_keeps_nobody_from_renewing_the_one_that_is_held() {
    let terms = Terms { keep_alive: Some(Duration::from_secs(60)), ..BATTERY };
    let mut bench = Bench::new(Control::BatteryMode, terms, false);
    bench.live(0, 1, Some(HOLD));
    let charge = Setting::BatteryMode(BatteryMode::Charge);
    let mut renewed = 0;
    for second in 1..200 {
        bench.cycle += 1;
        let now = bench.start + Duration::from_secs(second);
        let setpoint = Setpoint { device: DeviceId("d".into()), setting: charge, reason: Reason::Surplus };
        bench.lease.take(&Setpoints { cycle: bench.cycle, setpoints: vec![setpoint] }, now);
        let Some(duty) = bench.lease.due(now) else { continue };
        let failure = (duty.setpoint.setting == charge).then(|| Failure::untouched("full"));
        renewed += u32::from(duty.act == Act::Renew && duty.setpoint.setting == HOLD);
        bench.lease.written(&duty, failure, now);
    }
    assert!(renewed >= 6, "{renewed}");
}

#[tokio::test]
async fn what_may_not_be_written_any_more_leaves_the_device_its_own() {
    let mut bench = Bench::new(Control::BatteryMode, BATTERY, false);
    bench.live(0, 1, Some(HOLD));
    let setpoint = Setpoint {
        device: DeviceId("d".into()),
        setting: Setting::BatteryMode(BatteryMode::Charge),
        reason: Reason::Surplus,
    };
    bench.lease.take(&Setpoints { cycle: 9, setpoints: vec![setpoint] }, bench.start);
    let duty = bench.lease.due(bench.start).unwrap();
    bench.lease.written(&duty, Some(Failure::barred("used up")), bench.start);
    let next = bench.lease.due(bench.start).unwrap();
    assert_eq!((next.setpoint.setting, next.act), (NORMAL, Act::Set));
    bench.lease.written(&next, None, bench.start);
    // That it took its own value does not make it take the other one.
    assert_eq!((bench.lease.due(bench.start), bench.state()), (None, Some(LeaseState::Own)));
}
