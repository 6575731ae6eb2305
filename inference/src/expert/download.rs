//! Files over HTTP: resumable, verified, never half-accepted.
//!
//! What has come so far stays in a `.part` file under a lock; the next attempt asks for the rest (`Range`), if the file
//! there is still the same (`If-Range`): what it was is kept beside it. Where neither that nor a digest can tell, it
//! starts over. A digest that does not match removes it.

use super::progress::{OnProgress, Progress, Stage};
use crate::error::Error;
use futures_util::StreamExt;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A connection that delivers nothing for this long is given up; the next attempt resumes. Chosen: as long as a router
/// restarts.
const SILENCE: Duration = Duration::from_secs(60);
/// Attempts before a download is given up, with waits of 1, 2 and 3 s between them: what takes longer is for a person
/// to see, and the part stays for the next time.
const ATTEMPTS: u32 = 4;
/// Progress is shown after this many bytes: a few times a second on a home's connection.
const SHOW_EVERY: u64 = 1 << 18;
/// A connection is made within this time.
const CONNECT: Duration = Duration::from_secs(20);
/// The longest list or description that is read into memory: the largest projects of the package index list some
/// megabytes.
const LONGEST_TEXT: usize = 32 << 20;

/// Makes an HTTP client for downloads.
pub(super) fn client() -> Result<Client, Error> {
    Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .user_agent(concat!("heatmine/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::Fetch { url: "https".into(), why: because(&error) })
}

/// Fetches the text at `url` and its media type.
pub(super) async fn text(
    client: &Client,
    url: &str,
    accept: &str,
    token: Option<&str>,
) -> Result<(String, String), Error> {
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

/// A file to be fetched.
pub(super) struct Download<'a> {
    pub client: &'a Client,
    pub url: &'a str,
    /// The access token, where the address wants one.
    pub token: Option<&'a str>,
    /// Where it goes; what an earlier attempt left there is continued.
    pub part: &'a Path,
    /// The digest it must have, where that is known.
    pub sha256: Option<&'a str>,
}

struct Broken {
    error: Error,
    /// Whether another attempt may help.
    again: bool,
}

/// The file on the disk, as far as it has come.
struct Part<'a> {
    path: &'a Path,
    file: File,
    /// Bytes that are there.
    have: u64,
}

impl Download<'_> {
    /// Fetches the file and gives its digest. Fails after the last attempt, at a digest that is not the expected one
    /// (the part is removed), or where another process fetches the same file.
    pub(super) async fn fetch(&self, progress: OnProgress<'_>) -> Result<String, Error> {
        let mut part = Part::open(self.part)?;
        let locked = part.file.try_lock();
        locked.map_err(|error| self.failed(format!("another download of it runs ({error})")))?;
        let mut attempt = 1;
        loop {
            match self.attempt(&mut part, progress).await {
                Ok(()) => break,
                Err(Broken { error, again }) if !again || attempt >= ATTEMPTS => return Err(error),
                Err(Broken { error, .. }) => tracing::warn!(%error, attempt, "download interrupted, resuming"),
            }
            tokio::time::sleep(Duration::from_secs(u64::from(attempt))).await;
            attempt += 1;
        }
        part.file.sync_all().map_err(Error::file(self.part))?;
        // It may never have been there.
        let _ = std::fs::remove_file(version_file(self.part));
        let found = digest(self.part, progress)?;
        match self.sha256 {
            Some(expected) if !expected.eq_ignore_ascii_case(&found) => {
                std::fs::remove_file(self.part).map_err(Error::file(self.part))?;
                Err(Error::Sha256 { what: self.url.to_owned(), found, expected: expected.to_owned() })
            }
            Some(_) | None => Ok(found),
        }
    }

    /// Asks for what is missing and writes it down.
    async fn attempt(&self, part: &mut Part<'_>, progress: OnProgress<'_>) -> Result<(), Broken> {
        part.have = part.file.seek(SeekFrom::End(0)).map_err(|source| part.on_disk(source))?;
        let known = std::fs::read_to_string(version_file(part.path)).ok();
        if part.have > 0 && known.is_none() && self.sha256.is_none() {
            part.empty()?;
        }
        let request = self.request(part.have, known.as_deref());
        let response = request.send().await.map_err(|error| self.broken(because(&error), true))?;
        if self.begins(&response, part)? {
            return Ok(());
        }
        let total = response.content_length().map(|length| part.have + length);
        let mut stream = response.bytes_stream();
        let mut shown = 0;
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| self.broken(because(&error), true))?;
            part.file.write_all(&piece).map_err(|source| part.on_disk(source))?;
            part.have += piece.len() as u64;
            if part.have - shown > SHOW_EVERY {
                shown = part.have;
                progress(Progress { stage: Stage::Downloading, done: part.have, total });
            }
        }
        progress(Progress { stage: Stage::Downloading, done: part.have, total });
        match total {
            Some(total) if part.have < total => {
                Err(self.broken(format!("the connection ended after {} of {total} bytes", part.have), true))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A request for the bytes after the first `have`, if the file there is still the `known` version.
    fn request(&self, have: u64, known: Option<&str>) -> RequestBuilder {
        let mut request = self.client.get(self.url);
        if let Some(token) = self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
            if let Some(known) = known {
                request = request.header(IF_RANGE, known);
            }
        }
        request
    }

    /// Looks at the head of a response and makes the part ready for its body; true where nothing is missing.
    fn begins(&self, response: &Response, part: &mut Part<'_>) -> Result<bool, Broken> {
        let status = response.status();
        let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        if status == StatusCode::RANGE_NOT_SATISFIABLE && part.have > 0 {
            // Nothing is missing, or the file has changed; the digest decides.
            if range.and_then(|text| text.rsplit('/').next()) == Some(part.have.to_string().as_str()) {
                return Ok(true);
            }
            part.empty()?;
            return Err(self.broken("the file there has changed; starting over".into(), true));
        }
        if !status.is_success() {
            return Err(self.broken(status_in_words(status), status.is_server_error()));
        }
        if status == StatusCode::PARTIAL_CONTENT {
            if range.is_some_and(|range| !range.starts_with(&format!("bytes {}-", part.have))) {
                part.empty()?;
                return Err(self.broken("the server sent another part than was asked for; starting over".into(), true));
            }
            return Ok(false);
        }
        part.empty()?;
        match version(response.headers()) {
            Some(version) => std::fs::write(version_file(part.path), version).map_err(|source| part.on_disk(source))?,
            None => drop(std::fs::remove_file(version_file(part.path))),
        }
        Ok(false)
    }

    fn failed(&self, why: String) -> Error {
        Error::Fetch { url: self.url.to_owned(), why }
    }

    fn broken(&self, why: String, again: bool) -> Broken {
        Broken { error: self.failed(why), again }
    }
}

impl<'a> Part<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        let file = options.create(true).read(true).write(true).truncate(false).open(path).map_err(Error::file(path))?;
        Ok(Self { path, file, have: 0 })
    }

    /// Throws away what has come so far.
    fn empty(&mut self) -> Result<(), Broken> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        self.have = emptied.map_err(|source| self.on_disk(source))?;
        Ok(())
    }

    fn on_disk(&self, source: std::io::Error) -> Broken {
        Broken { error: Error::File { path: self.path.to_path_buf(), source }, again: false }
    }
}

/// Where it is kept which version of the file a part is of.
fn version_file(part: &Path) -> PathBuf {
    let mut name = part.as_os_str().to_owned();
    name.push(".version");
    name.into()
}

/// What tells one version of a file from another, as `If-Range` takes it.
fn version(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    text(ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(LAST_MODIFIED))
}

/// Computes the SHA-256 of a file, in hexadecimal.
pub(super) fn digest(path: &Path, progress: OnProgress<'_>) -> Result<String, Error> {
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

pub(super) fn hex(bytes: &[u8]) -> String {
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
