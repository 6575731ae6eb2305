//! The Modbus client on bad days: late, foreign, short and missing answers, one connection for all, and a server written
//! by somebody else.

use crate::peer;
use drivers::address::Address;
use drivers::modbus::{At, Endpoint, Fault, Timing};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Where registers begin: unit, function, register.
pub(crate) fn at(unit: u8, fc: u8, start: u16) -> At {
    At { unit, fc, start }
}

fn quick() -> Timing {
    Timing { timeout_ms: 300, min_gap_ms: 0, ..Timing::default() }
}

/// Asks until the endpoint's back-off lets a request through.
async fn patiently(endpoint: &Endpoint, start: u16, timing: &Timing) -> Vec<u16> {
    for _ in 0..200 {
        match endpoint.read(at(1, 3, start), 2, timing).await {
            Ok(words) => return words,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("no answer at all");
}

/// A server whose first answer comes after the client's patience; each register holds its own address.
async fn late_tcp_server(connections: Arc<AtomicUsize>) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        let late = Arc::new(AtomicUsize::new(0));
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            let late = late.clone();
            tokio::spawn(async move {
                let mut request = [0u8; 12];
                while stream.read_exact(&mut request).await.is_ok() {
                    if late.fetch_add(1, Ordering::SeqCst) == 0 {
                        tokio::time::sleep(Duration::from_millis(500)).await;
                    }
                    let start = u16::from_be_bytes([request[8], request[9]]);
                    let mut answer = vec![request[0], request[1], 0, 0, 0, 7, request[6], request[7], 4];
                    answer.extend(start.to_be_bytes());
                    answer.extend((start + 1).to_be_bytes());
                    if stream.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_late_answer_is_never_taken_for_another_over_tcp() {
    let connections = Arc::new(AtomicUsize::new(0));
    let endpoint = Endpoint::open(&late_tcp_server(connections.clone()).await);
    let timing = quick();
    assert_eq!(endpoint.read(at(1, 3, 10), 2, &timing).await, Err(Fault::Timeout(300)));
    assert_eq!(patiently(&endpoint, 100, &timing).await, vec![100, 101]);
    assert_eq!(patiently(&endpoint, 200, &timing).await, vec![200, 201]);
    assert_eq!(connections.load(Ordering::SeqCst), 2, "the connection with the late answer is not used again");
}

fn crc(frame: &[u8]) -> [u8; 2] {
    let mut crc = 0xFFFFu16;
    for byte in frame {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 };
        }
    }
    crc.to_le_bytes()
}

/// A serial gateway that hands the late answer of an earlier client to the next one, as transparent gateways do.
async fn late_rtu_gateway() -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("rtu+tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        let mut first = None;
        while let Ok((mut stream, _)) = listener.accept().await {
            if let Some(answer) = first.take() {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let _ = stream.write_all(&answer as &Vec<u8>).await;
                serve_rtu(stream).await;
                continue;
            }
            let mut request = [0u8; 8];
            if stream.read_exact(&mut request).await.is_ok() {
                first = Some(rtu_answer(&request));
            }
            let mut rest = [0u8; 8];
            while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
        }
    });
    address
}

fn rtu_answer(request: &[u8; 8]) -> Vec<u8> {
    let start = u16::from_be_bytes([request[2], request[3]]);
    let mut answer = vec![request[0], request[1], 4];
    answer.extend(start.to_be_bytes());
    answer.extend((start + 1).to_be_bytes());
    answer.extend(crc(&answer));
    answer
}

async fn serve_rtu(mut stream: TcpStream) {
    let mut request = [0u8; 8];
    while stream.read_exact(&mut request).await.is_ok() {
        if stream.write_all(&rtu_answer(&request)).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_late_answer_is_never_taken_for_another_over_rtu() {
    let endpoint = Endpoint::open(&late_rtu_gateway().await);
    let timing = quick();
    assert_eq!(endpoint.read(at(1, 3, 10), 2, &timing).await, Err(Fault::Timeout(300)));
    assert_eq!(patiently(&endpoint, 100, &timing).await, vec![100, 101]);
}

#[tokio::test]
async fn foreign_short_and_missing_answers_give_faults_and_never_values() {
    for fault in ["--wrong-tid-every", "--short-every", "--mute-every"] {
        let Some(peer) = peer::dump("sunspec_zoo_1", &[fault, "2"]).await else { return };
        let endpoint = Endpoint::open(&format!("tcp://{}", peer.address).parse().unwrap());
        let timing = quick();
        let expected = patiently(&endpoint, 40002, &timing).await;
        assert_eq!(expected, vec![1, 66], "{fault}");
        let error = endpoint.read(at(1, 3, 40070), 2, &timing).await.unwrap_err();
        assert!(!matches!(error, Fault::Exception(_)), "{fault}: {error}");
        assert_eq!(patiently(&endpoint, 40070, &timing).await, vec![103, 50], "{fault}");
    }
}

/// A device that closes its connection after each answer.
async fn curt_device() -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0u8; 12];
            if stream.read_exact(&mut request).await.is_ok() {
                // The same transaction and unit, and one register: the one that was asked for.
                let mut answer = request[..4].to_vec();
                answer.extend([0, 5, request[6], request[7], 2, request[8], request[9]]);
                let _ = stream.write_all(&answer).await;
            }
        }
    });
    address
}

#[tokio::test]
async fn a_connection_that_was_closed_since_its_last_answer_is_opened_again() {
    let endpoint = Endpoint::open(&curt_device().await);
    for start in 10..16 {
        assert_eq!(endpoint.read(at(1, 3, start), 1, &quick()).await, Ok(vec![start]));
    }
    let Some(peer) = peer::dump("sunspec_zoo_1", &["--drop-every", "2"]).await else { return };
    let endpoint = Endpoint::open(&format!("tcp://{}", peer.address).parse().unwrap());
    for start in [40002, 40070, 40002] {
        assert!(endpoint.read(at(1, 3, start), 2, &quick()).await.is_ok(), "{start}");
    }
}

#[tokio::test]
async fn exceptions_keep_the_connection_and_all_units_share_it() {
    let Some(peer) =
        peer::dump("sunspec_zoo_1", &["--single-client", "refuse", "--alias", "1=200", "--unknown-unit", "exception"])
            .await
    else {
        return;
    };
    let address: Address = format!("tcp://{}", peer.address).parse().unwrap();
    let (first, second) = (Endpoint::open(&address), Endpoint::open(&address));
    let timing = quick();
    assert_eq!(patiently(&first, 40000, &timing).await, vec![0x5375, 0x6E53]);
    assert_eq!(second.read(at(200, 3, 40000), 2, &timing).await, Ok(vec![0x5375, 0x6E53]));
    assert!(first.read(at(1, 3, 9), 1, &timing).await.unwrap_err().is_unsupported());
    assert!(first.read(at(77, 3, 40000), 1, &timing).await.unwrap_err().is_gateway());
    assert_eq!(first.read(at(1, 3, 40000), 2, &timing).await, Ok(vec![0x5375, 0x6E53]));
}

#[tokio::test]
async fn a_closed_port_is_named_and_tried_again_later() {
    let port = peer::free_port();
    let endpoint = Endpoint::open(&format!("tcp://127.0.0.1:{port}").parse().unwrap());
    let error = endpoint.read(at(1, 3, 0), 1, &quick()).await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1") && error.contains("nothing listens"), "{error}");
    let again = endpoint.read(at(1, 3, 0), 1, &quick()).await.unwrap_err().to_string();
    assert_eq!(error, again);
}

/// Registers 0 to 199, each holding its own number.
const PYMODBUS: &str = "
import asyncio, sys
from pymodbus.server import StartAsyncTcpServer
from pymodbus.simulator import SimData, SimDevice, DataType
device = SimDevice(1, [SimData(0, values=list(range(0, 200)), datatype=DataType.REGISTERS)])
asyncio.run(StartAsyncTcpServer(context=device, address=('127.0.0.1', int(sys.argv[1]))))
";

/// A server of another maker.
pub(crate) async fn pymodbus() -> Option<peer::Peer> {
    let python = peer::workspace().join(".cache/peers/bin/python");
    if !python.exists() {
        return peer::skip("pymodbus is not in .cache/peers (./run setup installs it)");
    }
    let port = peer::free_port();
    peer::start(&python, &["-c".into(), PYMODBUS.into(), port.to_string()], port).await
}

#[tokio::test]
async fn a_server_of_another_maker_reads_and_writes() {
    let Some(peer) = pymodbus().await else { return };
    let endpoint = Endpoint::open(&format!("tcp://{}", peer.address).parse().unwrap());
    let timing = Timing::default();
    assert_eq!(endpoint.read(at(1, 3, 5), 3, &timing).await, Ok(vec![5, 6, 7]));
    assert_eq!(endpoint.read(at(1, 4, 150), 2, &timing).await, Ok(vec![150, 151]));
    endpoint.write(at(1, 6, 20), vec![4711], &timing).await.unwrap();
    endpoint.write(at(1, 16, 21), vec![1, 2, 3], &timing).await.unwrap();
    assert_eq!(endpoint.read(at(1, 3, 20), 4, &timing).await, Ok(vec![4711, 1, 2, 3]));
    assert!(endpoint.read(at(1, 3, 500), 1, &timing).await.unwrap_err().is_unsupported());
}
