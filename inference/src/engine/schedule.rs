//! Who gets how many tokens of the next batch: pure arithmetic. The field calls it continuous batching with chunked
//! prefill.
//!
//! A *sequence* is an answer being made. It first reads its prompt, as many tokens at once as fit (prefill), and then
//! generates one token per batch (decode). Its *pending* tokens are those not computed yet: the rest of the prompt, or
//! one.
//!
//! Sequences that generate go first with a token each, so that nobody's stream stalls. Prompts share what is left, up
//! to a limit, the shortest first, so that streams start early; half of it is the oldest prompt's, so that it is never
//! starved. Deferrable work gets nothing while somebody waits for an answer.
//!
//! Example: A generates, B (the older) reads a prompt of 100 tokens, C one of 20. A stream runs, so prompts share 64
//! tokens. A gets 1. Half of 64 is B's: 32. Of the other 32 the shorter C gets its 20, and the 12 left over are B's:
//! the batch is 1 + 44 + 20.

/// Tokens of one batch: llama.cpp's own default for what it computes at once (`n_ubatch`).
pub(super) const BATCH: usize = 512;
/// Tokens of prompts in a batch while others generate, or while power is limited. Chosen: a machine that reads 250
/// tokens per second computes them in a quarter of a second, which is the longest gap in a stream, and at a duty of
/// 0.25 pauses 0.75 s.
pub(super) const SMALL_BATCH: usize = 64;

/// What a sequence has to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// Somebody waits for it.
    pub interactive: bool,
    /// Tokens that are not in the key-value memory yet: one while it generates, more for a prompt.
    pub pending: usize,
}

/// Tokens for each of `needs` (the oldest first), together at most `batch`, of which prompts get at most `prompts`.
pub(super) fn shares(needs: &[Need], batch: usize, prompts: usize) -> Vec<usize> {
    let urgent = needs.iter().any(|need| need.interactive);
    let served = |need: &Need| need.pending > 0 && (need.interactive || !urgent);
    let mut given = vec![0; needs.len()];
    let mut left = batch;
    for (need, given) in needs.iter().zip(&mut given) {
        if served(need) && need.pending == 1 && left > 0 {
            *given = 1;
            left -= 1;
        }
    }
    left = left.min(prompts);
    let mut prompted: Vec<usize> = (0..needs.len()).filter(|&at| served(&needs[at]) && needs[at].pending > 1).collect();
    if let Some(&oldest) = prompted.first() {
        given[oldest] = needs[oldest].pending.min(left.div_ceil(2));
        left -= given[oldest];
    }
    prompted.sort_by_key(|&at| needs[at].pending);
    for at in prompted {
        let more = (needs[at].pending - given[at]).min(left);
        given[at] += more;
        left -= more;
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        let need = |interactive, pending| Need { interactive, pending };
        let rows: [(&[Need], usize, usize, &[usize]); 8] = [
            (&[need(true, 1), need(true, 100), need(true, 20)], 512, 64, &[1, 44, 20]),
            (&[], 8, 8, &[]),
            (&[need(true, 1), need(true, 20), need(true, 1)], 8, 4, &[1, 4, 1]),
            (&[need(true, 3), need(true, 20)], 8, 8, &[3, 5]),
            (&[need(true, 20), need(true, 3)], 8, 8, &[5, 3]),
            (&[need(false, 1), need(true, 2)], 8, 8, &[0, 2]),
            (&[need(false, 1), need(false, 9)], 8, 8, &[1, 7]),
            (&[need(true, 1), need(true, 1), need(true, 1)], 2, 2, &[1, 1, 0]),
        ];
        for (needs, batch, prompts, expected) in rows {
            assert_eq!(shares(needs, batch, prompts), expected, "{needs:?}");
        }
    }
}
