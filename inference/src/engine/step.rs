//! One step: a batch over the answers being made, from the schedule's shares to the tokens that come out.
//!
//! Example: answer 0 generates (one token pending), answer 1 reads a prompt of 100. Somebody's stream runs, so prompts
//! get 64 tokens at once: the batch has 65 rows, the logits of row 0 give answer 0 its next token, and answer 1 has 36
//! tokens to go.

use super::model::Model;
use super::native::{Batch, Context, Decoded};
use super::schedule::{BATCH, Need, SMALL_BATCH, shares};
use super::sequence::Sequence;
use super::work::Finish;
use crate::stopwatch;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use std::time::Duration;

/// A batch, and whose tokens are in it.
pub(super) struct Step {
    /// Tokens in the batch; at least one.
    pub tokens: usize,
    /// How many of them each answer has.
    given: Vec<usize>,
    /// The row of each answer whose next token comes out.
    rows: Vec<Option<i32>>,
    batch: Batch,
}

impl Step {
    /// The next batch of the `active` answers, small while power is `limited`; `None` where there is nothing to
    /// compute.
    pub(super) fn plan(active: &[Sequence], limited: bool) -> Option<Self> {
        let needs: Vec<Need> = active.iter().map(need).collect();
        let generating = needs.iter().any(|need| need.pending == 1);
        let prompts = if generating || limited { SMALL_BATCH } else { BATCH };
        let given = shares(&needs, BATCH, prompts);
        let tokens = given.iter().sum();
        let (batch, rows) = fill(active, &given);
        (tokens > 0).then_some(Self { tokens, given, rows, batch })
    }

    /// Whether nobody waits for any of it.
    pub(super) fn deferrable(&self, active: &[Sequence]) -> bool {
        active.iter().zip(&self.given).all(|(sequence, &given)| given == 0 || !sequence.interactive())
    }

    /// Where in the active answers those stand that have tokens in the batch.
    pub(super) fn computed(&self) -> impl DoubleEndedIterator<Item = usize> {
        (0..self.given.len()).filter(|&at| self.given[at] > 0)
    }

    pub(super) fn decode(&mut self, context: &mut Context) -> Decoded {
        context.decode(&mut self.batch)
    }

    /// Gives each answer the token that came out for it; `space` is used again.
    pub(super) fn take_tokens(&self, active: &mut [Sequence], model: &Model, space: &mut Vec<LlamaTokenData>) {
        let vocabulary = model.context.model.vocab();
        for ((sequence, &given), row) in active.iter_mut().zip(&self.given).zip(&self.rows) {
            sequence.kept += given;
            let (Some(row), Some(sampler)) = (row, sequence.sampler.as_mut()) else { continue };
            let Some(logits) = model.context.logits(*row) else { continue };
            match sampler.choose(logits, space) {
                Ok(token) => {
                    let piece = LlamaToken::new(token);
                    let bytes = (!vocabulary.is_eog(piece)).then(|| vocabulary.token_to_piece(piece, false, None));
                    sequence.push(token, bytes.as_deref(), model.limit, stopwatch::now());
                }
                Err(error) => {
                    tracing::warn!(request = sequence.request.id, %error, "answer cut short");
                    sequence.finish = Some(Finish::Length);
                }
            }
        }
    }

    /// Takes a batch that was not computed to its end out of the key-value memory: its tokens are pending again.
    pub(super) fn roll_back(&self, active: &mut [Sequence], model: &mut Model) {
        for (sequence, &given) in active.iter_mut().zip(&self.given) {
            if given > 0 {
                sequence.kept = model.context.cut(sequence.slot, sequence.kept);
            }
        }
    }

    /// Divides what the step took by tokens.
    pub(super) fn charge(&self, active: &mut [Sequence], joules: f64, busy: Duration) {
        for (sequence, &given) in active.iter_mut().zip(&self.given) {
            let share = given as f64 / self.tokens as f64;
            sequence.charge(joules * share, busy.mul_f64(share));
        }
    }
}

fn need(sequence: &Sequence) -> Need {
    Need { interactive: sequence.interactive(), pending: sequence.tokens.len() - sequence.kept }
}

/// The batch of these shares, and the row of each sequence whose next token it gives.
fn fill(active: &[Sequence], given: &[usize]) -> (Batch, Vec<Option<i32>>) {
    let mut batch = Batch::default();
    let mut rows = Vec::with_capacity(active.len());
    for (sequence, &given) in active.iter().zip(given) {
        let mut row = None;
        for at in sequence.kept..sequence.kept + given {
            let last = at + 1 == sequence.tokens.len();
            let position = i32::try_from(at).unwrap_or(i32::MAX);
            let added = batch.add(sequence.tokens[at], position, sequence.slot, last);
            row = last.then_some(added);
        }
        rows.push(row);
    }
    (batch, rows)
}
