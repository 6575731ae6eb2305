//! What is no configuration at all.

use crate::{changed, complaint};
use gateway::config::load;

#[test]
fn syntax_errors_name_line_and_column() {
    let found = complaint("[grid]\nimport_limit_w = 17 250\n");
    assert!(found.starts_with("house.toml:2:18: not valid TOML: "), "{found}");
    assert!(found.ends_with(", in: import_limit_w = 17 250"), "{found}");
    assert!(!found.contains('\n'), "{found}");
}

/// Contents of a file and what is said about it.
const CONTENTS: &[(&str, &[u8], &str)] = &[
    (
        "empty.toml",
        b"",
        "empty.toml: compute: missing; expected a section headed [compute] (The compute box)\nempty.toml: device: no device offers grid.power; expected a [[device]] that is the meter at the grid connection",
    ),
    (
        "blank.toml",
        b"\n\n# nothing\n",
        "blank.toml: compute: missing; expected a section headed [compute] (The compute box)\nblank.toml: device: no device offers grid.power; expected a [[device]] that is the meter at the grid connection",
    ),
    ("binary.toml", &[0x7f, b'E', b'L', b'F', 0xff, 0xfe], "binary.toml: is not text: byte 4 is no UTF-8"),
    ("latin.toml", b"[site]\nname = \"H\xe4user\"\n", "latin.toml: is not text: byte 16 is no UTF-8"),
    ("twice.toml", b"[grid]\n[grid]\n", "twice.toml:2:2: not valid TOML: duplicate key, in: [grid]"),
    (
        "key-twice.toml",
        b"[grid]\nimport_limit_w = 1\nimport_limit_w = 2\n",
        "key-twice.toml:3:1: not valid TOML: duplicate key, in: import_limit_w = 2",
    ),
    (
        "yaml.toml",
        b"grid:\n  import_limit_w: 17250\n",
        "yaml.toml:1:5: not valid TOML: invalid unquoted key, expected letters, numbers, `-`, `_`, in: grid:\nyaml.toml:1:6: not valid TOML: key with no value, expected `=`, in: grid:\nyaml.toml:2:19: not valid TOML: key with no value, expected `=`, in: import_limit_w: 17250",
    ),
    (
        "nul.toml",
        b"a\0b = 1\n",
        "nul.toml:1:2: not valid TOML: invalid unquoted key, expected letters, numbers, `-`, `_`, in: a\u{fffd}b = 1",
    ),
    (
        "open.toml",
        b"[mqtt]\npassword = \"geheim\n",
        "open.toml:2:19: not valid TOML: invalid basic string, expected `\"`",
    ),
    (
        "deep.toml",
        &[b'['; 5000],
        "deep.toml:1:3: not valid TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`, in: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    ),
    ("empty.json", b"", "empty.json: is empty; expected a JSON object with the sections of the configuration"),
    ("list.json", b"[1, 2]", "list.json: expected a JSON object with the sections of the configuration"),
    ("null.json", b"null", "null.json: expected a JSON object with the sections of the configuration"),
    ("half.json", b"{\"compute\": {\"max_w\": 900", "half.json:1:25: not valid JSON: EOF while parsing an object"),
    ("deep.json", &[b'['; 5000], "deep.json:1:128: not valid JSON: recursion limit exceeded"),
    ("toml.json", b"[grid]\nimport_limit_w = 17250\n", "toml.json:1:2: not valid JSON: expected value"),
];

#[test]
fn a_file_that_is_no_configuration_is_refused_by_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    for (name, content, expected) in CONTENTS {
        let file = dir.path().join(name);
        std::fs::write(&file, content).unwrap();
        let errors = load(&file).map(|_| ()).expect_err(name);
        assert!(!errors.unreadable, "{name}");
        let found = errors.to_string().replace(&format!("{}/", dir.path().display()), "");
        assert_eq!(found, *expected);
    }
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let missing = load(&dir.path().join("nothing.toml")).unwrap_err();
    assert!(missing.unreadable && missing.to_string().contains("nothing.toml: does not exist"), "{missing}");
    let folder = load(dir.path()).unwrap_err();
    assert!(
        folder.unreadable && folder.to_string().ends_with(": is a folder; expected a file, as heatmine.toml in it"),
        "{folder}"
    );
    // Endless: it is given up on, not read to its end.
    let endless = load(std::path::Path::new("/dev/zero")).unwrap_err();
    assert!(endless.to_string().ends_with("is too long; a configuration has 1048576 bytes at most"), "{endless}");
}

#[test]
fn the_example_is_right_as_it_stands() {
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../heatmine.example.toml");
    load(&example).unwrap_or_else(|errors| panic!("{errors}"));
}

#[test]
fn a_mark_of_the_editor_at_the_beginning_is_no_mistake() {
    crate::loaded(&format!("\u{feff}{}", changed(&[])));
    crate::loaded(&changed(&[]).replace('\n', "\r\n"));
}
