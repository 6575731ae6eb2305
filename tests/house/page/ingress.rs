//! What Home Assistant's ingress does to requests: they come below a path of its own, which it takes away and says in
//! `X-Ingress-Path`. Anything else that a page asks this address for has lost its way, and is remembered.

use anyhow::{Context, Result};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// As long as a real one.
const PREFIX: &str = "/api/hassio_ingress/qZx3Pv0T-4tRkW_8cXbnl1ZqfS2m6eYJ7uHGaDoKjVE";
/// The largest head of a request.
const HEAD_MAX: usize = 64 * 1024;

/// A running proxy; it ends with this.
pub(super) struct Ingress {
    /// Where it shows the page.
    pub url: String,
    strays: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Ingress {
    /// Shows `upstream`, an address like `http://127.0.0.1:8099`, below its path.
    pub(super) async fn start(upstream: &str) -> Result<Self> {
        let upstream = upstream.strip_prefix("http://").context("upstream is no http address")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}{PREFIX}/", listener.local_addr()?);
        let strays = Arc::new(Mutex::new(Vec::new()));
        let lost = strays.clone();
        let task = tokio::spawn(async move {
            while let Ok((browser, _)) = listener.accept().await {
                let (upstream, lost) = (upstream.clone(), lost.clone());
                // A connection that breaks is the browser's to notice.
                tokio::spawn(async move { pass(browser, &upstream, &lost).await.ok() });
            }
        });
        Ok(Self { url, strays, task })
    }

    /// The requests that were not below the path.
    pub(super) fn strays(&self) -> Vec<String> {
        self.strays.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Ingress {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request a connection: the answer ends with it, so that nothing but the head has to be understood.
async fn pass(mut browser: TcpStream, upstream: &str, lost: &Mutex<Vec<String>>) -> Result<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > HEAD_MAX || browser.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let head = std::str::from_utf8(&bytes[..end])?;
    let (request, headers) = head.split_once("\r\n").context("a request without headers")?;
    let Some(inside) = request.split_once(PREFIX).filter(|(method, _)| method.ends_with(' ')) else {
        lost.lock().unwrap_or_else(PoisonError::into_inner).push(request.to_owned());
        browser.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
        return Ok(());
    };
    let kept = headers.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let kept: String = kept.map(|line| format!("{line}\r\n")).collect();
    let user = "X-Remote-User-Name: owner\r\nX-Forwarded-Proto: https\r\n";
    let head = format!("{}{}\r\n{kept}X-Ingress-Path: {PREFIX}\r\n{user}Connection: close\r\n\r\n", inside.0, inside.1);
    let mut gateway = TcpStream::connect(upstream).await?;
    gateway.write_all(head.as_bytes()).await?;
    gateway.write_all(&bytes[end + 4..]).await?;
    copy_bidirectional(&mut browser, &mut gateway).await?;
    Ok(())
}
