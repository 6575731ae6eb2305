//! The wire itself: opening it, one request and its answer, each under a time limit.

use super::fault::Fault;
use super::timing::Timing;
use crate::address::{Address, Parity, Serial};
use crate::resolve;
use std::borrow::Cow;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_modbus::client::{Client, Context, rtu, tcp};
use tokio_modbus::slave::{Slave, SlaveContext};
use tokio_modbus::{Request, Response};
use tokio_serial::SerialPortBuilderExt;

const CONNECT: Duration = Duration::from_secs(5);
/// Silence after which a line without transaction ids holds no late answer.
const QUIET: Duration = Duration::from_millis(300);
/// The longest wait for that silence.
const DRAIN: Duration = Duration::from_secs(3);

#[derive(Clone, Debug)]
pub(super) enum Ask {
    Read { fc: u8, start: u16, count: u16 },
    Write { fc: u8, start: u16, words: Vec<u16> },
}

/// Opens the wire. `dirty` says that an answer may still be on its way over it.
pub(super) async fn open(address: &Address, timing: &Timing, dirty: bool) -> Result<Context, Fault> {
    let context = match address {
        Address::Tcp(host) => tcp::attach(stream(&host.host, host.port).await?),
        Address::RtuOverTcp(host) => {
            let mut stream = stream(&host.host, host.port).await?;
            if dirty {
                drain(&mut stream).await;
            }
            rtu::attach(stream)
        }
        Address::Rtu(line) => {
            let mut port = serial(line)?;
            if dirty {
                drain(&mut port).await;
            }
            rtu::attach(port)
        }
        Address::Mqtt(_) => return Err(Fault::Lost(format!("{address} is not a modbus address"))),
    };
    tokio::time::sleep(Duration::from_millis(timing.connect_delay_ms)).await;
    Ok(context)
}

async fn stream(host: &str, port: u16) -> Result<TcpStream, Fault> {
    let addresses = resolve::host_addresses(host, port).await.map_err(|error| Fault::Lost(error.to_string()))?;
    let mut why = "no address".to_owned();
    for address in addresses {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                "nothing listens there".clone_into(&mut why)
            }
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => "it does not answer".clone_into(&mut why),
        }
    }
    Err(Fault::Lost(format!("cannot connect to {host} port {port}: {why}")))
}

fn serial(line: &Serial) -> Result<tokio_serial::SerialStream, Fault> {
    let parity = match line.parity {
        Parity::None => tokio_serial::Parity::None,
        Parity::Even => tokio_serial::Parity::Even,
        Parity::Odd => tokio_serial::Parity::Odd,
    };
    let stop = if line.stop == 2 { tokio_serial::StopBits::Two } else { tokio_serial::StopBits::One };
    tokio_serial::new(&line.path, line.baud)
        .parity(parity)
        .stop_bits(stop)
        .open_native_async()
        .map_err(|error| Fault::Lost(format!("cannot open {}: {}", line.path, error.description)))
}

/// Reads and forgets until the line is quiet.
async fn drain(line: &mut (impl AsyncRead + Unpin)) {
    let mut scrap = [0u8; 256];
    let _ = timeout(DRAIN, async { while let Ok(Ok(1..)) = timeout(QUIET, line.read(&mut scrap)).await {} }).await;
}

/// Sends one request and waits for its answer. Any fault but an exception leaves the context unusable.
pub(super) async fn call(context: &mut Context, unit: u8, ask: &Ask, timing: &Timing) -> Result<Vec<u16>, Fault> {
    context.set_slave(Slave(unit));
    let request = match ask {
        Ask::Read { fc: 4, start, count } => Request::ReadInputRegisters(*start, *count),
        Ask::Read { start, count, .. } => Request::ReadHoldingRegisters(*start, *count),
        Ask::Write { fc: 6, start, words } => Request::WriteSingleRegister(*start, words.first().copied().unwrap_or(0)),
        Ask::Write { start, words, .. } => Request::WriteMultipleRegisters(*start, Cow::Owned(words.clone())),
    };
    let answer = timeout(Duration::from_millis(timing.timeout_ms), context.call(request)).await;
    let response = match answer {
        Err(_) => return Err(Fault::Timeout(timing.timeout_ms)),
        // The library's own words show its insides.
        Ok(Err(tokio_modbus::Error::Protocol(_))) => {
            return Err(Fault::Garbled("an answer to another request".to_owned()));
        }
        // The library reports a closed socket with an unrelated system error.
        Ok(Err(tokio_modbus::Error::Transport(_))) => {
            return Err(Fault::Lost("the device closed the connection".to_owned()));
        }
        Ok(Ok(Err(code))) => return Err(Fault::Exception(code.into())),
        Ok(Ok(Ok(response))) => response,
    };
    check(ask, response)
}

fn check(ask: &Ask, response: Response) -> Result<Vec<u16>, Fault> {
    match (ask, response) {
        (Ask::Read { count, .. }, Response::ReadHoldingRegisters(words) | Response::ReadInputRegisters(words)) => {
            if words.len() == usize::from(*count) {
                Ok(words)
            } else {
                Err(Fault::Garbled(format!("{} registers where {count} were asked for", words.len())))
            }
        }
        (Ask::Write { start, .. }, Response::WriteSingleRegister(at, _) | Response::WriteMultipleRegisters(at, _)) => {
            if at == *start {
                Ok(Vec::new())
            } else {
                Err(Fault::Garbled(format!("an answer for register {at}")))
            }
        }
        (Ask::Read { .. } | Ask::Write { .. }, _) => Err(Fault::Garbled("an answer to another request".to_owned())),
    }
}
