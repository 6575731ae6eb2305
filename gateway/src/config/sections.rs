//! The sections of a TOML file that are TOML each by itself, where the file as a whole is not: one line that was mistyped does not
//! hide the devices that stand elsewhere.
//!
//! Example: of `[grid]`, `[[device]]` (with a quotation mark too few), `[device.parameters]` and a second `[[device]]`, the first
//! and the last section are left: parameters without their device would be somebody else's.

use toml::de::DeTable;

/// The file without the sections that are no TOML, or that make the ones before them none.
pub(super) fn sound(text: &str) -> String {
    let mut sound = String::new();
    for section in sections(text) {
        let longer = format!("{sound}{section}");
        if DeTable::parse(&longer).is_ok() {
            sound = longer;
        }
    }
    sound
}

/// The file in pieces: what stands before the first header, then each section with the sections inside it.
fn sections(text: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    let mut name = String::new();
    for line in text.trim_start_matches('\u{feff}').split_inclusive('\n') {
        if let Some(header) = header(line) {
            let inside = !name.is_empty() && header.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.'));
            if !inside {
                name = header.to_owned();
                sections.push(String::new());
            }
        }
        if let Some(section) = sections.last_mut() {
            section.push_str(line);
        }
    }
    sections
}

/// The name in a line that begins a section.
fn header(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('[')?;
    let rest = rest.strip_prefix('[').unwrap_or(rest);
    Some(rest.split([']', '#']).next().unwrap_or(rest).trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_line_costs_its_own_section_and_no_other() {
        let device = |line: &str| format!("[[device]]\nname = \"a\"\n{line}\n[device.parameters]\nmeter = \"240\"\n");
        let (grid, good) = ("# mine\n[grid]\nimport_limit_w = 1\n", device("unit = 3"));
        for bad in ["unit = ", "unit = \"3", "controls = [\"a\"", "unit 3", "unit = 3\nunit = 4", "t = \"\"\"3"] {
            let text = format!("{grid}{}{good}", device(bad));
            assert_eq!(sound(&text), format!("{grid}{good}"), "{bad}");
        }
    }

    #[test]
    fn a_section_that_stands_twice_counts_once() {
        assert_eq!(sound("[grid]\na = 1\n[pv]\nb = 2\n[grid]\na = 3\n"), "[grid]\na = 1\n[pv]\nb = 2\n");
    }
}
