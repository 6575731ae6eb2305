//! Experts that llama.cpp cannot serve: each harms itself alone.

use crate::peer::{Process, START, binary, client, free_port, wait_until, workspace};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The manifest of the demo's model; `None`, said loudly, where it is not there.
fn manifest() -> Result<Option<PathBuf>> {
    let folder = workspace().join(".cache/experts");
    let mut files = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let found = files.find(|path| path.extension().is_some_and(|end| end == "json"));
    if found.is_none() {
        eprintln!("SKIPPED: the demo's model is not in .cache/experts (./run setup fetches it)");
    }
    Ok(found)
}

fn model(manifest: &Path) -> Result<PathBuf> {
    let said: Value = serde_json::from_slice(&std::fs::read(manifest)?)?;
    let sha256 = said["sha256"].as_str().context("a manifest has a digest")?;
    Ok(manifest.with_file_name(format!("{sha256}.gguf")))
}

/// The model with a head on which llama.cpp ends the process as soon as it computes: it divides by the root of a negative number.
fn poisoned(model: &Path, to: &Path) -> Result<()> {
    const KEY: &[u8] = b"llama.attention.layer_norm_rms_epsilon";
    let mut bytes = std::fs::read(model)?;
    let at = bytes.windows(KEY.len()).position(|part| part == KEY).context("the model is a Llama")?;
    // Behind the key stands its type, then the number.
    let value = at + KEY.len() + 4;
    bytes[value..value + 4].copy_from_slice(&(-1.0f32).to_le_bytes());
    Ok(std::fs::write(to, bytes)?)
}

fn expert(folder: &Path, arguments: &[&str]) -> Result<Output> {
    let experts = folder.join("experts");
    Ok(Command::new(binary()?)
        .arg("expert")
        .args(arguments)
        .arg("--experts")
        .arg(experts)
        .current_dir(folder)
        .output()?)
}

fn worker(folder: &Path, port: u16) -> Result<Process> {
    let mut command = Command::new(binary()?);
    command.args(["worker", "--threads", "1", "--experts", "experts", "--data", "data"]);
    command.arg("--listen").arg(format!("127.0.0.1:{port}")).current_dir(folder);
    Process::start("the worker", command, &folder.join("worker.log"))
}

/// The manifest as a version wrote it that tried nothing.
fn forget_the_trial(manifest: &Path) -> Result<()> {
    let mut said: Value = serde_json::from_slice(&std::fs::read(manifest)?)?;
    let said = said.as_object_mut().context("a manifest is an object")?;
    ensure!(said.remove("tried").is_some() && said.remove("aside").is_some(), "it says that it was tried: {said:?}");
    Ok(std::fs::write(manifest, serde_json::to_vec(said)?)?)
}

#[tokio::test]
async fn a_model_that_ends_the_engine_is_put_aside_and_the_others_are_served() -> Result<()> {
    let Some(sound) = manifest()? else { return Ok(()) };
    let folder = TempDir::new()?;
    // Its name comes first: it would be the one that is loaded at the start.
    poisoned(&model(&sound)?, &folder.path().join("aaa.gguf"))?;
    let added = expert(folder.path(), &["add", "aaa.gguf"])?;
    let words = String::from_utf8_lossy(&added.stderr);
    ensure!(added.status.code() == Some(65), "{:?}: {words}", added.status);
    ensure!(words.contains("aaa is put aside: the engine ended on it") && words.contains("GGML_ASSERT"), "{words}");
    let listed = expert(folder.path(), &["list"])?;
    ensure!(String::from_utf8_lossy(&listed.stdout).contains("put aside"), "{listed:?}");

    let aside = folder.path().join("experts/aaa.json");
    forget_the_trial(&aside)?;
    let (port, client) = (free_port()?, client()?);
    let status = async |port: u16| -> Option<Value> {
        let answer = client.get(format!("http://127.0.0.1:{port}/heatmine/status")).send().await.ok()?;
        answer.json().await.ok()
    };
    let mut alone = worker(folder.path(), port)?;
    let error = wait_until(START, "the worker that has nothing to serve", async || {
        Some(status(port).await?["error"].as_str()?.to_owned())
    });
    let error = error.await?;
    ensure!(error.contains("aaa is put aside") && error.contains("GGML_ASSERT"), "{error}");
    alone.stop().await?;
    ensure!(std::fs::read_to_string(&aside)?.contains("GGML_ASSERT"), "the manifest says why");

    // Beside it one that nobody has tried either.
    let experts = folder.path().join("experts");
    for file in [sound.clone(), model(&sound)?] {
        std::fs::copy(&file, experts.join(file.file_name().context("a file has a name")?))?;
    }
    forget_the_trial(&aside)?;
    let port = free_port()?;
    let mut worker = worker(folder.path(), port)?;
    let ask = async |model: &str| -> Result<(u16, Value)> {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2});
        let url = format!("http://127.0.0.1:{port}/v1/chat/completions");
        let answer = client.post(url).json(&body).send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    };
    wait_until(START, "the worker", async || status(port).await).await?;
    let (code, answer) = ask("").await?;
    ensure!(code == 200 && answer["choices"][0]["message"]["content"].is_string(), "{code}: {answer}");
    let (code, answer) = ask("aaa").await?;
    let message = answer["error"]["message"].as_str().unwrap_or_default();
    ensure!(code == 404 && message.contains("aaa is put aside"), "{code}: {answer}");
    ensure!(worker.exited().is_none(), "the worker went on");
    let models: Value = client.get(format!("http://127.0.0.1:{port}/v1/models")).send().await?.json().await?;
    ensure!(models["data"].as_array().is_some_and(|models| models.len() == 1), "{models}");
    worker.stop().await?;
    Ok(())
}
