//! The card of an expert: what its file says of itself, in the words of people.

use super::gguf::Head;
use serde::{Deserialize, Serialize};

/// What a model says of itself, as far as it says it; 0 and `unknown` where it does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Its title.
    pub title: Option<String>,
    /// Its architecture, `llama` for one.
    pub architecture: String,
    /// How many weights it has.
    pub parameters: u64,
    /// How they are stored, `Q4_K_M` for one.
    pub quantisation: String,
    /// The tokens it was trained to see at once.
    pub context: u64,
    /// Its licence, as it states it.
    pub licence: Option<String>,
    /// Whether it brings a chat template.
    pub template: bool,
    /// Whether that template knows tools.
    pub tools: bool,
}

impl Card {
    /// Reads the card off a file's head.
    pub fn of(head: &Head) -> Self {
        let architecture = head.text("general.architecture").unwrap_or("unknown").to_owned();
        let template = head.text("tokenizer.chat_template");
        let context = head.integer(&format!("{architecture}.context_length")).unwrap_or(0);
        Self {
            title: head.text("general.name").map(str::to_owned),
            parameters: head.parameters,
            quantisation: quantisation(head),
            context,
            licence: head.text("general.license").map(str::to_owned),
            template: template.is_some(),
            tools: template.is_some_and(|template| template.contains("tools")),
            architecture,
        }
    }

    /// Writes the number of weights as people do: `135M`, `7.2B`.
    pub fn size(&self) -> String {
        let count = self.parameters as f64;
        if count >= 1e9 { format!("{:.1}B", count / 1e9) } else { format!("{:.0}M", count / 1e6) }
    }
}

/// The file's own word (llama.h, `llama_ftype`), or else the type that holds most of the weights.
fn quantisation(head: &Head) -> String {
    let stated = head.integer("general.file_type").and_then(|number| {
        Some(match number {
            0 => "F32",
            1 => "F16",
            2 => "Q4_0",
            3 => "Q4_1",
            7 => "Q8_0",
            8 => "Q5_0",
            9 => "Q5_1",
            10 => "Q2_K",
            11 => "Q3_K_S",
            12 => "Q3_K_M",
            13 => "Q3_K_L",
            14 => "Q4_K_S",
            15 => "Q4_K_M",
            16 => "Q5_K_S",
            17 => "Q5_K_M",
            18 => "Q6_K",
            25 => "IQ4_NL",
            30 => "IQ4_XS",
            32 => "BF16",
            38 => "MXFP4_MOE",
            _ => return None,
        })
    });
    let most = head.types.iter().max_by_key(|(_, weights)| **weights).map(|(kind, _)| *kind);
    match (stated, most) {
        (Some(name), _) => name.to_owned(),
        (None, Some(kind)) => format!("type {kind}"),
        (None, None) => "unknown".to_owned(),
    }
}
