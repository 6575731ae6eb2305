//! An installed expert as its manifest says, one JSON file beside the model's own.

use super::card::Card;
use super::download::digest;
use super::gguf::Head;
use super::progress::OnProgress;
use crate::engine::work::ModelFile;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The version that tries models.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// An installed model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expert {
    /// The name it is asked for by.
    pub name: String,
    /// The SHA-256 of its file, 64 hexadecimal digits.
    pub sha256: String,
    /// The length of its file.
    pub bytes: u64,
    /// Where it came from.
    pub source: String,
    /// What it says of itself.
    pub card: Card,
    /// The version that tried it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<String>,
    /// Why it is not offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<String>,
    /// Its file.
    #[serde(skip)]
    pub path: PathBuf,
}

impl Expert {
    /// Takes an expert straight from a file, outside any store; its digest is not computed.
    ///
    /// # Errors
    /// [`Error::File`]: the file cannot be read. [`Error::Gguf`]: it is no model.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let head = Head::read(path)?;
        let bytes = fs::metadata(path).map_err(Error::file(path))?.len();
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self {
            name: name_of(&file),
            sha256: String::new(),
            bytes,
            source: path.display().to_string(),
            card: Card::of(&head),
            tried: None,
            aside: None,
            path: path.to_path_buf(),
        })
    }

    /// What the engine needs to know of it.
    pub(crate) fn model(&self) -> ModelFile {
        ModelFile { name: self.name.clone(), path: self.path.clone() }
    }

    /// Whether this version has tried it: another one may read what this one cannot.
    pub(crate) fn is_tried(&self) -> bool {
        self.tried.as_deref() == Some(VERSION)
    }

    /// The same, tried by this version; `aside` says why it is not offered.
    pub(super) fn after_trial(self, aside: Option<String>) -> Self {
        Self { tried: Some(VERSION.to_owned()), aside, ..self }
    }

    /// Reads a manifest; its model lies beside it. Fails where either of them is not what it should be.
    pub(super) fn read(manifest: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(manifest).map_err(Error::file(manifest))?;
        let sound = |expert: &Self| is_sha256(&expert.sha256);
        let expert: Option<Self> = serde_json::from_str(&text).ok().filter(sound);
        let mut expert = expert.ok_or_else(|| Error::Gguf {
            path: manifest.to_path_buf(),
            found: "not a manifest".into(),
            expected: "one that `heatmine expert add` wrote".into(),
        })?;
        expert.path = manifest.with_file_name(format!("{}.gguf", expert.sha256));
        if !expert.path.is_file() {
            return Err(Error::file(&expert.path)(std::io::ErrorKind::NotFound.into()));
        }
        Ok(expert)
    }

    /// Writes its manifest into `folder`, whole or not at all.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(format!("{}.json", self.name));
        // Several processes may write what they found out at the same time.
        let draft = path.with_extension(format!("{}.draft", std::process::id()));
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::Engine(error.to_string()))?;
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(Error::file(&draft))?;
        fs::rename(&draft, &path).map_err(Error::file(&path))
    }

    /// Fails where its file is not the one that was installed.
    pub(super) fn check(&self, progress: OnProgress<'_>) -> Result<(), Error> {
        Head::read(&self.path)?;
        let found = digest(&self.path, progress)?;
        if found == self.sha256 {
            return Ok(());
        }
        Err(Error::Sha256 { what: self.path.display().to_string(), found, expected: self.sha256.clone() })
    }
}

pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A file's name without its ending, in the letters that names of models have.
pub(super) fn name_of(file: &str) -> String {
    let stem = file.strip_suffix(".gguf").or_else(|| file.strip_suffix(".GGUF")).unwrap_or(file).to_lowercase();
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' };
    let name: String = stem.chars().map(plain).collect();
    let name = name.trim_matches(['.', '-']);
    if name.is_empty() { "model".to_owned() } else { name.to_owned() }
}
