//! Off means off, and less means less.

use crate::bench::{Bench, long_text, processor_time, text};
use inference::client::{Class, Question, State};
use serde_json::json;
use std::sync::Mutex;
use std::time::Duration;

/// How soon off is off.
const HALF_A_SECOND: Duration = Duration::from_millis(500);

/// Waits until this process computes nothing any more; gives how long that took. No more than half a second of processor
/// time may go into it: on a machine with much else to do that can take longer on the clock.
async fn rest() -> Duration {
    let window = Duration::from_millis(60);
    let start = (tokio::time::Instant::now(), processor_time());
    loop {
        let before = processor_time();
        tokio::time::sleep(window).await;
        let spent = processor_time() - start.1;
        if processor_time() - before <= Duration::from_millis(10) {
            assert!(spent < HALF_A_SECOND, "computed for another {spent:?}");
            return start.0.elapsed().saturating_sub(window);
        }
        assert!(spent < HALF_A_SECOND, "still computing after {spent:?} of processor time");
    }
}

/// Asks, takes the power away as soon as `begun` has been computed, checks the rest, gives it back.
async fn interrupted(bench: &Bench, question: &str, tokens: u32, begun: f64) -> (String, Vec<Duration>) {
    let before = bench.worker.status().await.unwrap();
    let asking = bench.ask(question, tokens);
    let mut offs = Vec::new();
    let meddling = async {
        for round in 1..=3 {
            let working = bench.until(|status| status.active > 0 || status.last_receipt > before.last_receipt).await;
            if working.active == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_secs_f64(begun * f64::from(round))).await;
            bench.budget(Some(0.0)).await;
            let took = rest().await;
            let status = bench.worker.status().await.unwrap();
            assert_eq!(status.state, State::Paused);
            assert!(status.measured || status.power_w == 20.0, "{status:?}");
            if status.active > 0 {
                offs.push(took);
                eprintln!("at rest within {took:?}, {:.2} s computed", status.busy_seconds - before.busy_seconds);
            }
            bench.budget(None).await;
        }
    };
    let (reply, ()) = tokio::join!(asking, meddling);
    (text(&reply).to_owned(), offs)
}

#[tokio::test]
async fn off_in_the_middle_of_a_token_loses_nothing() {
    let Some(bench) = Bench::start(|_| {}).await else { return };
    let undisturbed = bench.ask(&long_text(), 24).await;
    assert!(undisturbed["usage"]["prompt_tokens"].as_u64().unwrap() > 800, "{undisturbed}");
    let (answer, mut offs) = interrupted(&bench, &long_text(), 24, 0.3).await;
    assert!(!offs.is_empty(), "the prompt was read before the power went");
    assert_eq!(answer, text(&undisturbed));
    let story = "Write a long story about a wind turbine.";
    let undisturbed = bench.ask(story, 150).await;
    let (answer, later) = interrupted(&bench, story, 150, 0.1).await;
    assert!(!later.is_empty(), "the story was written before the power went");
    assert_eq!(answer, text(&undisturbed));
    offs.extend(later);
    offs.sort();
    assert!(offs[offs.len() / 2] < HALF_A_SECOND, "{offs:?}");
}

#[tokio::test]
async fn without_power_requests_wait_and_then_go_on() {
    let Some(bench) = Bench::start(|config| config.budget = Some(0.0)).await else { return };
    assert_eq!(bench.worker.status().await.unwrap().state, State::Paused);
    let messages = vec![json!({"role": "user", "content": "Say hello."})];
    let question = Question { messages, max_tokens: Some(4), class: Class::Deferrable, ..Question::default() };
    let asking = bench.worker.chat(&question);
    let giving = async {
        let status = bench.until(|status| status.waiting == 1).await;
        assert_eq!(status.busy_seconds, 0.0);
        rest().await;
        bench.worker.set_budget(None, Duration::from_secs(3)).await.unwrap();
    };
    let (reply, ()) = tokio::join!(asking, giving);
    assert!(reply.unwrap().tokens_out > 0);
    // Nobody renews the budget: the start value holds again.
    bench.until(|status| status.state == State::Paused && status.budget_w == Some(0.0)).await;
}

#[tokio::test]
async fn a_quarter_of_the_power_is_a_quarter_of_the_work() {
    let Some(bench) = Bench::start(|_| {}).await else { return };
    let body = json!({"messages": [{"role": "user", "content": "Write a long story."}], "temperature": 0.8, "max_tokens": 3000, "stream": true});
    let response = bench.http.post(bench.url("/v1/chat/completions")).json(&body).send().await.unwrap();
    // 20 W idle and 120 W at work: 45 W is a quarter.
    bench.budget(Some(45.0)).await;
    // From the end of a step to the end of a later one: whole steps, each with its pause.
    let before = bench.worker.status().await.unwrap().busy_seconds;
    let begin = bench.until(|status| status.busy_seconds > before).await.busy_seconds;
    let start = tokio::time::Instant::now();
    let end = bench.until(|status| status.busy_seconds > begin + 1.0).await;
    let duty = (end.busy_seconds - begin) / start.elapsed().as_secs_f64();
    eprintln!(
        "computing {:.0} % of the time, {:.1} W, {:.1} tokens/s",
        duty * 100.0,
        end.power_w,
        end.tokens_per_second
    );
    // Less where other programs hold the processor; never more.
    assert!((0.15..0.3).contains(&duty), "{duty}");
    assert!(end.measured || end.power_w < 70.0, "{end:?}");
    drop(response);
}

#[tokio::test]
async fn who_waits_goes_before_what_can_wait() {
    let Some(bench) = Bench::start(|config| config.parallel = 1).await else { return };
    let messages = |text: &str| vec![json!({"role": "user", "content": text})];
    let job = Question {
        messages: messages(&long_text()),
        max_tokens: Some(150),
        class: Class::Deferrable,
        ..Question::default()
    };
    let query = Question { messages: messages("Say hello."), max_tokens: Some(8), ..Question::default() };
    let order = Mutex::new(Vec::new());
    let note = |name| order.lock().unwrap().push(name);
    let asking = async {
        bench.until(|status| status.active == 1).await;
        bench.worker.chat(&query).await.unwrap();
        note("query");
    };
    let working = async {
        bench.worker.chat(&job).await.unwrap();
        note("job");
    };
    tokio::join!(working, asking);
    assert_eq!(*order.lock().unwrap(), ["query", "job"]);
}
