//! Served work survives the sudden death of the worker.

use crate::bench::{clock, config, install_tls, model, turn};
use inference::client::{Place, Question, Worker};
use inference::receipts::Journal;
use serde_json::json;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const FOLDER: &str = "HEATMINE_TEST_CHILD_FOLDER";

/// The worker that is killed: this same program, started by the test below.
#[tokio::test]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let worker = inference::worker::bind(config(folder, &model().unwrap())).await.unwrap();
    std::fs::write(folder.join("address.new"), worker.address.to_string()).unwrap();
    std::fs::rename(folder.join("address.new"), folder.join("address")).unwrap();
    // The parent kills it; a lost parent ends it, too.
    let _ = tokio::time::timeout(Duration::from_secs(60), worker.run(tokio_util::sync::CancellationToken::new())).await;
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

async fn start(folder: &Path) -> (Killed, Worker) {
    let _ = std::fs::remove_file(folder.join("address"));
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "receipts::child", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let child = Killed(child);
    for _ in 0..1200 {
        if let Ok(address) = std::fs::read_to_string(folder.join("address")) {
            return (child, Worker::new(&format!("http://{address}")).unwrap());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the child did not start");
}

#[tokio::test]
async fn what_a_client_has_heard_the_end_of_is_on_disk() {
    install_tls();
    if model().is_none() {
        return;
    }
    let _turn = turn().await;
    let folder = tempfile::tempdir().unwrap();
    let question = |tokens| Question {
        messages: vec![json!({"role": "user", "content": "Tell a story."})],
        max_tokens: Some(tokens),
        ..Question::default()
    };
    let mut heard = Vec::new();
    for round in 0..2 {
        let (child, worker) = start(folder.path()).await;
        heard.push(worker.chat(&question(5)).await.unwrap().receipt);
        heard.push(worker.chat(&question(5)).await.unwrap().receipt);
        // Killed in the middle of the third answer.
        let long = question(1000);
        let killing = async {
            while worker.status().await.unwrap().active == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            drop(child);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            answer = worker.chat(&long) => assert!(answer.is_err(), "round {round}: {answer:?}"),
            () = killing => {}
        }
    }
    let mut journal = Journal::open(folder.path()).unwrap();
    let kept: Vec<(u64, String)> =
        journal.after(&Place::default(), 99).into_iter().map(|receipt| (receipt.sequence, receipt.id)).collect();
    let expected: Vec<(u64, String)> = (1..).zip(heard).collect();
    assert_eq!(kept, expected);
    assert!(
        journal
            .after(&Place::default(), 99)
            .iter()
            .all(|receipt| receipt.finished_at_ms == clock() && receipt.joules > 0.0)
    );
}
