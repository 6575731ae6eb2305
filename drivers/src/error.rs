//! Everything that can go wrong with a wire, in words for a person: what is wrong, with the value in it, and what was
//! expected where that helps.
//!
//! One request over Modbus fails with a [`Fault`], which says what that means for the connection; here it gets the address,
//! unit or register that it happened to.

use crate::modbus::Fault;
use std::net::SocketAddr;

/// Why a driver could not do what it was asked to.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what it is and what each of its values means")]
pub enum Error {
    // What the owner wrote.
    #[error("address '{address}' {wrong}; expected {expected}")]
    Address { address: String, wrong: String, expected: &'static str },
    /// `file` is the id where the definition ships; `key` is in the file's own path notation.
    #[error("{file}: {key}: {why}")]
    Definition { file: String, key: String, why: String },
    #[error("there is no device definition '{id}'; expected {expected}")]
    NoDefinition { id: String, expected: String },
    #[error("{definition} is not reached over {transport}; expected {expected}")]
    Transport { definition: String, transport: &'static str, expected: String },
    #[error("definition {definition} has no parameter '{key}'; {expected}")]
    UnknownParameter { definition: String, key: String, expected: String },
    #[error("definition {definition} needs the parameter '{key}': {about}")]
    MissingParameter { definition: String, key: String, about: String },
    #[error("parameter '{key}' is '{value}'; expected {expected}")]
    Parameter { key: String, value: String, expected: String },

    // Connections.
    #[error("host '{host}' cannot be resolved: {why}")]
    Unresolved { host: String, why: String },
    #[error("{address}: {why}")]
    Lost { address: String, why: String },
    #[error("{address} unit {unit}: {fault}")]
    Unit { address: String, unit: u8, fault: Fault },
    #[error("broker {broker}: {why}")]
    Broker { broker: String, why: String },
    #[error("the address names no broker, and none is configured")]
    NoBroker,
    #[error("the broker is away")]
    BrokerAway,
    #[error("the device says that it is offline")]
    Offline,
    #[error("nothing was heard in {seconds} s on {topics}")]
    Unheard { seconds: u64, topics: String },

    // Controls and their registers, which are numbered as on the wire.
    #[error("{device} has no control {control}")]
    NoControl { device: String, control: &'static str },
    #[error("{control} cannot be {value}")]
    Value { control: &'static str, value: f64 },
    #[error("{control} cannot be '{mode}' with this device; expected {expected}")]
    Mode { control: &'static str, mode: &'static str, expected: String },
    #[error(transparent)]
    Request(#[from] Fault),
    #[error("register {register}: {fault}")]
    Register { register: u16, fault: Fault },
    #[error("register {register} did not take the value {words:?}; it holds {held:?}")]
    NotTaken { register: u16, words: Vec<u16>, held: Vec<u16> },
    #[error("register {register} shows now {first:?}, now {second:?}")]
    Unsteady { register: u16, first: Vec<u16>, second: Vec<u16> },
    #[error("register {register} holds {held}: {says}")]
    Requirement { register: u16, held: f64, says: String },
    /// `why` says what the disk or the budget has against it.
    #[error("not sent: {why}")]
    Unowed { why: String },
    #[error("register {register} tells no limit: {words:?}")]
    NoLimit { register: u16, words: Vec<u16> },
    #[error("{value} does not fit into a register of type {number}")]
    DoesNotFit { value: f64, number: String },
    #[error("the definition gives no register to write")]
    NoRegister,
    #[error("the device has no registers")]
    NoRegisters,
    #[error("the device has no SunSpec model {0}")]
    NoModel(u16),
    #[error("the SunSpec point {point} of model {model} cannot be written: {why}")]
    Point { model: u16, point: String, why: &'static str },

    // What the simulated house and the embedded broker need of this machine.
    #[error("the {who} cannot listen on {address}: {why}")]
    Listen { who: &'static str, address: SocketAddr, why: String },
    #[error("the thread of the {who} did not start: {why}")]
    Thread { who: &'static str, why: String },
}
