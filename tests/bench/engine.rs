//! The engine beside llama.cpp's own server: the same model, threads and questions, in turns, in the same run.
//!
//! `./run bench` builds both and starts this. In each round each server is started, asked and stopped while the other is
//! down; which of them begins changes with every round. What is printed is the median over the rounds, and the ratio of
//! the two within each round: above 1, HeatMine is ahead.

#![allow(clippy::print_stdout, reason = "its result is a table on standard output")]

use anyhow::{Context, Result, bail, ensure};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::Instant;

/// Rounds where none are named on the command line: odd, so that the median is one of them.
const ROUNDS: usize = 5;
/// Answers at the same time, in the crowd: what a worker has slots for unless its owner says otherwise.
const CROWD: usize = 4;
/// Tokens of an answer. Chosen: some seconds on a small machine, so that the clock's error does not count.
const ANSWER: u32 = 128;
/// Processor threads of each server: as many as the smallest machine has that this is run on.
const THREADS: usize = 2;
/// How long a server may take to start: a machine that builds something else at the same time reads the model in less.
const START: Duration = Duration::from_secs(60);

/// What is measured.
#[derive(Clone, Copy, PartialEq)]
enum Better {
    More,
    Less,
}

const ROWS: [(&str, &str, Better); 7] = [
    ("start of the process to the first word", "s", Better::Less),
    ("one answer: written", "tokens/s", Better::More),
    ("one answer: first word after", "s", Better::Less),
    ("four answers at once: written, reading included", "tokens/s", Better::More),
    ("four answers at once: first word after (median)", "s", Better::Less),
    ("a page read (about a thousand tokens)", "tokens/s", Better::More),
    ("memory at its highest", "MB", Better::Less),
];
type Figures = [f64; ROWS.len()];

/// One streamed answer.
struct Answer {
    first_word: Duration,
    whole: Duration,
    prompt_tokens: f64,
    tokens: f64,
}

/// A started server.
struct Server {
    child: Child,
    url: String,
    since: Instant,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(mut command: Command, port: u16) -> Result<Self> {
        let since = Instant::now();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
        Ok(Self { child, url: format!("http://127.0.0.1:{port}"), since })
    }

    /// Asks until the server is ready to answer.
    async fn first_answer(&mut self, client: &reqwest::Client) -> Result<Answer> {
        while self.since.elapsed() < START {
            if let Some(status) = self.child.try_wait()? {
                bail!("a server ended at its start: {status}");
            }
            if let Ok(answer) = self.ask(client, "Say hello.", 8).await {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bail!("a server did not answer within {START:?}")
    }

    async fn ask(&self, client: &reqwest::Client, question: &str, max_tokens: u32) -> Result<Answer> {
        let body = json!({
            "messages": [{"role": "user", "content": question}], "max_tokens": max_tokens, "temperature": 0,
            "stream": true, "stream_options": {"include_usage": true},
        });
        let asked = Instant::now();
        let response = client.post(format!("{}/v1/chat/completions", self.url)).json(&body).send().await?;
        let mut pieces = response.error_for_status()?.bytes_stream();
        let (mut rest, mut first_word, mut usage) = (String::new(), None, Value::Null);
        while let Some(piece) = pieces.next().await {
            rest.push_str(&String::from_utf8_lossy(&piece?));
            while let Some((event, after)) = rest.split_once("\n\n") {
                let chunk: Value =
                    event.strip_prefix("data: ").and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
                if chunk["choices"][0]["delta"]["content"].as_str().is_some_and(|text| !text.is_empty()) {
                    first_word.get_or_insert(asked.elapsed());
                }
                if chunk["usage"].is_object() {
                    usage = chunk["usage"].clone();
                }
                rest = after.to_owned();
            }
        }
        let count = |key: &str| usage[key].as_f64().with_context(|| format!("no {key} in the answer"));
        Ok(Answer {
            first_word: first_word.context("an answer without a word")?,
            whole: asked.elapsed(),
            prompt_tokens: count("prompt_tokens")?,
            tokens: count("completion_tokens")?,
        })
    }

    /// The most memory its process has held, MB.
    fn peak_memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1000.0)
    }

    async fn measure(mut self, client: &reqwest::Client) -> Result<Figures> {
        self.first_answer(client).await?;
        let start = self.since.elapsed().as_secs_f64();
        let alone = self.ask(client, &story("a lighthouse"), ANSWER).await?;
        let began = Instant::now();
        let heroes = ["a wind turbine", "an old bakery", "a small robot", "the last train"];
        let crowd = heroes.map(story);
        let crowd =
            futures_util::future::try_join_all(crowd.iter().map(|story| self.ask(client, story, ANSWER))).await?;
        let crowd_took = began.elapsed().as_secs_f64();
        let page = self.ask(client, &page(), 1).await?;
        ensure!(crowd.len() == CROWD && alone.tokens > 1.0, "an answer was too short to be measured: {}", alone.tokens);
        Ok([
            start,
            (alone.tokens - 1.0) / (alone.whole - alone.first_word).as_secs_f64(),
            alone.first_word.as_secs_f64(),
            crowd.iter().map(|answer| answer.tokens).sum::<f64>() / crowd_took,
            median(crowd.iter().map(|answer| answer.first_word.as_secs_f64()).collect()),
            page.prompt_tokens / page.whole.as_secs_f64(),
            self.peak_memory()?,
        ])
    }
}

/// A question of about a hundred tokens; unlike at its beginning, so that no server knows it from the question before.
fn story(about: &str) -> String {
    let content = "It shall have a beginning in the morning, a long journey over hills and along a river, two friends who \
                  quarrel and make peace again, a storm at night, a discovery that nobody expected, and an end that \
                  makes the reader smile. Describe the places, the weather and the light, the voices and the smells.";
    format!("{about}: write a very long story about that. {content} Do not stop before everything is told.")
}

/// A question of about a thousand tokens.
fn page() -> String {
    let line = "The battery holds nine kilowatt hours and the roof gives five kilowatts at noon. ";
    format!("{}\nWhat does the roof give at noon?", line.repeat(56))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// What is compared, and with which model.
struct Pair {
    heatmine: PathBuf,
    llama_server: PathBuf,
    model: PathBuf,
}

impl Pair {
    /// The built binary (`HEATMINE_BINARY`, or the one beside this program), and what `./run bench` put into `.cache`.
    fn find() -> Result<Self> {
        let program = std::env::current_exe()?;
        let folder = program.parent().and_then(Path::parent).context("this program lies in no target folder")?;
        let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache");
        let experts = std::fs::read_dir(cache.join("experts")).context("no model: ./run bench fetches one")?.flatten();
        let model = experts.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "gguf"));
        let found = Self {
            heatmine: std::env::var_os("HEATMINE_BINARY").map_or_else(|| folder.join("heatmine"), PathBuf::from),
            llama_server: cache.join("llama-server/llama-server"),
            model: model.context("no model in .cache/experts: ./run bench fetches one")?,
        };
        for path in [&found.heatmine, &found.llama_server] {
            ensure!(path.exists(), "{} is missing: ./run bench builds it", path.display());
        }
        Ok(found)
    }

    fn heatmine(&self, folder: &Path) -> Result<Server> {
        let port = free_port()?;
        let mut command = Command::new(&self.heatmine);
        command.arg("worker").args(["--listen", &format!("127.0.0.1:{port}")]);
        command.arg("--model").arg(&self.model).arg("--data").arg(folder).arg("--experts").arg(folder.join("experts"));
        command.args(["--threads", &THREADS.to_string(), "--parallel", &CROWD.to_string(), "--context", "4096"]);
        Server::start(command, port)
    }

    fn llama_server(&self) -> Result<Server> {
        let port = free_port()?;
        let threads = THREADS.to_string();
        let mut command = Command::new(&self.llama_server);
        command.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--offline"]).arg("-m").arg(&self.model);
        command.args(["-t", &threads, "-tb", &threads, "-np", &CROWD.to_string(), "-c", "16384"]);
        Server::start(command, port)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // cargo adds --bench.
    let rounds = match std::env::args().skip(1).find(|argument| !argument.starts_with("--")) {
        None => ROUNDS,
        Some(text) => text.parse().ok().filter(|&rounds| rounds > 0).context("expected the number of rounds")?,
    };
    let pair = Pair::find()?;
    let folder = tempfile::tempdir()?;
    // An error says that a provider is already there, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A connection for each question: a server may close one that it has kept open.
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        if round % 2 == 0 {
            ours.push(pair.heatmine(folder.path())?.measure(&client).await.context("HeatMine")?);
            theirs.push(pair.llama_server()?.measure(&client).await.context("llama-server")?);
        } else {
            theirs.push(pair.llama_server()?.measure(&client).await.context("llama-server")?);
            ours.push(pair.heatmine(folder.path())?.measure(&client).await.context("HeatMine")?);
        }
    }
    print(&ours, &theirs);
    Ok(())
}

fn print(ours: &[Figures], theirs: &[Figures]) {
    println!("{:49} {:>9} {:>13} {:8} ratio (above 1: HeatMine ahead)", "", "HeatMine", "llama-server", "");
    for (row, (name, unit, better)) in ROWS.into_iter().enumerate() {
        let column = |figures: &[Figures]| median(figures.iter().map(|figures| figures[row]).collect());
        let mut ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours[row] / theirs[row]).collect();
        if better == Better::Less {
            ratios.iter_mut().for_each(|ratio| *ratio = ratio.recip());
        }
        ratios.sort_by(f64::total_cmp);
        let (low, high) = (ratios[0], ratios[ratios.len() - 1]);
        println!(
            "{name:<49} {:>9.2} {:>13.2} {unit:<8} {:.2} ({low:.2} to {high:.2})",
            column(ours),
            column(theirs),
            median(ratios.clone())
        );
    }
}
