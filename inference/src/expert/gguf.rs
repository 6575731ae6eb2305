//! The head of a GGUF file, read without llama.cpp, which ends the process on some broken files.
//!
//! Layout (ggml's docs/gguf.md): magic "GGUF", version u32, tensor count u64, metadata count u64; then key (string),
//! type u32, value; then per tensor its name, dimensions, type and offset; all little-endian, strings with a u64
//! length. Every length is checked against what is left of the file before anything is allocated.

use crate::error::Error;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Versions whose 64-bit lengths this reader and llama.cpp understand (version 1 had 32-bit lengths).
const VERSIONS: [u32; 2] = [2, 3];
/// More metadata or tensors than any model has: the largest have some thousands.
const MOST_ENTRIES: u64 = 1 << 20;
/// Arrays nested deeper than this are no metadata: no known key nests them at all, and each level takes stack.
const DEEPEST_ARRAY: usize = 4;
/// Longer texts are no metadata: the longest chat templates have some ten thousand bytes.
const LONGEST_TEXT: u64 = 16 << 20;
/// The one list that is kept; of all others only the length is of use.
const TOKENS: &str = "tokenizer.ggml.tokens";

/// The types of a text and of a list.
const TEXT: u32 = 8;
const ARRAY: u32 = 9;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any of the integer types, and bool as 0 or 1.
    Integer(i128),
    /// Either of the float types.
    Float(f64),
    Text(String),
    /// The tokens of the vocabulary.
    Texts(Vec<String>),
    /// Any other list: how many items it has.
    List(u64),
}

impl Value {
    /// The number it is, if it is a whole one.
    pub fn integer(&self) -> Option<u64> {
        match self {
            Self::Integer(value) => u64::try_from(*value).ok(),
            Self::Float(_) | Self::Text(_) | Self::Texts(_) | Self::List(_) => None,
        }
    }

    /// The text it is, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Integer(_) | Self::Float(_) | Self::Texts(_) | Self::List(_) => None,
        }
    }
}

/// The head of a GGUF file.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// Metadata by key.
    pub metadata: BTreeMap<String, Value>,
    /// Weights, all tensors together.
    pub parameters: u64,
    /// How many weights each tensor type holds.
    pub types: BTreeMap<u32, u64>,
}

impl Head {
    /// Reads and checks the head of `path`, and that the file is as long as its tensors need.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::file(path))?;
        let metadata = file.metadata().map_err(Error::file(path))?;
        let mut reader = Reader { path, input: BufReader::new(file), at: 0, length: metadata.len() };
        if metadata.is_dir() {
            return Err(reader.wrong("a folder", "a GGUF model"));
        }
        reader.head()
    }

    /// A text of the metadata.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.metadata.get(key)?.text()
    }

    /// A whole number of the metadata.
    pub fn integer(&self, key: &str) -> Option<u64> {
        self.metadata.get(key)?.integer()
    }

    /// The text of the token that `key` names, `tokenizer.ggml.bos_token_id` for one.
    pub fn token(&self, key: &str) -> Option<&str> {
        let id = usize::try_from(self.integer(key)?).ok()?;
        match self.metadata.get(TOKENS)? {
            Value::Texts(tokens) => tokens.get(id).map(String::as_str),
            Value::Integer(_) | Value::Float(_) | Value::Text(_) | Value::List(_) => None,
        }
    }
}

/// Reads the head of a file byte by byte.
struct Reader<'a, R> {
    path: &'a Path,
    input: R,
    at: u64,
    length: u64,
}

impl<R: Read> Reader<'_, R> {
    fn head(&mut self) -> Result<Head, Error> {
        let magic = self.bytes::<4>().map_err(|_| self.wrong("it is empty or almost so", "a GGUF model"))?;
        if &magic != b"GGUF" {
            let shown = String::from_utf8_lossy(&magic).escape_debug().to_string();
            return Err(self.wrong(format!("it begins with \"{shown}\""), "a GGUF model, which begins with \"GGUF\""));
        }
        let version = u32::from_le_bytes(self.bytes()?);
        if !VERSIONS.contains(&version) {
            return Err(self.wrong(format!("GGUF version {version}"), "version 2 or 3, little-endian"));
        }
        let (tensors, entries) = (self.long()?, self.long()?);
        if tensors > MOST_ENTRIES || entries > MOST_ENTRIES {
            return Err(self.wrong(format!("{tensors} tensors and {entries} metadata entries"), "a sound head"));
        }
        let mut head = Head::default();
        for _ in 0..entries {
            let key = self.string()?;
            let kind = u32::from_le_bytes(self.bytes()?);
            let value = match kind {
                ARRAY => self.list(&key)?,
                kind => self.value(kind)?,
            };
            head.metadata.insert(key, value);
        }
        self.tensors(tensors, &mut head)?;
        Ok(head)
    }

    fn tensors(&mut self, count: u64, head: &mut Head) -> Result<(), Error> {
        if count == 0 {
            return Err(self.wrong("no tensors", "a model with weights"));
        }
        let mut needed = 0;
        for _ in 0..count {
            let name = self.string()?;
            let dimensions = u32::from_le_bytes(self.bytes()?);
            if dimensions > 8 {
                return Err(self.wrong(format!("tensor {name:?} has {dimensions} dimensions"), "at most 4"));
            }
            let mut elements = 1u64;
            for _ in 0..dimensions {
                elements = elements.saturating_mul(self.long()?);
            }
            let kind = u32::from_le_bytes(self.bytes()?);
            let offset = self.long()?;
            needed = needed.max(offset.saturating_add(size_of_tensor(kind, elements)));
            head.parameters = head.parameters.saturating_add(elements);
            let weights = head.types.entry(kind).or_default();
            *weights = weights.saturating_add(elements);
        }
        let alignment = head.integer("general.alignment").unwrap_or(32).max(1);
        let data = self.at.div_ceil(alignment).saturating_mul(alignment);
        let expected = data.saturating_add(needed);
        if self.length < expected {
            return Err(self.wrong(
                format!("it is truncated: {} bytes", self.length),
                format!("at least {expected} bytes, by its own table of tensors"),
            ));
        }
        Ok(())
    }

    fn value(&mut self, kind: u32) -> Result<Value, Error> {
        Ok(match kind {
            0 => Value::Integer(u8::from_le_bytes(self.bytes()?).into()),
            1 => Value::Integer(i8::from_le_bytes(self.bytes()?).into()),
            2 => Value::Integer(u16::from_le_bytes(self.bytes()?).into()),
            3 => Value::Integer(i16::from_le_bytes(self.bytes()?).into()),
            4 => Value::Integer(u32::from_le_bytes(self.bytes()?).into()),
            5 => Value::Integer(i32::from_le_bytes(self.bytes()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.bytes()?).into()),
            7 => Value::Integer(u8::from_le_bytes(self.bytes()?).into()),
            TEXT => Value::Text(self.string()?),
            10 => Value::Integer(self.long()?.into()),
            11 => Value::Integer(i64::from_le_bytes(self.bytes()?).into()),
            12 => Value::Float(f64::from_le_bytes(self.bytes()?)),
            other => return Err(self.wrong(format!("metadata of the unknown type {other}"), "types 0 to 12")),
        })
    }

    fn list(&mut self, key: &str) -> Result<Value, Error> {
        let kind = u32::from_le_bytes(self.bytes()?);
        let count = self.long()?;
        if kind != TEXT || key != TOKENS {
            self.skip(kind, count, 0)?;
            return Ok(Value::List(count));
        }
        if count > (self.length - self.at) / 8 {
            return Err(self.truncated());
        }
        let tokens: Result<_, Error> = (0..count).map(|_| self.string()).collect();
        Ok(Value::Texts(tokens?))
    }

    /// Goes past `count` items of a list.
    fn skip(&mut self, kind: u32, count: u64, depth: usize) -> Result<(), Error> {
        let size = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            TEXT => {
                for _ in 0..count {
                    let length = self.long()?;
                    self.pass(length)?;
                }
                return Ok(());
            }
            ARRAY if depth < DEEPEST_ARRAY => {
                for _ in 0..count {
                    let kind = u32::from_le_bytes(self.bytes()?);
                    let count = self.long()?;
                    self.skip(kind, count, depth + 1)?;
                }
                return Ok(());
            }
            ARRAY => return Err(self.wrong("arrays nested too deep", "metadata")),
            other => return Err(self.wrong(format!("a list of the unknown type {other}"), "types 0 to 12")),
        };
        self.pass(count.saturating_mul(size))
    }

    /// Goes past so many bytes.
    fn pass(&mut self, bytes: u64) -> Result<(), Error> {
        if bytes > self.length - self.at {
            return Err(self.truncated());
        }
        let passed = std::io::copy(&mut (&mut self.input).take(bytes), &mut std::io::sink());
        if passed.ok() != Some(bytes) {
            return Err(self.truncated());
        }
        self.at += bytes;
        Ok(())
    }

    fn string(&mut self) -> Result<String, Error> {
        let length = self.long()?;
        if length > self.length - self.at {
            return Err(self.truncated());
        }
        if length > LONGEST_TEXT {
            return Err(self.wrong(format!("a text of {length} bytes"), "a sound head"));
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| self.truncated())?];
        self.fill(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn long(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.input.read_exact(bytes).map_err(|_| self.truncated())?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn wrong(&self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        Error::Gguf { path: self.path.to_path_buf(), found: found.into(), expected: expected.into() }
    }

    fn truncated(&self) -> Error {
        let found = format!("it is truncated or damaged: its head does not end within its {} bytes", self.length);
        self.wrong(found, "a complete GGUF file")
    }
}

/// Bytes of a tensor; 0 for a type this list does not know, whose size is then left to llama.cpp. Block sizes: ggml.h.
fn size_of_tensor(kind: u32, elements: u64) -> u64 {
    let (block, bytes) = match kind {
        0 | 26 => (1, 4),
        1 | 25 | 30 => (1, 2),
        24 => (1, 1),
        27 | 28 => (1, 8),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        20 => (32, 18),
        23 => (256, 136),
        39 => (32, 17),
        _ => return 0,
    };
    elements.div_ceil(block).saturating_mul(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &mut Vec<u8>, text: &str) {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    }

    /// A head with an architecture, a context, `more` metadata and the dimensions of its F32 tensors.
    fn head(more: &[(&str, &[u8])], tensors: &[&[u64]]) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3u32.to_le_bytes());
        bytes.extend((tensors.len() as u64).to_le_bytes());
        bytes.extend((2 + more.len() as u64).to_le_bytes());
        text(&mut bytes, "general.architecture");
        bytes.extend(8u32.to_le_bytes());
        text(&mut bytes, "llama");
        text(&mut bytes, "llama.context_length");
        bytes.extend(4u32.to_le_bytes());
        bytes.extend(128u32.to_le_bytes());
        for (key, value) in more {
            text(&mut bytes, key);
            bytes.extend(*value);
        }
        for dimensions in tensors {
            text(&mut bytes, "w");
            bytes.extend((dimensions.len() as u32).to_le_bytes());
            dimensions.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
            bytes.extend(0u32.to_le_bytes());
            bytes.extend(0u64.to_le_bytes());
        }
        bytes
    }

    /// The smallest file with a weight: one F32 tensor of four elements.
    fn smallest() -> Vec<u8> {
        let mut bytes = head(&[], &[&[4]]);
        bytes.resize(bytes.len().div_ceil(32) * 32, 0);
        bytes.extend([0; 16]);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Head, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.gguf");
        std::fs::write(&path, bytes).unwrap();
        Head::read(&path)
    }

    #[test]
    fn reads_a_sound_file() {
        let head = read(&smallest()).unwrap();
        assert_eq!(head.text("general.architecture"), Some("llama"));
        assert_eq!(head.integer("llama.context_length"), Some(128));
        assert_eq!(head.parameters, 4);
    }

    #[test]
    fn names_what_is_wrong() {
        let sound = smallest();
        let mut version = sound.clone();
        version[4] = 9;
        for (bytes, said) in [
            (&b""[..], "empty"),
            (b"PK\x03\x04 a zip", "it begins with \"PK"),
            (
                b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                "expected a sound head",
            ),
            (&version, "GGUF version 9; expected version 2 or 3"),
            (&sound[..sound.len() - 1], "truncated"),
            (&sound[..40], "truncated"),
        ] {
            let error = read(bytes).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("x.gguf"), "{error}");
        }
    }

    #[test]
    fn sums_that_overflow_are_a_file_that_is_too_short() {
        let huge: &[u64] = &[u64::MAX, 3];
        let error = read(&head(&[], &[huge, huge, &[u64::MAX]])).unwrap_err().to_string();
        assert!(error.contains("truncated") && error.contains("x.gguf"), "{error}");
    }

    #[test]
    fn of_a_list_that_nobody_asks_for_the_length_is_kept() {
        let list = |kind: u32, count: u64, items: &[u8]| {
            let mut bytes = ARRAY.to_le_bytes().to_vec();
            bytes.extend(kind.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(items);
            bytes
        };
        let mut words = Vec::new();
        ["<s>", "", "so"].iter().for_each(|word| text(&mut words, word));
        let nested = [&list(0, 2, &[1, 2])[4..], &list(TEXT, 3, &words)[4..]].concat();
        let (bytes, tokens) = (list(0, 100_000, &[7; 100_000]), list(TEXT, 3, &words));
        let (nested, merges) = (list(ARRAY, 2, &nested), list(TEXT, 3, &words));
        let more: [(&str, &[u8]); 4] =
            [("a.bytes", &bytes), (TOKENS, &tokens), ("a.nested", &nested), ("tokenizer.ggml.merges", &merges)];
        let mut file = head(&more, &[&[4]]);
        file.resize(file.len() + 64, 0);
        let read_head = read(&file).unwrap();
        assert_eq!(read_head.metadata["a.bytes"], Value::List(100_000));
        assert_eq!(read_head.metadata["a.nested"], Value::List(2));
        assert_eq!(read_head.metadata["tokenizer.ggml.merges"], Value::List(3));
        assert_eq!(read_head.metadata[TOKENS], Value::Texts(vec!["<s>".into(), String::new(), "so".into()]));
        let cut = head(&[("a.bytes", &list(0, 100_000, &[7; 100_000])[..90_000])], &[]);
        assert!(read(&cut).unwrap_err().to_string().contains("truncated"));
    }

    proptest::proptest! {
        #[test]
        fn damage_never_panics(at in 0usize..200, value: u8, cut in 0usize..240) {
            let mut bytes = smallest();
            let at = at % bytes.len();
            bytes[at] = value;
            bytes.truncate(bytes.len().saturating_sub(cut));
            let _ = read(&bytes);
        }
    }
}
