//! The REST interface: what is taken, what is refused and in which words.

use super::*;
use plant::command::Mode;
use plant::units::Watts;
use std::net::SocketAddr;

#[tokio::test]
async fn commands_reach_the_loop_as_they_were_meant() {
    let mut house = House::open().await;
    let rows = [
        ("mode", r#"{"mode":"surplus"}"#, Command::SetMode(Mode::Surplus)),
        ("power-limit", r#"{"watts":0}"#, Command::SetPowerLimit(Watts(0.0))),
        ("power-limit", r#"{"watts":2400}"#, Command::SetPowerLimit(Watts(2400.0))),
        ("boost", r#"{"minutes":1.5}"#, Command::Boost(Duration::from_secs(90))),
        ("boost", r#"{"minutes":0}"#, Command::Boost(Duration::ZERO)),
        ("grid-dimming", r#"{"watts":4200}"#, Command::GridDimming(Some(Watts(4200.0)))),
        ("grid-dimming", r#"{"watts":null}"#, Command::GridDimming(None)),
    ];
    for (path, body, command) in rows {
        let (status, answer) = house.send("POST", &format!("/api/v1/{path}"), Some(body)).await;
        assert_eq!(status, 202, "{path} {body} {answer}");
        assert_eq!(house.commands.recv().await, Some(command));
        assert_eq!(answer, serde_json::to_value(command).unwrap());
    }
}

#[tokio::test]
async fn only_the_way_that_is_named_sets_and_lifts_the_dimming() {
    for signal in [Signal::Device, Signal::HomeAssistant, Signal::Mqtt] {
        let mut house = House::open_for(HttpConfig::default(), "http://127.0.0.1:9".into(), signal).await;
        for body in [r#"{"watts":null}"#, r#"{"watts":4200}"#] {
            let (status, answer) = house.send("POST", "/api/v1/grid-dimming", Some(body)).await;
            assert_eq!(status, 409, "{signal:?} {answer}");
            let said = format!("comes by {} (dimming.signal)", signal.name());
            assert!(answer["error"].as_str().unwrap().contains(&said), "{answer}");
        }
        assert!(house.commands.try_recv().is_err(), "{signal:?}");
    }
}

#[tokio::test]
async fn garbage_is_refused_by_name_and_never_reaches_the_loop() {
    let mut house = House::open().await;
    let long = format!(r#"{{"mode":"{}"}}"#, "x".repeat(5000));
    let rows: &[(&str, &str, &str, u16, &str)] = &[
        (
            "POST",
            "/api/v1/mode",
            r#"{"mode":"turbo"}"#,
            422,
            "mode is \"turbo\"; expected off, auto, surplus, heat, boost, eco",
        ),
        ("POST", "/api/v1/mode", r#"{"mode":7}"#, 422, "mode is 7"),
        ("POST", "/api/v1/mode", "{}", 422, "mode is missing"),
        ("POST", "/api/v1/mode", r#"{"mode":"off","watt":3}"#, 422, "watt is 3; expected only the fields mode"),
        ("POST", "/api/v1/mode", "[1]", 400, "body is [1]; expected a JSON object"),
        ("POST", "/api/v1/mode", "{\"mode\":", 400, "not JSON"),
        ("POST", "/api/v1/mode", "\u{0}\u{1}", 400, "not JSON"),
        ("POST", "/api/v1/mode", &long, 422, "…"),
        (
            "POST",
            "/api/v1/power-limit",
            r#"{"watts":-1}"#,
            422,
            "watts is -1; expected a number of watts from 0 to 2400",
        ),
        ("POST", "/api/v1/power-limit", r#"{"watts":2401}"#, 422, "from 0 to 2400"),
        ("POST", "/api/v1/power-limit", r#"{"watts":"100"}"#, 422, "watts is \"100\""),
        ("POST", "/api/v1/power-limit", r#"{"watts":1e999}"#, 400, "not JSON"),
        ("POST", "/api/v1/boost", r#"{"minutes":1441}"#, 422, "from 0 to 1440"),
        ("POST", "/api/v1/boost", r#"{"minutes":null}"#, 422, "minutes is missing"),
        ("POST", "/api/v1/grid-dimming", "{}", 422, "watts is missing"),
        ("POST", "/api/v1/grid-dimming", r#"{"watts":-5}"#, 422, "or null to lift"),
        ("POST", "/api/v1/jobs", "{}", 422, "prompt is missing"),
        ("POST", "/api/v1/jobs", r#"{"prompt":"a","deadline":"tomorrow"}"#, 422, "deadline is \"tomorrow\""),
        ("POST", "/api/v1/jobs", r#"{"prompt":"a","deadline":"2020-01-01T00:00:00Z"}"#, 422, "expected a time to come"),
        ("POST", "/api/v1/jobs", r#"{"prompt":"a","max_tokens":0}"#, 422, "max_tokens is 0"),
        ("POST", "/api/v1/jobs", r#"{"messages":[]}"#, 422, "messages is []"),
        ("POST", "/api/v1/jobs", r#"{"messages":[{"role":"boss","content":"x"}]}"#, 422, "boss"),
        ("GET", "/api/v1/jobs?limit=0", "", 422, "limit is 0"),
        ("GET", "/api/v1/jobs?limit=x", "", 422, "limit is \"x\""),
        ("GET", "/api/v1/jobs/x", "", 422, "id is \"x\"; expected the number of a job"),
        ("GET", "/api/v1/jobs/99999", "", 404, "no job 99999"),
        ("DELETE", "/api/v1/jobs/1", "", 409, "done already"),
        ("GET", "/api/v1/ledger/days?from=x", "", 422, "expected a date like"),
        ("GET", "/api/v1/ledger/days?from=2026-12-01&to=2026-11-01", "", 422, "not after to"),
        ("GET", "/api/v1/ledger/days?until=2026-12-01", "", 422, "expected only the parameters from, to"),
        ("GET", "/api/v1/ledger/entries?limit=5000", "", 422, "from 1 to 1000"),
        ("GET", "/api/v1/ledger/entries?after=-1", "", 422, "after is \"-1\""),
        ("GET", "/api/v1/nothing", "", 404, "nothing at /api/v1/nothing"),
        ("GET", "/nothing", "", 404, "nothing at /nothing"),
        ("GET", "/assets/../page.rs", "", 404, "nothing at"),
        ("GET", "/assets/x.js", "", 404, "no file"),
        ("GET", "/api/v1/mode", "", 405, "GET is not possible at /api/v1/mode"),
        ("POST", "/api/v1/record", "{}", 405, "POST is not possible"),
        ("DELETE", "/", "", 405, "DELETE is not possible"),
    ];
    for (method, path, body, status, words) in rows {
        let (given, answer) = house.send(method, path, (!body.is_empty()).then_some(body)).await;
        assert_eq!(given, *status, "{method} {path} {body}: {answer}");
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(words), "{method} {path} {body}: {error}");
        assert!(error.len() < 400, "{error}");
    }
    assert!(house.commands.try_recv().is_err());
}

#[tokio::test]
async fn a_form_of_another_page_gives_no_orders() {
    let mut house = House::open().await;
    let url = format!("{}/api/v1/mode", house.url);
    let plain = house.client.post(&url).body(r#"{"mode":"off"}"#).send().await.unwrap();
    assert_eq!(plain.status(), 415);
    let crossing =
        house.client.post(&url).header("content-type", "application/json").header("sec-fetch-site", "cross-site");
    assert_eq!(crossing.body(r#"{"mode":"off"}"#).send().await.unwrap().status(), 403);
    // The experts take any type of content: the page's origin has to be this host.
    let chat = format!("{}/api/chat", house.url);
    for (origin, refused) in [("http://evil.example", true), ("null", true), (&*house.url, false)] {
        let asked = house.client.post(&chat).header("origin", origin).header("content-type", "text/plain");
        let status = asked.body("{}").send().await.unwrap().status();
        assert_eq!(status == 403, refused, "{origin}: {status}");
    }
    let huge = vec![b' '; input::BODY_MAX + 1];
    let huge = house.client.post(&url).header("content-type", "application/json").body(huge).send().await.unwrap();
    assert_eq!(huge.status(), 413);
    assert!(house.commands.try_recv().is_err());
}

#[tokio::test]
async fn a_command_that_nobody_takes_is_refused_in_words() {
    let mut house = House::open().await;
    house.commands.close();
    let (status, answer) = house.send("POST", "/api/v1/boost", Some(r#"{"minutes":1}"#)).await;
    assert_eq!((status, answer["error"].as_str()), (503, Some("HeatMine is stopping")));
}

#[tokio::test]
async fn notices_are_confirmed_when_that_is_written_down_and_not_before() {
    let mut house = House::open().await;
    let url = format!("{}/api/v1/confirm", house.url);
    // Another page's form cannot send it.
    assert_eq!(house.client.post(&url).send().await.unwrap().status(), 415);
    for (kept, expected) in [(Ok(()), 202), (Err("the disk is full".to_owned()), 503)] {
        let asked = house.client.post(&url).header("content-type", "application/json").body(r#"{"confirm":true}"#);
        let asked = tokio::spawn(asked.send());
        let answer = house.confirmations.recv().await.unwrap();
        assert!(!asked.is_finished());
        answer.send(kept).unwrap();
        assert_eq!(asked.await.unwrap().unwrap().status(), expected);
    }
}

#[tokio::test]
async fn before_the_first_reading_it_says_so() {
    let house = House::open().await;
    house.records.send_replace(None);
    let (status, answer) = house.get("/api/v1/record").await;
    assert_eq!((status, answer["error"].as_str()), (503, Some("waiting for the first reading")));
    assert_eq!(house.get("/api/v1/plan").await.0, 503);
    assert_eq!(house.get("/health").await.0, 200);
    house.change(|record| record.plan = None);
    assert!(house.get("/api/v1/plan").await.1["error"].as_str().unwrap().contains("no plan"));
}

#[tokio::test]
async fn the_token_guards_orders_jobs_and_experts_and_leaves_the_house_readable() {
    let config = HttpConfig { api_token: Some(Secret::new("geheim")), ..HttpConfig::default() };
    let house = House::open_with(config, "http://127.0.0.1:9".into()).await;
    for path in ["/", "/api/v1/record", "/api/v1/ledger/months", "/health", "/metrics", "/assets/page.css"] {
        let status = house.client.get(format!("{}{path}", house.url)).send().await.unwrap().status();
        assert_eq!(status, 200, "{path}");
    }
    let rows = [("POST", "/api/v1/mode"), ("GET", "/api/v1/jobs"), ("GET", "/v1/models"), ("GET", "/api/tags")];
    for (method, path) in rows {
        for (given, expected) in
            [(None, true), (Some("Bearer falsch"), true), (Some("Basic geheim"), true), (Some("bearer geheim"), false)]
        {
            let mut request = house.client.request(method.parse().unwrap(), format!("{}{path}", house.url));
            if let Some(value) = given {
                request = request.header("authorization", value);
            }
            let status = request.send().await.unwrap().status().as_u16();
            assert_eq!(status == 401, expected, "{path} {given:?} {status}");
        }
    }
}

#[tokio::test]
async fn ingress_and_this_machine_get_in_where_nobody_else_does() {
    use axum::extract::ConnectInfo;
    let guarded = HttpConfig { api_token: Some(Secret::new("geheim")), ingress_only: true, ..HttpConfig::default() };
    let access = access::Access::new(&guarded);
    let rows = [
        ("172.30.32.2:40000", true),
        ("[::ffff:172.30.32.2]:1", true),
        ("127.0.0.1:1", false),
        ("172.30.32.1:1", false),
        ("192.168.1.7:1", false),
    ];
    for (peer, admitted) in rows {
        let mut request = axum::extract::Request::post("/api/v1/mode").body(axum::body::Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        assert_eq!(access.check(&request).is_ok(), admitted, "{peer}");
    }
    let mut from_here = axum::extract::Request::get("/").body(axum::body::Body::empty()).unwrap();
    assert!(access.check(&from_here).is_err());
    from_here.extensions_mut().insert(ConnectInfo("127.0.0.1:1".parse::<SocketAddr>().unwrap()));
    assert!(access.check(&from_here).is_ok());
}

#[test]
fn without_a_token_orders_come_under_a_name_of_the_house() {
    let open = HttpConfig { url: Some("https://heat.example.org:8443/".into()), ..HttpConfig::default() };
    let guarded = HttpConfig { api_token: Some(Secret::new("geheim")), ..HttpConfig::default() };
    let rows = [
        ("192.168.1.20:8099", true),
        ("[fd00::1]:8099", true),
        ("homeassistant.local:8099", true),
        ("pi", true),
        ("heat.example.org:8443", true),
        ("evil.example:8099", false),
        ("192.168.1.20.evil.example", false),
    ];
    for (host, at_home) in rows {
        let ask = |method: &str, config| {
            let request = axum::extract::Request::builder().method(method).uri("/api/v1/mode").header("host", host);
            access::Access::new(config).check(&request.body(axum::body::Body::empty()).unwrap())
        };
        assert_eq!(ask("POST", &open).is_ok(), at_home, "{host}");
        assert!(ask("GET", &open).is_ok(), "{host}");
        assert_eq!(ask("POST", &guarded).unwrap_err().status, 401, "{host}");
    }
}

#[tokio::test]
async fn the_page_stands_below_the_path_it_is_shown_at() {
    let house = House::open().await;
    let page = house.client.get(&house.url).header("x-ingress-path", "/api/hassio_ingress/abc").send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'self'"));
    assert!(!page.headers().contains_key("x-frame-options"));
    let text = page.text().await.unwrap();
    assert!(text.contains(r#"<base href="/api/hassio_ingress/abc/">"#));
    assert!(text.contains(r#"content="Europe/Vienna""#));
    for absolute in ["href=\"/", "src=\"/", "http://", "https://"] {
        assert!(!text.replace("<base href=\"/", "").contains(absolute), "{absolute}");
    }
    let first = house.client.get(format!("{}/assets/main.js", house.url)).send().await.unwrap();
    let tag = first.headers()["etag"].clone();
    let again =
        house.client.get(format!("{}/assets/main.js", house.url)).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(again.status(), 304);
}

#[tokio::test]
async fn metrics_leave_out_what_is_not_known() {
    let house = House::open().await;
    let text = house.client.get(format!("{}/metrics", house.url)).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("heatmine_power_watts{point=\"pv.power\"} "));
    assert!(text.contains("heatmine_mode{mode=\"auto\"} 1"));
    assert!(
        !text.contains("outdoor.temperature") && !text.contains("compute.temperature"),
        "stale and missing are no values"
    );
    for line in [
        "heatmine_earnings_eur{span=\"today\",part=\"gain\"} ",
        "heatmine_earnings_eur{span=\"total\",part=\"forecast_error\"} ",
        "heatmine_earnings_eur{span=\"yesterday\",part=\"gain\"} -0.24",
        "heatmine_household_value_eur{span=\"yesterday\"} 1.41",
        "heatmine_compared_ratio{span=\"yesterday\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(!text.contains("part=\"household\""), "it is no part of the money");
    let mut typed = std::collections::BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert!(typed.insert(rest.split(' ').next().unwrap().to_owned()), "one TYPE each: {line}");
        } else if !line.starts_with('#') {
            let name: String = line.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            assert!(typed.contains(&name), "{line}");
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().unwrap().is_finite(), "{line}");
        }
    }
}

#[tokio::test]
async fn a_gain_that_could_not_be_compared_is_no_number() {
    let house = House::open().await;
    house.change(|record| {
        record.today.compared_s = 0.0;
        let (today, month, total) = (record.today, record.month, record.total);
        record.gains = plant::record::Gains::of(&today, &month, &total, None);
    });
    let (_, record) = house.get("/api/v1/record").await;
    assert_eq!((&record["gains"]["today"], &record["gains"]["yesterday"]), (&Value::Null, &Value::Null));
    assert!((record["gains"]["month"]["gain"].as_f64().unwrap() - 17.0 * 12.0 * 0.034).abs() < 1e-9, "{record}");
    let text = house.client.get(format!("{}/metrics", house.url)).send().await.unwrap().text().await.unwrap();
    for unknown in ["gain", "power", "cost_without", "forecast_error"] {
        let today = format!("span=\"today\",part=\"{unknown}\"");
        assert!(!text.contains(&today), "{today} is not known");
    }
    assert!(
        text.contains("span=\"today\",part=\"cost\"") && text.contains("compared_ratio{span=\"today\"} 0"),
        "{text}"
    );
}

#[tokio::test]
async fn a_job_is_queued_read_and_taken_back() {
    let house = House::open().await;
    let body = r#"{"prompt":"Name three uses of waste heat.","max_tokens":64,"deadline":"2026-11-22T06:00:00Z"}"#;
    let (status, job) = house.send("POST", "/api/v1/jobs", Some(body)).await;
    assert_eq!((status, job["status"].as_str()), (201, Some("queued")));
    assert_eq!(job["title"], "Name three uses of waste heat.");
    let path = format!("/api/v1/jobs/{}", job["id"]);
    assert_eq!(house.get(&path).await.1["messages"][0]["role"], "user");
    assert_eq!(house.send("DELETE", &path, None).await.1["status"], "cancelled");
    assert_eq!(house.send("DELETE", &path, None).await.0, 409);
    let (_, list) = house.get("/api/v1/jobs?limit=2").await;
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(list[0]["id"], job["id"]);
}

#[tokio::test]
async fn the_books_are_read_by_local_day() {
    let house = House::open().await;
    let (_, days) = house.get("/api/v1/ledger/days?from=2026-11-10&to=2026-11-12").await;
    let periods: Vec<&str> = days.as_array().unwrap().iter().map(|day| day["period"].as_str().unwrap()).collect();
    assert_eq!(periods, ["2026-11-10", "2026-11-11", "2026-11-12"]);
    let (_, all) = house.get("/api/v1/ledger/days").await;
    assert_eq!(all.as_array().unwrap().len(), 12);
    let day = |ago: usize| &all[12 - ago];
    assert!((day(3)["parts"]["power"].as_f64().unwrap() + 0.75).abs() < 1e-9, "{}", day(3));
    let lost = "the house was 0.45 EUR worse off by computing, because its power cost 0.75 EUR; against that, others paid 0.30 EUR.";
    assert!(day(3)["verdict"].as_str().unwrap().contains(lost), "{}", day(3));
    assert_eq!(day(5)["parts"], Value::Null, "nothing of that day could be compared");
    assert!(day(5)["verdict"].as_str().unwrap().contains("nothing could be compared"), "{}", day(5));
    assert_eq!(house.get("/api/v1/ledger/months").await.1[0]["period"], "2026-11");
    let (_, entries) = house.get("/api/v1/ledger/entries?after=3&limit=2").await;
    assert_eq!((entries[0]["sequence"].as_u64(), entries[1]["sequence"].as_u64()), (Some(4), Some(5)));
    assert_eq!(house.get("/api/v1/ledger/verify").await.1["entries"], 12);
}
