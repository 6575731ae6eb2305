//! SQLite's write-ahead log, read without SQLite, which takes the first frame that does not fit for the end of the log.
//!
//! After a power cut that is right: the last transaction was half written. After rot it loses in silence what was synced long ago.
//! A *frame* is a page as it became; its checksum goes on from that of the frame before it, and the last frame of a transaction is
//! a *commit*. Where two commits and more follow a frame that does not fit, each with the checksum that its predecessor's leads to,
//! the log was whole once.
//!
//! Example: 40 frames, of which the 12th holds noise. SQLite would go on from the 11th and write over the rest; here frames 13 to
//! 40 are still there, and the database is set aside with its log.

/// The header of a log, and of each of its frames.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// The first bytes of a log, but for the last bit, which says how its numbers are stored.
const MAGIC: u32 = 0x377f_0682;
/// So many commits after a frame that does not fit were not lost by a power cut.
const COMMITS: usize = 2;

/// A log in memory.
pub(super) struct Log<'a> {
    frames: Vec<Frame<'a>>,
    /// The size of its pages; `None` where its header is no header.
    pub page_size: Option<usize>,
}

/// A page as it became.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    /// The page's number.
    pub number: usize,
    pub page: &'a [u8],
    is_commit: bool,
    /// Whether its checksum goes on from the one stored before it.
    fits: bool,
}

impl<'a> Log<'a> {
    /// Reads a log; nothing where there is none.
    pub(super) fn read(bytes: &'a [u8]) -> Self {
        let size = word(bytes, 8).and_then(|size| usize::try_from(size).ok());
        let sound = |size: &usize| size.is_power_of_two() && (512..=65536).contains(size);
        let magic = word(bytes, 0).filter(|magic| magic & !1 == MAGIC);
        let (Some(magic), Some(size)) = (magic, size.filter(sound)) else {
            return Self { frames: Vec::new(), page_size: None };
        };
        let (little, salt) = (magic & 1 == 0, bytes.get(16..24));
        let mut before = word(bytes, 24).zip(word(bytes, 28)).unwrap_or_default();
        let mut frames = Vec::new();
        for frame in bytes.get(LOG_HEADER..).unwrap_or_default().chunks_exact(FRAME_HEADER + size) {
            let (header, page) = frame.split_at(FRAME_HEADER);
            let stored = word(header, 16).zip(word(header, 20)).unwrap_or_default();
            let sum = checksum(checksum(before, &header[..8], little), page, little);
            // Frames of an earlier round have another salt.
            let fits = header.get(8..16) == salt && sum == stored;
            let number = word(header, 0).and_then(|number| usize::try_from(number).ok()).unwrap_or(0);
            frames.push(Frame { number, page, is_commit: word(header, 4) != Some(0), fits });
            before = stored;
        }
        Self { frames, page_size: Some(size) }
    }

    /// The frames that fit, oldest first.
    pub(super) fn sound(&self) -> impl Iterator<Item = Frame<'a>> {
        self.frames.iter().copied().filter(|frame| frame.fits)
    }

    /// Whether something in its middle has rotted.
    pub(super) fn is_rotten(&self) -> bool {
        let end = self.frames.iter().position(|frame| !frame.fits).unwrap_or(self.frames.len());
        let later = self.frames.get(end..).unwrap_or_default().iter();
        later.filter(|frame| frame.fits && frame.is_commit).count() >= COMMITS
    }
}

fn checksum((mut first, mut second): (u32, u32), bytes: &[u8], little: bool) -> (u32, u32) {
    let number = |bytes: &[u8]| {
        let bytes = bytes.try_into().unwrap_or_default();
        if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    };
    for pair in bytes.chunks_exact(8) {
        first = first.wrapping_add(number(&pair[..4])).wrapping_add(second);
        second = second.wrapping_add(number(&pair[4..])).wrapping_add(first);
    }
    (first, second)
}

/// A big-endian number of four bytes.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
