//! A device with registers, over real Modbus TCP: it answers, keeps what is written to it for ever, and outlives every gateway. It has
//! no dead-man switch, so that what nobody gives back stays set.
//!
//! - *owner's*: what its owner has set the registers of a control to. While they hold that, the device is under its own control.
//! - *history*: after each write, whether the device was under its own control then.

use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Unit and register.
pub(super) type At = (u8, u16);

/// What a device holds.
#[derive(Debug, Default)]
pub(super) struct Bank {
    /// Its registers; those that are not here hold zero.
    pub registers: BTreeMap<At, u16>,
    /// The registers of its control, as its owner has set them.
    pub owner: BTreeMap<At, u16>,
    /// When it was written to, and whether it was under its own control then.
    pub history: Vec<(Instant, bool)>,
}

/// Registers that change by themselves: what is measured, as a house does.
pub(super) type Measure = fn(&mut Bank, u64);

/// A device that answers; it ends when it is dropped.
pub(super) struct Device {
    /// Where it answers.
    pub address: SocketAddr,
    bank: Arc<Mutex<Bank>>,
    power: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Bank {
    /// Takes the registers of the control as its owner has set them.
    pub(super) fn own(&mut self) {
        self.registers.extend(self.owner.iter().map(|(at, value)| (*at, *value)));
    }

    fn is_own(&self) -> bool {
        self.owner.iter().all(|(at, value)| self.registers.get(at) == Some(value))
    }
}

impl Device {
    /// A device that holds `bank`, on a free port.
    pub(super) async fn start(mut bank: Bank, measure: Measure) -> Result<Self> {
        bank.own();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (bank, power) = (Arc::new(Mutex::new(bank)), watch::Sender::new(true));
        let serving = Serving { bank: bank.clone(), measure, power: power.subscribe(), began: Instant::now() };
        let task = tokio::spawn(serving.run(listener));
        Ok(Self { address, bank, power, task })
    }

    /// What it holds.
    pub(super) fn bank(&self) -> MutexGuard<'_, Bank> {
        lock(&self.bank)
    }

    /// Whether it is under its own control.
    pub(super) fn is_own(&self) -> bool {
        self.bank().is_own()
    }

    /// Whether it was under its own control at some moment since `begin`.
    pub(super) fn was_own_since(&self, begin: Instant) -> bool {
        self.bank().history.iter().any(|(at, own)| *at >= begin && *own)
    }

    /// Takes its power away, or gives it back.
    pub(super) fn power(&self, on: bool) {
        self.power.send_replace(on);
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.power(false);
        self.task.abort();
    }
}

#[derive(Clone)]
struct Serving {
    bank: Arc<Mutex<Bank>>,
    measure: Measure,
    power: watch::Receiver<bool>,
    began: Instant,
}

impl Serving {
    async fn run(mut self, listener: TcpListener) {
        let Ok(address) = listener.local_addr() else { return };
        let mut listener = Some(listener);
        loop {
            let open = match listener.take() {
                Some(open) => Ok(open),
                None => TcpListener::bind(address).await,
            };
            if let Ok(open) = open {
                self.accept(open).await;
            } else {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            if self.power.wait_for(|on| *on).await.is_err() {
                return;
            }
        }
    }

    /// Takes connections until the power goes.
    async fn accept(&mut self, listener: TcpListener) {
        let mut power = self.power.clone();
        loop {
            tokio::select! {
                _ = power.wait_for(|on| !on) => return,
                Ok((stream, _)) = listener.accept() => drop(tokio::spawn(self.clone().connection(stream))),
            }
        }
    }

    async fn connection(self, mut stream: TcpStream) {
        let mut power = self.power.clone();
        tokio::select! {
            _ = power.wait_for(|on| !on) => {}
            _ = self.serve(&mut stream) => {}
        }
    }

    async fn serve(&self, stream: &mut TcpStream) -> Result<()> {
        loop {
            // Two words of the transaction, the length of what follows, the unit.
            let mut head = [0; 7];
            stream.read_exact(&mut head).await?;
            let mut request = vec![0; usize::from(u16::from_be_bytes([head[4], head[5]])).saturating_sub(1)];
            stream.read_exact(&mut request).await?;
            let answer = self.answer(head[6], &request)?;
            let length = u16::try_from(answer.len() + 1)?;
            let bytes = [&head[..4], &length.to_be_bytes(), &head[6..], &answer].concat();
            stream.write_all(&bytes).await?;
        }
    }

    fn answer(&self, unit: u8, request: &[u8]) -> Result<Vec<u8>> {
        let word = |at: usize| request.get(at..at + 2).map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]));
        let (function, start) = (request.first().copied().unwrap_or(0), word(1));
        let mut bank = lock(&self.bank);
        match function {
            3 | 4 => {
                (self.measure)(&mut bank, u64::try_from(self.began.elapsed().as_millis())?);
                let registers = (start..).take(usize::from(word(3)));
                let values: Vec<u8> = registers
                    .flat_map(|register| bank.registers.get(&(unit, register)).copied().unwrap_or(0).to_be_bytes())
                    .collect();
                Ok([&[function, u8::try_from(values.len())?], values.as_slice()].concat())
            }
            6 | 16 => {
                let values = if function == 6 {
                    vec![word(3)]
                } else {
                    (0..usize::from(word(3))).map(|index| word(6 + 2 * index)).collect()
                };
                bank.registers.extend((start..).zip(values).map(|(register, value)| ((unit, register), value)));
                let own = bank.is_own();
                bank.history.push((Instant::now(), own));
                Ok(request[..5].to_vec())
            }
            other => bail!("function {other}"),
        }
    }
}

fn lock(bank: &Mutex<Bank>) -> MutexGuard<'_, Bank> {
    bank.lock().unwrap_or_else(PoisonError::into_inner)
}
