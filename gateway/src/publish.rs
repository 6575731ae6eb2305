//! Those who tell the world what the record says. Each has a task of its own; none can hold up the loop.

/// Home Assistant, over MQTT discovery.
pub mod home_assistant;
/// History for an InfluxDB-style database.
pub mod influx;
