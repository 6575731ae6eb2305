//! Files over HTTP: resumable, verified, never half-accepted.
//!
//! What has come so far stays in a `.part` file under a lock; the next attempt asks for the rest (`Range`), if the file
//! there is still the same (`If-Range`): what it was is kept beside it. Where neither that nor a digest can tell, it starts
//! over. A digest that does not match removes it.

use super::progress::{OnProgress, Progress, Stage};
use crate::error::Error;
use futures_util::StreamExt;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE,
};
use reqwest::{Client, StatusCode};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A connection that delivers nothing for this long is given up; the next attempt resumes.
const SILENCE: Duration = Duration::from_secs(60);
/// Attempts before a download is given up.
const ATTEMPTS: u32 = 4;
/// The longest list or description that is read into memory.
const LONGEST_TEXT: usize = 32 << 20;

/// An HTTP client for downloads.
pub fn client() -> Result<Client, Error> {
    Client::builder()
        .connect_timeout(Duration::from_secs(20))
        .read_timeout(SILENCE)
        .user_agent(concat!("heatmine/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::Fetch { url: "https".into(), why: because(&error) })
}

/// The text at `url` and its media type.
pub async fn text(client: &Client, url: &str, accept: &str, token: Option<&str>) -> Result<(String, String), Error> {
    let failed = |why: String| Error::Fetch { url: url.to_owned(), why };
    let mut request = client.get(url).header(ACCEPT, accept);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let response = request.send().await.map_err(|error| failed(because(&error)))?;
    if !response.status().is_success() {
        return Err(failed(status_in_words(response.status())));
    }
    let media = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let mut body = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(piece) = stream.next().await {
        body.extend_from_slice(&piece.map_err(|error| failed(because(&error)))?);
        if body.len() > LONGEST_TEXT {
            return Err(failed(format!("more than {LONGEST_TEXT} bytes of description")));
        }
    }
    Ok((String::from_utf8_lossy(&body).into_owned(), media))
}

/// Fetches `url` into `part` and gives the digest; a `part` from an earlier attempt is continued.
pub async fn fetch(
    client: &Client,
    url: &str,
    token: Option<&str>,
    part: &Path,
    expected: Option<&str>,
    progress: OnProgress<'_>,
) -> Result<String, Error> {
    let mut file =
        OpenOptions::new().create(true).read(true).write(true).truncate(false).open(part).map_err(Error::file(part))?;
    file.try_lock()
        .map_err(|error| Error::Fetch { url: url.to_owned(), why: format!("another download of it runs ({error})") })?;
    let mut attempt = 1;
    loop {
        match rest(client, url, token, &mut file, part, expected.is_some(), progress).await {
            Ok(()) => break,
            Err((error, again)) if !again || attempt >= ATTEMPTS => return Err(error),
            Err((error, _)) => tracing::warn!(%error, attempt, "download interrupted, resuming"),
        }
        tokio::time::sleep(Duration::from_secs(u64::from(attempt))).await;
        attempt += 1;
    }
    file.sync_all().map_err(Error::file(part))?;
    // It may never have been there.
    let _ = std::fs::remove_file(version_file(part));
    let found = digest(part, progress)?;
    match expected {
        Some(expected) if !expected.eq_ignore_ascii_case(&found) => {
            std::fs::remove_file(part).map_err(Error::file(part))?;
            Err(Error::Sha256 { what: url.to_owned(), found, expected: expected.to_owned() })
        }
        Some(_) | None => Ok(found),
    }
}

/// Where it is kept which version of the file a part is of.
fn version_file(part: &Path) -> PathBuf {
    let mut name = part.as_os_str().to_owned();
    name.push(".version");
    name.into()
}

/// Throws away what has come so far; returns where the file begins.
fn emptied(file: &mut File) -> std::io::Result<u64> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))
}

/// What tells one version of a file from another, as `If-Range` takes it.
fn version(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    text(ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(LAST_MODIFIED))
}

/// One attempt; the flag says whether another one may help. `pinned`: a digest will tell whether the file is the right one.
async fn rest(
    client: &Client,
    url: &str,
    token: Option<&str>,
    file: &mut File,
    part: &Path,
    pinned: bool,
    progress: OnProgress<'_>,
) -> Result<(), (Error, bool)> {
    let failed = |why: String, again: bool| (Error::Fetch { url: url.to_owned(), why }, again);
    let on_disk = |source| (Error::File { path: part.to_path_buf(), source }, false);
    let mut have = file.seek(SeekFrom::End(0)).map_err(on_disk)?;
    let known = std::fs::read_to_string(version_file(part)).ok();
    if have > 0 && known.is_none() && !pinned {
        have = emptied(file).map_err(on_disk)?;
    }
    let mut request = client.get(url);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
        if let Some(known) = &known {
            request = request.header(IF_RANGE, known);
        }
    }
    let response = request.send().await.map_err(|error| failed(because(&error), true))?;
    let status = response.status();
    if status == StatusCode::RANGE_NOT_SATISFIABLE && have > 0 {
        // Nothing is missing, or the file has changed; the digest decides.
        let whole = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        if whole.and_then(|text| text.rsplit('/').next()) == Some(have.to_string().as_str()) {
            return Ok(());
        }
        emptied(file).map_err(on_disk)?;
        return Err(failed("the file there has changed; starting over".into(), true));
    }
    if !status.is_success() {
        return Err(failed(status_in_words(status), status.is_server_error()));
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        if range.is_some_and(|range| !range.starts_with(&format!("bytes {have}-"))) {
            emptied(file).map_err(on_disk)?;
            return Err(failed("the server sent another part than was asked for; starting over".into(), true));
        }
    } else {
        have = emptied(file).map_err(on_disk)?;
        match version(response.headers()) {
            Some(version) => std::fs::write(version_file(part), version).map_err(on_disk)?,
            None => drop(std::fs::remove_file(version_file(part))),
        }
    }
    let total = response.content_length().map(|length| have + length);
    let mut stream = response.bytes_stream();
    let mut shown = 0;
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| failed(because(&error), true))?;
        file.write_all(&piece).map_err(on_disk)?;
        have += piece.len() as u64;
        if have - shown > 1 << 18 {
            shown = have;
            progress(Progress { stage: Stage::Downloading, done: have, total });
        }
    }
    progress(Progress { stage: Stage::Downloading, done: have, total });
    match total {
        Some(total) if have < total => Err(failed(format!("the connection ended after {have} of {total} bytes"), true)),
        Some(_) | None => Ok(()),
    }
}

/// The sha256 of a file, in hexadecimal.
pub fn digest(path: &Path, progress: OnProgress<'_>) -> Result<String, Error> {
    let mut file = File::open(path).map_err(Error::file(path))?;
    let total = file.metadata().map_err(Error::file(path))?.len();
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    loop {
        let count = file.read(&mut buffer).map_err(Error::file(path))?;
        if count == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..count]);
        done += count as u64;
        progress(Progress { stage: Stage::Verifying, done, total: Some(total) });
    }
}

/// Bytes as lowercase hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn status_in_words(status: StatusCode) -> String {
    match status {
        StatusCode::NOT_FOUND => "there is nothing at this address (404)".to_owned(),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!("access refused ({status}); it may need a token or a licence click")
        }
        status => format!("the server answered {status}"),
    }
}

/// An error with what caused it; reqwest's own text leaves that out.
fn because(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
