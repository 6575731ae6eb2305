//! One copy is cut, rots, or is of another time: the other one is read.

use super::*;

const NAME: &str = "debts";
const COPIES: [&str; 2] = ["debts.json", "debts.backup.json"];

type Body = Vec<(String, f64)>;

fn body(number: u32) -> Body {
    vec![("inverter".into(), 0.1 + f64::from(number)), ("Wärmepumpe \"1\"".into(), -1500.0)]
}

fn open(disk: &Disk) -> Found<Body> {
    Twice::open(disk, NAME, 1)
}

struct Folder {
    folder: tempfile::TempDir,
    disk: Disk,
}

impl Folder {
    /// A folder in which `count` bodies were written, one after the other.
    fn with(count: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::Folder(folder.path().to_owned());
        let mut file = open(&disk).file;
        (1..=count).for_each(|number| file.write(&body(number)).unwrap());
        Self { folder, disk }
    }

    fn put(&self, copy: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(copy), bytes).unwrap();
    }

    fn bytes(&self, copy: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(copy)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let files = self.folder.path().read_dir().unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn what_was_written_last_is_read() {
    let folder = Folder::with(3);
    let found = open(&folder.disk);
    assert_eq!((found.body, found.aside), (Some(body(3)), Vec::new()));
    assert_eq!(folder.names(), ["debts.backup.json", "debts.json"], "nothing else is left behind");
}

#[test]
fn one_copy_may_end_at_any_byte_or_have_any_byte_turned() {
    let whole = Folder::with(2).bytes(COPIES[0]);
    let cut = (0..whole.len()).map(|length| whole[..length].to_vec());
    let turned = (0..whole.len()).flat_map(|place| {
        [0x01, 0x20, 0x80, 0xff].map(|bits| {
            let mut bytes = whole.clone();
            bytes[place] ^= bits;
            bytes
        })
    });
    let memory = || Disk::Memory(std::sync::Arc::new(crate::store::Memory::new("twice")));
    let mut broken = 0;
    for damaged in cut.chain(turned) {
        for (copy, other) in [(0, 1), (1, 0)] {
            let disk = memory();
            disk.replace(COPIES[copy], &damaged).unwrap();
            disk.replace(COPIES[other], &whole).unwrap();
            let mut found = open(&disk);
            assert_eq!(found.body, Some(body(2)), "{}", String::from_utf8_lossy(&damaged));
            broken += found.aside.len();
            found.file.write(&body(3)).unwrap();
            assert_eq!(open(&disk).body, Some(body(3)));
        }
        // Alone it is read as it was written or not at all.
        let disk = memory();
        disk.replace(COPIES[0], &damaged).unwrap();
        assert!(open(&disk).body.is_none_or(|read| read == body(2)), "{}", String::from_utf8_lossy(&damaged));
    }
    assert!(broken > 2 * whole.len(), "{broken} of {} were noticed", whole.len());
}

#[test]
fn a_broken_copy_is_set_aside_under_a_dated_name_and_said() {
    let folder = Folder::with(1);
    folder.put(COPIES[0], b"\0\0\0\0");
    let found = open(&folder.disk);
    assert_eq!(found.body, Some(body(1)));
    let aside = folder.names().into_iter().find(|name| name.starts_with("debts.json.broken-")).unwrap();
    assert!(
        matches!(found.aside.as_slice(), [said] if said.contains(&aside) && said.contains("is broken")),
        "{found:?}"
    );
    assert_eq!(folder.bytes(&aside), b"\0\0\0\0", "nothing of it is lost");
    assert_eq!(open(&folder.disk).aside, Vec::<String>::new(), "it is said once");
}

#[test]
fn after_a_cut_between_the_copies_the_newer_one_is_read() {
    for copy in COPIES {
        let folder = Folder::with(4);
        let older = Folder::with(3).bytes(copy);
        folder.put(copy, &older);
        assert_eq!(open(&folder.disk).body, Some(body(4)), "{copy} is older");
        std::fs::remove_file(folder.folder.path().join(copy)).unwrap();
        assert_eq!(open(&folder.disk).body, Some(body(4)), "{copy} is not there");
    }
}

#[test]
fn what_a_newer_version_wrote_is_set_aside_and_named() {
    let folder = Folder::with(0);
    let mut newer = Twice::open::<Body>(&folder.disk, NAME, 2).file;
    newer.write(&body(1)).unwrap();
    let found = open(&folder.disk);
    assert_eq!((found.body, found.aside.len()), (None, 2));
    assert!(found.aside[0].contains("is of version 2, which a newer HeatMine wrote"), "{:?}", found.aside);
    assert!(folder.names().iter().all(|name| name.contains(".newer-")), "{:?}", folder.names());
}

#[test]
fn a_write_that_fails_leaves_what_was_there() {
    let folder = Folder::with(1);
    let mut found = open(&folder.disk);
    // Nothing can be written where a folder stands in the way.
    std::fs::create_dir(folder.folder.path().join("debts.json.new")).unwrap();
    assert!(found.file.write(&body(2)).is_err());
    assert_eq!(open(&folder.disk).body, Some(body(1)));
    std::fs::remove_dir(folder.folder.path().join("debts.json.new")).unwrap();
    found.file.write(&body(3)).unwrap();
    assert_eq!(open(&folder.disk).body, Some(body(3)));
}
