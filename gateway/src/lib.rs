//! The shell around the core: reads clocks, files and sockets, carries events in and effects out.

/// What a publisher is given.
pub mod wiring;
/// The configuration, read and checked as a whole.
pub mod config;
/// House time, and the one reader of the machine's clock.
pub mod clock;
/// Queries that somebody is waiting for.
pub mod interactive;
/// What is kept on disk.
pub mod store;
/// The page and the HTTP interface.
pub mod http;
/// Those who tell the world: Home Assistant, history databases.
pub mod publish;
/// Things done at fixed local times.
pub mod schedule;
/// Deferrable work.
pub mod jobs;
/// The books through bad days.
pub mod books;
/// Setpoints on their way to devices and engine.
pub mod actuate;
/// Everything the core was told, one line each.
pub mod recording;
/// The live loop.
pub mod host;
/// The host that plays a recording again.
pub mod replay;
/// The host in virtual time.
pub mod simulate;
/// Prices and forecasts from outside.
pub mod feeds;
/// The engine's process.
pub mod supervise;
/// The live host put together.
pub mod live;
/// The main job without hardware or accounts.
pub mod demo;
/// The command line.
pub mod cli;
/// What Home Assistant's Supervisor tells an app.
pub mod supervisor;
