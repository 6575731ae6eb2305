//! Models on Hugging Face: the repository's list of files, and the address of one.

use super::download::text;
use crate::error::Error;
use reqwest::Client;
use serde::Deserialize;

/// The public hub; the variable of the hub's own tools moves it.
const HUB: &str = "https://huggingface.co";
const HUB_VARIABLE: &str = "HF_ENDPOINT";
const TOKEN_VARIABLE: &str = "HF_TOKEN";
/// What is taken where several quantisations are offered: first Q4_K_M, llama.cpp's recommended compromise of size and
/// quality, then what comes nearest to it in size.
const PREFERRED: [&str; 6] = ["q4_k_m", "q4_k_s", "q4_0", "q5_k_m", "q8_0", "f16"];

/// A file found in a repository.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub url: String,
    pub name: String,
    /// Its digest, where the hub states it.
    pub sha256: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    path: String,
    lfs: Option<Lfs>,
}

#[derive(Debug, Deserialize)]
struct Lfs {
    oid: String,
}

/// Reads the access token for gated repositories.
pub(super) fn token() -> Option<String> {
    std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty())
}

/// Finds `file` in `repository`, or a fitting one.
pub(super) async fn find(client: &Client, repository: &str, file: Option<&str>) -> Result<Found, Error> {
    let hub = std::env::var(HUB_VARIABLE).unwrap_or_else(|_| HUB.to_owned());
    let hub = hub.trim_end_matches('/');
    let url = format!("{hub}/api/models/{repository}/tree/main?recursive=true");
    let (body, _) = text(client, &url, "application/json", token().as_deref()).await?;
    let failed = |why: String| Error::Fetch { url: url.clone(), why };
    let entries: Vec<Entry> =
        serde_json::from_str(&body).map_err(|error| failed(format!("not a list of files: {error}")))?;
    let entry = choose(&entries, file, &url)?;
    Ok(Found {
        url: format!("{hub}/{repository}/resolve/main/{}", entry.path),
        name: entry.path.rsplit('/').next().unwrap_or(&entry.path).to_owned(),
        sha256: entry.lfs.as_ref().map(|lfs| lfs.oid.clone()),
    })
}

/// The entry called `file`, or the preferred one of those that hold a whole model; `url` is where the list came from.
fn choose<'a>(entries: &'a [Entry], file: Option<&str>, url: &str) -> Result<&'a Entry, Error> {
    let failed = |why: String| Error::Fetch { url: url.to_owned(), why };
    let models: Vec<&Entry> = entries.iter().filter(|entry| entry.path.to_lowercase().ends_with(".gguf")).collect();
    let names = || models.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(file) = file {
        let found = models.iter().find(|entry| entry.path == file);
        return found.copied().ok_or_else(|| failed(format!("no {file:?} in it; it has: {}", names())));
    }
    let single = |entry: &&&Entry| !entry.path.contains("-of-") && !entry.path.to_lowercase().contains("mmproj");
    let ranked = models.iter().filter(single).min_by_key(|entry| {
        let name = entry.path.to_lowercase();
        PREFERRED.iter().position(|quantisation| name.contains(quantisation)).unwrap_or(PREFERRED.len())
    });
    ranked.copied().ok_or_else(|| {
        failed(if models.is_empty() {
            "no .gguf file in this repository".to_owned()
        } else {
            format!("only models in several parts: {}", names())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_quantisation_is_chosen() {
        let entries =
            |names: &[&str]| names.iter().map(|name| Entry { path: (*name).into(), lfs: None }).collect::<Vec<_>>();
        let many = entries(&["README.md", "m-F16.gguf", "m-Q8_0.gguf", "m-Q4_K_M.gguf", "m-Q4_K_M-00001-of-2.gguf"]);
        let chosen = |entries: &[Entry], file| match choose(entries, file, "hub") {
            Ok(entry) => entry.path.clone(),
            Err(error) => error.to_string(),
        };
        assert_eq!(chosen(&many, None), "m-Q4_K_M.gguf");
        assert_eq!(chosen(&many, Some("m-Q8_0.gguf")), "m-Q8_0.gguf");
        assert!(chosen(&many, Some("x.gguf")).starts_with("hub: no \"x.gguf\" in it; it has: m-F16.gguf"));
        assert!(chosen(&entries(&["a.safetensors"]), None).contains("no .gguf"));
        assert!(chosen(&entries(&["a-00001-of-2.gguf"]), None).contains("several parts"));
    }
}
