//! What people mistype, mix up and break: each gets one clear sentence and an exit code, never a trace, and nothing is
//! started on it.

use crate::peer::{Demo, Process, binary, free_port, wait_until, workspace};
use anyhow::{Context, Result, ensure};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A command that is wrong ends long before; the machine may be busy.
const END: Duration = Duration::from_secs(60);
/// Until the books have what a test wants to break.
const BOOKED: Duration = Duration::from_secs(120);
/// Words of a program that has lost its way.
const TRACES: [&str; 5] = ["panicked", "RUST_BACKTRACE", "stack backtrace", "unwrap()", "Os {"];

/// A house that is right.
const HOUSE: &str =
    "[compute]\nmax_w = 900\n[[device]]\nname = \"meter\"\ntype = \"sunspec-meter\"\naddress = \"tcp://127.0.0.1:9\"\n";

/// Runs `heatmine` in `folder` until it ends: its exit code and everything it said.
async fn ended(folder: &Path, arguments: &[&str]) -> Result<(i32, String)> {
    let mut command = Command::new(binary()?);
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").env("RUST_LOG", "warn");
    let log = tempfile::NamedTempFile::new()?;
    let mut process = Process::start("heatmine", command, log.path())?;
    let what = format!("the end of heatmine {}", arguments.join(" "));
    let status = wait_until(END, &what, async || process.exited()).await?;
    let said = process.log();
    for trace in TRACES {
        ensure!(!said.contains(trace), "heatmine {} shows a trace:\n{said}", arguments.join(" "));
    }
    Ok((status.code().context("ended by a signal")?, said))
}

/// Every row ends with its code and says its words.
async fn each(folder: &Path, rows: &[(&str, i32, &str)]) -> Result<()> {
    for (line, code, words) in rows {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let (found, said) = ended(folder, &arguments).await?;
        ensure!(found == *code, "heatmine {line} ended with {found}, expected {code}:\n{said}");
        ensure!(said.contains(words), "heatmine {line} said\n{said}\nexpected: {words}");
    }
    Ok(())
}

fn written(folder: &Path, files: &[(&str, &[u8])]) -> Result<()> {
    for (name, content) in files {
        std::fs::write(folder.join(name), content)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_command_line_that_is_wrong_is_answered_with_what_was_expected() -> Result<()> {
    let folder = TempDir::new()?;
    let rows = [
        ("", 64, "Usage: heatmine"),
        ("dmeo", 64, "a similar subcommand exists: 'demo'"),
        ("check --jason", 64, "--json"),
        ("demo --speed 0", 64, "expected a number from 1 to 600"),
        ("demo --speed fast", 64, "expected a number from 1 to 600"),
        ("demo --for tomorrow", 64, "expected a number with its unit, as 30s, 10m or 2h"),
        ("demo --mqtt broker", 64, "expected mqtt://[user:password@]host[:port]"),
        ("demo --http 8099", 64, "expected an IP address and a port, as 127.0.0.1:8099"),
        ("worker --listen somewhere", 64, "somewhere"),
        ("worker --budget=-5", 64, "expected watts, as 250"),
        ("ledger --timezone Mars", 64, "Mars"),
        ("plan --hours 1000", 64, "1000"),
        ("plan --url here", 64, "here is no address; expected one as http://127.0.0.1:8099"),
        ("simulate house.toml", 64, "--trace"),
        ("simulate house.toml --trace a.csv --from yesterday", 64, "yesterday"),
        ("--help", 0, "Turns a home's spare kilowatt-hours into useful AI and useful heat"),
        ("--version", 0, "heatmine "),
    ];
    each(folder.path(), &rows).await
}

#[tokio::test]
async fn a_configuration_that_is_wrong_is_refused_before_anything_starts() -> Result<()> {
    let folder = TempDir::new()?;
    let typo = HOUSE.replace("max_w", "max_kw").replace("900", "0.9");
    written(
        folder.path(),
        &[
            ("house.toml", HOUSE.as_bytes()),
            ("typo.toml", typo.as_bytes()),
            ("binary.toml", &[0x7f, b'E', b'L', b'F', 0xff, 0x00]),
            ("open.toml", b"[compute\nmax_w = 900\n"),
            ("options.json", br#"{"compute": {"max_w": "900"}}"#),
            ("half.json", br#"{"compute": {"#),
            ("empty.toml", b""),
        ],
    )?;
    let wrong_unit = "typo.toml:2:1: compute.max_kw = 0.9: wrong unit; expected W, as max_w = 900; did you mean max_w?";
    let rows = [
        ("check house.toml", 0, "house.toml is right."),
        ("check house.toml --json", 0, "\"grid.power\""),
        ("check --schema", 0, "\"import_limit_w\""),
        ("check", 66, "heatmine.toml: does not exist; expected a configuration"),
        ("check .", 66, ".: is a folder; expected a file"),
        ("check typo.toml", 64, wrong_unit),
        ("run typo.toml", 64, wrong_unit),
        ("check binary.toml", 64, "binary.toml: is not text: byte 4 is no UTF-8"),
        ("check open.toml", 64, "open.toml:1:9: not valid TOML"),
        ("check options.json", 64, "options.json: compute.max_w = \"900\": expected a number from 5 to 1000000, in W"),
        ("check half.json", 64, "half.json:1:13: not valid JSON"),
        ("check empty.toml", 64, "empty.toml: device: no device offers grid.power"),
        ("run nothing.toml", 66, "nothing.toml: does not exist"),
    ];
    each(folder.path(), &rows).await?;
    ensure!(!folder.path().join("heatmine-data").exists(), "a configuration that was refused left a data folder");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_played_again_is_named() -> Result<()> {
    let folder = TempDir::new()?;
    let trace = |rows: &str| format!("{HEADER}{rows}");
    written(
        folder.path(),
        &[
            ("house.toml", HOUSE.as_bytes()),
            ("garbage", &[0, 159, 146, 150, 10, 13, 0]),
            ("empty", b""),
            ("other.json", b"{\"event\": 1}\n{}\n"),
            ("no-columns.csv", b"a,b,c\n1,2,3\n"),
            ("words.csv", trace("2026-06-01T00:00:00Z,cheap,0,300,15,0\n").as_bytes()),
            ("times.csv", trace("yesterday,80,0,300,15,0\n").as_bytes()),
            ("nan.csv", trace("2026-06-01T00:00:00Z,NaN,0,300,15,0\n").as_bytes()),
            ("short.csv", trace("2026-06-01T00:00:00Z,80\n").as_bytes()),
            ("good.csv", trace("2026-06-01T00:00:00Z,80,0,300,15,0\n").as_bytes()),
            ("broken.gz", &[0x1f, 0x8b, 8, 0, 1, 2, 3]),
        ],
    )?;
    let rows = [
        ("replay nothing", 66, "cannot open the recording nothing"),
        ("replay empty", 66, "empty is empty; expected a recording made with"),
        ("replay garbage", 66, "garbage: line 1: not the start of a recording made with"),
        ("replay other.json", 66, "not the start of a recording made with"),
        ("replay .", 66, ".: line 1: not the start"),
        ("simulate house.toml --trace nothing.csv", 66, "cannot read the trace nothing.csv"),
        ("simulate house.toml --trace garbage", 66, "garbage: not text"),
        ("simulate house.toml --trace empty", 66, "empty: line 1: no column time_utc"),
        ("simulate house.toml --trace no-columns.csv", 66, "no-columns.csv: line 1: no column time_utc"),
        (
            "simulate house.toml --trace words.csv",
            66,
            "words.csv: line 2: price_eur_mwh = \"cheap\"; expected a number",
        ),
        ("simulate house.toml --trace times.csv", 66, "times.csv: line 2: time_utc = \"yesterday\"; expected a time"),
        ("simulate house.toml --trace nan.csv", 66, "nan.csv: line 2: price_eur_mwh = \"NaN\"; expected a number"),
        ("simulate house.toml --trace short.csv", 66, "short.csv: line 2: pv_w_per_kwp = \"\"; expected a number"),
        ("simulate house.toml --trace broken.gz", 66, "broken.gz: not gzip"),
        (
            "simulate house.toml --trace good.csv --to 2020-01-01T00:00:00Z",
            66,
            "no row between --from and --to; its rows are from 2026-06-01T00:00:00Z",
        ),
        ("simulate house.toml --trace good.csv --out nowhere/a.json", 73, "cannot write nowhere/a.json"),
        (
            "simulate house.toml --trace good.csv --out a.json",
            0,
            "A simulation has no queue: work.standing_eur_per_kwh says what its work pays",
        ),
    ];
    each(folder.path(), &rows).await
}

/// The header of a trace, and a row of it.
const HEADER: &str = "time_utc,price_eur_mwh,pv_w_per_kwp,load_w,t_out_c,ghi_w_m2\n";
const ROW: &str = "2026-06-01T00:00:00Z,80,0,300,15,0\n";

#[tokio::test]
async fn a_trace_that_is_not_one_row_a_quarter_hour_is_named_with_its_line() -> Result<()> {
    let folder = TempDir::new()?;
    let trace = |rows: &str| format!("{HEADER}{rows}");
    written(
        folder.path(),
        &[
            ("house.toml", HOUSE.as_bytes()),
            ("twice.csv", trace(&format!("{ROW}{ROW}")).as_bytes()),
            ("late.csv", trace("2026-06-01T00:07:00Z,80,0,300,15,0\n").as_bytes()),
            ("hours.csv", trace(&format!("{ROW}2026-06-01T01:00:00Z,80,0,300,15,0\n")).as_bytes()),
            ("years.csv", trace(&format!("{ROW}2062-06-01T00:15:00Z,80,0,300,15,0\n")).as_bytes()),
            (
                "gap.csv",
                trace(&format!("2026-06-01T00:30:00Z,80,0,300,15,0\n2026-05-31T23:45:00Z,80,0,300,15,0\n{ROW}"))
                    .as_bytes(),
            ),
        ],
    )?;
    let rows = [
        (
            "simulate house.toml --trace twice.csv",
            66,
            "twice.csv: line 3: time_utc = \"2026-06-01T00:00:00Z\"; expected each quarter hour once, and line 2 has it",
        ),
        (
            "simulate house.toml --trace late.csv",
            66,
            "late.csv: line 2: time_utc = \"2026-06-01T00:07:00Z\"; expected the begin of a quarter hour",
        ),
        (
            "simulate house.toml --trace hours.csv",
            66,
            "hours.csv: line 3: time_utc = \"2026-06-01T01:00:00Z\" after 2026-06-01T00:00:00Z; expected a row for each quarter hour",
        ),
        (
            "simulate house.toml --trace years.csv",
            66,
            "years.csv: line 3: time_utc = \"2062-06-01T00:15:00Z\"; expected a time at most a week after the one before it",
        ),
        (
            "simulate house.toml --trace gap.csv --out a.json",
            0,
            "gap.csv: line 3: time_utc is before that of an earlier line",
        ),
        (
            "simulate house.toml --trace gap.csv --out a.json",
            0,
            "gap.csv: line 2: time_utc = \"2026-06-01T00:30:00Z\" after 2026-06-01T00:00:00Z; expected each quarter hour. Missing: 1 in 1 gap",
        ),
    ];
    each(folder.path(), &rows).await
}

#[tokio::test]
async fn what_is_no_model_is_not_installed() -> Result<()> {
    let folder = TempDir::new()?;
    // The head of a GGUF file that promises tensors which are not there.
    let mut torn = b"GGUF".to_vec();
    torn.extend(3u32.to_le_bytes());
    torn.extend(200u64.to_le_bytes());
    torn.extend(40u64.to_le_bytes());
    written(
        folder.path(),
        &[("torn.gguf", &torn), ("text.gguf", b"not a model\n"), ("empty.gguf", b""), ("file", b"in the way")],
    )?;
    let rows = [
        ("expert list --experts here", 0, "No expert is installed"),
        ("expert add torn.gguf --experts here", 65, "torn.gguf"),
        ("expert add text.gguf --experts here", 65, "text.gguf"),
        ("expert add empty.gguf --experts here", 65, "empty.gguf"),
        ("expert add nothing.gguf --experts here", 66, "nothing.gguf"),
        ("expert add ftp://host/a.gguf --experts here", 64, "ftp://host/a.gguf"),
        ("expert remove nobody --experts here", 66, "nobody"),
        ("expert list --experts file", 73, "file"),
        ("expert list --experts here --json", 0, "[]"),
        ("worker --listen 127.0.0.1:0 --experts here --data data --model torn.gguf", 69, "torn.gguf"),
    ];
    each(folder.path(), &rows).await
}

#[tokio::test]
async fn a_port_or_a_folder_that_cannot_be_had_is_named() -> Result<()> {
    let folder = TempDir::new()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    written(
        folder.path(),
        &[
            ("house.toml", format!("{HOUSE}[http]\nlisten = \"127.0.0.1:{port}\"\n").as_bytes()),
            ("file", b"in the way"),
        ],
    )?;
    let in_use = format!("cannot listen on 127.0.0.1:{port} for the page");
    let choose = "it is in use by another program; choose another with [http] listen or --http";
    let experts = workspace().join(".cache/experts").display().to_string();
    let demo = format!("demo --data demo --experts {experts} --http 127.0.0.1:{port}");
    let recorded =
        format!("demo --data recorded --experts {experts} --http 127.0.0.1:0 --record /proc/heatmine --for 1s");
    let worker = format!("worker --data data --experts here --listen 127.0.0.1:{port}");
    let plan = format!("plan --url http://127.0.0.1:{}", free_port()?);
    let rows = [
        (demo.as_str(), 69, in_use.as_str()),
        (demo.as_str(), 69, choose),
        ("run house.toml", 69, in_use.as_str()),
        ("run house.toml", 69, choose),
        (worker.as_str(), 69, "in use"),
        (plan.as_str(), 69, "cannot be reached; expected the page of a running HeatMine"),
        ("demo --data file --http 127.0.0.1:0", 69, "cannot make the data folder file"),
        // Not writable for anybody, root included.
        ("demo --data /proc/heatmine --http 127.0.0.1:0", 69, "cannot make the data folder /proc/heatmine"),
        (recorded.as_str(), 69, "cannot make the recording /proc/heatmine"),
        (
            "ledger --data nowhere",
            66,
            "there is no ledger at nowhere/ledger.db; expected the data folder of a HeatMine that ran",
        ),
        ("ledger --data file", 66, "there is no ledger at file/ledger.db"),
    ];
    each(folder.path(), &rows).await
}

/// The demo runs, is recorded, keeps its folder for itself; its books are broken afterwards, byte by byte.
#[tokio::test]
async fn a_recorded_run_is_decided_the_same_again_and_broken_books_are_found() -> Result<()> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    std::fs::create_dir(&data)?;
    let recording = folder.path().join("recording.jsonl").display().to_string();
    let experts = workspace().join(".cache/experts").display().to_string();
    let mut demo = Demo::start_in(&data, &["--speed", "600", "--experts", &experts, "--record", &recording]).await?;
    wait_until(BOOKED, "entries in the books", async || {
        let record = demo.get("/api/v1/ledger/entries?limit=10").await.ok()?;
        (entries(&record) >= 3).then_some(())
    })
    .await?;
    let (code, said) = ended(folder.path(), &["plan", "--url", &demo.http]).await?;
    ensure!(
        code == 0 && said.contains("the house's energy, less what the work pays") && said.contains("why"),
        "{said}"
    );
    let configuration = std::fs::read(data.join("heatmine.toml"))?;
    let (code, said) = ended(folder.path(), &["demo", "--data", "data", "--http", "127.0.0.1:0"]).await?;
    ensure!(code == 69 && said.contains("another HeatMine is already at work in data"), "{said}");
    ensure!(
        configuration == std::fs::read(data.join("heatmine.toml"))?,
        "the second demo wrote over the first one's file"
    );
    // Books are read while they are written.
    let (code, said) = ended(folder.path(), &["ledger", "--data", "data"]).await?;
    ensure!(code == 0 && said.contains("The chain holds: "), "{said}");
    ensure!(demo.process.stop().await?.success(), "{}", demo.process.tail());

    it_is_decided_the_same_again(folder.path()).await.context("replay")?;
    broken_books_are_found(folder.path()).await.context("ledger")
}

fn entries(answer: &Value) -> usize {
    answer.as_array().or_else(|| answer["entries"].as_array()).map_or(0, Vec::len)
}

async fn it_is_decided_the_same_again(folder: &Path) -> Result<()> {
    let (code, said) = ended(folder, &["replay", "recording.jsonl"]).await?;
    ensure!(code == 0 && said.contains(" decisions, all identical."), "{said}");
    let (code, said) = ended(folder, &["replay", "recording.jsonl", "--json"]).await?;
    let result: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
    ensure!(code == 0 && result["decisions"].as_u64() > Some(0) && result["different"] == json!(0), "{said}");

    let text = std::fs::read_to_string(folder.join("recording.jsonl"))?;
    let mut decisions = 0;
    let changed = text.lines().map(|line| match serde_json::from_str::<Value>(line) {
        Ok(mut line) if line.get("decision").is_some() && std::mem::replace(&mut decisions, 1) == 0 => {
            line["decision"]["decision"]["budget"] = json!(12345.0);
            line.to_string() + "\n"
        }
        Ok(_) | Err(_) => format!("{line}\n"),
    });
    let changed: String = changed.collect();
    let torn = text.get(..text.len() - 40).context("a recording is longer")?;
    written(folder, &[("changed.jsonl", changed.as_bytes()), ("torn.jsonl", torn.as_bytes())])?;
    let (code, said) = ended(folder, &["replay", "changed.jsonl"]).await?;
    ensure!(code == 1 && said.contains("decisions are different; the first at line "), "{said}");
    // What a power cut leaves.
    let (code, said) = ended(folder, &["replay", "torn.jsonl"]).await?;
    ensure!(code == 0 && said.contains(" decisions, all identical."), "{said}");
    Ok(())
}

async fn broken_books_are_found(folder: &Path) -> Result<()> {
    let verify = ["ledger", "verify", "--data", "data"];
    let (code, said) = ended(folder, &verify).await?;
    ensure!(code == 0 && said.contains("The chain holds: "), "{said}");
    let whole = std::fs::read(folder.join("data/ledger.db"))?;

    let books = Connection::open(folder.join("data/ledger.db"))?;
    let refused = books.execute("UPDATE entry SET body = '{}' WHERE sequence = 2", []);
    ensure!(refused.is_err_and(|error| error.to_string().contains("append-only")), "an entry was changed");
    books.execute_batch("DROP TRIGGER entry_keep; DROP TRIGGER entry_stay")?;
    let changed = "UPDATE entry SET body = replace(body, '0', '1') WHERE sequence = 2";
    ensure!(books.execute(changed, [])? == 1, "there is no entry 2");
    drop(books);
    let (code, said) = ended(folder, &verify).await?;
    ensure!(code == 65 && said.contains("entry 2 "), "{code}: {said}");

    std::fs::write(folder.join("data/ledger.db"), &whole)?;
    let books = Connection::open(folder.join("data/ledger.db"))?;
    books.execute_batch("DROP TRIGGER entry_stay; DELETE FROM entry WHERE sequence = 2")?;
    drop(books);
    let (code, said) = ended(folder, &verify).await?;
    ensure!(code == 65 && said.contains("entry 3 "), "{code}: {said}");

    // Without its newest entry the chain holds; the running state remembers it.
    std::fs::write(folder.join("data/ledger.db"), &whole)?;
    let books = Connection::open(folder.join("data/ledger.db"))?;
    let newest = "DELETE FROM entry WHERE sequence = (SELECT max(sequence) FROM entry)";
    books.execute_batch(&format!("DROP TRIGGER entry_stay; {newest}"))?;
    drop(books);
    let (code, said) = ended(folder, &verify).await?;
    ensure!(code == 65 && said.contains("the newest entries are missing"), "{code}: {said}");

    std::fs::write(folder.join("data/ledger.db"), b"these are no books, these are words")?;
    let (code, said) = ended(folder, &verify).await?;
    ensure!(code == 65 && said.contains("data/ledger.db"), "{code}: {said}");
    Ok(())
}
