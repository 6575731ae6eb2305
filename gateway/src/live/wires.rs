//! The world outside as it is: devices over Modbus and MQTT, the engine as a process or on another machine.

use super::outside::Outside;
use super::thread::Thread;
use crate::config::Loaded;
use crate::engine::{Launch, Worker};
use crate::host::{GracefulShutdown, Host, Inputs};
use anyhow::{Context, Result, bail};
use drivers::device::{self, Channels, DeviceConfig};
use drivers::mqtt::Broker;
use drivers::pace::Pace;
use inference::client;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the loop may take to end: a hanging one must not keep the devices from being given back.
const LOOP_END: Duration = Duration::from_secs(5);

/// The wires of a house.
#[derive(Clone, Debug)]
pub(super) struct Wires {
    /// House time to wall time.
    pace: Pace,
    /// Where those live that hold the devices and the engine.
    leases: Arc<Thread>,
}

impl Wires {
    /// The wires of a house whose time has this pace.
    pub(super) fn new(pace: Pace) -> Result<Self> {
        Ok(Self { pace, leases: Arc::new(Thread::start("leases")?) })
    }
}

impl Outside for Wires {
    type Engine = Worker;
    type Broker = Broker;

    fn device(
        &self,
        config: DeviceConfig,
        channels: Channels,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        device::run(config, self.pace, channels, stop)
    }

    fn apart(&self, task: impl Future<Output = ()> + Send + 'static) -> impl Future<Output = ()> + Send + 'static {
        let task = self.leases.spawn(task);
        async move {
            let _ = task.await;
        }
    }

    fn broker(&self, loaded: &Loaded) -> Option<Broker> {
        loaded.broker.clone()
    }

    fn engine(&self, loaded: &Loaded) -> Result<(Worker, String)> {
        let (launch, url) = match &loaded.config.worker.url {
            Some(url) => (None, url.trim_end_matches('/').to_owned()),
            None => {
                let wanted = loaded.worker_listen;
                let listen = free(wanted)
                    .with_context(|| format!("cannot listen on {wanted} for the worker ([worker] listen)"))?;
                (Some(launch(loaded, listen)?), format!("http://{listen}"))
            }
        };
        let client = client::Worker::new(&url).context("the client to the worker could not be made")?;
        Ok((Worker { launch, client }, url))
    }

    async fn drive(&self, host: Host, inputs: Inputs, shutdown: CancellationToken) -> Result<GracefulShutdown> {
        let thread = Thread::start("loop")?;
        let work = thread.spawn(host.run(inputs, shutdown.clone()));
        let hangs = async {
            shutdown.cancelled().await;
            tokio::time::sleep(LOOP_END).await;
        };
        tokio::select! {
            rest = work => rest.context("the control loop has failed"),
            () = hangs => bail!("the control loop hangs; it was left behind, and its last seconds are not in the books"),
        }
    }
}

/// How the worker is started that listens at `listen`.
fn launch(loaded: &Loaded, listen: SocketAddr) -> Result<Launch> {
    let Loaded { config, site, data_dir, experts_dir, .. } = loaded;
    let (config, compute) = (&config.worker, &site.compute);
    let mut arguments: Vec<OsString> = vec!["worker".into()];
    let mut add = |name: &str, value: OsString| arguments.extend([name.into(), value]);
    add("--listen", listen.to_string().into());
    add("--experts", experts_dir.into());
    add("--data", data_dir.join("worker").into());
    add("--parallel", config.parallel.to_string().into());
    add("--context", config.context.to_string().into());
    add("--idle-w", compute.idle.0.to_string().into());
    add("--max-w", compute.max.0.to_string().into());
    add("--budget", "0".into());
    if let Some(expert) = &config.expert {
        add("--model", expert.into());
    }
    if let Some(threads) = config.threads {
        add("--threads", threads.to_string().into());
    }
    arguments.push("--supervised".into());
    let program = std::env::current_exe().context("the path of this program is unknown")?.into();
    Ok(Launch { program, arguments })
}

/// A port that is free now, so that the worker keeps it over its restarts.
fn free(listen: SocketAddr) -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind(listen)?.local_addr()
}
