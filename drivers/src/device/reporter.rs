//! Reports on their way to the host: newer values replace those not yet taken, so that a slow host never holds up a
//! device, and what came of setpoints is never lost.

use super::report::Report;
use plant::decision::Setpoint;
use plant::point::{DeviceId, Point};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc};

/// Results of setpoints that wait; older ones go first.
const RESULTS: usize = 64;

#[derive(Debug, Default)]
struct Waiting {
    values: BTreeMap<Point, Option<f64>>,
    unavailable: Option<String>,
    applied: VecDeque<Report>,
}

#[derive(Clone, Debug)]
pub(super) struct Reporter {
    device: DeviceId,
    waiting: Arc<Mutex<Waiting>>,
    filled: Arc<Notify>,
}

impl Reporter {
    pub(super) fn new(device: DeviceId) -> Self {
        Self { device, waiting: Arc::default(), filled: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn values(&self, values: impl IntoIterator<Item = (Point, Option<f64>)>) {
        let mut waiting = self.lock();
        waiting.values.extend(values);
        waiting.unavailable = None;
        drop(waiting);
        self.filled.notify_one();
    }

    /// Says that the device cannot be read. The points of `unknown` get no value first; others grow old.
    pub(super) fn unavailable(&self, why: String, unknown: impl IntoIterator<Item = Point>) {
        let mut waiting = self.lock();
        waiting.values.retain(|_, value| value.is_none());
        waiting.values.extend(unknown.into_iter().map(|point| (point, None)));
        waiting.unavailable = Some(why);
        drop(waiting);
        self.filled.notify_one();
    }

    pub(super) fn applied(&self, setpoint: Setpoint, error: Option<String>) {
        let mut waiting = self.lock();
        if waiting.applied.len() >= RESULTS {
            waiting.applied.pop_front();
        }
        waiting.applied.push_back(Report::Applied { setpoint, error });
        drop(waiting);
        self.filled.notify_one();
    }

    fn next(&self) -> Option<Report> {
        let mut waiting = self.lock();
        if let Some(applied) = waiting.applied.pop_front() {
            return Some(applied);
        }
        let values: Vec<_> = std::mem::take(&mut waiting.values).into_iter().collect();
        if !values.is_empty() {
            return Some(Report::Values { device: self.device.clone(), values });
        }
        let why = waiting.unavailable.take()?;
        Some(Report::Unavailable { device: self.device.clone(), why })
    }

    /// Hands reports over as the host takes them, until it takes no more.
    pub(super) async fn deliver(self, reports: mpsc::Sender<Report>) {
        loop {
            let Ok(place) = reports.reserve().await else { return };
            match self.next() {
                Some(report) => place.send(report),
                None => {
                    drop(place);
                    self.filled.notified().await;
                }
            }
        }
    }

    /// Waits until everything is handed over.
    pub(super) async fn drained(&self) {
        loop {
            {
                let waiting = self.lock();
                if waiting.applied.is_empty() && waiting.values.is_empty() && waiting.unavailable.is_none() {
                    return;
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Point::{GridPower, PvPower};

    /// What is waiting: values, or `None` for the word that the device cannot be read.
    type Expected<'a> = &'a [Option<&'a [(Point, Option<f64>)]>];

    #[test]
    fn what_is_unknown_comes_before_the_device_is_given_up() {
        let rows: [(&[&[Point]], bool, Expected<'_>); 5] = [
            (&[], false, &[Some(&[(GridPower, Some(1.0)), (PvPower, Some(2.0))])]),
            (&[&[]], false, &[None]),
            (&[&[GridPower]], false, &[Some(&[(GridPower, None)]), None]),
            (&[&[GridPower], &[]], false, &[Some(&[(GridPower, None)]), None]),
            (&[&[GridPower]], true, &[Some(&[(GridPower, Some(1.0)), (PvPower, Some(2.0))])]),
        ];
        for (unknown, back, expected) in rows {
            let reporter = Reporter::new(DeviceId("device".into()));
            let read = [(GridPower, Some(1.0)), (PvPower, Some(2.0))];
            reporter.values(read);
            for points in unknown {
                reporter.unavailable("gone".to_owned(), points.iter().copied());
            }
            if back {
                reporter.values(read);
            }
            for report in expected {
                match reporter.next() {
                    Some(Report::Values { values, .. }) => assert_eq!(Some(values.as_slice()), *report, "{unknown:?}"),
                    found => {
                        assert!(report.is_none() && matches!(found, Some(Report::Unavailable { .. })), "{found:?}")
                    }
                }
            }
            assert_eq!(reporter.next(), None, "{unknown:?}");
        }
    }
}
