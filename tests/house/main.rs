//! Black-box tests: the built `heatmine` binary against real peers.

/// The app for Home Assistant OS.
mod app;
/// What is killed, cut off, filled up or talks nonsense.
mod bad_days;
/// A browser and what a person does in it.
mod browser;
/// Databases that peers are.
mod database;
/// Experts that the engine cannot serve.
mod experts;
/// History in real databases, and what Grafana asks them.
mod history;
/// The real Home Assistant sees the demo.
mod home_assistant;
/// The judge's houses.
mod judge;
/// What people mistype, mix up and break.
mod mistakes;
/// The page, looked at in a browser.
mod page;
/// The peers and how they are started.
mod peer;
/// The licences, duplicates and sources of what is shipped.
mod policy;
/// What version 0.1.0 wrote and published.
mod release;
/// Weeks of each season, planned in houses that somebody else simulates.
mod seasons;
/// One second at a time, beside others.
mod seconds;
/// A service of systemd.
mod service;
/// A configuration that is not right.
mod setup;
/// Weeks of houses that somebody else simulates.
mod worlds;
