//! Chooses the next token from the logits: the sampling chain of llama.cpp, with a grammar where the answer must follow
//! a JSON schema (constrained decoding).

use super::work::Options;
use crate::error::Error;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

/// How many recent tokens the repetition penalties look at: llama.cpp's own default (`penalty_last_n`), and Ollama's.
const PENALTY_REACH: i32 = 64;

/// One answer's way of choosing tokens. Must not outlive the model it was made for.
pub(super) struct Sampler(LlamaSampler);

impl Sampler {
    /// Builds the chain for `options`; `generated` are the tokens an interrupted answer has already. Fails where the
    /// schema cannot be turned into a grammar.
    pub(super) fn new(model: &LlamaModel, options: &Options, generated: &[i32]) -> Result<Self, Error> {
        let mut chain = Vec::new();
        if let Some(schema) = &options.schema {
            chain.push(grammar(model, schema)?);
        }
        if options.repeat_penalty != 1.0 || options.presence_penalty != 0.0 || options.frequency_penalty != 0.0 {
            chain.push(LlamaSampler::penalties(
                model.n_vocab(),
                PENALTY_REACH,
                options.repeat_penalty,
                options.frequency_penalty,
                options.presence_penalty,
            ));
        }
        if options.temperature <= 0.0 {
            chain.push(LlamaSampler::greedy());
        } else {
            chain.push(LlamaSampler::top_k(options.top_k));
            chain.push(LlamaSampler::top_p(options.top_p, 1));
            chain.push(LlamaSampler::min_p(options.min_p, 1));
            chain.push(LlamaSampler::temp(options.temperature));
            let moved = u32::try_from(generated.len()).unwrap_or(0);
            chain.push(LlamaSampler::dist(options.seed.unwrap_or(RANDOM_SEED).wrapping_add(moved)));
        }
        let mut sampler = Self(LlamaSampler::chain(chain, true));
        for &token in generated {
            sampler.accept(token)?;
        }
        Ok(sampler)
    }

    /// Chooses the next token; `space` is used again. Fails where the grammar leaves none.
    pub(super) fn choose(&mut self, logits: &[f32], space: &mut Vec<LlamaTokenData>) -> Result<i32, Error> {
        space.clear();
        let tokens = (0i32..).map(LlamaToken::new);
        space.extend(tokens.zip(logits).map(|(token, &logit)| LlamaTokenData::new(token, logit, 0.0)));
        let mut candidates = LlamaTokenDataArray::new(std::mem::take(space), false);
        self.0.apply(&mut candidates);
        let chosen = candidates.selected_token();
        *space = candidates.data;
        let token = chosen.ok_or_else(|| Error::Engine("no token could be chosen".into()))?;
        self.accept(token.0)?;
        Ok(token.0)
    }

    fn accept(&mut self, token: i32) -> Result<(), Error> {
        let refused = |_| Error::Engine("the model left the demanded format".into());
        self.0.try_accept(LlamaToken::new(token)).map_err(refused)
    }
}

/// llama.cpp's own mark for a random seed (`LLAMA_DEFAULT_SEED`).
const RANDOM_SEED: u32 = u32::MAX;

fn grammar(model: &LlamaModel, schema: &str) -> Result<LlamaSampler, Error> {
    let refused = |why: String| Error::request("format", format!("the JSON schema cannot be enforced: {why}"));
    let rules = llama_cpp_2::json_schema_to_grammar(schema).map_err(|error| refused(error.to_string()))?;
    LlamaSampler::grammar(model, &rules, "root").map_err(|error| refused(error.to_string()))
}
