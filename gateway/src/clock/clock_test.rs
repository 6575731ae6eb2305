//! A machine whose clock is wrong for a while, for long, or at the start.

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const SECOND: Duration = Duration::from_secs(1);

fn clock() -> (Bench, Clock) {
    let bench = Bench::new(at("2026-05-02T10:00:00Z"));
    (bench.clone(), Clock::on(bench))
}

/// Lets seconds pass, each with a look; by how much the clock was set.
fn pass(bench: &Bench, clock: &Clock, seconds: u32) -> Vec<TimeDelta> {
    let look = |_| {
        bench.pass(SECOND);
        clock.look()
    };
    (0..seconds).filter_map(look).collect()
}

#[test]
fn a_wrong_clock_for_half_a_minute_is_not_followed() {
    for step in [TimeDelta::days(40), TimeDelta::days(3653), TimeDelta::days(-3653), TimeDelta::minutes(-5)] {
        // A bad time server synchronises the machine, too.
        for synchronised in [false, true] {
            let (bench, clock) = clock();
            bench.synchronise(synchronised);
            bench.step(step);
            assert_eq!(pass(&bench, &clock, 30), []);
            assert_eq!(clock.now(), at("2026-05-02T10:00:30Z"));
            assert!(clock.doubt().unwrap().contains("the house goes on with 2026-05-02 10:00 UTC"), "{step}");
            assert!(!clock.is_sure());
            bench.step(-step);
            assert_eq!(pass(&bench, &clock, 3600), []);
            assert_eq!((clock.now(), clock.doubt()), (at("2026-05-02T11:00:30Z"), None));
            assert!(clock.is_sure());
        }
    }
}

#[test]
fn a_step_is_believed_when_it_has_lasted_or_the_network_agrees() {
    let step = TimeDelta::hours(1);
    let rows: [(bool, Option<&str>, u32); 5] = [
        (false, None, 600),
        (true, None, 60),
        (false, Some("Sat, 02 May 2026 11:00:20 GMT"), 0),
        (false, Some("Sat, 02 May 2026 10:00:00 GMT"), 600),
        (false, Some("yesterday"), 600),
    ];
    for (synchronised, date, seconds) in rows {
        let (bench, clock) = clock();
        let steps = clock.steps();
        date.iter().for_each(|date| clock.hear(date));
        bench.synchronise(synchronised);
        bench.step(step);
        // It is seen at the first look, a second later.
        assert_eq!(pass(&bench, &clock, seconds), [], "{date:?}");
        assert_eq!(pass(&bench, &clock, 1), [step], "{date:?}");
        assert!(clock.now() > at("2026-05-02T11:00:00Z") && clock.doubt().is_none());
        assert!(steps.has_changed().unwrap());
    }
}

#[test]
fn a_step_that_changes_begins_to_last_anew() {
    let (bench, clock) = clock();
    for _ in 0..5 {
        bench.step(TimeDelta::hours(1));
        assert_eq!(pass(&bench, &clock, 599), []);
    }
    assert_eq!(pass(&bench, &clock, 3), [TimeDelta::hours(5)]);
}

#[test]
fn sleep_is_no_step() {
    let (bench, clock) = clock();
    bench.pass(Duration::from_secs(8 * 3600));
    assert_eq!((clock.look(), clock.now()), (None, at("2026-05-02T18:00:00Z")));
}

#[test]
fn seconds_are_slewed_and_time_never_goes_back() {
    for ahead in [TimeDelta::seconds(2), TimeDelta::seconds(-2)] {
        let (bench, clock) = clock();
        bench.step(ahead);
        let mut before = clock.now();
        for _ in 0..60 {
            bench.pass(SECOND);
            assert_eq!((clock.look(), clock.doubt()), (None, None));
            let went = clock.now() - before;
            assert!((900..=1100).contains(&went.num_milliseconds()), "{went}");
            before = clock.now();
        }
        assert!((clock.now() - bench.wall()).abs() < TimeDelta::milliseconds(10), "{ahead}");
    }
}

#[test]
fn a_time_at_the_start_that_cannot_be_waits_for_the_network_or_for_a_while() {
    let newest = Some(at("2026-12-01T10:00:00Z"));
    let rows = [
        ("2026-12-01T10:10:00Z", newest, false, 0),
        ("2026-12-30T10:00:00Z", newest, false, 0),
        ("2027-01-15T10:00:00Z", newest, false, 600),
        ("2027-01-15T10:00:00Z", newest, true, 60),
        ("2027-01-15T10:00:00Z", None, false, 0),
        ("2026-12-01T09:00:00Z", newest, false, 600),
        ("2016-01-01T00:00:00Z", None, false, 600),
    ];
    for (wall, newest, synchronised, seconds) in rows {
        let bench = Bench::new(at(wall));
        bench.synchronise(synchronised);
        let clock = Clock::on(bench.clone());
        for second in 0..seconds {
            assert!(clock.doubt_at_start(newest).is_some(), "{wall} {second}");
            bench.pass(SECOND);
        }
        assert_eq!(clock.doubt_at_start(newest), None, "{wall}");
    }
    // The network sets the clock right while the house waits.
    let bench = Bench::new(at("1970-01-01T00:00:05Z"));
    let clock = Clock::on(bench.clone());
    let words = clock.doubt_at_start(newest).unwrap();
    assert!(words.contains("1970-01-01 00:00 UTC") && words.contains("2026-12-01 10:00 UTC"), "{words}");
    bench.step(at("2026-12-01T12:00:00Z") - bench.wall());
    assert_eq!((clock.doubt_at_start(newest), clock.now()), (None, at("2026-12-01T12:00:00Z")));
}

#[test]
fn right_after_the_machine_came_up_the_time_is_sure_once_it_is_synchronised() {
    let (bench, clock) = clock();
    assert!(clock.is_sure(), "a machine that has been up for long");
    bench.boot();
    let clock = Clock::on(bench.clone());
    assert!(!clock.is_sure());
    bench.synchronise(true);
    assert!(clock.is_sure());
    bench.synchronise(false);
    pass(&bench, &clock, 600);
    assert!(clock.is_sure());
}

#[test]
fn the_machine_of_this_test_has_clocks() {
    let clock = Clock::real();
    let (now, wall) = (clock.now(), wall_time());
    assert!((now - wall).abs() < TimeDelta::seconds(5), "{now} {wall}");
    assert_eq!(clock.look(), None);
}
