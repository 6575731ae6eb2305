//! A TCP wire between a gateway and a device.

use anyhow::Result;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the wire does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// Carries everything.
    Sound,
    /// Takes everything and carries nothing.
    Mute,
    /// Drops every connection.
    Cut,
    /// Puts 0x8000, "not there", into every register that is read.
    NotThere,
}

/// First register and values of each write, in their order.
type Writes = Arc<Mutex<Vec<(u16, Vec<u16>)>>>;

/// The wire; it ends when it is dropped.
pub(super) struct Proxy {
    /// Where the gateway finds the device.
    pub address: SocketAddr,
    wire: watch::Sender<Wire>,
    writes: Writes,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A sound wire to `device`.
    pub(super) async fn to(device: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let wire = watch::Sender::new(Wire::Sound);
        let (device, state) = (device.to_owned(), wire.subscribe());
        let writes = Writes::default();
        let log = writes.clone();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(connection(near, device.clone(), state.clone(), log.clone()));
            }
        });
        Ok(Self { address, wire, writes, task })
    }

    /// What was written to `register` so far, in its order.
    pub(super) fn written(&self, register: u16) -> Vec<u16> {
        let writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        let value = |(first, values): &(u16, Vec<u16>)| values.get(usize::from(register.checked_sub(*first)?)).copied();
        writes.iter().filter_map(value).collect()
    }

    /// Changes what the wire does.
    pub(super) fn set(&self, wire: Wire) {
        self.wire.send_replace(wire);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.wire.send_replace(Wire::Cut);
    }
}

async fn connection(near: TcpStream, device: String, mut wire: watch::Receiver<Wire>, writes: Writes) {
    if *wire.borrow() == Wire::Cut {
        return;
    }
    let Ok(far) = TcpStream::connect(device).await else { return };
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = carry(near_read, far_write, wire.clone(), Some(&writes)) => {}
        () = carry(far_read, near_write, wire.clone(), None) => {}
        _ = wire.wait_for(|wire| *wire == Wire::Cut) => {}
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, wire: watch::Receiver<Wire>, writes: Option<&Writes>) {
    let mut bytes = vec![0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let state = *wire.borrow();
        let bytes = &mut bytes[..count];
        match state {
            Wire::Mute => continue,
            Wire::Cut => return,
            Wire::NotThere if writes.is_none() => blank(bytes),
            Wire::NotThere | Wire::Sound => {}
        }
        if let (Some(writes), Some(write)) = (writes, write(bytes)) {
            writes.lock().unwrap_or_else(PoisonError::into_inner).push(write);
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

/// Modbus TCP: seven bytes of head, the function, the count of bytes, the registers.
fn blank(answer: &mut [u8]) {
    if answer.get(7) == Some(&3) {
        for register in answer[9..].chunks_exact_mut(2) {
            register.copy_from_slice(&[0x80, 0x00]);
        }
    }
}

/// The first register and the values of a request that writes; a client sends one request at a time.
fn write(request: &[u8]) -> Option<(u16, Vec<u16>)> {
    let word = |at: usize| Some(u16::from_be_bytes([*request.get(at)?, *request.get(at + 1)?]));
    match request.get(7)? {
        6 => Some((word(8)?, vec![word(10)?])),
        16 => Some((word(8)?, (0..usize::from(word(10)?)).map_while(|index| word(13 + 2 * index)).collect())),
        _ => None,
    }
}
