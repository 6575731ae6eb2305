//! The border to the world outside this process: devices on their wires, the broker and the engine. It is passed in
//! once; the program brings [`super::wires::Wires`], a test a simulated house.

use crate::broker::Dial;
use crate::config::Loaded;
use crate::engine::Engine;
use anyhow::Result;
use drivers::device::{DeviceConfig, Report};
use plant::decision::Setpoint;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The channels between a device and the loop.
#[derive(Debug)]
pub(super) struct Line {
    /// What the device says.
    pub reports: mpsc::Sender<Report>,
    /// What it shall do.
    pub setpoints: mpsc::Receiver<Setpoint>,
    /// Cancelled when the loop has ended: then the device gets its own control back.
    pub stop: CancellationToken,
}

/// The world outside.
pub(super) trait Outside {
    /// How the engine is reached.
    type Engine: Engine;
    /// How the broker is reached.
    type Broker: Dial;

    /// Works a device until its line says stop; returns at its end.
    fn device(&self, config: DeviceConfig, line: Line) -> impl Future<Output = ()> + Send + 'static;

    /// The broker, where there is one.
    fn broker(&self, loaded: &Loaded) -> Option<Self::Broker>;

    /// The engine, and the address of its interface for clients, as `http://host:port`.
    fn engine(&self, loaded: &Loaded) -> Result<(Self::Engine, String)>;
}
