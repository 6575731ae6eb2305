//! Prices and forecasts for the time ahead, from a broker's topics, from services of prices and from addresses on the web.
//!
//! ```text
//!   service --Ask--> fetch --body--> Service::read --Answer--> slots --Outlook--> Desk --> loop, cache on the disk, board
//!   topic ------------------------> own ------------^
//! ```
//!
//! What cannot be read is refused with the name of its source and asked for again; what is known stays known. A value that is not
//! plausible makes its own slot unknown and no other.

/// Asks a source again and again.
mod address;
/// What a source answers.
mod answer;
/// The state of all feeds.
mod board;
/// What outlasts a restart.
mod cache;
/// Days of a price area.
mod days;
/// Where what was read is handed in.
mod desk;
/// HTTP.
mod fetch;
/// Services of forecasts.
mod forecast;
/// JSON as the world writes it.
mod lenient;
/// The shape of HeatMine's own topics.
mod own;
/// Which of several forecasts counts.
mod ranking;
/// Rows of the usual form.
mod rows;
/// When a source is asked next.
mod schedule;
/// What is known of a service.
mod service;
/// The services.
mod services;
/// From entries to quarter hours.
mod slots;
/// The broker's topics.
mod topics;
/// Units and currencies.
mod unit;
/// XML.
mod xml;

pub use board::Board;
pub use desk::Shore;

use crate::broker::Dial;
use crate::config::Config;
use crate::config::home_assistant::HomeAssistantConfig;
use crate::config::tariff::TariffConfig;
use desk::Desk;
use service::Place;
use tokio_util::sync::CancellationToken;

/// The largest message that is read.
const MESSAGE_MAX: usize = 2 << 20;

/// The feeds that the owner names.
#[derive(Clone, Debug, Default)]
pub struct Feeds {
    /// `[tariff]`.
    pub tariff: TariffConfig,
    /// `[home_assistant]`, which a sensor is read from.
    pub home_assistant: HomeAssistantConfig,
    /// The currency that the house counts in, as an ISO code.
    pub currency: String,
    /// `[[forecast]]`.
    pub forecasts: Forecasts,
}

/// The services of forecasts that the owner names.
#[derive(Clone, Debug, Default)]
pub struct Forecasts(Vec<forecast::Source>);

impl Feeds {
    /// Those of a configuration.
    pub fn of(config: &Config) -> Self {
        let (tariff, home_assistant) = (config.tariff.clone(), config.home_assistant.clone());
        let forecasts = Forecasts(forecast::sources(config));
        Self { tariff, home_assistant, currency: config.site.currency.clone(), forecasts }
    }
}

/// Listens for prices and forecasts until `shutdown`.
pub async fn run(feeds: Feeds, broker: Option<impl Dial>, shore: Shore, shutdown: CancellationToken) {
    let mut steps = shore.clock.steps();
    let desk = Desk::open(shore, feeds.currency.clone());
    while !shutdown.is_cancelled() {
        let stop = shutdown.child_token();
        let reading = read(&feeds, broker.clone(), &desk, &stop);
        tokio::pin!(reading);
        tokio::select! {
            biased;
            () = &mut reading => return,
            // What was said for other days than the wrong clock's is asked for again.
            _ = steps.changed() => {
                stop.cancel();
                reading.await;
            }
        }
    }
}

/// Listens until `shutdown`.
async fn read(feeds: &Feeds, broker: Option<impl Dial>, desk: &Desk, shutdown: &CancellationToken) {
    let Feeds { tariff, home_assistant, currency, forecasts } = feeds;
    let spot_topic = tariff.spot.as_ref().and_then(|spot| spot.topic.clone());
    let outlook_topic = tariff.outlook.as_ref().map(|outlook| outlook.topic.clone());
    let own = home_assistant.url.as_ref().map(|url| Place {
        base: url.trim_end_matches('/').to_owned(),
        key: home_assistant.token.clone().unwrap_or_default(),
        ..Place::default()
    });
    let source = tariff.spot.as_ref().and_then(|spot| services::source(spot, currency, own.as_ref()));
    let from_topics = async {
        match broker {
            Some(broker) if spot_topic.is_some() || outlook_topic.is_some() => {
                topics::run(broker, spot_topic, outlook_topic, desk, shutdown).await;
            }
            Some(_) | None => std::future::pending().await,
        }
    };
    let from_address = async {
        match source {
            Some(source) => address::run(&source, desk, shutdown).await,
            None => std::future::pending().await,
        }
    };
    let services =
        forecasts.0.iter().enumerate().map(|(index, source)| forecast::run(source, index + 1, desk, shutdown));
    let from_services = async {
        futures_util::future::join_all(services).await;
        if !shutdown.is_cancelled() {
            // There are none, or nothing can be asked.
            std::future::pending::<()>().await;
        }
    };
    // Either ends with `shutdown`; one that ends before has failed.
    tokio::select! {
        biased;
        () = from_topics => {}
        () = from_address => {}
        () = from_services => {}
        () = shutdown.cancelled() => {}
    }
}

#[cfg(test)]
mod shared_test;
