//! `heatmine device scan`: who answers, and what to try next.

use super::number;
use crate::cli::{Failure, Outcome, print_json, print_text, runtime};
use clap::Args;
use drivers::address::{Address, HostPort};
use drivers::device::probe::{self, COMMON_UNITS, PORTS, Present};
use drivers::sunspec::Value;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// The largest network that is searched: 4096 addresses.
const WIDEST: u8 = 20;

/// Arguments of `heatmine device scan`.
#[derive(Debug, Args)]
pub(super) struct Scan {
    /// An address (tcp://host:port, rtu:///dev/ttyUSB0?baud=9600, rtu+tcp://host:port) or a network (192.168.1.0/24)
    /// [default: the network of this machine].
    place: Option<String>,
    /// The units to ask, as 1-10,71; those that makers use where not given.
    #[arg(long, value_name = "LIST", value_parser = units)]
    units: Option<Units>,
    /// Print every point of every SunSpec model.
    #[arg(long)]
    points: bool,
}

#[derive(Clone, Debug)]
struct Units(Vec<u8>);

fn units(text: &str) -> Result<Units, String> {
    let expected = || "expected unit ids from 0 to 255, as 1-10,71".to_owned();
    let mut units = Vec::new();
    for piece in text.split(',') {
        let (first, last) = piece.split_once('-').unwrap_or((piece, piece));
        let number = |word: &str| word.trim().parse::<u8>().map_err(|_| expected());
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(expected());
        }
        units.extend(first..=last);
    }
    Ok(Units(units))
}

/// What is searched.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    One(Address),
    Network { text: String, hosts: Vec<Ipv4Addr> },
}

/// The units behind one address.
#[derive(Serialize)]
struct Answers {
    address: String,
    units: Vec<Answer>,
}

#[derive(Serialize)]
struct Answer {
    maker: Option<String>,
    product: Option<String>,
    serial: Option<String>,
    /// The definition to try.
    fits: Option<String>,
    #[serde(flatten)]
    present: Present,
}

impl Scan {
    /// Searches.
    pub(super) fn run(self, json: bool) -> Outcome {
        let place = place(self.place.as_deref())?;
        let units = self.units.map_or(COMMON_UNITS.to_vec(), |units| units.0);
        let answers = runtime()?.block_on(search(&place, &units))?;
        if json {
            print_json(&answers)?;
        } else {
            print_text(answers.iter().map(|answers| text(answers, self.points)).collect::<String>())?;
        }
        if answers.iter().all(|answers| answers.units.is_empty()) {
            return Err(Failure::new(Failure::UNAVAILABLE, nobody(&place, &answers, &units)));
        }
        Ok(())
    }
}

fn place(text: Option<&str>) -> Result<Place, Failure> {
    let usage = |words: String| Failure::new(Failure::USAGE, words);
    let wrong = |error: drivers::Error| usage(error.to_string());
    let Some(text) = text else { return own_network() };
    if text.contains("://") {
        let address: Address = text.parse().map_err(wrong)?;
        if let Address::Mqtt(_) = address {
            return Err(usage(format!(
                "{text} cannot be scanned; expected a Modbus address, as tcp://192.168.1.20:502"
            )));
        }
        return Ok(Place::One(address));
    }
    let Some((base, width)) = text.split_once('/') else {
        return Ok(Place::One(format!("tcp://{text}").parse().map_err(wrong)?));
    };
    let expected = || {
        usage(format!(
            "'{text}' is no network to scan; expected an IPv4 network from /{WIDEST} to /32, as 192.168.1.0/24"
        ))
    };
    let base: Ipv4Addr = base.parse().map_err(|_| expected())?;
    let width: u8 = width.parse().ok().filter(|width| (WIDEST..=32).contains(width)).ok_or_else(expected)?;
    Ok(Place::Network { text: text.to_owned(), hosts: hosts(base, width) })
}

/// The addresses of a network, without its own and the one for all where it has such.
fn hosts(base: Ipv4Addr, width: u8) -> Vec<Ipv4Addr> {
    let size = 1u32 << (32 - u32::from(width.clamp(WIDEST, 32)));
    let first = u32::from(base) & !(size - 1);
    let (skip, keep) = if size > 2 { (1, size - 2) } else { (0, size) };
    (first + skip..first + skip + keep).map(Ipv4Addr::from).collect()
}

/// The 254 addresses around this machine's own.
fn own_network() -> Result<Place, Failure> {
    // Connecting a datagram socket sends nothing; it shows the address this machine would send from.
    let own = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    match own.map(|address| address.ip()) {
        Ok(IpAddr::V4(own)) if own.is_private() => {
            let [a, b, c, _] = own.octets();
            let base = Ipv4Addr::new(a, b, c, 0);
            Ok(Place::Network { text: format!("{base}/24"), hosts: hosts(base, 24) })
        }
        Ok(_) | Err(_) => Err(Failure::new(
            Failure::USAGE,
            "this machine is in no private network; expected an address or a network, as 192.168.1.0/24",
        )),
    }
}

async fn search(place: &Place, units: &[u8]) -> Result<Vec<Answers>, Failure> {
    let addresses = match place {
        Place::One(address) => vec![address.clone()],
        Place::Network { hosts, .. } => listening(hosts).await,
    };
    let bar = bar(addresses.len() * units.len());
    let mut answers = Vec::new();
    for address in addresses {
        let asked = probe::units(&address, units, |unit| {
            bar.set_message(format!("{address} unit {unit}"));
            bar.inc(1);
        });
        match (asked.await, place) {
            (Ok(present), _) => answers.push(known(&address, present)),
            (Err(why), Place::One(_)) => {
                bar.finish_and_clear();
                return Err(Failure::new(Failure::UNAVAILABLE, format!("{why}; expected a Modbus device there")));
            }
            // A port that takes connections and closes them again belongs to something else.
            (Err(_), Place::Network { .. }) => {}
        }
    }
    bar.finish_and_clear();
    Ok(answers)
}

async fn listening(hosts: &[Ipv4Addr]) -> Vec<Address> {
    let candidates: Vec<SocketAddr> =
        PORTS.iter().flat_map(|port| hosts.iter().map(|host| SocketAddr::from((*host, *port)))).collect();
    let bar = bar(candidates.len());
    bar.set_message("looking for open ports");
    let found = probe::listening(candidates, || bar.inc(1)).await;
    bar.finish_and_clear();
    let address = |found: SocketAddr| Address::Tcp(HostPort { host: found.ip().to_string(), port: found.port() });
    found.into_iter().map(address).collect()
}

fn bar(length: usize) -> ProgressBar {
    let bar = ProgressBar::new(length as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar
}

/// Each device once: many answer under every unit id.
fn known(address: &Address, present: Vec<Present>) -> Answers {
    let mut units: Vec<Answer> = Vec::new();
    for present in present {
        let serial = present.text("SN").map(str::to_owned);
        let twin = |known: &Answer| {
            let models = |present: &Present| present.models.iter().map(|found| found.block).collect::<Vec<_>>();
            known.serial == serial && models(&known.present) == models(&present)
        };
        if units.iter().any(twin) {
            continue;
        }
        units.push(Answer {
            maker: present.text("Mn").map(str::to_owned),
            product: present.text("Md").map(str::to_owned),
            serial,
            fits: present.definition().map(|definition| definition.id),
            present,
        });
    }
    Answers { address: address.to_string(), units }
}

fn nobody(place: &Place, answers: &[Answers], units: &[u8]) -> String {
    let asked = units.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    match (place, answers.is_empty()) {
        (Place::One(address), _) => {
            format!(
                "{address} takes connections, but nobody answers; asked the units {asked} (--units LIST asks others)"
            )
        }
        (Place::Network { text, hosts }, true) => {
            let ports = PORTS.map(|port| port.to_string()).join(" or ");
            format!("none of the {} addresses of {text} takes Modbus connections on port {ports}", hosts.len())
        }
        (Place::Network { text, .. }, false) => {
            format!("nobody in {text} answers; asked the units {asked} (--units LIST asks others)")
        }
    }
}

fn text(answers: &Answers, points: bool) -> String {
    let mut text = format!("{}\n", answers.address);
    for answer in &answers.units {
        text += &line(answer);
        if let Some(fits) = &answer.fits {
            let unit = answer.present.unit;
            let _ = writeln!(text, "            try: heatmine device read {fits} {} --unit {unit}", answers.address);
        }
        if points {
            text += &every_point(&answer.present);
        }
    }
    text
}

fn line(answer: &Answer) -> String {
    let unit = answer.present.unit;
    if answer.present.models.is_empty() {
        return format!("  unit {unit:<4} answers, but does not describe itself (no SunSpec)\n");
    }
    let words: Vec<&str> = [&answer.maker, &answer.product].into_iter().flatten().map(String::as_str).collect();
    let name = if words.is_empty() { "nameless".to_owned() } else { words.join(" ") };
    let serial = answer.serial.as_ref().map(|serial| format!(", serial {serial}")).unwrap_or_default();
    let models: Vec<String> = answer.present.models.iter().map(|found| found.block.model.to_string()).collect();
    format!("  unit {unit:<4} {name}{serial}: SunSpec models {}\n", models.join(", "))
}

fn every_point(present: &Present) -> String {
    let mut text = String::new();
    for found in &present.models {
        let name = if found.name.is_empty() { "unknown" } else { &found.name };
        let block = found.block;
        let _ = writeln!(text, "    model {} {name}, register {}, length {}", block.model, block.address, block.length);
        for entry in &found.values {
            let value = match &entry.value {
                Value::Missing => "no value".to_owned(),
                Value::Number(value) => format!("{} {}", number(*value), entry.unit),
                Value::Text(text) => text.trim().to_owned(),
            };
            let _ = writeln!(text, "      {:<28} {}", entry.key, value.trim_end());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_addresses_hosts_and_networks() {
        let one = |text: &str| Place::One(text.parse().unwrap());
        assert_eq!(place(Some("tcp://a:1502")).unwrap(), one("tcp://a:1502"));
        assert_eq!(place(Some("inverter.lan")).unwrap(), one("tcp://inverter.lan:502"));
        let Ok(Place::Network { hosts, .. }) = place(Some("192.168.1.77/24")) else { panic!() };
        assert_eq!((hosts.len(), hosts[0].to_string().as_str()), (254, "192.168.1.1"));
        for (text, part) in
            [("10.0.0.0/8", "from /20"), ("fe80::/64", "IPv4"), ("mqtt://a/b", "Modbus"), ("ftp://a", "unknown scheme")]
        {
            let failure = place(Some(text)).unwrap_err();
            assert!(failure.words.contains(part) && failure.code == Failure::USAGE, "{failure:?}");
        }
    }

    #[test]
    fn unit_lists_are_ids_and_ranges() {
        assert_eq!(units("1-3,71").unwrap().0, [1, 2, 3, 71]);
        for text in ["", "300", "5-1", "a"] {
            assert!(units(text).unwrap_err().contains("0 to 255"), "{text}");
        }
    }
}
