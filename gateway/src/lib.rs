//! The shell around the core: reads clocks, files and sockets, carries events in and effects out.

/// Setpoints on their way to devices and engine.
pub mod actuate;
/// HeatMine as an app of Home Assistant.
pub mod addon;
/// The books through bad days.
pub mod books;
/// The border to the MQTT broker.
pub mod broker;
/// The command line.
pub mod cli;
/// House time, and the one reader of the machine's clock.
pub mod clock;
/// The keeper of the commands in force.
pub mod commands;
/// The configuration, read and checked as a whole.
pub mod config;
/// What follows when somebody confirms.
pub mod confirm;
/// The keeper of what the devices are owed.
pub mod debts;
/// The main job without hardware or accounts.
pub mod demo;
/// The grid operator's signal out of Home Assistant.
pub mod dimming;
/// The engine, seen from the gateway.
pub mod engine;
/// Prices and forecasts from outside.
pub mod feeds;
/// The live loop.
pub mod host;
/// The page and the HTTP interface.
pub mod http;
/// Queries that somebody is waiting for.
pub mod interactive;
/// Deferrable work.
pub mod jobs;
/// Who holds the controls, seen past the loop.
pub mod leases;
/// The live host put together.
pub mod live;
/// What somebody must confirm.
pub mod notices;
/// Messages to systemd.
pub mod notify;
/// Plans, off the loop's thread.
pub mod planning;
/// What a box would bring before it is bought.
mod prospect;
/// The publishers: Home Assistant, history databases.
pub mod publish;
/// Every event and every decision, one line each.
pub mod recording;
/// What of broken files can be read.
pub mod repair;
/// The host that plays a recording again.
pub mod replay;
/// Things done at fixed local times.
pub mod schedule;
/// The host in virtual time.
pub mod simulate;
/// The solver of the planner's programs.
mod solver;
/// Where the configuration comes from.
pub mod source;
/// What is kept on disk.
pub mod store;
/// Standard output.
pub mod terminal;
/// What is wrong around the loop.
pub mod troubles;
/// What a publisher is given.
pub mod wiring;
