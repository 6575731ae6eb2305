//! A Modbus TCP server over a device's registers, for several clients at a time, with faults.

use super::faults::{Device, Fault, Faults};
use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_modbus::prelude::{ExceptionCode, Request, Response, SlaveRequest};
use tokio_modbus::server::Service;
use tokio_modbus::server::tcp::Server;
use tokio_util::sync::CancellationToken;

/// What a device shows and takes on the wire. Two implementations: the inverter with its meter, and the heat pump.
pub(super) trait Registers: Send + Sync + 'static {
    /// The device whose faults close the port.
    const PORT: Device;
    /// Which device answers as `unit`; `None` where nobody does.
    fn device(&self, unit: u8) -> Option<Device>;
    /// Holding registers from `address` on.
    fn read(&self, unit: u8, address: u16, count: u16) -> Result<Vec<u16>, ExceptionCode>;
    /// Writes holding registers from `address` on; `single` where the client used function 6.
    fn write(&self, unit: u8, address: u16, values: &[u16], single: bool) -> Result<(), ExceptionCode>;
}

/// A server's address and task.
pub(super) struct Serving {
    pub(super) address: SocketAddr,
    pub(super) task: JoinHandle<()>,
}

/// Serves `registers` at `listen` (port 0 for a free one) until `shutdown`.
pub(super) async fn serve<R: Registers>(
    listen: SocketAddr,
    registers: R,
    faults: Faults,
    shutdown: CancellationToken,
) -> io::Result<Serving> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let service = Arc::new(Answers { registers, faults: faults.clone() });
    let task = tokio::spawn(async move {
        let mut listener = Some(listener);
        while !shutdown.is_cancelled() {
            let Some(open) = listener.take().or_else(|| rebind(address)) else {
                // Another program may hold the port for a moment.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = accept(open, &service) => {}
                // Dropping the server closes its port and its connections.
                () = faults.until(R::PORT, Fault::Refused, true) => {}
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = faults.until(R::PORT, Fault::Refused, false) => {}
            }
        }
    });
    Ok(Serving { address, task })
}

fn rebind(address: SocketAddr) -> Option<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.ok()?;
    socket.set_reuseaddr(true).ok()?;
    socket.bind(address).ok()?;
    socket.listen(64).ok()
}

async fn accept<R: Registers>(listener: TcpListener, service: &Arc<Answers<R>>) {
    let connected = |stream: tokio::net::TcpStream, _peer: SocketAddr| {
        let service = service.clone();
        async move {
            stream.set_nodelay(true).ok();
            Ok(Some((service, stream)))
        }
    };
    let served =
        Server::new(listener).serve(&connected, |error| tracing::debug!(%error, "a modbus client is gone")).await;
    if let Err(error) = served {
        tracing::warn!(%error, "the simulated device stopped listening; it starts again");
    }
}

struct Answers<R> {
    registers: R,
    faults: Faults,
}

impl<R: Registers> Answers<R> {
    fn answer(&self, unit: u8, request: &Request<'static>) -> Result<Option<Response>, ExceptionCode> {
        let Some(device) = self.registers.device(unit) else {
            return Err(ExceptionCode::GatewayTargetDevice);
        };
        if self.faults.of(device) == Fault::Silent {
            return Ok(None);
        }
        match request {
            Request::ReadHoldingRegisters(address, count) => {
                if !(1..=125).contains(count) {
                    return Err(ExceptionCode::IllegalDataValue);
                }
                self.registers.read(unit, *address, *count).map(|values| Some(Response::ReadHoldingRegisters(values)))
            }
            Request::WriteSingleRegister(address, value) => {
                self.registers.write(unit, *address, &[*value], true)?;
                Ok(Some(Response::WriteSingleRegister(*address, *value)))
            }
            Request::WriteMultipleRegisters(address, values) => {
                self.registers.write(unit, *address, values, false)?;
                Ok(Some(Response::WriteMultipleRegisters(*address, values.len() as u16)))
            }
            Request::ReadCoils(..)
            | Request::ReadDiscreteInputs(..)
            | Request::WriteSingleCoil(..)
            | Request::WriteMultipleCoils(..)
            | Request::ReadInputRegisters(..)
            | Request::ReportServerId
            | Request::MaskWriteRegister(..)
            | Request::ReadWriteMultipleRegisters(..)
            | Request::ReadDeviceIdentification(..)
            | Request::Custom(..) => Err(ExceptionCode::IllegalFunction),
        }
    }
}

impl<R: Registers> Service for Answers<R> {
    type Request = SlaveRequest<'static>;
    type Response = Option<Response>;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Option<Response>, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        ready(self.answer(request.slave, &request.request))
    }
}
