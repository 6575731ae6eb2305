//! The border to the world outside this process: devices on their wires, the broker and the engine. It is passed in
//! once; the program brings [`super::wires::Wires`], a test a simulated house.

use crate::broker::Dial;
use crate::config::Loaded;
use crate::engine::Engine;
use crate::host::{GracefulShutdown, Host, Inputs};
use anyhow::Result;
use drivers::device::{Channels, DeviceConfig};
use tokio_util::sync::CancellationToken;

/// The world outside. Clones are the same.
pub(super) trait Outside: Clone + Send + Sync + 'static {
    /// How the engine is reached.
    type Engine: Engine;
    /// How the broker is reached.
    type Broker: Dial;

    /// Works a device until `stop`, gives it its own control back, and returns. To be run [`Outside::apart`].
    fn device(
        &self,
        config: DeviceConfig,
        channels: Channels,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static;

    /// The broker, where there is one.
    fn broker(&self, loaded: &Loaded) -> Option<Self::Broker>;

    /// The engine, and the address of its interface for clients, as `http://host:port`.
    fn engine(&self, loaded: &Loaded) -> Result<(Self::Engine, String)>;

    /// Starts a task where nothing that hangs holds it up; the future ends with it.
    fn apart(&self, task: impl Future<Output = ()> + Send + 'static) -> impl Future<Output = ()> + Send + 'static;

    /// Runs the loop until `shutdown`, where a loop that hangs holds up nothing else.
    ///
    /// # Errors
    /// The loop failed, or did not end.
    fn drive(
        &self,
        host: Host,
        inputs: Inputs,
        shutdown: CancellationToken,
    ) -> impl Future<Output = Result<GracefulShutdown>>;
}
