//! Where everything of one gateway lies on the broker.

use crate::config::home_assistant::HomeAssistantConfig;

/// Last part of the topics that carry commands.
pub const SET: &str = "set";

/// A topic with the gateway's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// What is measured this second; not kept by the broker, since it is worth nothing later.
    Live,
    /// Energies and tokens since the books began.
    Counters,
    /// Money of the day, the month and all time.
    Earnings,
    /// The reason, the sentence and the three numbers.
    Decision,
    /// The slots ahead.
    Plan,
    /// The engine, the devices and what is wrong with them.
    Health,
    /// The mode, as a bare word.
    Mode,
    /// The cap on compute power, as bare watts.
    PowerLimit,
}

impl State {
    /// Every state topic.
    pub const ALL: [State; 8] = [
        State::Live,
        State::Counters,
        State::Earnings,
        State::Decision,
        State::Plan,
        State::Health,
        State::Mode,
        State::PowerLimit,
    ];

    /// Last part of the topic.
    pub fn name(self) -> &'static str {
        match self {
            State::Live => "live",
            State::Counters => "counters",
            State::Earnings => "earnings",
            State::Decision => "decision",
            State::Plan => "plan",
            State::Health => "health",
            State::Mode => "mode",
            State::PowerLimit => "power_limit",
        }
    }

    /// Whether the broker keeps the newest message for those who come later.
    pub fn retained(self) -> bool {
        match self {
            State::Live => false,
            State::Counters
            | State::Earnings
            | State::Decision
            | State::Plan
            | State::Health
            | State::Mode
            | State::PowerLimit => true,
        }
    }
}

/// The names of one gateway on the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    /// The gateway's name in ids, fit for an entity id.
    pub node: String,
    /// What all of its own topics begin with.
    pub base: String,
    /// Where Home Assistant looks for the device's description.
    pub discovery: String,
    /// Home Assistant's birth and will.
    pub birth: String,
}

impl Topics {
    /// The names that follow from the configuration: `<prefix>/<node>`, or `<prefix>` alone where the node has the same name.
    pub fn new(config: &HomeAssistantConfig, prefix: &str) -> Self {
        let (node, prefix) = (&config.node_id, prefix.trim_end_matches('/'));
        Self {
            node: node.replace('-', "_"),
            base: if node == prefix { prefix.to_owned() } else { format!("{prefix}/{node}") },
            discovery: format!("{}/device/{node}/config", config.discovery_prefix.trim_end_matches('/')),
            birth: config.status_topic.clone(),
        }
    }

    /// A topic with state.
    pub fn state(&self, state: State) -> String {
        format!("{}/{}", self.base, state.name())
    }

    /// `online` while the gateway runs; `offline` is its will.
    pub fn availability(&self) -> String {
        format!("{}/status", self.base)
    }

    /// What is wrong with the configuration, before the house starts.
    pub fn setup(&self) -> String {
        format!("{}/setup", self.base)
    }

    /// Where the entity for that is described.
    pub fn setup_discovery(&self, config: &HomeAssistantConfig) -> String {
        format!("{}/device/{}_setup/config", config.discovery_prefix.trim_end_matches('/'), config.node_id)
    }

    /// Where a refused command is answered.
    pub fn error(&self) -> String {
        format!("{}/error", self.base)
    }

    /// The topic of a command.
    pub fn command(&self, name: &str) -> String {
        format!("{}/{name}/{SET}", self.base)
    }

    /// The command that a topic names; `None` for a topic that carries no command of this gateway.
    pub fn commanded<'a>(&self, topic: &'a str) -> Option<&'a str> {
        topic.strip_prefix(&self.base)?.strip_prefix('/')?.strip_suffix(SET)?.strip_suffix('/')
    }

    /// What to listen to.
    pub fn subscriptions(&self) -> Vec<String> {
        vec![self.birth.clone(), self.command("+")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_named_like_its_prefix_says_so_once() {
        let config = HomeAssistantConfig::default();
        let topics = Topics::new(&config, "heatmine");
        assert_eq!(topics.command("mode"), "heatmine/mode/set");
        assert_eq!(topics.commanded("heatmine/mode/set"), Some("mode"));
        assert_eq!(topics.commanded("heatmine/mode"), None);
        assert_eq!(topics.commanded("heatmineX/mode/set"), None);
        assert_eq!(topics.discovery, "homeassistant/device/heatmine/config");

        let cabin = Topics::new(&HomeAssistantConfig { node_id: "the-cabin".into(), ..config }, "heatmine/");
        assert_eq!(cabin.state(State::Live), "heatmine/the-cabin/live");
        assert_eq!(cabin.node, "the_cabin", "an entity id has no hyphen");
    }
}
