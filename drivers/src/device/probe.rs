//! Who is there: the units behind an address, and the addresses of a network that take Modbus connections. For a person
//! at the command line; a running gateway asks only for what its configuration names.

use crate::address::Address;
use crate::definition::{Definition, load_builtin};
use crate::error::Error;
use crate::modbus::{Endpoint, Fault, Timing};
use crate::sunspec::{self, Entry, Found, Value};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Unit ids that makers give their devices: inverters, batteries and meters behind them, gateways.
pub const COMMON_UNITS: [u8; 13] = [1, 2, 3, 4, 10, 71, 100, 126, 200, 240, 247, 255, 0];
/// Ports that makers give Modbus TCP.
pub const PORTS: [u16; 2] = [502, 1502];
/// Patience with a connection to a host that may not exist.
const CONNECT: Duration = Duration::from_millis(1000);
/// Hosts that are tried at once.
const AT_ONCE: usize = 128;
/// Slow enough for serial lines behind gateways.
const TIMING: Timing = Timing {
    connect_delay_ms: 100,
    min_gap_ms: 50,
    timeout_ms: 1500,
    settle_ms: 0,
    max_registers: 100,
    max_gap: 0,
    client_limit: 0,
    slow_every: 1,
};

/// A unit that answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Present {
    /// Its id.
    pub unit: u8,
    /// Its SunSpec models with their values; empty where it is no SunSpec device.
    pub models: Vec<Found>,
}

impl Present {
    /// A text of the model that every SunSpec device begins with: `Mn` maker, `Md` model, `SN` serial number.
    pub fn text(&self, key: &str) -> Option<&str> {
        let common = self.models.iter().find(|found| found.block.model == 1)?;
        let entry: &Entry = common.values.iter().find(|entry| entry.key == key)?;
        match &entry.value {
            Value::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            Value::Missing | Value::Number(_) => None,
        }
    }

    /// The shipped definition that fits it: the maker's own, or the one for every device with such models.
    pub fn definition(&self) -> Option<Definition> {
        let carries = |definition: &Definition| {
            let wanted: Vec<u16> = definition.point.iter().flat_map(|row| row.models.iter().copied()).collect();
            self.models.iter().any(|found| wanted.contains(&found.block.model))
        };
        let meter = self.models.iter().all(|found| matches!(found.block.model, 1 | 2 | 200..=299));
        let battery = self.models.iter().any(|found| matches!(found.block.model, 124 | 713 | 802));
        let general = match (meter, battery) {
            (true, _) => "sunspec-meter",
            (false, true) => "sunspec-hybrid",
            (false, false) => "sunspec-inverter",
        };
        let maker =
            self.text("Mn").and_then(|maker| maker.split_whitespace().next()).unwrap_or_default().to_lowercase();
        let own = |id: &str| !meter && id.split('-').next() == Some(maker.as_str());
        let mut known: Vec<Definition> = load_builtin().into_iter().filter(carries).collect();
        known.retain(|definition| own(&definition.id) || definition.id == general);
        known.sort_by_key(|definition| !own(&definition.id));
        known.into_iter().next()
    }
}

/// The units that answer at `address`, each as it is found; `asking` hears of each before it is asked.
///
/// # Errors
/// There is no connection to the address.
pub async fn units(address: &Address, units: &[u8], mut asking: impl FnMut(u8)) -> Result<Vec<Present>, Error> {
    let mut present = Vec::new();
    let mut reached = false;
    let mut lost = None;
    for unit in units {
        asking(*unit);
        match one(address, *unit).await {
            Ok(found) => {
                reached = true;
                present.extend(found);
            }
            Err(fault) => lost = Some(fault),
        }
    }
    match lost {
        Some(fault) if !reached => Err(Error::Lost { address: address.to_string(), why: fault.to_string() }),
        Some(_) | None => Ok(present),
    }
}

/// What the unit is; `None` where nobody answers under this id. The connection is not shared with the unit before: an
/// answer that comes too late would be taken for this one's.
async fn one(address: &Address, unit: u8) -> Result<Option<Present>, Fault> {
    let endpoint = Endpoint::open(address);
    let models = match sunspec::scan(&endpoint, unit, &TIMING).await {
        Ok(None) => Vec::new(),
        Ok(Some(chain)) => sunspec::dump(&endpoint, unit, &chain, &TIMING).await?,
        Err(fault) if fault.is_gateway() => return Ok(None),
        Err(Fault::Exception(_)) => Vec::new(),
        Err(Fault::Timeout(_) | Fault::Garbled(_)) => return Ok(None),
        Err(fault @ Fault::Lost(_)) => return Err(fault),
    };
    Ok(Some(Present { unit, models }))
}

/// Those of `candidates` that take a connection; `tried` hears of each.
pub async fn listening(candidates: Vec<SocketAddr>, mut tried: impl FnMut()) -> Vec<SocketAddr> {
    let attempts = stream::iter(candidates).map(|candidate| async move {
        let connected = timeout(CONNECT, TcpStream::connect(candidate)).await;
        matches!(connected, Ok(Ok(_))).then_some(candidate)
    });
    let mut attempts = attempts.buffer_unordered(AT_ONCE);
    let mut found = Vec::new();
    while let Some(answer) = attempts.next().await {
        tried();
        found.extend(answer);
    }
    found.sort();
    found
}
