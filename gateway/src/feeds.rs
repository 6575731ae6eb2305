//! Prices and forecasts for the time ahead, from a broker's topics and from the web. What cannot be read is refused with
//! the name of its source; what is known stays known.

mod address;
mod market;
mod slots;
mod topics;

use crate::broker::Dial;
use crate::clock::Clock;
use crate::config::tariff::TariffConfig;
use plant::event::Event;
use plant::outlook::Outlook;
use plant::time::{Slot, Timestamp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The largest message that is read.
const MESSAGE_MAX: usize = 2 << 20;
/// Slots before this many have no use: a day is enough to see what was.
const PAST_MAX: i64 = 96;
/// Slots beyond this many are nobody's honest knowledge: two weeks.
const AHEAD_MAX: i64 = 14 * 96;

/// Listens for prices and forecasts until `shutdown`.
pub async fn run(
    config: TariffConfig,
    broker: Option<impl Dial>,
    clock: Clock,
    events: mpsc::Sender<Event>,
    shutdown: CancellationToken,
) {
    let mut steps = clock.steps();
    let desk = Desk { clock, events };
    while !shutdown.is_cancelled() {
        let stop = shutdown.child_token();
        let reading = read(&config, broker.clone(), &desk, &stop);
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
async fn read(config: &TariffConfig, broker: Option<impl Dial>, desk: &Desk, shutdown: &CancellationToken) {
    let spot_topic = config.spot.as_ref().and_then(|spot| spot.topic.clone());
    let outlook_topic = config.outlook.as_ref().map(|outlook| outlook.topic.clone());
    let address = config.spot.as_ref().and_then(|spot| Some((spot.url.clone()?, spot.refresh_s)));
    let from_topics = async {
        match broker {
            Some(broker) if spot_topic.is_some() || outlook_topic.is_some() => {
                topics::run(broker, spot_topic, outlook_topic, desk, shutdown).await;
            }
            Some(_) | None => std::future::pending().await,
        }
    };
    let from_address = async {
        match address {
            Some((url, refresh_s)) => address::run(&url, refresh_s, desk, shutdown).await,
            None => std::future::pending().await,
        }
    };
    // Either ends with `shutdown`; one that ends before has failed.
    tokio::select! {
        biased;
        () = from_topics => {}
        () = from_address => {}
        () = shutdown.cancelled() => {}
    }
}

/// Where what was read is handed in.
struct Desk {
    clock: Clock,
    events: mpsc::Sender<Event>,
}

impl Desk {
    /// Hands in what `source` says, or warns that it cannot be read. Returns whether it was of use.
    async fn take(&self, source: &str, read: Result<Outlook, String>) -> bool {
        let outlook = read.and_then(|outlook| timely(outlook, self.clock.now()));
        match outlook {
            Ok(outlook) => {
                tracing::debug!(source, slots = outlook.spot.len(), "prices or forecasts arrived");
                self.events.send(Event::Outlook(Box::new(outlook))).await.is_ok()
            }
            Err(why) => {
                tracing::warn!(source, why, "prices or forecasts were refused");
                false
            }
        }
    }
}

/// The part of an outlook that is neither long past nor absurdly far ahead.
fn timely(mut outlook: Outlook, now: Timestamp) -> Result<Outlook, String> {
    let slot = Slot::containing(now);
    let range = slot.plus(-PAST_MAX)..slot.plus(AHEAD_MAX);
    outlook.spot.retain(|slot, _| range.contains(slot));
    outlook.pv.retain(|slot, _| range.contains(slot));
    outlook.load.retain(|slot, _| range.contains(slot));
    outlook.outdoor.retain(|slot, _| range.contains(slot));
    outlook.carbon.retain(|slot, _| range.contains(slot));
    if outlook == Outlook::default() {
        return Err(format!("nothing in it is for the days around {}", now.format("%Y-%m-%d %H:%M UTC")));
    }
    Ok(outlook)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::units::EurPerKwh;

    #[test]
    fn what_is_long_past_or_far_ahead_is_left_out() {
        let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let at = |text: &str| (Slot::containing(text.parse().unwrap()), EurPerKwh(0.1));
        let spot = [at("2026-05-20T12:00:00Z"), at("2026-06-01T13:00:00Z"), at("2027-01-01T00:00:00Z")];
        let outlook = Outlook { spot: spot.into_iter().collect(), ..Outlook::default() };
        assert_eq!(timely(outlook.clone(), now).unwrap().spot.len(), 1);
        let error = timely(outlook, "2026-01-01T00:00:00Z".parse().unwrap()).unwrap_err();
        assert_eq!(error, "nothing in it is for the days around 2026-01-01 00:00 UTC");
    }
}
