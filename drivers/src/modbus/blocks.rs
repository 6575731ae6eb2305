//! Request blocks: many registers read in few requests.
//!
//! - *span*: registers that belong together, the two of an `i32` for instance, or a whole SunSpec model.
//! - *block*: neighbouring spans that one request reads, with the unused registers between them. The device's timing bounds
//!   it: `max_registers` a request, `max_gap` unused ones in a row.
//! - *round*: one reading of the device. Spans that are `slow` are read every `slow_every` rounds.
//! - *refusal*: the device answers that it lacks a register of a block (exception 1 to 3). The block is halved until the span
//!   that it lacks stands alone; that span has no value, and is tried again after [`RETRY_ROUNDS`].
//!
//! In numbers: spans at 0 (2 registers), 2 (2) and 30 (1) with `max_gap = 16`. The first two touch and make one block of 4
//! registers; from 4 to 30 are 26 unused ones, so that the third is a block of its own: two requests. The device lacks
//! register 2: the block 0..4 is refused and halved, 0..2 is read, 2..4 refused alone. From the next round on it takes two
//! requests again, 0..2 and 30, and every 500 rounds a third.

use super::endpoint::{At, Endpoint};
use super::fault::Fault;
use super::timing::Timing;
use std::collections::BTreeMap;

/// Rounds after which what was refused is tried once more.
const RETRY_ROUNDS: u32 = 500;

/// Registers that belong together and are read in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub unit: u8,
    /// 3 holding, 4 input.
    pub fc: u8,
    /// First register as on the wire.
    pub start: u16,
    pub count: u16,
    /// Never part of a larger read.
    pub alone: bool,
    pub slow: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    spans: Vec<Span>,
    refused_at: Option<u32>,
}

impl Block {
    fn extent(&self) -> (u16, u16) {
        let start = self.spans.iter().map(|span| span.start).min().unwrap_or(0);
        let end = self.spans.iter().map(|span| u32::from(span.start) + u32::from(span.count)).max().unwrap_or(0);
        (start, (end - u32::from(start)) as u16)
    }
}

/// The requests of a device.
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    blocks: Vec<Block>,
    round: u32,
    slow_every: u32,
}

/// What a round brought: the words of every span read, `None` where the device lacks it.
pub(crate) type Words = BTreeMap<Span, Option<Vec<u16>>>;

impl Blocks {
    /// Groups `spans` by what `timing` allows in one read.
    pub(crate) fn new(mut spans: Vec<Span>, timing: &Timing) -> Self {
        spans.sort_by_key(|span| (span.unit, span.fc, span.slow, span.start, span.count));
        spans.dedup();
        let mut blocks: Vec<Block> = Vec::new();
        for span in spans {
            match blocks.last_mut() {
                Some(block) if joins(block, &span, timing) => block.spans.push(span),
                Some(_) | None => blocks.push(Block { spans: vec![span], refused_at: None }),
            }
        }
        Self { blocks, round: 0, slow_every: timing.slow_every.max(1) }
    }

    /// Reads what is due this round. A fault other than a refusal ends the round; what was read before is kept in
    /// `words`.
    pub(crate) async fn read(&mut self, endpoint: &Endpoint, timing: &Timing, words: &mut Words) -> Result<(), Fault> {
        let round = self.round;
        self.round = self.round.wrapping_add(1);
        let mut next = 0;
        while let Some(block) = self.blocks.get(next) {
            let slow = block.spans.iter().all(|span| span.slow);
            if slow && !round.is_multiple_of(self.slow_every) {
                next += 1;
                continue;
            }
            if let Some(at) = block.refused_at
                && round.wrapping_sub(at) < RETRY_ROUNDS
            {
                words.extend(block.spans.iter().map(|span| (*span, None)));
                next += 1;
                continue;
            }
            let (start, count) = block.extent();
            let Some(first) = block.spans.first().copied() else {
                next += 1;
                continue;
            };
            match endpoint.read(At { unit: first.unit, fc: first.fc, start }, count, timing).await {
                Ok(found) => {
                    take(block, start, &found, words);
                    self.accept(next);
                    next += 1;
                }
                Err(fault) if fault.is_unsupported() => next += self.refuse(next, round, words),
                Err(fault) => {
                    // Nobody knows what was missed: the next round reads everything.
                    self.round = 0;
                    return Err(fault);
                }
            }
        }
        Ok(())
    }

    fn accept(&mut self, index: usize) {
        if let Some(block) = self.blocks.get_mut(index) {
            block.refused_at = None;
        }
    }

    /// Halves the block, or remembers that its only span is refused; returns how many blocks are done with.
    fn refuse(&mut self, index: usize, round: u32, words: &mut Words) -> usize {
        let Some(block) = self.blocks.get_mut(index) else { return 1 };
        if block.spans.len() < 2 {
            block.refused_at = Some(round);
            words.extend(block.spans.iter().map(|span| (*span, None)));
            return 1;
        }
        let tail = block.spans.split_off(block.spans.len() / 2);
        self.blocks.insert(index + 1, Block { spans: tail, refused_at: None });
        0
    }
}

fn joins(block: &Block, span: &Span, timing: &Timing) -> bool {
    let Some(first) = block.spans.first() else { return false };
    if first.alone || span.alone || (first.unit, first.fc, first.slow) != (span.unit, span.fc, span.slow) {
        return false;
    }
    let (start, count) = block.extent();
    let end = u32::from(start) + u32::from(count);
    let reach = (u32::from(span.start) + u32::from(span.count)).max(end) - u32::from(start);
    u32::from(span.start) <= end + u32::from(timing.max_gap) && reach <= u32::from(timing.max_registers.clamp(1, 125))
}

fn take(block: &Block, start: u16, found: &[u16], words: &mut Words) {
    for span in &block.spans {
        let from = usize::from(span.start - start);
        let piece = found.get(from..from + usize::from(span.count)).map(<[u16]>::to_vec);
        words.insert(*span, piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u16, count: u16) -> Span {
        Span { unit: 1, fc: 3, start, count, alone: false, slow: false }
    }

    fn extents(blocks: &Blocks) -> Vec<(u16, u16)> {
        blocks.blocks.iter().map(Block::extent).collect()
    }

    /// Spans, and the requests they are read with: first register and count.
    type Row = (Vec<Span>, Vec<(u16, u16)>);

    #[test]
    fn neighbours_share_a_request_within_what_the_device_bears() {
        let timing = Timing { max_registers: 10, max_gap: 2, ..Timing::default() };
        let rows: [Row; 5] = [
            (vec![span(0, 2), span(2, 2)], vec![(0, 4)]),
            (vec![span(0, 2), span(4, 2)], vec![(0, 6)]),
            (vec![span(0, 2), span(5, 2)], vec![(0, 2), (5, 2)]),
            (vec![span(0, 8), span(8, 4)], vec![(0, 8), (8, 4)]),
            (vec![span(0, 2), Span { alone: true, ..span(2, 1) }, span(3, 1)], vec![(0, 2), (2, 1), (3, 1)]),
        ];
        for (spans, expected) in rows {
            assert_eq!(extents(&Blocks::new(spans.clone(), &timing)), expected, "{spans:?}");
        }
    }

    #[test]
    fn a_refused_request_is_halved_down_to_the_culprit() {
        let mut blocks = Blocks::new(vec![span(0, 1), span(1, 1), span(2, 1)], &Timing::default());
        let mut words = Words::new();
        assert_eq!(blocks.refuse(0, 0, &mut words), 0);
        assert_eq!(extents(&blocks), vec![(0, 1), (1, 2)]);
        assert_eq!(blocks.refuse(1, 0, &mut words), 0);
        assert_eq!(blocks.refuse(1, 0, &mut words), 1);
        let refused = blocks.blocks.iter().filter(|block| block.refused_at.is_some());
        assert_eq!(refused.map(Block::extent).collect::<Vec<_>>(), vec![(1, 1)]);
    }
}
