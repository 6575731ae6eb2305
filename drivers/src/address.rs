//! Where a device is reached: `tcp://host:port`, `rtu:///dev/ttyUSB0?baud=9600&parity=N&stop=1`, `rtu+tcp://host:port`,
//! `mqtt://host[:port]/topic`; `mqtt:///topic` for a topic on the site's own broker.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A parsed device address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// Modbus TCP, where nothing else is written on port 502.
    Tcp(HostPort),
    /// Modbus RTU on a serial line.
    Rtu(Serial),
    /// Modbus RTU frames through a transparent serial-to-network gateway.
    RtuOverTcp(HostPort),
    /// Topics on an MQTT broker.
    Mqtt(Topic),
}

/// A network endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// Name or literal address, without brackets.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
}

/// A serial line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial {
    /// The file that stands for it, `/dev/ttyUSB0`.
    pub path: String,
    /// Its speed in bits a second, 300 to 4 000 000.
    pub baud: u32,
    /// What makes a turned bit noticed.
    pub parity: Parity,
    /// Stop bits, 1 or 2.
    pub stop: u8,
}

/// Parity of a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parity {
    /// No parity bit.
    None,
    /// It makes the count of ones even.
    Even,
    /// It makes the count of ones odd.
    Odd,
}

/// A topic on a broker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    /// The broker's host; empty for the site's own broker.
    pub host: String,
    /// Its port; where absent, the SRV record or 1883.
    pub port: Option<u16>,
    /// The device's topic or topic prefix; may be empty.
    pub topic: String,
}

impl Address {
    /// The word of the transport, as definitions list it.
    pub fn transport(&self) -> &'static str {
        match self {
            Address::Tcp(_) => "tcp",
            Address::Rtu(_) => "rtu",
            Address::RtuOverTcp(_) => "rtu+tcp",
            Address::Mqtt(_) => "mqtt",
        }
    }
}

const EXPECTED: &str = "tcp://host:port, rtu:///dev/ttyUSB0?baud=9600, rtu+tcp://host:port or mqtt://host:port/topic";

/// The error for an address that is no address.
fn wrong(address: &str, wrong: impl Into<String>, expected: &'static str) -> Error {
    Error::Address { address: address.to_owned(), wrong: wrong.into(), expected }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong(text, "has no scheme", EXPECTED))?;
        match scheme {
            "tcp" => Ok(Address::Tcp(host_port(text, rest)?)),
            "rtu+tcp" => Ok(Address::RtuOverTcp(host_port(text, rest)?)),
            "rtu" => Ok(Address::Rtu(serial(text, rest)?)),
            "mqtt" => Ok(Address::Mqtt(topic(text, rest)?)),
            other => Err(wrong(text, format!("has the unknown scheme '{other}'"), EXPECTED)),
        }
    }
}

fn split_host(text: &str, rest: &str) -> Result<(String, Option<u16>), Error> {
    let (host, port) = match rest.strip_prefix('[') {
        Some(inner) => {
            let closed = inner.split_once(']').ok_or_else(|| wrong(text, "lacks the closing ']'", EXPECTED));
            let (host, after) = closed?;
            (host, after.strip_prefix(':'))
        }
        None => match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        },
    };
    let port = match port {
        None => None,
        Some(port) => match port.parse::<u16>() {
            Ok(port) if port > 0 => Some(port),
            Ok(_) | Err(_) => return Err(wrong(text, format!("has the port '{port}'"), "1 to 65535")),
        },
    };
    if host.contains(|c: char| c.is_whitespace() || c == '/' || c == '@') {
        return Err(wrong(text, format!("has the host '{host}'"), "a name or an IP address"));
    }
    Ok((host.to_owned(), port))
}

fn host_port(text: &str, rest: &str) -> Result<HostPort, Error> {
    let (host, port) = split_host(text, rest.trim_end_matches('/'))?;
    if host.is_empty() {
        return Err(wrong(text, "has no host", EXPECTED));
    }
    Ok(HostPort { host, port: port.unwrap_or(502) })
}

fn topic(text: &str, rest: &str) -> Result<Topic, Error> {
    let (authority, topic) = rest.split_once('/').unwrap_or((rest, ""));
    if topic.contains(['#', '+']) {
        return Err(wrong(text, "has a wildcard in its topic", "the topic of one device"));
    }
    let (host, port) = split_host(text, authority)?;
    Ok(Topic { host, port, topic: topic.trim_end_matches('/').to_owned() })
}

fn serial(text: &str, rest: &str) -> Result<Serial, Error> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !path.starts_with('/') || path.len() < 2 {
        return Err(wrong(text, "has no device file", "rtu:///dev/ttyUSB0?baud=9600"));
    }
    let mut serial = Serial { path: path.to_owned(), baud: 9600, parity: Parity::None, stop: 1 };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let wrong_value = |expected| wrong(text, format!("has {key}='{value}'"), expected);
        match key {
            "baud" => match value.parse() {
                Ok(baud @ 300..=4_000_000) => serial.baud = baud,
                Ok(_) | Err(_) => return Err(wrong_value("300 to 4000000")),
            },
            "parity" => match value {
                "N" | "n" | "none" => serial.parity = Parity::None,
                "E" | "e" | "even" => serial.parity = Parity::Even,
                "O" | "o" | "odd" => serial.parity = Parity::Odd,
                _ => return Err(wrong_value("N, E or O")),
            },
            "stop" => match value {
                "1" => serial.stop = 1,
                "2" => serial.stop = 2,
                _ => return Err(wrong_value("1 or 2")),
            },
            _ => return Err(wrong(text, format!("has the unknown key '{key}'"), "baud, parity or stop")),
        }
    }
    Ok(serial)
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(host) => write!(f, "tcp://{host}"),
            Address::RtuOverTcp(host) => write!(f, "rtu+tcp://{host}"),
            Address::Rtu(line) => {
                let parity = match line.parity {
                    Parity::None => 'N',
                    Parity::Even => 'E',
                    Parity::Odd => 'O',
                };
                write!(f, "rtu://{}?baud={}&parity={parity}&stop={}", line.path, line.baud, line.stop)
            }
            Address::Mqtt(Topic { host, port, topic }) => {
                f.write_str("mqtt://")?;
                if host.contains(':') {
                    write!(f, "[{host}]")?
                } else {
                    f.write_str(host)?
                }
                if let Some(port) = port {
                    write!(f, ":{port}")?;
                }
                write!(f, "/{topic}")
            }
        }
    }
}

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_being_written_and_read() {
        for text in [
            "tcp://192.168.1.20:502",
            "tcp://[fe80::1]:1502",
            "rtu:///dev/ttyUSB0?baud=19200&parity=E&stop=2",
            "rtu+tcp://gateway.lan:8899",
            "mqtt://broker/shelly/plug",
            "mqtt://broker:1884/a",
            "mqtt:///zigbee2mqtt/living room",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
        assert_eq!("tcp://inverter".parse::<Address>().unwrap().to_string(), "tcp://inverter:502");
    }

    #[test]
    fn a_wrong_address_says_what_is_expected() {
        for (text, part) in [
            ("192.168.1.2", "no scheme"),
            ("http://a", "unknown scheme 'http'"),
            ("tcp://:502", "no host"),
            ("tcp://a:99999", "expected 1 to 65535"),
            ("rtu://ttyUSB0", "no device file"),
            ("rtu:///dev/ttyUSB0?baud=fast", "expected 300"),
            ("rtu:///dev/ttyUSB0?bits=8", "unknown key 'bits'"),
            ("mqtt://b/a/#", "wildcard"),
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
