//! Where the books of an app lie: beside its options, also when its owner writes a configuration of his own.
//!
//! Example: HeatMine has run from `/data/options.json` for weeks, with its books in `/data/heatmine-data`. Its owner writes
//! `/config/heatmine.toml`, which names no data folder: the same books go on. Where it names one without books, that is refused
//! in a sentence with both folders: nothing begins anew unseen. Books that an earlier version began in `/config/heatmine-data`
//! go on there.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// The owner's own file.
const OWN_FILE: &str = "/config/heatmine.toml";
/// The options that it takes the place of.
const OPTIONS: &str = "/data/options.json";
/// The data folder where none is named, beside its file.
pub const DATA_DIR: &str = "heatmine-data";
/// The files that make books.
const BOOKS: [&str; 2] = ["ledger.db", "state.db"];

/// The data folder for the configuration `file`, which says `folder`; `named` where its owner wrote that, and it is not only the
/// default.
///
/// # Errors
/// It has no books, and the app's options have some elsewhere; in words.
pub fn of(file: &Path, folder: PathBuf, named: bool) -> Result<PathBuf, String> {
    if file == Path::new(OWN_FILE) { beside_options(Path::new(OPTIONS), folder, named) } else { Ok(folder) }
}

fn beside_options(options: &Path, folder: PathBuf, named: bool) -> Result<PathBuf, String> {
    let Some(usual) = usual(options) else { return Ok(folder) };
    match (holds_books(&folder), holds_books(&usual)) {
        (true, true) if folder != usual => {
            let (folder_name, usual) = (folder.display(), usual.display());
            tracing::warn!(
                "there are books in {folder_name}, which go on, and others in {usual}, from the app's options"
            );
            Ok(folder)
        }
        (true, _) => Ok(folder),
        (false, true) if named && folder != usual => Err(format!(
            "names {}, which has no books, while those of the app's options are in {}: stop HeatMine and move these there, or take \
             data.dir out of this file, and they go on",
            folder.display(),
            usual.display()
        )),
        (false, _) if named => Ok(folder),
        (false, _) => Ok(usual),
    }
}

/// The data folder of the options; `None` where there are no options.
fn usual(options: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(options).ok()?;
    let options_say: Value = serde_json::from_str(&text).unwrap_or_default();
    let beside = options.parent()?;
    let dir = options_say.pointer("/data/dir").and_then(Value::as_str).filter(|dir| !dir.is_empty());
    Some(beside.join(dir.unwrap_or(DATA_DIR)))
}

/// Whether something is booked there. An empty file is no book.
fn holds_books(folder: &Path) -> bool {
    BOOKS.iter().any(|file| std::fs::metadata(folder.join(file)).is_ok_and(|file| file.len() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// An app's folders: `data` with its options, `config` with the owner's file.
    fn app() -> (tempfile::TempDir, PathBuf, PathBuf, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let (data, config) = (root.path().join("data"), root.path().join("config"));
        fs::create_dir_all(&data).unwrap();
        fs::create_dir_all(&config).unwrap();
        fs::write(data.join("options.json"), "{}").unwrap();
        let (options, usual, own) =
            (data.join("options.json"), data.join("heatmine-data"), config.join("heatmine-data"));
        (root, options, usual, own)
    }

    fn book(folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("ledger.db"), "books").unwrap();
    }

    #[test]
    fn an_own_file_goes_on_with_the_books_of_the_options() {
        let (_root, options, usual, own) = app();
        assert_eq!(beside_options(&options, own.clone(), false), Ok(usual.clone()));
        book(&usual);
        assert_eq!(beside_options(&options, own.clone(), false), Ok(usual.clone()));
        // What an earlier version began beside the file goes on there.
        book(&own);
        assert_eq!(beside_options(&options, own.clone(), false), Ok(own));
    }

    #[test]
    fn a_folder_without_books_is_refused_with_both_names_while_the_options_have_some() {
        let (root, options, usual, _) = app();
        let named = root.path().join("elsewhere");
        assert_eq!(beside_options(&options, named.clone(), true), Ok(named.clone()));
        book(&usual);
        let words = beside_options(&options, named.clone(), true).unwrap_err();
        assert!([&named, &usual].iter().all(|folder| words.contains(&folder.display().to_string())), "{words}");
        book(&named);
        assert_eq!(beside_options(&options, named.clone(), true), Ok(named));
    }

    #[test]
    fn options_that_name_a_folder_are_followed() {
        let (root, options, _, own) = app();
        fs::write(&options, r#"{"data": {"dir": "books"}}"#).unwrap();
        assert_eq!(beside_options(&options, own, false), Ok(root.path().join("data/books")));
    }

    #[test]
    fn any_other_file_keeps_its_data_where_it_says() {
        assert_eq!(of(Path::new("/etc/heatmine.toml"), "/etc/data".into(), false), Ok("/etc/data".into()));
    }
}
