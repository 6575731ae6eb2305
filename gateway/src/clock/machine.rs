//! The machine's clocks: the one on the wall, which people and time servers set; the steady one, which only goes forward and counts
//! sleep; and what the kernel says of the first.

use plant::time::Timestamp;
use std::time::Duration;

/// The clocks of a machine.
pub(super) trait Machine: Send + Sync {
    /// The clock on the wall.
    fn wall(&self) -> Timestamp;
    /// The steady clock: what has passed since the machine came up, sleep included.
    fn passed(&self) -> Duration;
    /// Whether the kernel says that a time server keeps the clock on the wall.
    fn is_synchronised(&self) -> bool;
}

/// The machine that this runs on.
pub(super) struct ThisMachine;

impl Machine for ThisMachine {
    fn wall(&self) -> Timestamp {
        super::wall_time()
    }

    fn passed(&self) -> Duration {
        let passed = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::try_from(passed).unwrap_or_default()
    }

    fn is_synchronised(&self) -> bool {
        // SAFETY: `timex` is plain numbers, for which zeros are valid. With `modes` zero the call only reads, and it writes nothing
        // but the structure it is given.
        let state = unsafe {
            let mut timex: libc::timex = std::mem::zeroed();
            libc::adjtimex(&mut timex)
        };
        (0..libc::TIME_ERROR).contains(&state)
    }
}

/// A machine whose clocks a test sets. Clones are the same.
#[cfg(test)]
#[derive(Clone)]
pub(crate) struct Bench(std::sync::Arc<std::sync::Mutex<Clocks>>);

#[cfg(test)]
struct Clocks {
    wall: Timestamp,
    passed: Duration,
    /// Tokio's clock goes on from here, where the machine goes by it.
    since: Option<tokio::time::Instant>,
    synchronised: bool,
}

#[cfg(test)]
impl Clocks {
    fn elapsed(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
impl Bench {
    /// A machine that has been up for a day.
    pub(super) fn new(wall: Timestamp) -> Self {
        let clocks = Clocks { wall, passed: Duration::from_secs(86_400), since: None, synchronised: false };
        Self(std::sync::Arc::new(std::sync::Mutex::new(clocks)))
    }

    /// One whose time passes as tokio's does.
    pub(crate) fn going(wall: Timestamp) -> Self {
        let bench = Self::new(wall);
        bench.with(|clocks| clocks.since = Some(tokio::time::Instant::now()));
        bench
    }

    pub(super) fn pass(&self, time: Duration) {
        self.with(|clocks| (clocks.passed, clocks.wall) = (clocks.passed + time, clocks.wall + time));
    }

    pub(crate) fn step(&self, by: chrono::TimeDelta) {
        self.with(|clocks| clocks.wall += by);
    }

    pub(super) fn synchronise(&self, synchronised: bool) {
        self.with(|clocks| clocks.synchronised = synchronised);
    }

    /// The machine has just come up.
    pub(super) fn boot(&self) {
        self.with(|clocks| clocks.passed = Duration::ZERO);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Clocks) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }
}

#[cfg(test)]
impl Machine for Bench {
    fn wall(&self) -> Timestamp {
        self.with(|clocks| clocks.wall + clocks.elapsed())
    }

    fn passed(&self) -> Duration {
        self.with(|clocks| clocks.passed + clocks.elapsed())
    }

    fn is_synchronised(&self) -> bool {
        self.with(|clocks| clocks.synchronised)
    }
}
