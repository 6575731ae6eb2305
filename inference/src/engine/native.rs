//! The one module that speaks C: a llama.cpp context which can be stopped in the middle of a token.
//!
//! llama-cpp-2 wraps everything the engine needs except the abort callback and the thread pool, so the context is made
//! here, directly on llama-cpp-sys-2, and the model stays the crate's own.
//!
//! Invariant: a `Context` lives on one thread and owns its model; samplers with a grammar point into that model and are
//! dropped before it.

use super::signals::Signals;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_sys_2 as sys;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

const _: () = assert!(size_of::<LlamaModel>() == size_of::<*mut sys::llama_model>());

/// How large a context is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Tokens that fit into the key-value memory, all sequences together.
    pub cells: u32,
    /// Tokens of one batch; also the longest piece that a GPU cannot be stopped in.
    pub batch: u32,
    /// Sequences side by side.
    pub sequences: u32,
    pub threads: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// Its logits can be read.
    Done,
    /// Stopped by the signals; nothing of it is kept.
    Aborted,
    /// The key-value memory has no room for it.
    NoRoom,
    /// llama.cpp gave this code.
    Failed(i32),
}

/// Tokens to be decoded together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    tokens: Vec<sys::llama_token>,
    positions: Vec<sys::llama_pos>,
    sequences: Vec<sys::llama_seq_id>,
    logits: Vec<i8>,
}

impl Batch {
    /// Adds a token and returns its row.
    pub(super) fn add(&mut self, token: i32, position: i32, sequence: i32, logits: bool) -> i32 {
        self.tokens.push(token);
        self.positions.push(position);
        self.sequences.push(sequence);
        self.logits.push(i8::from(logits));
        i32::try_from(self.tokens.len()).unwrap_or(i32::MAX) - 1
    }
}

/// A model with its key-value memory.
pub(super) struct Context {
    raw: NonNull<sys::llama_context>,
    pool: *mut sys::ggml_threadpool,
    window: i32,
    /// The model, for its vocabulary.
    pub model: LlamaModel,
    // Read by the abort callback through a raw pointer for as long as `raw` lives.
    _signals: Arc<Signals>,
}

impl Context {
    /// Makes a context for `model`, which stops whenever `signals` say so; `None` where there is no memory for it, or
    /// llama.cpp refuses the shape.
    pub(super) fn new(model: LlamaModel, shape: Shape, signals: Arc<Signals>) -> Option<Self> {
        // SAFETY: a pure function without preconditions.
        let mut params = unsafe { sys::llama_context_default_params() };
        params.n_ctx = shape.cells;
        params.n_batch = shape.batch;
        params.n_ubatch = shape.batch;
        params.n_seq_max = shape.sequences;
        params.n_threads = shape.threads;
        params.n_threads_batch = shape.threads;
        params.kv_unified = true;
        params.no_perf = true;
        params.abort_callback = Some(stop_requested);
        params.abort_callback_data = Arc::as_ptr(&signals).cast_mut().cast::<c_void>();
        let pointer = model_pointer(&model);
        // SAFETY: `pointer` is a live model, owned by the value being built and freed after the context; the callback's
        // data is kept alive by `_signals`.
        let raw = unsafe { sys::llama_init_from_model(pointer, params) };
        let raw = NonNull::new(raw)?;
        let pool = attach_pool(raw, shape.threads);
        // SAFETY: the pointer is live.
        let window = unsafe { sys::llama_model_n_swa(pointer) };
        Some(Self { raw, pool, window, model, _signals: signals })
    }

    pub(super) fn decode(&mut self, batch: &mut Batch) -> Decoded {
        let mut counts = vec![1i32; batch.tokens.len()];
        let mut owners: Vec<*mut sys::llama_seq_id> = batch.sequences.iter_mut().map(std::ptr::from_mut).collect();
        let native = sys::llama_batch {
            n_tokens: i32::try_from(batch.tokens.len()).unwrap_or(0),
            token: batch.tokens.as_mut_ptr(),
            embd: std::ptr::null_mut(),
            pos: batch.positions.as_mut_ptr(),
            n_seq_id: counts.as_mut_ptr(),
            seq_id: owners.as_mut_ptr(),
            logits: batch.logits.as_mut_ptr(),
        };
        // SAFETY: every array has `n_tokens` elements and outlives the call; `raw` is live.
        match unsafe { sys::llama_decode(self.raw.as_ptr(), native) } {
            0 => Decoded::Done,
            1 => Decoded::NoRoom,
            2 => Decoded::Aborted,
            code => Decoded::Failed(code),
        }
    }

    /// The logits of a row of the last batch; `None` where none were asked for.
    pub(super) fn logits(&self, row: i32) -> Option<&[f32]> {
        let length = usize::try_from(self.model.n_vocab()).ok()?;
        // SAFETY: `raw` is live; llama.cpp answers null for a row without logits.
        let start = unsafe { sys::llama_get_logits_ith(self.raw.as_ptr(), row) };
        // SAFETY: a row holds one float per token of the vocabulary and stays until the next decode, which needs
        // `&mut`.
        NonNull::new(start).map(|start| unsafe { std::slice::from_raw_parts(start.as_ptr(), length) })
    }

    /// Cuts a sequence back to its first `keep` tokens and returns how many are really kept: a memory which cannot be
    /// cut (a recurrent model, a window that has moved on) is emptied.
    pub(super) fn cut(&mut self, sequence: i32, keep: usize) -> usize {
        let from = i32::try_from(keep).unwrap_or(i32::MAX);
        // SAFETY: `raw` is live, and with it its memory; any sequence and position is allowed.
        unsafe {
            let memory = sys::llama_get_memory(self.raw.as_ptr());
            let cut = sys::llama_memory_seq_rm(memory, sequence, from, -1);
            let oldest = sys::llama_memory_seq_pos_min(memory, sequence);
            let newest = sys::llama_memory_seq_pos_max(memory, sequence);
            let reach = if self.window > 0 { (from - self.window).max(0) } else { 0 };
            if keep > 0 && cut && newest + 1 == from && oldest <= reach {
                return keep;
            }
            sys::llama_memory_seq_rm(memory, sequence, -1, -1);
        }
        0
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: both were made in `new` and are freed once; the model field is dropped after this.
        unsafe {
            sys::llama_free(self.raw.as_ptr());
            if !self.pool.is_null() {
                sys::ggml_threadpool_free(self.pool);
            }
        }
    }
}

/// Threads that sleep between two graphs instead of spinning, at the scheduler's batch priority: the house's control
/// loop may share the machine.
fn attach_pool(context: NonNull<sys::llama_context>, threads: i32) -> *mut sys::ggml_threadpool {
    // SAFETY: a pure function without preconditions.
    let mut params = unsafe { sys::ggml_threadpool_params_default(threads) };
    params.poll = 0;
    params.prio = sys::GGML_SCHED_PRIO_LOW;
    // SAFETY: `params` is complete; a null pool is not attached, and llama.cpp then makes threads of its own.
    unsafe {
        let pool = sys::ggml_threadpool_new(&raw mut params);
        if !pool.is_null() {
            sys::llama_attach_threadpool(context.as_ptr(), pool, pool);
        }
        pool
    }
}

fn model_pointer(model: &LlamaModel) -> *mut sys::llama_model {
    // SAFETY: LlamaModel is `repr(transparent)` over a non-null pointer in the pinned version 0.1.160 (its size is
    // checked above), and the engine is the only owner.
    unsafe { *std::ptr::from_ref(model).cast::<*mut sys::llama_model>() }
}

/// Asked by llama.cpp before each node of a graph.
unsafe extern "C" fn stop_requested(data: *mut c_void) -> bool {
    // SAFETY: `data` is the `Signals` that the context keeps alive.
    let signals = unsafe { &*data.cast::<Signals>() };
    signals.beat();
    signals.stops_now()
}
