//! Rust's source as a row of words: enough to see who names whom.

/// Words, `::`, and other signs one by one; comments, texts, numbers and lifetimes are left out.
pub(super) fn words(text: &str) -> Vec<String> {
    let (letters, mut found, mut at) = (text.chars().collect::<Vec<char>>(), Vec::new(), 0);
    while let Some(&letter) = letters.get(at) {
        let rest = &letters[at..];
        let length = if letter.is_alphabetic() || letter == '_' {
            let length = rest.iter().take_while(|letter| letter.is_alphanumeric() || **letter == '_').count();
            let raw = raw_text(rest);
            if raw == 0 {
                found.push(rest[..length].iter().collect());
            }
            length.max(raw)
        } else if rest.starts_with(&[':', ':']) {
            found.push("::".to_owned());
            2
        } else {
            let ignored = ignored(rest);
            if ignored == 0 && !letter.is_whitespace() && !letter.is_numeric() {
                found.push(letter.to_string());
            }
            ignored.max(1)
        };
        at += length;
    }
    found
}

/// The length of `r"..."`, `br#"..."#` and the like at the start; 0 for anything else.
fn raw_text(rest: &[char]) -> usize {
    let prefix = rest.iter().take_while(|letter| ['r', 'b', 'c'].contains(letter)).count();
    let hashes = rest[prefix..].iter().take_while(|letter| **letter == '#').count();
    if prefix == 0 || !rest[..prefix].contains(&'r') || rest.get(prefix + hashes) != Some(&'"') {
        return 0;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let from = prefix + hashes + 1;
    let length = rest[from..].windows(end.len()).position(|window| window == end).unwrap_or(rest.len() - from);
    (from + length + end.len()).min(rest.len())
}

/// The length of a comment, a text, a letter in quotes or a lifetime at the start; 0 for anything else.
fn ignored(rest: &[char]) -> usize {
    let until = |from: usize, end: char| {
        let mut at = from;
        while rest.get(at).is_some_and(|letter| *letter != end) {
            at += if rest[at] == '\\' { 2 } else { 1 };
        }
        at + 1
    };
    match rest {
        ['/', '/', ..] => rest.iter().take_while(|letter| **letter != '\n').count(),
        ['/', '*', ..] => rest.windows(2).position(|pair| pair == ['*', '/']).map_or(rest.len(), |at| at + 2),
        ['"', ..] => until(1, '"'),
        ['\'', '\\', ..] => until(1, '\''),
        ['\'', _, '\'', ..] => 3,
        ['\'', ..] => 1 + rest[1..].iter().take_while(|letter| letter.is_alphanumeric() || **letter == '_').count(),
        _ => 0,
    }
}

/// The words without the items that stand under `#[cfg(test)]`.
pub(super) fn without_tests(words: Vec<String>) -> Vec<String> {
    const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut found, mut at) = (Vec::new(), 0);
    while at < words.len() {
        if words[at..].iter().zip(TEST).filter(|(word, test)| word == test).count() == TEST.len() {
            at = end_of_item(&words, at + TEST.len());
        } else {
            found.push(words[at].clone());
            at += 1;
        }
    }
    found
}

/// Where the item that begins at `at` has ended: behind its `;`, or behind the brace that closes it.
fn end_of_item(words: &[String], mut at: usize) -> usize {
    let mut depth = 0;
    while at < words.len() {
        match words[at].as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        let closed = words[at] == "}" && depth == 0;
        if closed || words[at] == ";" && depth == 0 {
            return at + 1;
        }
        at += 1;
    }
    at
}
