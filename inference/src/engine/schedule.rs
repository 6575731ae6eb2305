//! Who gets how many tokens of the next batch: pure arithmetic.
//!
//! Sequences that generate go first with a token each, so that nobody's stream stalls. What is left of the batch goes to
//! prompts, the shortest first, so that streams start early; half of it is the oldest prompt's, so that it is never
//! starved. Deferrable work gets nothing while somebody waits for an answer.

/// Tokens of one batch.
pub const BATCH: usize = 512;
/// Tokens of prompts in a batch while others generate, or while power is limited: keeps streams fluent and pauses short.
pub const SMALL_BATCH: usize = 64;

/// What a sequence wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Somebody waits for it.
    pub interactive: bool,
    /// Tokens that are not in the key-value memory yet: one while it generates, more for a prompt.
    pub pending: usize,
}

/// Tokens for each of `needs`, together at most `batch`, of which prompts get at most `prompts`.
pub fn shares(needs: &[Need], batch: usize, prompts: usize) -> Vec<usize> {
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
    let mut order: Vec<usize> = (0..needs.len()).filter(|&at| served(&needs[at]) && needs[at].pending > 1).collect();
    if let Some(&oldest) = order.first() {
        given[oldest] = needs[oldest].pending.min(left.div_ceil(2));
        left -= given[oldest];
    }
    order.sort_by_key(|&at| needs[at].pending);
    for at in order {
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
        let rows: [(&[Need], usize, usize, &[usize]); 7] = [
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
