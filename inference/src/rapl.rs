//! The processor's own energy counter (RAPL), where the machine shows it: Intel and AMD, `/sys/class/powercap`, often
//! only to root. Linux documents it in `power/powercap/powercap.rst`: microjoules that wrap at `max_energy_range_uj`.

use std::path::{Path, PathBuf};

/// One package's counter.
struct Domain {
    counter: PathBuf,
    /// Where it wraps, in microjoules.
    range: f64,
    /// Its last reading, in microjoules.
    last: f64,
    /// What it has counted since it was found.
    joules: f64,
}

/// The energy of all processor packages.
pub(crate) struct Rapl {
    domains: Vec<Domain>,
}

impl Rapl {
    /// The counters below `root` that can be read; `None` where there are none.
    pub(crate) fn find(root: &Path) -> Option<Self> {
        let mut domains = Vec::new();
        for entry in std::fs::read_dir(root).ok()?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // `intel-rapl:0` is a package, `intel-rapl:0:0` a part of it that would count twice.
            if !name.starts_with("intel-rapl:") || name.matches(':').count() != 1 {
                continue;
            }
            let counter = entry.path().join("energy_uj");
            if let (Some(last), Some(range)) = (number(&counter), number(&entry.path().join("max_energy_range_uj"))) {
                domains.push(Domain { counter, range, last, joules: 0.0 });
            }
        }
        (!domains.is_empty()).then_some(Self { domains })
    }

    /// Joules since `find`, wraps of the counters counted in.
    pub(crate) fn joules(&mut self) -> f64 {
        for domain in &mut self.domains {
            if let Some(now) = number(&domain.counter) {
                let wrapped = if now < domain.last { domain.range } else { 0.0 };
                domain.joules += (now + wrapped - domain.last) / 1e6;
                domain.last = now;
            }
        }
        self.domains.iter().map(|domain| domain.joules).sum()
    }
}

fn number(path: &Path) -> Option<f64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_over_a_wrap_and_ignores_parts_of_a_package() {
        let root = tempfile::tempdir().unwrap();
        for (name, value) in [("intel-rapl:0", "900000000"), ("intel-rapl:0:0", "5"), ("dtpm", "1")] {
            std::fs::create_dir(root.path().join(name)).unwrap();
            std::fs::write(root.path().join(name).join("energy_uj"), value).unwrap();
            std::fs::write(root.path().join(name).join("max_energy_range_uj"), "1000000000").unwrap();
        }
        let mut rapl = Rapl::find(root.path()).unwrap();
        std::fs::write(root.path().join("intel-rapl:0/energy_uj"), "100000000\n").unwrap();
        assert_eq!(rapl.joules(), 200.0);
        assert!(Rapl::find(&root.path().join("dtpm")).is_none());
    }
}
