//! Who holds the controls. While the control loop hangs, this watches its cycles and says in the newest record who fell back.

use crate::config::check::listed;
use drivers::lease::{SILENCE, Wanted};
use plant::point::Role;
use plant::reason::Reason;
use plant::record::{LeaseState, LeaseStatus, Record};
use plant::units::Watts;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How often the loop's silence is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// The silence is shown in steps of so many seconds: each is a new record.
const STEP_S: u64 = 5;
/// The leases need a moment to write what they have let go of; until then it is not said.
const GRACE: Duration = Duration::from_secs(2);
/// How the sentence about it begins.
const SILENT: &str = "the control loop has been silent for ";

/// The leases of all devices and of the engine.
#[derive(Clone, Debug, Default)]
pub struct Leases {
    /// Those of each device.
    pub all: Vec<watch::Receiver<Vec<LeaseStatus>>>,
}

impl Leases {
    /// As they stand.
    pub fn current(&self) -> Vec<LeaseStatus> {
        self.all.iter().flat_map(|leases| leases.borrow().clone()).collect()
    }
}

/// Watches the loop until `shutdown`; while its cycle number does not grow, says in the newest record who holds what.
pub async fn watch(
    leases: Leases,
    mut wanted: watch::Receiver<Wanted>,
    records: watch::Sender<Option<Arc<Record>>>,
    shutdown: CancellationToken,
) {
    let mut grew = Instant::now();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(LOOK) => {}
            Ok(()) = wanted.changed() => grew = Instant::now(),
        }
        let silent = grew.elapsed();
        if silent >= SILENCE + GRACE {
            records.send_if_modified(|newest| amend(newest, leases.current(), silent));
        }
    }
}

/// Puts the leases and a sentence into the newest record; whether that changes it.
fn amend(newest: &mut Option<Arc<Record>>, leases: Vec<LeaseStatus>, silent: Duration) -> bool {
    let Some(record) = newest else { return false };
    let others = record.problems.iter().filter(|problem| !problem.starts_with(SILENT));
    let problems: Vec<String> = std::iter::once(sentence(&leases, silent)).chain(others.cloned()).collect();
    if record.leases == leases && record.problems == problems {
        return false;
    }
    let explanation = format!("Nothing is decided: {}.", problems[0]);
    let mut amended = Record { leases, problems, explanation, ..Record::clone(record) };
    // Its budget has run out, whatever was decided.
    (amended.decision.budget, amended.decision.reason) = (Watts::ZERO, Reason::StaleData);
    *newest = Some(Arc::new(amended));
    true
}

fn sentence(leases: &[LeaseStatus], silent: Duration) -> String {
    let seconds = silent.as_secs() / STEP_S * STEP_S;
    let (set, free): (Vec<_>, Vec<_>) = leases.iter().partition(|lease| is_set(lease));
    let fell_back = |lease: &&LeaseStatus| lease.state == LeaseState::FellBack;
    let (engine, devices): (Vec<_>, Vec<_>) =
        free.into_iter().filter(fell_back).partition(|lease| lease.control.role() == Role::Compute);
    let names: Vec<&str> = devices.into_iter().map(name).collect();
    let under = match names.as_slice() {
        [] => None,
        [one] => Some(format!("the {one} is under its own control")),
        _ => Some(format!("{} are under their own control", listed(names.iter().copied(), "and"))),
    };
    let rests = engine.first().map(|_| "the engine rests".to_owned());
    let who = match rests.into_iter().chain(under).collect::<Vec<_>>().join(", ") {
        nobody if nobody.is_empty() && set.is_empty() => "every device is under its own control".to_owned(),
        nobody if nobody.is_empty() => "no device is under its own control yet".to_owned(),
        who => who,
    };
    let still = set.into_iter().map(|lease| {
        let why = lease.error.as_deref().unwrap_or("it does not answer yet");
        format!("; {} is not given back: {why}", lease.device)
    });
    format!("{SILENT}{seconds} s: {who}{}", still.collect::<String>())
}

/// Whether the device may hold something of ours.
pub(crate) fn is_set(lease: &LeaseStatus) -> bool {
    lease.error.is_some() || lease.state == LeaseState::Held || lease.setting.is_some_and(|setting| !setting.is_safe())
}

fn name(lease: &LeaseStatus) -> &'static str {
    match lease.control.role() {
        Role::Battery => "battery",
        Role::HeatPump => "heat pump",
        Role::Pv => "inverter",
        Role::Compute => "engine",
        Role::Wallbox => "wallbox",
        Role::Grid | Role::House | Role::Tank | Role::Room | Role::Outdoor => "device",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::decision::Control;
    use plant::point::DeviceId;

    fn lease(control: Control, state: LeaseState, error: Option<&str>) -> LeaseStatus {
        let device = DeviceId("box".into());
        LeaseStatus { device, control, state, setting: Some(control.safe()), error: error.map(str::to_owned) }
    }

    #[test]
    fn the_silence_is_shown_with_who_fell_back() {
        use Control::{BatteryMode, ComputeBudget, HeatPumpSurplus};
        use LeaseState::{FellBack, Held, Own};
        let rows = [
            (vec![], "every device is under its own control"),
            (vec![lease(BatteryMode, Own, None)], "every device is under its own control"),
            (vec![lease(BatteryMode, Own, None), lease(ComputeBudget, FellBack, None)], "the engine rests"),
            (
                [BatteryMode, HeatPumpSurplus, ComputeBudget].map(|control| lease(control, FellBack, None)).into(),
                "the engine rests, battery and heat pump are under their own control",
            ),
            (
                vec![lease(BatteryMode, FellBack, Some("busy"))],
                "no device is under its own control yet; box is not given back: busy",
            ),
            (
                vec![lease(BatteryMode, Held, None), lease(ComputeBudget, FellBack, None)],
                "the engine rests; box is not given back: it does not answer yet",
            ),
        ];
        for (leases, expected) in rows {
            let said = sentence(&leases, Duration::from_secs(12));
            assert_eq!(said, format!("the control loop has been silent for 10 s: {expected}"));
        }
    }

    #[test]
    fn a_record_is_amended_when_there_is_something_to_say() {
        let mut newest = None;
        assert!(!amend(&mut newest, Vec::new(), SILENCE));
        let at = "2026-05-01T10:00:00Z".parse().unwrap();
        let record = Record { problems: vec!["a full disk".into()], ..crate::http::fixture::record(at) };
        newest = Some(Arc::new(record));
        for (seconds, changes, problems) in [(10, true, 2), (12, false, 2), (15, true, 2)] {
            assert_eq!(amend(&mut newest, Vec::new(), Duration::from_secs(seconds)), changes, "{seconds}");
            assert_eq!(newest.as_ref().unwrap().problems.len(), problems);
        }
    }
}
