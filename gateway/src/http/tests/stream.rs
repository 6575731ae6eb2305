//! The live stream, read as a browser reads it.

use super::*;
use futures_util::StreamExt;

/// Reads the stream until `enough` says so, within a bounded time.
async fn events(house: &House, enough: impl Fn(&str) -> bool) -> String {
    let response = house.client.get(format!("{}/api/v1/events", house.url)).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let (mut stream, mut text) = (response.bytes_stream(), String::new());
    let read = async {
        while let Some(Ok(bytes)) = stream.next().await {
            text.push_str(&String::from_utf8_lossy(&bytes));
            if enough(&text) {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(15), read).await.unwrap();
    text
}

fn data<'a>(text: &'a str, event: &str) -> Vec<&'a str> {
    // What follows the last empty line is not complete yet.
    let text = text.rsplit_once("\n\n").map_or("", |(complete, _)| complete);
    let blocks = text.split("\n\n").filter(|block| block.lines().any(|line| line == format!("event: {event}")));
    blocks.filter_map(|block| block.lines().find_map(|line| line.strip_prefix("data: "))).collect()
}

#[tokio::test]
async fn a_new_viewer_gets_everything_and_a_changed_plan_again() {
    let house = House::open().await;
    let first = events(&house, |text| !data(text, "plan").is_empty()).await;
    let record: Record = serde_json::from_str(data(&first, "record")[0]).unwrap();
    assert_eq!((record.site.as_str(), record.plan), ("Sonnenhof", None));
    let plan: plant::plan::Plan = serde_json::from_str(data(&first, "plan")[0]).unwrap();
    assert_eq!(plan.slots.len(), 144);
    assert!(data(&first, "record")[0].len() < 8000, "a second of a phone's data");

    let sender = house.records.clone();
    let pushing = tokio::spawn(async move {
        for second in 1.. {
            tokio::time::sleep(Duration::from_millis(200)).await;
            sender.send_replace(Some(Arc::new(fixture::record(noon() + chrono::Duration::seconds(second)))));
        }
    });
    let later = events(&house, |text| data(text, "record").len() >= 3).await;
    pushing.abort();
    let moments: Vec<Timestamp> =
        data(&later, "record").iter().map(|text| serde_json::from_str::<Record>(text).unwrap().at).collect();
    assert!((moments[1] - moments[0]).num_seconds() >= 4, "at most one record a second: {moments:?}");
    assert_eq!(data(&later, "plan").len(), 1, "an unchanged plan is sent once");
}

#[tokio::test]
async fn a_viewer_before_the_first_reading_waits() {
    let house = House::open().await;
    house.records.send_replace(None);
    let sender = house.records.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        sender.send_replace(Some(Arc::new(fixture::record(noon()))));
    });
    let text = events(&house, |text| !data(text, "record").is_empty()).await;
    assert!(text.starts_with("event: waiting"), "{text}");
}

#[tokio::test]
async fn too_many_viewers_are_refused() {
    let house = House::open().await;
    let mut open = Vec::new();
    for _ in 0..events::STREAMS_MAX {
        open.push(house.client.get(format!("{}/api/v1/events", house.url)).send().await.unwrap());
    }
    assert!(open.iter().all(|response| response.status() == 200));
    assert_eq!(house.get("/api/v1/events").await.0, 503);
    drop(open);
}

#[tokio::test]
async fn the_end_ends_the_streams() {
    let mut house = House::open().await;
    let response = house.client.get(format!("{}/api/v1/events", house.url)).send().await.unwrap();
    let (_, stop) = (std::mem::take(&mut house.url), house._stop);
    drop(stop);
    let rest = tokio::time::timeout(Duration::from_secs(10), response.text()).await;
    assert!(rest.is_ok(), "the stream ends with the gateway");
}
