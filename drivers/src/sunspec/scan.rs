//! The chain on the wire: found at 40000, 50000 or 0, walked by the lengths it announces until the end block, or until
//! the device answers no more; what was found until then is kept.

use super::decode::{Entry, decode};
use super::model;
use crate::modbus::{At, Endpoint, Fault, Timing};
use serde::Serialize;

const BASES: [u16; 3] = [40000, 50000, 0];
const MARK: [u16; 2] = [0x5375, 0x6E53];
const END: u16 = 0xFFFF;
/// More blocks than any device has: a chain that is longer does not end.
const MOST_BLOCKS: usize = 256;
/// Requests spent on finding the readable parts of one block.
const MOST_SPLITS: usize = 64;

/// A model as it stands in a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Block {
    /// The model's number.
    pub model: u16,
    /// The register of its ID.
    pub address: u16,
    /// Registers after ID and length.
    pub length: u16,
}

/// The models of a unit in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// Where `SunS` stands.
    pub base: u16,
    /// The blocks.
    pub blocks: Vec<Block>,
}

/// A block with its values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Where it stands.
    #[serde(flatten)]
    pub block: Block,
    /// The model's name; empty for an unknown one, whose values are not decoded.
    pub name: String,
    /// Its values, in the order of its registers.
    pub values: Vec<Entry>,
}

/// Finds and walks the chain of a unit; `None` where the unit answers but is no SunSpec device.
///
/// # Errors
/// The unit does not answer, or its chain breaks off.
pub async fn scan(endpoint: &Endpoint, unit: u8, timing: &Timing) -> Result<Option<Chain>, Fault> {
    let mut busy = None;
    for base in BASES {
        match endpoint.read(At { unit, fc: 3, start: base }, 2, timing).await {
            Ok(words) if words == MARK => return walk(endpoint, unit, base, timing).await.map(Some),
            Ok(_) => {}
            Err(fault) if fault.is_unsupported() => {}
            Err(fault) if fault.is_busy() => busy = Some(fault),
            Err(fault) => return Err(fault),
        }
    }
    busy.map_or(Ok(None), Err)
}

async fn walk(endpoint: &Endpoint, unit: u8, base: u16, timing: &Timing) -> Result<Chain, Fault> {
    let mut chain = Chain { base, blocks: Vec::new() };
    let mut address = u32::from(base) + 2;
    while chain.blocks.len() < MOST_BLOCKS && address < 0xFFFE {
        let at = address as u16;
        let head = match endpoint.read(At { unit, fc: 3, start: at }, 2, timing).await {
            Ok(head) => head,
            Err(Fault::Exception(_)) => break,
            // A chain that was found is not given up for one silence at its end.
            Err(_) if !chain.blocks.is_empty() => break,
            Err(fault) => return Err(fault),
        };
        let (Some(&model), Some(&length)) = (head.first(), head.get(1)) else { break };
        if model == END || model == 0 {
            break;
        }
        chain.blocks.push(Block { model, address: at, length });
        address += 2 + u32::from(length);
    }
    Ok(chain)
}

/// The registers of a block, ID and length included; those the device refuses are `None`.
pub(crate) async fn read(
    endpoint: &Endpoint,
    unit: u8,
    block: Block,
    timing: &Timing,
) -> Result<Vec<Option<u16>>, Fault> {
    let total = usize::from(block.length) + 2;
    let mut words = vec![None; total];
    let step = usize::from(timing.max_registers.clamp(4, 125));
    let mut pieces: Vec<(usize, usize)> = (0..total).step_by(step).map(|from| (from, step.min(total - from))).collect();
    pieces.reverse();
    let mut splits = 0;
    while let Some((from, count)) = pieces.pop() {
        let Some(address) = u16::try_from(from).ok().and_then(|from| block.address.checked_add(from)) else { break };
        match endpoint.read(At { unit, fc: 3, start: address }, count as u16, timing).await {
            Ok(found) => {
                for (slot, word) in words.iter_mut().skip(from).zip(found) {
                    *slot = Some(word);
                }
            }
            Err(fault) if fault.is_unsupported() => {
                if count > 1 && splits < MOST_SPLITS {
                    splits += 1;
                    pieces.push((from + count / 2, count - count / 2));
                    pieces.push((from, count / 2));
                }
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(words)
}

/// Every block of a chain with its values.
///
/// # Errors
/// A block cannot be read.
pub async fn dump(endpoint: &Endpoint, unit: u8, chain: &Chain, timing: &Timing) -> Result<Vec<Found>, Fault> {
    let mut found = Vec::new();
    for block in &chain.blocks {
        let Some(model) = model::find(block.model) else {
            found.push(Found { block: *block, name: String::new(), values: Vec::new() });
            continue;
        };
        let words = read(endpoint, unit, *block, timing).await?;
        found.push(Found { block: *block, name: model.name.clone(), values: decode(model, &words) });
    }
    Ok(found)
}
