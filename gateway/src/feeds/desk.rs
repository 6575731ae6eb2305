//! Where what was read is handed in: to the loop, to the disk, and to whoever wants to know how old it is.

use super::answer::{Answer, Refused};
use super::board::Board;
use super::cache::{Cache, Cached};
use super::ranking::Ranking;
use super::slots::{Needs, Spread, spread};
use super::unit::price_max;
use crate::clock::Clock;
use crate::store::Disk;
use crate::troubles::Troubles;
use chrono_tz::Tz;
use plant::event::Event;
use plant::outlook::Outlook;
use plant::time::{Slot, Timestamp};
use plant::units::EurPerKwh;
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// Slots before this many have no use: two days are enough to see what was, and to estimate from.
const PAST_MAX: i64 = 2 * 96;
/// Slots beyond this many are nobody's honest knowledge: two weeks.
const AHEAD_MAX: i64 = 14 * 96;

/// What the feeds need of the gateway.
#[derive(Clone, Debug)]
pub struct Shore {
    /// House time.
    pub clock: Clock,
    /// The loop.
    pub events: mpsc::Sender<Event>,
    /// Where the state of each feed is shown.
    pub board: Board,
    /// Where failures are said.
    pub troubles: Troubles,
    /// The zone in which times are said.
    pub timezone: Tz,
    /// Where answers outlast a restart; `None` where they do not.
    pub disk: Option<Disk>,
}

/// What a feed brings, and where from.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    /// `prices` or `forecast`.
    pub what: &'static str,
    /// For people.
    pub source: String,
    /// For the disk: another place is another feed.
    pub key: String,
    /// A forecast's place among the others; the first of them counts first. `None`: there are no others.
    pub rank: Option<usize>,
    /// Under which its trouble is said.
    pub trouble: String,
}

impl Feed {
    /// A feed of prices.
    pub(super) fn prices(source: &str, key: &str) -> Self {
        let (what, key) = ("prices", format!("prices: {key}"));
        Self { what, source: source.to_owned(), key, rank: None, trouble: what.to_owned() }
    }

    /// The feed of forecasts that counts before all others: a topic.
    pub(super) fn forecast(source: &str) -> Self {
        let (what, key) = ("forecast", format!("forecast: {source}"));
        Self { what, source: source.to_owned(), key, rank: Some(0), trouble: what.to_owned() }
    }

    /// The feed of forecasts that counts after those of a lesser `rank`, which is 1 at least.
    pub(super) fn ranked_forecast(source: &str, key: &str, rank: usize) -> Self {
        let trouble = format!("forecast {rank}");
        Self {
            what: "forecast",
            source: source.to_owned(),
            key: format!("{trouble}: {key}"),
            rank: Some(rank),
            trouble,
        }
    }
}

/// Where what was read is handed in.
#[derive(Debug)]
pub(super) struct Desk {
    /// House time.
    pub clock: Clock,
    shore: Shore,
    cache: Cache,
    ranking: Ranking,
    /// The currency that the house counts in, as an ISO code.
    pub currency: String,
}

impl Desk {
    /// A desk of a house that counts in `currency`.
    pub(super) fn open(shore: Shore, currency: String) -> Self {
        let cache = Cache::open(shore.disk.as_ref());
        Self { clock: shore.clock.clone(), shore, cache, ranking: Ranking::default(), currency }
    }

    /// Hands in what the disk has of a feed; the prices in it.
    pub(super) async fn recall(&self, feed: &Feed) -> BTreeMap<Slot, EurPerKwh> {
        let Some(Cached { at, outlook, license }) = self.cache.recall(&feed.key).await else {
            self.shore.board.change(feed.what, &feed.source, |_| {});
            return BTreeMap::new();
        };
        let outlook = timely(outlook, self.clock.now());
        self.shore.board.change(feed.what, &feed.source, |status| {
            (status.at, status.until, status.license) = (Some(at), until(&outlook), license);
        });
        let prices = outlook.spot.clone();
        let news = match feed.rank {
            Some(rank) => self.ranking.first(rank, (at, outlook), self.clock.now()),
            None => outlook,
        };
        let _ = self.shore.events.send(Event::Outlook(Box::new(news))).await;
        prices
    }

    /// When the disk's answer of a feed came.
    pub(super) async fn heard(&self, feed: &Feed) -> Option<Timestamp> {
        self.cache.recall(&feed.key).await.map(|cached| cached.at)
    }

    /// Hands in prices; what is known of the feed's prices now. A currency other than the house's is refused.
    pub(super) async fn prices(&self, feed: &Feed, answer: Answer) -> Result<BTreeMap<Slot, EurPerKwh>, Refused> {
        if let Some(currency) = answer.currency.filter(|currency| *currency != self.currency) {
            return Err(Refused::Wrong(format!("is in {currency}; this house counts in {}", self.currency)));
        }
        let (now, most) = (self.clock.now(), price_max(&self.currency));
        let Spread { known, unknown, implausible } = spread(answer.entries, &(-most..=most), Needs::All, now);
        let spot = known.into_iter().map(|(slot, price)| (slot, EurPerKwh(price))).collect();
        let news = timely(Outlook { spot, unpriced: unknown, ..Outlook::default() }, now);
        let (priced, currency) = (!news.spot.is_empty(), &self.currency);
        let held = self.hand_in(feed, news, answer.license).await?;
        if !priced {
            return Err(Refused::Nothing(format!("has no price for the days around {}", now.format("%Y-%m-%d"))));
        }
        let doubt = implausible.map(|(at, price)| {
            format!(
                "says {price} {currency}/kWh for {}, beyond any plausible price: it is taken for unknown",
                self.moment(at)
            )
        });
        self.shore.board.change(feed.what, &feed.source, |status| status.error.clone_from(&doubt));
        match doubt {
            Some(doubt) => self.say(feed, &doubt),
            None => self.over(feed),
        }
        Ok(held.spot)
    }

    /// Hands in the forecast of a service.
    pub(super) async fn forecasts(
        &self,
        feed: &Feed,
        outlook: Outlook,
        license: Option<String>,
    ) -> Result<(), Refused> {
        self.hand_in(feed, timely(outlook, self.clock.now()), license).await?;
        self.shore.board.change(feed.what, &feed.source, |status| status.error = None);
        self.over(feed);
        Ok(())
    }

    /// Hands in a topic's forecast.
    pub(super) async fn forecast(&self, feed: &Feed, read: Result<Outlook, Refused>) {
        let now = self.clock.now();
        let handed = match read {
            Ok(outlook) => self.hand_in(feed, timely(outlook, now), None).await.map(drop),
            Err(refused) => Err(refused),
        };
        match handed {
            Ok(()) => {
                self.shore.board.change(feed.what, &feed.source, |status| status.error = None);
                self.over(feed);
            }
            Err(refused) => self.failed(feed, &refused, None),
        }
    }

    /// Sends news to the loop, and keeps them with what was known before; all of it.
    async fn hand_in(&self, feed: &Feed, news: Outlook, license: Option<String>) -> Result<Outlook, Refused> {
        let now = self.clock.now();
        if news == Outlook::default() {
            let day = now.format("%Y-%m-%d %H:%M UTC");
            return Err(Refused::Nothing(format!("has nothing for the days around {day}")));
        }
        tracing::debug!(feed = feed.key, slots = news.spot.len(), "prices or forecasts arrived");
        let mut held = self.cache.recall(&feed.key).await.map(|cached| timely(cached.outlook, now)).unwrap_or_default();
        held.spot.retain(|slot, _| !news.unpriced.contains(slot));
        held.spot.extend(&news.spot);
        held.pv.extend(&news.pv);
        held.load.extend(&news.load);
        held.outdoor.extend(&news.outdoor);
        held.irradiance.extend(&news.irradiance);
        held.hot_water.extend(&news.hot_water);
        held.carbon.extend(&news.carbon);
        let news = match feed.rank {
            Some(rank) => self.ranking.first(rank, (now, held.clone()), now),
            None => news,
        };
        let _ = self.shore.events.send(Event::Outlook(Box::new(news))).await;
        self.cache.keep(&feed.key, Cached { at: now, outlook: held.clone(), license: license.clone() }).await;
        self.shore.board.change(feed.what, &feed.source, |status| {
            (status.at, status.until, status.license) = (Some(now), until(&held), license);
        });
        Ok(held)
    }

    /// Says when a feed is asked next.
    pub(super) fn next(&self, feed: &Feed, next: Timestamp) {
        self.shore.board.change(feed.what, &feed.source, |status| status.next = Some(next));
    }

    /// Says that a feed has failed, and what is left of it.
    pub(super) fn failed(&self, feed: &Feed, why: &Refused, next: Option<Timestamp>) {
        let now = self.clock.now();
        let mut words = why.words().to_owned();
        let mut left = None;
        self.shore.board.change(feed.what, &feed.source, |status| {
            status.error = Some(words.clone());
            status.next = next;
            left = status.until;
        });
        let many = if feed.what == "forecast" { "forecasts" } else { feed.what };
        words += &match left {
            Some(until) if until > now => format!("; {many} are known until {}", self.moment(until)),
            Some(until) => format!("; {many} are missing since {}", self.moment(until)),
            None => format!("; no {many} are known"),
        };
        if let Some(next) = next {
            words += &format!("; asked again at {}", self.moment(next));
        }
        self.say(feed, &words);
    }

    fn say(&self, feed: &Feed, words: &str) {
        let sentence = format!("{} from {}: {words}", feed.what, feed.source);
        if self.shore.troubles.say(&feed.trouble, &sentence) {
            tracing::warn!(sentence, "a feed has trouble");
        }
    }

    fn over(&self, feed: &Feed) {
        if self.shore.troubles.over(&feed.trouble) {
            tracing::info!(feed = feed.source, "prices or forecasts come again");
        }
    }

    /// A moment for people, with its day where that is another.
    fn moment(&self, at: Timestamp) -> String {
        let (local, now) =
            (at.with_timezone(&self.shore.timezone), self.clock.now().with_timezone(&self.shore.timezone));
        let form = if local.date_naive() == now.date_naive() { "%H:%M" } else { "%a %d.%m. %H:%M" };
        local.format(form).to_string()
    }
}

/// The part of an outlook that is neither long past nor absurdly far ahead.
fn timely(mut outlook: Outlook, now: Timestamp) -> Outlook {
    let slot = Slot::containing(now);
    let range = slot.plus(-PAST_MAX)..slot.plus(AHEAD_MAX);
    outlook.spot.retain(|slot, _| range.contains(slot));
    outlook.unpriced.retain(|slot| range.contains(slot));
    outlook.pv.retain(|slot, _| range.contains(slot));
    outlook.load.retain(|slot, _| range.contains(slot));
    outlook.outdoor.retain(|slot, _| range.contains(slot));
    outlook.irradiance.retain(|slot, _| range.contains(slot));
    outlook.hot_water.retain(|slot, _| range.contains(slot));
    outlook.carbon.retain(|slot, _| range.contains(slot));
    outlook
}

/// The end of what an outlook knows.
fn until(outlook: &Outlook) -> Option<Timestamp> {
    let Outlook { spot, unpriced: _, pv, load, outdoor, irradiance, hot_water, carbon } = outlook;
    let last = [
        spot.last_key_value().map(|(slot, _)| *slot),
        pv.last_key_value().map(|(slot, _)| *slot),
        load.last_key_value().map(|(slot, _)| *slot),
        outdoor.last_key_value().map(|(slot, _)| *slot),
        irradiance.last_key_value().map(|(slot, _)| *slot),
        hot_water.last_key_value().map(|(slot, _)| *slot),
        carbon.last_key_value().map(|(slot, _)| *slot),
    ];
    last.into_iter().flatten().max().map(Slot::end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_past_or_far_ahead_is_left_out() {
        let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let at = |text: &str| (Slot::containing(text.parse().unwrap()), EurPerKwh(0.1));
        let spot = [at("2026-05-20T12:00:00Z"), at("2026-06-01T13:00:00Z"), at("2027-01-01T00:00:00Z")];
        let outlook = Outlook { spot: spot.into_iter().collect(), ..Outlook::default() };
        let left = timely(outlook, now);
        assert_eq!((left.spot.len(), until(&left)), (1, Some("2026-06-01T13:15:00Z".parse().unwrap())));
    }
}
