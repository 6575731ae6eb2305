//! The simulated house: PV, battery, grid meter, heat pump, room, tank, weather and prices, whose devices answer over
//! real Modbus TCP and MQTT. Nothing of it is known to the gateway but what it reads there.
//!
//! ```text
//!   clock --> [ world: weather, household, house ] <- controls -- inverter  (Modbus TCP, units 1 and 200)
//!   compute ->[ steps of at most 10 s           ] --- values --> heat pump (Modbus TCP, unit 1)
//!                                                            --> plug, spot prices, forecasts (MQTT)
//! ```
//!
//! The definitions that read it:
//!
//! | device | definition | address |
//! |---|---|---|
//! | inverter, battery and grid meter | `fronius-gen24`: inverter on unit 1, meter on unit 200 | `tcp://` + [`Running::inverter`] |
//! | heat pump, tank, room, outdoor air | `lambda-eu-l`: unit 1 | `tcp://` + [`Running::heat_pump`] |
//! | the compute box's plug | `shelly-plug` with the prefix [`PREFIX`] | the broker |
//!
//! Spot prices are retained as JSON on [`SPOT`]: `{"slots":[{"start":"2026-04-10T00:00:00Z","eur_per_kwh":0.0812},..]}`,
//! in slots of 15 minutes, the local day at once and the next day from 13:00 local time on. The forecast of PV power and
//! outdoor temperature is retained on [`OUTLOOK`]: `{"slots":[{"start":"2026-04-10T00:00:00Z","w":1200.0,"c":4.5},..]}`.
//!
//! Everything random is a pure function of seed and house time. Watchdogs of the devices (dead-man switches) run by the
//! machine's clock, as the wires do that they watch.

/// The battery of a hybrid inverter.
pub mod battery;
/// The house as one pure step.
pub mod house;
/// How late the devices show and obey.
pub mod latency;
/// What the household draws.
pub mod load;
/// Where the house stands.
pub mod place;
/// Sun, clouds and temperature.
pub mod weather;

mod faults;
mod heat_pump;
mod inverter;
mod lambda;
mod modbus;
mod noise;
mod outlook;
mod plug;
mod sunspec;
mod tariff;
mod world;

pub use faults::{Device, Fault, Faults};
pub use noise::mix;
pub use plug::{OUTLOOK, PREFIX, SPOT};

use crate::error::Error;
use crate::mqtt;
use house::{House, State};
use latency::Latency;
use outlook::Outlook;
use place::Place;
use plant::time::Timestamp;
use plant::units::Watts;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tariff::Market;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use weather::{Sky, Weather};
use world::World;

/// Wall time between two looks at the clock.
const TICK: Duration = Duration::from_millis(200);

/// House time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a simulated house needs.
#[derive(Clone)]
pub struct SimConfig {
    /// House time.
    pub clock: Clock,
    /// How much faster house time runs than the machine's; for the watchdogs.
    pub speed: f64,
    /// Where plug, prices and forecasts are published.
    pub broker: mqtt::Broker,
    /// What the compute box draws.
    pub compute: watch::Receiver<Watts>,
    /// Which household, clouds and prices.
    pub seed: u64,
    /// What the house is made of; `house.compute_into` says where compute's heat goes.
    pub house: House,
    /// What its stores and meters begin with.
    pub state: State,
    /// Where it stands.
    pub place: Place,
    /// What kind of days it has.
    pub sky: Sky,
    /// How late its devices show and obey.
    pub latency: Latency,
    /// Where the inverter listens; port 0 for a free one.
    pub inverter: SocketAddr,
    /// Where the heat pump listens; port 0 for a free one.
    pub heat_pump: SocketAddr,
}

impl SimConfig {
    /// A house in the default place under sunny skies, its devices as late as real ones, on free ports of this machine.
    pub fn new(
        clock: Clock,
        speed: f64,
        broker: mqtt::Broker,
        compute: watch::Receiver<Watts>,
        seed: u64,
    ) -> SimConfig {
        let free = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        SimConfig {
            clock,
            speed,
            broker,
            compute,
            seed,
            house: House::default(),
            state: State::default(),
            place: Place::default(),
            sky: Sky::Sunny,
            latency: Latency::default(),
            inverter: free,
            heat_pump: free,
        }
    }
}

/// A simulated house at work.
#[derive(Debug)]
pub struct Running {
    /// Where the inverter (unit 1) and the grid meter (unit 200) answer.
    pub inverter: SocketAddr,
    /// Where the heat pump (unit 1) answers.
    pub heat_pump: SocketAddr,
    world: Arc<Mutex<World>>,
    faults: Faults,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// The switches for bad days.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// The truth about the house at its newest moment, to hold the readings against.
    pub fn truth(&self) -> World {
        *self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for all tasks after the shutdown.
    pub async fn stopped(self) {
        for task in self.tasks {
            // A task that panicked has already said so.
            task.await.ok();
        }
    }
}

/// Starts the house. When this returns, its Modbus devices answer; its MQTT side connects on its own time.
///
/// # Errors
/// A port for one of its devices cannot be had.
pub async fn start(config: SimConfig, shutdown: CancellationToken) -> Result<Running, Error> {
    let weather = Weather { place: config.place, sky: config.sky, seed: config.seed };
    let world = World::new(config.house, config.state, weather, (config.clock)(), config.speed).late(config.latency);
    let world = Arc::new(Mutex::new(world));
    let faults = Faults::default();

    let registers = inverter::Inverter { world: world.clone(), faults: faults.clone(), frozen: Mutex::default() };
    let refused = |who, address| move |error: std::io::Error| Error::Listen { who, address, why: error.to_string() };
    let inverter = modbus::serve(config.inverter, registers, faults.clone(), shutdown.clone())
        .await
        .map_err(refused("simulated inverter", config.inverter))?;
    let registers = lambda::Lambda { world: world.clone(), faults: faults.clone(), frozen: Mutex::default() };
    let heat_pump = modbus::serve(config.heat_pump, registers, faults.clone(), shutdown.clone())
        .await
        .map_err(refused("simulated heat pump", config.heat_pump))?;

    let voices = plug::Voices {
        world: world.clone(),
        market: Market { weather },
        outlook: Outlook { weather, house: config.house },
        faults: faults.clone(),
        broker: config.broker,
    };
    let voices = tokio::spawn(voices.run(shutdown.clone()));
    let living = tokio::spawn(live(world.clone(), config.clock, config.compute, shutdown));
    Ok(Running {
        inverter: inverter.address,
        heat_pump: heat_pump.address,
        world,
        faults,
        tasks: vec![inverter.task, heat_pump.task, voices, living],
    })
}

async fn live(world: Arc<Mutex<World>>, clock: Clock, compute: watch::Receiver<Watts>, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = tick.tick() => {
                let watts = *compute.borrow();
                world.lock().unwrap_or_else(PoisonError::into_inner).advance(clock(), watts);
            }
        }
    }
}

#[cfg(test)]
mod tests;
