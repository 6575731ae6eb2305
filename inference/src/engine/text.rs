//! From the bytes of tokens to text that may be shown: whole characters only, and nothing of a stop string.

use encoding_rs::{Decoder, UTF_8};

/// The text of one answer as it grows.
pub(super) struct TextStream {
    decoder: Decoder,
    stops: Vec<String>,
    /// What may be the beginning of a stop string.
    held: String,
}

impl TextStream {
    /// An empty text that ends before any of `stops`.
    pub(super) fn new(stops: &[String]) -> Self {
        let stops = stops.iter().filter(|stop| !stop.is_empty()).cloned().collect();
        Self { decoder: UTF_8.new_decoder_without_bom_handling(), stops, held: String::new() }
    }

    /// Adds a token's bytes; gives what may be shown and whether a stop string has come.
    pub(super) fn push(&mut self, bytes: &[u8]) -> (String, bool) {
        self.decode(bytes, false);
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.held.truncate(at);
            return (std::mem::take(&mut self.held), true);
        }
        let keep = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// The rest, when no more tokens come; half a character becomes U+FFFD.
    pub(super) fn finish(&mut self) -> String {
        self.decode(&[], true);
        std::mem::take(&mut self.held)
    }

    fn decode(&mut self, bytes: &[u8], last: bool) {
        self.held.reserve(self.decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(0));
        // The reserve makes the output large enough for everything.
        let _ = self.decoder.decode_to_string(bytes, &mut self.held, last);
    }
}

/// Bytes at the end of `text` that could be the beginning of `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    stop.char_indices().map(|(at, _)| at).rev().find(|&at| at > 0 && text.ends_with(&stop[..at])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_split_over_tokens_come_whole() {
        let mut text = TextStream::new(&[]);
        assert_eq!(text.push(&[b'a', 0xF0, 0x9F]), ("a".into(), false));
        assert_eq!(text.push(&[0x8C, 0x9E, b'b']), ("🌞b".into(), false));
        assert_eq!(text.push(&[0xC3]), (String::new(), false));
        assert_eq!(text.finish(), "\u{FFFD}");
    }

    #[test]
    fn nothing_of_a_stop_string_is_shown() {
        let mut text = TextStream::new(&["END".into(), "Nö".into()]);
        assert_eq!(text.push(b"one E"), ("one ".into(), false));
        assert_eq!(text.push(b"N"), (String::new(), false));
        assert_eq!(text.push(b"X two"), ("ENX two".into(), false));
        assert_eq!(text.push("N".as_bytes()), (String::new(), false));
        assert_eq!(text.push("ö!".as_bytes()), (String::new(), true));
    }

    proptest::proptest! {
        #[test]
        fn any_cut_gives_the_same_text(whole in ".{0,40}", cut in 1usize..5) {
            let mut text = TextStream::new(&["zzz".into()]);
            let mut shown = String::new();
            for piece in whole.as_bytes().chunks(cut) {
                shown.push_str(&text.push(piece).0);
            }
            shown.push_str(&text.finish());
            proptest::prop_assert_eq!(&shown, whole.split("zzz").next().unwrap_or_default());
        }
    }
}
