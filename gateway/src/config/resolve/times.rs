//! `[jobs]` and `[[schedule]]`: expressions parsed, one action each.

use super::{Faults, quoted};
use crate::config::Config;
use crate::config::jobs::{ScheduleConfig, ScheduledJob, ScheduledMode};
use crate::schedule::{Action, Entry};
use plant::command::{Command, Mode, Scheduled};
use plant::units::Watts;
use std::time::Duration;

pub(super) fn resolve(config: &Config, faults: &mut Faults) -> Vec<Entry> {
    let mut entries = Vec::new();
    if config.jobs.daily_summary {
        let cron = &config.jobs.daily_summary_cron;
        if let Some(schedule) = faults.take("jobs.daily_summary_cron", cron, cron.parse()) {
            entries.push(Entry { schedule, action: Action::Summary });
        }
    }
    for (index, row) in config.schedule.iter().enumerate() {
        let key = format!("schedule[{index}]");
        let schedule = faults.take(&format!("{key}.cron"), &row.cron, row.cron.parse());
        let action = action(row, &key, config.compute.max_w, faults);
        if let (Some(schedule), Some(action)) = (schedule, action) {
            entries.push(Entry { schedule, action });
        }
    }
    entries
}

fn action(row: &ScheduleConfig, key: &str, max_w: f64, faults: &mut Faults) -> Option<Action> {
    if let Some(limit) = row.power_limit_w.filter(|limit| *limit > max_w) {
        faults.wrong(format!("{key}.power_limit_w"), limit, format!("expected at most compute.max_w, {max_w} W"));
    }
    let scheduled =
        |mode, boost| Action::Command(Command::Scheduled(Scheduled { mode, boost, overrides: row.overrides }));
    let action = match (row.mode, row.boost_s, row.power_limit_w, row.job) {
        (Some(mode), None, None, None) => scheduled(plain(mode), Duration::ZERO),
        (None, Some(seconds), None, None) => scheduled(Mode::Boost, Duration::from_secs(u64::from(seconds))),
        (None, None, Some(limit), None) => Action::Command(Command::SetPowerLimit(Watts(limit))),
        (None, None, None, Some(ScheduledJob::Summary)) => Action::Summary,
        _ => {
            let cron = quoted(&row.cron);
            faults.about(
                key,
                format!("expected exactly one of mode, boost_s, power_limit_w and job beside cron = {cron}"),
            );
            return None;
        }
    };
    if row.overrides && !matches!(action, Action::Command(Command::Scheduled(_))) {
        faults.wrong(format!("{key}.overrides"), true, "expected only beside mode or boost_s".to_owned());
    }
    Some(action)
}

fn plain(mode: ScheduledMode) -> Mode {
    match mode {
        ScheduledMode::Off => Mode::Off,
        ScheduledMode::Auto => Mode::Auto,
        ScheduledMode::Surplus => Mode::Surplus,
        ScheduledMode::Heat => Mode::Heat,
        ScheduledMode::Eco => Mode::Eco,
    }
}
