//! The publishers: they carry the newest record to the world. Each has a task of its own; none can hold up the loop.

/// Home Assistant, over MQTT discovery.
pub mod home_assistant;
/// History for an InfluxDB-style database.
pub mod influx;
