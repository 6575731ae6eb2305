//! The queue over a file in a folder of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests stop at the first surprise")]

use super::super::{Answer, Job, JobRequest, JobStatus, Message, QueueError};
use super::{Limits, Queue};
use crate::store::Disk;
use chrono::TimeDelta;
use plant::time::Timestamp;
use plant::units::Eur;
use std::path::Path;

const LIMITS: Limits = Limits { queue_max: 4, attempts: 2, eur_per_mtok_in: 1.0, eur_per_mtok_out: 4.0 };

fn at(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::hours(500_000 + hours)
}

fn open(folder: &Path) -> Queue {
    Queue::open(&Disk::Folder(folder.to_owned()), LIMITS).unwrap()
}

fn job(title: &str) -> JobRequest {
    JobRequest {
        title: title.into(),
        messages: vec![Message { role: "user".into(), content: "Say hello.".into() }],
        expert: None,
        deadline: None,
        max_tokens: 100,
        value: None,
    }
}

fn due(title: &str, hours: i64) -> JobRequest {
    JobRequest { deadline: Some(at(hours)), ..job(title) }
}

/// Starts the next job and says which.
fn next(queue: &Queue, hours: i64) -> Option<Job> {
    queue.expire(at(hours)).unwrap();
    queue.next(at(hours)).unwrap()
}

fn titles(queue: &Queue, hours: i64) -> Vec<String> {
    std::iter::from_fn(|| next(queue, hours)).map(|job| job.request.title).collect()
}

#[test]
fn the_nearest_deadline_goes_first_then_what_pays_more_and_what_has_none_gets_its_turn() {
    let generous = JobRequest { value: Some(Eur(1.0)), ..job("generous") };
    // Jobs with the hour they are handed in, and the order in which they are served two hours later.
    let rows = [
        (
            [(job("some day"), 0), (due("tomorrow night", 40), 0), (due("tonight", 12), 1)],
            ["tonight", "some day", "tomorrow night"],
        ),
        (
            [(job("listed price"), 0), (generous, 0), (job("listed price, later"), 0)],
            ["generous", "listed price", "listed price, later"],
        ),
    ];
    for (jobs, expected) in rows {
        let folder = tempfile::tempdir().unwrap();
        let queue = open(folder.path());
        for (job, hours) in jobs {
            queue.submit(&job, at(hours)).unwrap();
        }
        assert_eq!(titles(&queue, 2), expected);
    }
}

#[test]
fn a_restart_loses_no_job_and_counts_no_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    queue.submit(&job("running"), at(0)).unwrap();
    queue.submit(&job("waiting"), at(0)).unwrap();
    assert_eq!(next(&queue, 0).unwrap().attempts, 1);
    drop(queue);
    let queue = open(folder.path());
    assert_eq!(queue.backlog().jobs, 2);
    let again = next(&queue, 0).unwrap();
    assert_eq!((&*again.request.title, again.attempts), ("running", 1));
}

#[test]
fn a_failing_job_is_tried_as_often_as_allowed_and_a_refused_one_once() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let id = queue.submit(&job("unlucky"), at(0)).unwrap().id;
    for (attempt, status) in [(1, JobStatus::Queued), (2, JobStatus::Failed)] {
        assert_eq!(next(&queue, 0).unwrap().attempts, attempt);
        queue.fail(id, "no luck", true, at(1)).unwrap();
        let now = queue.get(id).unwrap();
        assert_eq!((now.status, now.error.as_deref()), (status, Some("no luck")));
        assert_eq!(now.finished_at, (status == JobStatus::Failed).then_some(at(1)));
    }
    let id = queue.submit(&job("refused"), at(0)).unwrap().id;
    next(&queue, 0).unwrap();
    queue.fail(id, "never", false, at(1)).unwrap();
    assert_eq!(queue.get(id).unwrap().status, JobStatus::Failed);
    assert_eq!(queue.backlog().jobs, 0);
}

#[test]
fn an_unavailable_worker_costs_no_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let id = queue.submit(&job("patient"), at(0)).unwrap().id;
    for _ in 0..5 {
        assert_eq!(next(&queue, 0).unwrap().attempts, 1);
        queue.put_back(id).unwrap();
    }
    assert_eq!(queue.get(id).unwrap().status, JobStatus::Queued);
}

#[test]
fn what_is_cancelled_or_too_late_does_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let cancelled = queue.submit(&job("cancelled"), at(0)).unwrap().id;
    let late = queue.submit(&due("late", 5), at(0)).unwrap().id;
    assert_eq!(queue.cancel(cancelled, at(1)).unwrap().status, JobStatus::Cancelled);
    assert!(matches!(queue.cancel(cancelled, at(1)), Err(QueueError::Over { status: JobStatus::Cancelled, .. })));
    assert_eq!(next(&queue, 5), None);
    assert_eq!(queue.get(late).unwrap().status, JobStatus::Expired);
    assert!(matches!(queue.cancel(99, at(1)), Err(QueueError::NotFound(99))));
}

#[test]
fn a_job_waits_through_a_time_that_is_doubted() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let waiting = queue.submit(&due("in two days", 48), at(0)).unwrap().id;
    for wrong in [40 * 24, 10 * 8766] {
        assert_eq!(queue.next(at(wrong)).unwrap(), None);
        assert_eq!(queue.get(waiting).unwrap().status, JobStatus::Queued);
    }
    assert_eq!(titles(&queue, 1), ["in two days"]);
}

#[test]
fn an_answer_after_the_cancellation_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let answer = Answer { text: "hello".into(), expert: "m".into(), tokens_in: 3, tokens_out: 2 };
    let kept = queue.submit(&job("kept"), at(0)).unwrap().id;
    let cancelled = queue.submit(&job("cancelled"), at(0)).unwrap().id;
    titles(&queue, 0);
    queue.cancel(cancelled, at(1)).unwrap();
    for id in [kept, cancelled] {
        queue.finish(id, &answer, at(2)).unwrap();
    }
    let done = queue.get(kept).unwrap();
    assert_eq!(
        (done.status, done.result.as_deref(), done.tokens_in, done.tokens_out),
        (JobStatus::Done, Some("hello"), 3, 2)
    );
    let gone = queue.get(cancelled).unwrap();
    assert_eq!((gone.status, gone.result), (JobStatus::Cancelled, None));
}

#[test]
fn a_full_queue_and_impossible_jobs_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let rows = [
        (JobRequest { title: String::new(), ..job("") }, "title: has 0 characters; expected 1 to 200"),
        (JobRequest { messages: vec![], ..job("mute") }, "messages: have 0 bytes of text; expected 1 to 262144"),
        (JobRequest { max_tokens: 0, ..job("nothing") }, "max_tokens: is 0; expected 1 to 32768"),
        (JobRequest { value: Some(Eur(f64::NAN)), ..job("worth?") }, "value: is NaN; expected 0 to 1000000"),
        (due("past", -1), "expected a time to come"),
    ];
    for (request, words) in rows {
        let error = queue.submit(&request, at(0)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    for _ in 0..LIMITS.queue_max {
        queue.submit(&job("one of many"), at(0)).unwrap();
    }
    let error = queue.submit(&job("one too many"), at(0)).unwrap_err().to_string();
    assert_eq!(error, "4 jobs wait already; more are refused until some are done or cancelled");
    let backlog = queue.backlog();
    // Three tokens read and a hundred written, each.
    assert_eq!((backlog.jobs, backlog.tokens), (4, 412));
    assert!((backlog.value.0 - 4.0 * 403e-6).abs() < 1e-12, "{backlog:?}");
}

#[test]
fn a_job_is_on_the_disk_before_it_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let synchronous: u32 = queue.lock().pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
    assert_eq!(synchronous, 2, "FULL: each commit is synced");
}
