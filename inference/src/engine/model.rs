//! A model in memory and the slots of its key-value memory, which serve as a prefix cache.
//!
//! A slot keeps the tokens of the answer that left it: the next request that begins the same way (a chat that goes on,
//! the same system prompt) takes the slot with the longest common prefix and computes only the rest. A request with a
//! seed is computed from scratch, and where it is alone in a memory as empty as a new one, so that it repeats exactly:
//! the order of the cells shows in the last digits of the logits.
//!
//! Example: a question of 300 tokens gets an answer of 80. Its slot keeps 379 of them, because the last one was never
//! computed. The chat goes on with a prompt of 420 tokens that begins with those 380: 41 are computed instead of 420.
//! The very same prompt again would compute one, because the logits of its last token are needed.

use super::config::EngineConfig;
use super::native::{Context, Shape};
use super::sampling::Sampler;
use super::schedule::BATCH;
use super::sequence::Sequence;
use super::signals::Signals;
use super::work::ModelFile;
use crate::error::Error;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use std::sync::{Arc, OnceLock};

/// A place in the key-value memory.
struct Slot {
    taken: bool,
    tokens: Vec<i32>,
}

/// A model ready to serve.
pub(super) struct Model {
    pub file: ModelFile,
    /// Its memory.
    pub context: Context,
    /// Tokens of prompt and answer together: as configured, and never more than the model was trained for.
    pub limit: usize,
    slots: Vec<Slot>,
}

impl Model {
    /// Reads a model and makes its memory. Fails where the file is gone, llama.cpp refuses it or memory is short.
    pub(super) fn load(file: &ModelFile, config: &EngineConfig, signals: &Arc<Signals>) -> Result<Self, Error> {
        let refused = |why: &str| Error::Load { path: file.path.clone(), why: why.to_owned() };
        let backend = backend().ok_or_else(|| refused("llama.cpp did not start"))?;
        if !file.path.is_file() {
            return Err(refused("the file is gone"));
        }
        let watched = signals.clone();
        let params = LlamaModelParams::default().with_progress_callback(move |_| {
            watched.beat();
            !watched.stopped()
        });
        let native = LlamaModel::load_from_file(backend, &file.path, &params)
            .map_err(|error| refused(&format!("{error}; its log says more at level debug")))?;
        let limit = config.context.min(native.n_ctx_train() as usize).max(1);
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let shape = Shape {
            cells: number((limit * config.parallel).max(BATCH)),
            batch: number(BATCH),
            sequences: number(config.parallel),
            threads: i32::try_from(config.threads).unwrap_or(1),
        };
        let context = Context::new(native, shape, signals.clone())
            .ok_or_else(|| refused("no memory for its context, or the context's shape is refused"))?;
        let slots = (0..config.parallel).map(|_| Slot { taken: false, tokens: Vec::new() }).collect();
        Ok(Self { file: file.clone(), context, slots, limit })
    }

    /// Turns a prompt into tokens, once; fails where it is empty or does not fit.
    pub(super) fn tokenise(&self, sequence: &mut Sequence) -> Result<(), Error> {
        if !sequence.tokens.is_empty() {
            return Ok(());
        }
        let vocabulary = self.context.model.vocab();
        let prompt = sequence.request.prompt.as_bytes();
        let bos = vocabulary.token_to_piece(vocabulary.bos(), true, None);
        // A template that writes the first token itself must not get it twice.
        let add_special = bos.is_empty() || !prompt.starts_with(&bos);
        let tokens: Vec<i32> =
            vocabulary.tokenize(prompt, add_special, true).into_iter().map(|token| token.0).collect();
        if tokens.is_empty() {
            return Err(Error::request("messages", "the prompt is empty"));
        }
        if tokens.len() >= self.limit {
            return Err(Error::TooLong { tokens: tokens.len(), context: self.limit });
        }
        sequence.begin(tokens);
        Ok(())
    }

    /// Gives a sequence a slot and a sampler.
    pub(super) fn seat(&mut self, sequence: &mut Sequence) -> Result<(), Error> {
        self.tokenise(sequence)?;
        let options = &sequence.request.options;
        let sampler = Sampler::new(&self.context.model, options, sequence.generated())?;
        if options.seed.is_some() && !self.slots.iter().any(|slot| slot.taken) {
            self.forget();
        }
        let shared = |slot: &Slot| slot.tokens.iter().zip(&sequence.tokens).take_while(|(a, b)| a == b).count();
        let free = self.slots.iter().enumerate().filter(|(_, slot)| !slot.taken);
        let best = match options.seed {
            Some(_) => free.min_by_key(|(_, slot)| slot.tokens.len()).map(|(at, _)| (at, 0)),
            None => free
                .map(|(at, slot)| (at, shared(slot), slot.tokens.len()))
                .max_by_key(|&(_, shared, held)| (shared, usize::MAX - held))
                .map(|(at, shared, _)| (at, shared)),
        };
        let Some((at, shared)) = best else { return Err(Error::Engine("no free slot".into())) };
        sequence.slot = i32::try_from(at).unwrap_or(0);
        // The last token is computed again: its logits are needed.
        sequence.kept = self.context.cut(sequence.slot, shared.min(sequence.tokens.len() - 1));
        sequence.sampler = Some(sampler);
        self.slots[at] = Slot { taken: true, tokens: Vec::new() };
        Ok(())
    }

    fn forget(&mut self) {
        for (slot, number) in self.slots.iter_mut().zip(0..) {
            self.context.cut(number, 0);
            slot.tokens.clear();
        }
    }

    /// Takes a sequence off its slot; what it has computed stays for those who begin the same way.
    pub(super) fn leave(&mut self, sequence: &mut Sequence) {
        sequence.sampler = None;
        if let Some(slot) = usize::try_from(sequence.slot).ok().and_then(|at| self.slots.get_mut(at)) {
            *slot = Slot { taken: false, tokens: sequence.tokens[..sequence.kept].to_vec() };
        }
        sequence.kept = 0;
    }
}

/// llama.cpp itself, which starts once in a process.
fn backend() -> Option<&'static LlamaBackend> {
    static BACKEND: OnceLock<Option<LlamaBackend>> = OnceLock::new();
    let started = BACKEND.get_or_init(|| {
        llama_cpp_2::send_logs_to_tracing(llama_cpp_2::LogOptions::default());
        LlamaBackend::init().ok()
    });
    started.as_ref()
}
