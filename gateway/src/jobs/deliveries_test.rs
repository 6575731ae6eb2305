//! Deliveries that are booked once, whatever ends between the result and the books.

use super::super::{JobStatus, Limits, Message};
use super::*;
use crate::store::Disk;
use chrono::TimeDelta;
use std::path::Path;

const LIMITS: Limits = Limits { queue_max: 9, attempts: 3, eur_per_mtok_in: 1.0, eur_per_mtok_out: 4.0 };

fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::minutes(minute)
}

fn open(folder: &Path) -> Queue {
    Queue::open(&Disk::Folder(folder.to_owned()), LIMITS).unwrap()
}

fn submit(queue: &Queue, value: Option<Eur>) -> i64 {
    let messages = vec![Message { role: "user".into(), content: "Say hello.".into() }];
    let request = JobRequest { title: "a job".into(), messages, expert: None, deadline: None, max_tokens: 100, value };
    queue.submit(&request, at(0)).unwrap().id
}

fn answer() -> Answer {
    Answer { text: "hello".into(), expert: "m".into(), tokens_in: 1000, tokens_out: 500 }
}

#[test]
fn a_job_earns_when_it_is_delivered_and_an_interrupted_one_once() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let (valued, listed) = (submit(&queue, Some(Eur(0.3))), submit(&queue, None));
    // Interrupted twice, failed once: none of that is a delivery.
    for _ in 0..2 {
        assert_eq!(queue.next(at(1)).unwrap().unwrap().id, valued);
        queue.put_back(valued).unwrap();
    }
    queue.next(at(1)).unwrap();
    queue.fail(valued, "llama.cpp failed", true, at(2)).unwrap();
    assert_eq!(queue.delivered().unwrap(), []);

    for id in [valued, listed] {
        assert_eq!(queue.next(at(3)).unwrap().unwrap().id, id);
        queue.finish(id, &answer(), at(4)).unwrap();
        // Said twice, as after a lost answer.
        queue.finish(id, &answer(), at(4)).unwrap();
    }
    let delivered = queue.delivered().unwrap();
    let seen: Vec<_> =
        delivered.iter().map(|one| (one.job.as_deref().unwrap(), one.expert.as_str(), one.price)).collect();
    // By the price list: a thousand tokens read at 1 EUR a million, 500 written at 4.
    assert_eq!(seen, [("1", "m", Eur(0.3)), ("2", "m", Eur(0.003))]);
    assert!(delivered.iter().all(|one| !one.interactive && (one.joules, one.tokens_in, one.tokens_out) == (0.0, 0, 0)));

    // A kill leaves them where they are; those of another opening have another journal.
    drop(queue);
    let queue = open(folder.path());
    assert_eq!(queue.delivered().unwrap(), delivered);
    queue.forget(&delivered).unwrap();
    let third = submit(&queue, None);
    queue.next(at(5)).unwrap();
    queue.finish(third, &answer(), at(6)).unwrap();
    let [one] = queue.delivered().unwrap().try_into().unwrap();
    let (before, after) = (delivered[1].position.clone().unwrap(), one.position.unwrap());
    assert!(before.journal != after.journal && after.sequence > before.sequence, "{before:?} {after:?}");
}

#[test]
fn a_job_that_was_taken_back_earns_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let id = submit(&queue, None);
    queue.next(at(1)).unwrap();
    queue.cancel(id, at(2)).unwrap();
    queue.finish(id, &answer(), at(3)).unwrap();
    assert_eq!(queue.get(id).unwrap().status, JobStatus::Cancelled);
    assert_eq!(queue.delivered().unwrap(), []);
}

#[test]
fn a_broken_file_that_was_set_aside_loses_no_delivery() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let queue = open(old.path());
    let id = submit(&queue, Some(Eur(0.3)));
    queue.next(at(1)).unwrap();
    queue.finish(id, &answer(), at(2)).unwrap();
    let delivered = queue.delivered().unwrap();
    drop(queue);

    let queue = open(new.path());
    for added in [1, 0] {
        assert_eq!(queue.carry_over(&old.path().join("jobs.db")).unwrap(), added);
        let carried = queue.delivered().unwrap();
        assert!(carried == delivered && carried[0].price == Eur(0.3), "{carried:?}");
    }
}

#[tokio::test]
async fn a_delivery_is_forgotten_when_the_books_hold_it_and_handed_over_again_before() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let id = submit(&queue, None);
    queue.next(at(1)).unwrap();
    queue.finish(id, &answer(), at(2)).unwrap();

    let hand_over = |queue: &Queue, settled: &watch::Sender<Settled>| {
        let (events, heard) = mpsc::channel(9);
        let shutdown = CancellationToken::new();
        let deliveries = Deliveries { queue: queue.clone(), events, settled: settled.subscribe() };
        (tokio::spawn(deliveries.run(shutdown.clone())), shutdown, heard)
    };
    // Killed before it is booked, and again: it comes each time.
    let settled = watch::Sender::new(Settled::default());
    let mut receipt = Receipt::default();
    for _ in 0..2 {
        let (task, shutdown, mut heard) = hand_over(&queue, &settled);
        let Some(Event::Receipt(came)) = heard.recv().await else { panic!("nothing came") };
        receipt = *came;
        shutdown.cancel();
        task.await.unwrap().unwrap();
        assert_eq!(queue.delivered().unwrap(), [receipt.clone()]);
    }
    // Booked, and killed before it is forgotten: it does not come again.
    settled.send_modify(|settled| settled.take(&receipt));
    let (task, shutdown, mut heard) = hand_over(&queue, &settled);
    while !queue.delivered().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    shutdown.cancel();
    task.await.unwrap().unwrap();
    assert!(heard.recv().await.is_none());
}
