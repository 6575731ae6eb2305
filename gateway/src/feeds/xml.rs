//! As much of XML as ENTSO-E writes: elements with text in them. Attributes, comments and name spaces are passed over.

use super::answer::Refused;

/// Elements that stand in each other at most.
const DEPTH_MAX: usize = 32;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Its name without a prefix.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What stands in it.
    pub children: Vec<Element>,
}

impl Element {
    /// The elements of a name that stand right in it.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first element of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.children.iter().find(|child| child.name == name).map(|child| child.text.trim())
    }

    /// The first element of that name, at any depth.
    pub(super) fn find(&self, name: &str) -> Option<&Self> {
        self.children.iter().find_map(|child| if child.name == name { Some(child) } else { child.find(name) })
    }
}

/// The outermost element of `text`.
pub(super) fn read(text: &str) -> Result<Element, Refused> {
    let wrong = |words: &str| Refused::Wrong(format!("is no whole XML: {words}"));
    let mut open = vec![Element::default()];
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        if let Some(inner) = open.last_mut() {
            inner.text.push_str(before);
        }
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->").ok_or_else(|| wrong("a comment does not end"))?.1;
            continue;
        }
        let (tag, after) = tag.split_once('>').ok_or_else(|| wrong("it ends in the middle"))?;
        rest = after;
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            let closed = open.pop().filter(|element| element.name == local(name));
            let (Some(closed), Some(outer)) = (closed, open.last_mut()) else {
                return Err(wrong("its elements do not fit"));
            };
            outer.children.push(closed);
        } else {
            let element = Element { name: local(tag), ..Element::default() };
            match open.last_mut() {
                Some(outer) if tag.ends_with('/') => outer.children.push(element),
                Some(_) | None => open.push(element),
            }
        }
        if open.len() > DEPTH_MAX {
            return Err(wrong("it is too deep"));
        }
    }
    match open.pop().filter(|_| open.is_empty()).and_then(|root| root.children.into_iter().next()) {
        Some(root) => Ok(root),
        None => Err(wrong("it ends in the middle")),
    }
}

fn local(tag: &str) -> String {
    let name = tag.split(|letter: char| letter.is_whitespace() || letter == '/').next().unwrap_or_default();
    name.rsplit_once(':').map_or(name, |(_, name)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_and_what_is_cut_is_refused() {
        let text = "<?xml version=\"1.0\"?><!-- a --><x:a m=\"1\"><b>1</b><c/><b> 2 </b><d><e>f</e></d></x:a>";
        let root = read(text).unwrap();
        assert_eq!((root.name.as_str(), root.get("b"), root.all("b").count()), ("a", Some("1"), 2));
        assert_eq!(root.find("e").map(|element| element.text.as_str()), Some("f"));
        for cut in ["", "<a", "<a><b>1</b>", "<a></b>", "text", "<a><!-- "] {
            assert!(read(cut).is_err(), "{cut}");
        }
    }
}
