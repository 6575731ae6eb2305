use super::super::slots::{Needs, Spread, spread};
use super::*;
use plant::time::{Slot, Timestamp};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What a service reads of `body` for a place, on 1 June 2026.
fn read(config: &SpotSource, currency: &str, body: &str) -> Result<(Spread, Answer), Refused> {
    let source = source(config, currency, None).unwrap();
    let answer = (source.read)(body.as_bytes(), &source.place)?;
    let spread = spread(answer.entries.clone(), &(-5000.0..=5000.0), Needs::All, at("2026-06-01T12:00:00Z"));
    Ok((spread, answer))
}

fn named(source: SpotService) -> SpotSource {
    SpotSource { source: Some(source), ..SpotSource::default() }
}

fn in_zone(source: SpotService, zone: &str) -> SpotSource {
    SpotSource { zone: Some(zone.into()), ..named(source) }
}

/// The prices of the slots from noon on.
fn prices(spread: &Spread, from: &str, count: i64) -> Vec<f64> {
    let first = Slot::containing(at(from));
    let price = |ahead| (spread.known.get(&first.plus(ahead)).copied().unwrap_or(f64::NAN) * 1e6).round() / 1e6;
    (0..count).map(price).collect()
}

fn asked(config: &SpotSource, currency: &str) -> Vec<String> {
    let source = source(config, currency, None).unwrap();
    let days = crate::feeds::schedule::days(&source, at("2026-06-01T12:00:00Z"));
    (source.service.asks)(&source.place, &days, 0).into_iter().map(|ask| ask.url).collect()
}

#[test]
fn each_service_is_asked_for_the_days_of_its_area() {
    let key = |config| SpotSource { key: Some(crate::config::secret::Secret::new("k y")), ..config };
    let rows = [
        (
            in_zone(SpotService::EnergyCharts, "DE-LU"),
            "https://api.energy-charts.info/price?bzn=DE-LU&start=2026-06-01&end=2026-06-02",
        ),
        (
            in_zone(SpotService::Awattar, "AT"),
            "https://api.awattar.at/v1/marketdata?start=1780264800000&end=1780437600000",
        ),
        (
            key(in_zone(SpotService::Entsoe, "DE-LU")),
            "https://web-api.tp.entsoe.eu/api?securityToken=k%20y&documentType=A44&in_Domain=10Y1001A1001A82H&out_Domain=10Y1001A1001A82H&periodStart=202605312200&periodEnd=202606022200",
        ),
        (
            in_zone(SpotService::Nordpool, "SE3"),
            "https://dataportal-api.nordpoolgroup.com/api/DayAheadPriceIndices?market=DayAhead&date=2026-06-01&indexNames=SE3&currency=SEK&resolutionInMinutes=15",
        ),
        (
            SpotSource { product: Some("AGILE-1".into()), ..in_zone(SpotService::Octopus, "C") },
            "https://api.octopus.energy/v1/products/AGILE-1/electricity-tariffs/E-1R-AGILE-1-C/standard-unit-rates/?period_from=2026-05-31T22:00Z&period_to=2026-06-02T22:00Z&page_size=1500",
        ),
        (
            in_zone(SpotService::Energidataservice, "DK1"),
            "https://api.energidataservice.dk/dataset/DayAheadPrices?start=2026-06-01&end=2026-06-03&filter=%7B%22PriceArea%22%3A%5B%22DK1%22%5D%7D&sort=TimeUTC%20ASC&limit=0",
        ),
        (
            SpotSource { site: Some("S1".into()), ..named(SpotService::Amber) },
            "https://api.amber.com.au/v1/sites/S1/prices/current?next=288&previous=6",
        ),
        (
            named(SpotService::Energyzero),
            "https://public.api.energyzero.nl/public/v1/prices?energyType=ENERGY_TYPE_ELECTRICITY&interval=INTERVAL_QUARTER&date=01-06-2026",
        ),
        (
            named(SpotService::Easyenergy),
            "https://mijn.easyenergy.com/nl/api/tariff/getapxtariffs?startTimestamp=2026-05-31T22:00:00.000Z&endTimestamp=2026-06-02T22:00:00.000Z&includeVat=false",
        ),
        (
            SpotSource { url: Some("http://10.0.0.5:7070/".into()), ..named(SpotService::Evcc) },
            "http://10.0.0.5:7070/api/tariff/grid",
        ),
        (
            SpotSource {
                entity: Some("sensor.price".into()),
                url: Some("http://ha:8123".into()),
                ..named(SpotService::HomeAssistant)
            },
            "http://ha:8123/api/states/sensor.price",
        ),
        (named(SpotService::Tibber), "https://api.tibber.com/v1-beta/gql"),
    ];
    for (config, url) in rows {
        assert_eq!(asked(&config, "SEK").first().map(String::as_str), Some(url));
    }
    assert_eq!(asked(&in_zone(SpotService::Nordpool, "SE3"), "SEK").len(), 2, "a day each");
}

#[test]
fn an_address_of_a_known_service_without_dates_gets_them() {
    let plain = |url: &str| SpotSource { url: Some(url.into()), ..SpotSource::default() };
    let rows = [
        (
            "https://api.energy-charts.info/price?bzn=DE-LU",
            "https://api.energy-charts.info/price?bzn=DE-LU&start=2026-06-01&end=2026-06-02",
        ),
        ("http://mirror/x/price?bzn=AT", "http://mirror/x/price?bzn=AT&start=2026-06-01&end=2026-06-02"),
        (
            "https://api.awattar.at/v1/marketdata",
            "https://api.awattar.at/v1/marketdata?start=1780264800000&end=1780437600000",
        ),
        // Dates of its own, or nobody's address: as it is.
        ("http://x/price?bzn=AT&end=2026-06-05", "http://x/price?bzn=AT&end=2026-06-05"),
        ("http://x/prices.json", "http://x/prices.json"),
        ("http://x/p?from={today}&to={tomorrow}", "http://x/p?from=2026-06-01&to=2026-06-02"),
    ];
    for (url, expected) in rows {
        assert_eq!(asked(&plain(url), "EUR"), [expected], "{url}");
    }
}

#[test]
fn an_address_is_shown_without_what_is_secret_in_it() {
    let rows = [
        ("https://me:s3cret@prices.example/a/b.json?key=s3cret#s3cret", "https://prices.example/a/b.json"),
        ("http://s3cret@prices.example", "http://prices.example"),
        ("http://prices.example/a@b/{today}", "http://prices.example/a@b/{today}"),
    ];
    for (url, expected) in rows {
        let config = SpotSource { url: Some(url.into()), ..SpotSource::default() };
        let source = source(&config, "EUR", None).unwrap();
        assert_eq!(source.title, expected, "{url}");
        assert!(!source.key().contains("s3cret"), "{url}");
        assert_eq!(source.place.base, url, "it is asked as it is");
    }
}

#[test]
fn energy_charts_and_awattar_give_the_same_slots() {
    let charts = r#"{"license_info":"CC BY 4.0 of somebody","unix_seconds":[1780315200,1780318800,1780322400],"price":[83.4,-5.0,null],
        "unit":"EUR / MWh","deprecated":false}"#;
    let awattar = r#"{"object":"list","data":[
        {"start_timestamp":1780315200000,"end_timestamp":1780318800000,"marketprice":83.4,"unit":"Eur/MWh"},
        {"start_timestamp":1780318800000,"end_timestamp":1780322400000,"marketprice":-5.0,"unit":"Eur/MWh"},
        {"start_timestamp":1780322400000,"end_timestamp":1780326000000,"marketprice":null}]}"#;
    let (charts, answer) = read(&in_zone(SpotService::EnergyCharts, "AT"), "EUR", charts).unwrap();
    let (awattar, _) = read(&in_zone(SpotService::Awattar, "AT"), "EUR", awattar).unwrap();
    assert_eq!(charts, awattar);
    assert_eq!(
        prices(&charts, "2026-06-01T12:00:00Z", 8),
        [0.0834, 0.0834, 0.0834, 0.0834, -0.005, -0.005, -0.005, -0.005]
    );
    assert_eq!(charts.unknown.len(), 4, "null is no price, and the one before does not go on over it");
    assert_eq!(answer.license.as_deref(), Some("CC BY 4.0 of somebody"));
}

#[test]
fn another_unit_is_refused_by_its_name() {
    for unit in ["SEK / MWh", "ct/kWh", "EUR / kWh"] {
        let charts = format!(r#"{{"unix_seconds":[1780315200],"price":[83.4],"unit":"{unit}"}}"#);
        let refused = read(&in_zone(SpotService::EnergyCharts, "AT"), "EUR", &charts).unwrap_err();
        assert_eq!(refused.words(), format!("is in {unit}; expected EUR/MWh"));
        let awattar = format!(r#"{{"data":[{{"start_timestamp":1780315200000,"marketprice":83.4,"unit":"{unit}"}}]}}"#);
        let refused = read(&in_zone(SpotService::Awattar, "AT"), "EUR", &awattar).unwrap_err();
        assert_eq!(refused.words(), format!("is in {unit}; expected EUR/MWh"));
    }
    for unit in ["No Unit", "", "EUR/MWh"] {
        let charts = format!(r#"{{"unix_seconds":[1780315200],"price":[83.4],"unit":"{unit}"}}"#);
        assert!(read(&in_zone(SpotService::EnergyCharts, "AT"), "EUR", &charts).is_ok(), "{unit}");
    }
}

/// A time series: its sequence, currency, curve, step in minutes, and points by position.
type Series<'a> = (&'a str, &'a str, &'a str, i64, &'a [(i64, &'a str)]);

/// A document of ENTSO-E with these series.
fn document(series: &[Series<'_>]) -> String {
    let series = series.iter().map(|(sequence, currency, curve, step, points)| {
        let points = points.iter().map(|(position, price)| {
            format!("<Point><position>{position}</position><price.amount>{price}</price.amount></Point>")
        });
        format!(
            "<TimeSeries><contract_MarketAgreement.type>A01</contract_MarketAgreement.type><currency_Unit.name>{currency}</currency_Unit.name>\
             <price_Measure_Unit.name>MWH</price_Measure_Unit.name>\
             <classificationSequence_AttributeInstanceComponent.position>{sequence}</classificationSequence_AttributeInstanceComponent.position>\
             <curveType>{curve}</curveType><Period><timeInterval><start>2026-06-01T12:00Z</start><end>2026-06-01T14:00Z</end></timeInterval>\
             <resolution>PT{step}M</resolution>{}</Period></TimeSeries>",
            points.collect::<String>()
        )
    });
    format!(
        "<?xml version=\"1.0\"?><Publication_MarketDocument xmlns=\"urn\">{}</Publication_MarketDocument>",
        series.collect::<String>()
    )
}

#[test]
fn entso_e_goes_on_where_a_position_is_left_out_and_takes_the_first_auction() {
    let entsoe = in_zone(SpotService::Entsoe, "DE-LU");
    let of = |body: &str| read(&entsoe, "EUR", body).map(|(spread, _)| prices(&spread, "2026-06-01T12:00:00Z", 8));
    let held = document(&[
        ("2", "EUR", "A03", 15, &[(1, "900")]),
        ("1", "EUR", "A03", 15, &[(6, "30"), (1, "10"), (3, "-20")]),
    ]);
    assert_eq!(of(&held), Ok(vec![0.01, 0.01, -0.02, -0.02, -0.02, 0.03, 0.03, 0.03]));
    let mixed =
        document(&[("1", "EUR", "A03", 15, &[(1, "10"), (5, "20")]), ("1", "EUR", "A03", 60, &[(1, "90"), (2, "91")])]);
    assert_eq!(
        of(&mixed),
        Ok(vec![0.01, 0.01, 0.01, 0.01, 0.02, 0.02, 0.02, 0.02]),
        "quarters count, whatever comes first"
    );
    let hours = document(&[("1", "EUR", "A01", 60, &[(1, "90"), (2, "x")])]);
    let (spread, _) = read(&entsoe, "EUR", &hours).unwrap();
    assert_eq!((spread.known.len(), spread.unknown.len()), (4, 4));
    let rows = [
        (document(&[("2", "EUR", "A03", 15, &[(1, "900")])]), "second auction"),
        (document(&[]), "has no prices"),
        ("<Acknowledgement_MarketDocument><Reason><code>999</code><text>No matching data found</text></Reason></Acknowledgement_MarketDocument>".into(), "says: No matching data found"),
        ("<root><Reason>Service Unavailable</Reason></root>".into(), "it says: Service Unavailable"),
        ("<html><body>Back soon</body></html>".into(), "but html"),
        ("<Publication_MarketDocument><TimeSeries>".into(), "ends in the middle"),
        ("PK\u{3}\u{4}".into(), "ZIP"),
    ];
    for (body, part) in rows {
        let refused = read(&entsoe, "EUR", &body).unwrap_err();
        assert!(refused.words().contains(part), "{refused:?}");
    }
    let (_, kroner) = read(&entsoe, "DKK", &document(&[("1", "DKK", "A03", 60, &[(1, "700")])])).unwrap();
    assert_eq!(kroner.currency.as_deref(), Some("DKK"));
}

#[test]
fn nord_pool_gives_the_price_of_the_area_once_it_is_final() {
    let body = |state: &str| {
        format!(
            r#"{{"currency":"SEK","areaStates":[{{"state":"{state}","areas":["SE3"]}}],"multiIndexEntries":[
        {{"deliveryStart":"2026-06-01T12:00:00Z","deliveryEnd":"2026-06-01T12:15:00Z","entryPerArea":{{"SE3":500.0,"SE4":1.0}}}},
        {{"deliveryStart":"2026-06-01T12:15:00Z","deliveryEnd":"2026-06-01T12:30:00Z","entryPerArea":{{"SE3":0.0}}}}]}}"#
        )
    };
    let (spread, answer) = read(&in_zone(SpotService::Nordpool, "SE3"), "SEK", &body("Final")).unwrap();
    assert_eq!((prices(&spread, "2026-06-01T12:00:00Z", 2), answer.currency.as_deref()), (vec![0.5, 0.0], Some("SEK")));
    let refused = read(&in_zone(SpotService::Nordpool, "SE3"), "SEK", &body("Preliminary")).unwrap_err();
    assert_eq!(refused, Refused::Nothing("has preliminary prices only".into()));
    let other = read(&in_zone(SpotService::Nordpool, "NO1"), "SEK", &body("Final")).unwrap_err();
    assert_eq!(other.words(), "has no prices of NO1");
}

#[test]
fn tibber_gives_totals_or_energy_of_the_home_that_is_meant() {
    let body = r#"{"data":{"viewer":{"homes":[{"id":"a","currentSubscription":null},{"id":"b","currentSubscription":{"priceInfo":{
        "current":null,"today":[{"total":0.31,"energy":0.11,"startsAt":"2026-06-01T14:00:00.000+02:00","currency":"EUR"},
        {"total":0.32,"energy":0.12,"startsAt":"2026-06-01T14:15:00.000+02:00","currency":"EUR"}],"tomorrow":[]}}}]}}}"#;
    let tibber = named(SpotService::Tibber);
    let of =
        |config: &SpotSource| read(config, "EUR", body).map(|(spread, _)| prices(&spread, "2026-06-01T12:00:00Z", 2));
    assert_eq!(of(&tibber), Ok(vec![0.31, 0.32]));
    assert_eq!(of(&SpotSource { includes_taxes: Some(false), ..tibber.clone() }), Ok(vec![0.11, 0.12]));
    let refused = of(&SpotSource { home: Some("a".into()), ..tibber.clone() }).unwrap_err();
    assert_eq!(refused.words(), "has no home a with a contract");
    let rows = [
        (r#"{"errors":[{"message":"Unauthorized"}]}"#, Refused::Wrong("says: Unauthorized".into())),
        (
            r#"{"data":{"viewer":{"home":{"currentSubscription":{"priceInfo":{"today":[],"tomorrow":[]}}}}}}"#,
            Refused::Nothing("has no prices".into()),
        ),
    ];
    for (body, refused) in rows {
        assert_eq!(read(&tibber, "EUR", body).unwrap_err(), refused);
    }
}

#[test]
fn octopus_has_pence_newest_first_and_rates_without_an_end() {
    let octopus = SpotSource { product: Some("A".into()), ..in_zone(SpotService::Octopus, "C") };
    let body = r#"{"count":2,"next":"https://elsewhere/v1/x/?page=2","results":[
        {"value_exc_vat":20.0,"value_inc_vat":21.0,"valid_from":"2026-06-01T12:30:00Z","valid_to":"2026-06-01T13:00:00Z"},
        {"value_exc_vat":-4.0,"value_inc_vat":-4.2,"valid_from":"2026-06-01T12:00:00Z","valid_to":"2026-06-01T12:30:00Z"}]}"#;
    let (spread, answer) = read(&octopus, "GBP", body).unwrap();
    assert_eq!(prices(&spread, "2026-06-01T12:00:00Z", 4), [-0.042, -0.042, 0.21, 0.21]);
    assert_eq!(answer.more.as_deref(), Some("/v1/x/?page=2"), "the next page is where the first one was");
    let body = r#"{"results":[
        {"value_inc_vat":24.0,"valid_from":"2025-10-01T00:00:00Z","valid_to":null,"payment_method":"DIRECT_DEBIT"},
        {"value_inc_vat":26.0,"valid_from":"2025-10-01T00:00:00Z","valid_to":null,"payment_method":"NON_DIRECT_DEBIT"}]}"#;
    let (spread, _) = read(&octopus, "GBP", body).unwrap();
    assert_eq!(prices(&spread, "2026-06-05T12:00:00Z", 2), [0.24, 0.24]);
}

#[test]
fn danish_prices_are_in_the_house_s_currency_or_not_known() {
    let body = r#"{"records":[
        {"TimeUTC":"2026-06-01T12:15:00","TimeDK":"2026-06-01T14:15:00","PriceArea":"DK1","DayAheadPriceEUR":80.0,"DayAheadPriceDKK":null},
        {"TimeUTC":"2026-06-01T12:00:00","TimeDK":"2026-06-01T14:00:00","PriceArea":"DK1","DayAheadPriceEUR":70.0,"DayAheadPriceDKK":522.0}]}"#;
    let dk1 = in_zone(SpotService::Energidataservice, "DK1");
    let (kroner, answer) = read(&dk1, "DKK", body).unwrap();
    assert_eq!((kroner.known.len(), kroner.unknown.len(), answer.currency.as_deref()), (1, 1, Some("DKK")));
    let (euros, _) = read(&dk1, "EUR", body).unwrap();
    assert_eq!(prices(&euros, "2026-06-01T12:00:00Z", 2), [0.07, 0.08]);
    assert!(read(&dk1, "EUR", r#"{"records":[]}"#).is_err());
}

#[test]
fn amber_has_cents_of_two_channels_and_two_steps() {
    let row = |start: &str, end: &str, cents: f64, channel: &str| {
        format!(
            r#"{{"startTime":"2026-06-01T{start}Z","endTime":"2026-06-01T{end}Z","perKwh":{cents},"spotPerKwh":5.0,"channelType":"{channel}"}}"#
        )
    };
    let rows = [
        row("12:00:01", "12:05:00", 20.0, "general"),
        row("12:00:01", "12:05:00", -9.0, "feedIn"),
        row("12:05:01", "12:10:00", 30.0, "general"),
        row("12:10:01", "12:15:00", 40.0, "general"),
        row("12:15:01", "12:45:00", 50.0, "general"),
    ];
    let amber = SpotSource { site: Some("S".into()), ..named(SpotService::Amber) };
    let (spread, answer) = read(&amber, "AUD", &format!("[{}]", rows.join(","))).unwrap();
    let found = prices(&spread, "2026-06-01T12:00:00Z", 3);
    assert!((found[0] - 0.30).abs() < 0.001 && found[1..] == [0.5, 0.5], "{found:?}");
    assert_eq!(answer.currency.as_deref(), Some("AUD"));
}

#[test]
fn dutch_prices_are_texts_and_times_of_the_wall() {
    let zero = r#"{"base":[{"start":"2026-06-01T12:00:00Z","end":"2026-06-01T12:15:00Z","price":{"value":"0.07994"}}],
        "all_in_with_vat":[{"start":"2026-06-01T12:00:00Z","end":"2026-06-01T12:15:00Z","price":{"value":"0.25"}}]}"#;
    let energyzero = named(SpotService::Energyzero);
    assert_eq!(prices(&read(&energyzero, "EUR", zero).unwrap().0, "2026-06-01T12:00:00Z", 1), [0.07994]);
    let gross = SpotSource { includes_taxes: Some(true), ..energyzero.clone() };
    assert_eq!(prices(&read(&gross, "EUR", zero).unwrap().0, "2026-06-01T12:00:00Z", 1), [0.25]);
    let empty = r#"{"data":{"energyMarketPrices":{"averageExcl":0.0,"prices":[]}}}"#;
    assert_eq!(read(&energyzero, "EUR", empty).unwrap_err(), Refused::Nothing("has no prices".into()));

    let row = |from: &str, until: &str, price: f64| {
        format!(
            r#"{{"from":"{from}.0000000","until":"{until}.0000000","price":{price},"invoicePrice":0.13,"granularity":"quarter"}}"#
        )
    };
    let rows = [
        row("2026-06-01T14:00:00", "2026-06-01T14:15:00", -0.0021),
        row("2026-06-01T14:15:00", "2026-06-01T14:30:00", 0.01),
    ];
    let body = format!(r#"{{"prices":[{}]}}"#, rows.join(","));
    let (spread, _) = read(&named(SpotService::Easyenergy), "EUR", &body).unwrap();
    assert_eq!(prices(&spread, "2026-06-01T12:00:00Z", 2), [-0.0021, 0.01]);
    // The night in which 2 o'clock comes twice.
    let rows = ["01:45", "02:00", "02:15", "02:30", "02:45", "02:00", "02:15", "02:30", "02:45", "03:00"];
    let rows: Vec<_> = rows.iter().map(|time| row(&format!("2026-10-25T{time}:00"), "x", 0.1)).collect();
    let source = source(&named(SpotService::Easyenergy), "EUR", None).unwrap();
    let answer = (source.read)(format!(r#"{{"prices":[{}]}}"#, rows.join(",")).as_bytes(), &source.place).unwrap();
    let starts: Vec<_> = answer.entries.iter().map(|entry| entry.start.format("%H:%M").to_string()).collect();
    assert_eq!(starts, ["23:45", "00:00", "00:15", "00:30", "00:45", "01:00", "01:15", "01:30", "01:45", "02:00"]);
}

#[test]
fn evcc_has_had_three_forms() {
    let evcc = SpotSource { url: Some("http://evcc".into()), ..named(SpotService::Evcc) };
    let bodies = [
        r#"{"rates":[{"start":"2026-06-01T14:00:00+02:00","end":"2026-06-01T14:15:00+02:00","value":0.24}]}"#,
        r#"{"result":{"rates":[{"start":"2026-06-01T14:00:00+02:00","end":"2026-06-01T15:00:00+02:00","price":0.24}]}}"#,
        r#"{"forecast":{"grid":[[1780315200,1780316100,0.24]]},"currency":"EUR"}"#,
        r#"[{"start":"2026-06-01T12:00:00Z","end":"2026-06-01T12:15:00Z","value":0.24}]"#,
    ];
    for body in bodies {
        assert_eq!(prices(&read(&evcc, "EUR", body).unwrap().0, "2026-06-01T12:00:00Z", 1), [0.24], "{body}");
    }
}

#[test]
fn a_sensor_of_home_assistant_says_its_prices_unit_and_currency() {
    let sensor = SpotSource { entity: Some("sensor.x".into()), ..named(SpotService::HomeAssistant) };
    let rows = [
        (
            r#""currency":"SEK","unit_of_measurement":"SEK/kWh","raw_today":[{"start":"2026-06-01T14:00:00+02:00","end":"2026-06-01T15:00:00+02:00","value":0.5}],"raw_tomorrow":[]"#,
            0.5,
            Some("SEK"),
        ),
        (
            r#""unit_of_measurement":"EUR/MWh","prices_today":[{"time":"2026-06-01 14:00:00+02:00","price":83.4}],"prices_tomorrow":null"#,
            0.0834,
            Some("EUR"),
        ),
        (
            r#""price_in_cents":true,"currency":"EUR","raw_today":[{"hour":"2026-06-01T14:00:00+02:00","price":9.1}]"#,
            0.091,
            Some("EUR"),
        ),
        (
            r#""unit_of_measurement":"€/kWh","data":[{"start_time":"2026-06-01T12:00:00+00:00","end_time":"2026-06-01T13:00:00+00:00","price_per_kwh":0.1}]"#,
            0.1,
            Some("EUR"),
        ),
        (
            r#""unit_of_measurement":"$/kWh","forecast_dict":{"2026-06-01 12:00:00+0000":0.15,"2026-06-01 12:30:00+0000":0.2}"#,
            0.15,
            None,
        ),
        (
            r#""rates":[{"start":"2026-06-01T12:00:00+00:00","end":"2026-06-01T12:30:00+00:00","value_inc_vat":0.16}]"#,
            0.16,
            None,
        ),
    ];
    for (attributes, price, currency) in rows {
        let body = format!(r#"{{"entity_id":"sensor.x","state":"1","attributes":{{{attributes}}}}}"#);
        let (spread, answer) = read(&sensor, "EUR", &body).unwrap();
        assert_eq!(
            (prices(&spread, "2026-06-01T12:00:00Z", 1), answer.currency.as_deref()),
            (vec![price], currency),
            "{attributes}"
        );
    }
    let gone = r#"{"state":"unavailable","attributes":{"unit_of_measurement":"EUR/kWh"}}"#;
    assert_eq!(read(&sensor, "EUR", gone).unwrap_err(), Refused::Nothing("is unavailable".into()));
    let power = r#"{"state":"1","attributes":{"unit_of_measurement":"W","forecast":[]}}"#;
    assert!(read(&sensor, "EUR", power).unwrap_err().words().contains("is in W"));
}
