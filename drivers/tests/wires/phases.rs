//! Meters that show the phases, over Modbus TCP: registers as the makers document them, and what is read of them.

use crate::devices::config;
use drivers::device::{DeviceConfig, read_once};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Registers and their words.
type Registers = Vec<(u16, u16)>;

/// A device whose registers hold these words, and zeros where none are given.
async fn device(words: BTreeMap<u16, u16>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let words = words.clone();
            tokio::spawn(async move {
                let mut request = [0u8; 12];
                while stream.read_exact(&mut request).await.is_ok() {
                    let start = u16::from_be_bytes([request[8], request[9]]);
                    let count = u16::from_be_bytes([request[10], request[11]]);
                    let mut answer = vec![request[0], request[1], 0, 0, 0, 3 + 2 * count as u8, request[6], request[7]];
                    answer.push(2 * count as u8);
                    for register in start..start + count {
                        answer.extend(words.get(&register).copied().unwrap_or_default().to_be_bytes());
                    }
                    if stream.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// A number in two registers, the high word first.
fn float(at: u16, value: f32) -> [(u16, u16); 2] {
    let bits = value.to_bits();
    [(at, (bits >> 16) as u16), (at + 1, bits as u16)]
}

/// A whole number in two registers, the low word first.
fn low_first(at: u16, value: i32) -> [(u16, u16); 2] {
    [(at, value as u16), (at + 1, (value as u32 >> 16) as u16)]
}

fn high_first(at: u16, value: i32) -> [(u16, u16); 2] {
    [(at, (value as u32 >> 16) as u16), (at + 1, value as u16)]
}

/// A house that draws 4600 W on L1, gives 230 W on L2 and rests on L3.
#[tokio::test]
async fn phases_are_read_with_the_sign_of_the_house() {
    let sdm = [float(0x06, 20.0), float(0x08, 1.0), float(0x0C, 4600.0), float(0x0E, -230.0), float(0x34, 4370.0)];
    let em24 = [
        low_first(0x0C, 20_000),
        low_first(0x0E, -1_000),
        low_first(0x12, 46_000),
        low_first(0x14, -2_300),
        low_first(0x28, 43_700),
    ];
    // Huawei and GoodWe count what is given as positive.
    let huawei = [
        high_first(37_107, -2_000),
        high_first(37_109, 100),
        high_first(37_132, -4_600),
        high_first(37_134, 230),
        high_first(37_113, -4_370),
    ];
    let online = [(37_100, 1)];
    let sungrow =
        [low_first(5602, 4600), low_first(5604, -230), low_first(5600, 4370), low_first(13_009, -4370), [(0, 0); 2]];
    let rows: [(&str, Registers, bool); 4] = [
        ("eastron-sdm630", sdm.concat(), true),
        ("em24", em24.concat(), true),
        ("huawei-sun2000", [huawei.concat().as_slice(), &online].concat(), true),
        ("sungrow-sh", sungrow.concat(), false),
    ];
    for (id, words, shows_currents) in rows {
        let address = device(words.into_iter().collect()).await;
        let points = ["grid.power", "grid.power_l1", "grid.power_l2", "grid.power_l3"];
        let currents = ["grid.current_l1", "grid.current_l2", "grid.current_l3"];
        let points = points.into_iter().chain(currents.into_iter().filter(|_| shows_currents));
        let points = points.map(|name| name.parse().unwrap()).collect();
        let config = DeviceConfig { points: Some(points), ..config(id, &format!("tcp://{address}")) };
        let found: BTreeMap<String, Option<f64>> =
            read_once(&config).await.unwrap().into_iter().map(|reading| (reading.name, reading.value)).collect();
        let mut expected =
            vec![("grid.power", 4370.0), ("grid.power_l1", 4600.0), ("grid.power_l2", -230.0), ("grid.power_l3", 0.0)];
        if shows_currents {
            expected.extend([("grid.current_l1", 20.0), ("grid.current_l2", 1.0), ("grid.current_l3", 0.0)]);
        }
        for (name, value) in expected {
            assert_eq!(found[name], Some(value), "{id} {name}");
        }
    }
}

#[tokio::test]
async fn a_victron_system_that_nothing_feeds_is_an_island() {
    for (source, expected) in [(1, Some(0.0)), (2, Some(1.0)), (3, Some(0.0)), (240, Some(1.0)), (0, None)] {
        let address = device([(826, source)].into()).await;
        let points = Some(["grid.island".parse().unwrap()].into());
        let config = DeviceConfig { points, ..config("victron-gx", &format!("tcp://{address}")) };
        let found = read_once(&config).await.unwrap();
        assert_eq!((found[0].name.as_str(), found[0].value), ("grid.island", expected), "{source}");
    }
}
