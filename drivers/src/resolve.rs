//! Names to addresses: the system's DNS configuration and hosts file through hickory, whose cache keeps each answer for
//! its TTL. Literal addresses pass through. Names hickory cannot find (mDNS, a missing resolv.conf) are left to the
//! system's own resolver.

use crate::error::Error;
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::RData;
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::timeout;

/// Name servers are asked for at most this long: a dead one must not hold up a device on a literal address for longer.
const LIMIT: Duration = Duration::from_secs(10);

/// The MQTT port where nothing else is said.
pub const MQTT_PORT: u16 = 1883;
/// The MQTT port with TLS where nothing else is said.
pub const MQTT_TLS_PORT: u16 = 8883;

/// The addresses of an MQTT broker, best first. Without a port, the SRV records `_mqtt._tcp.<host>` are asked first, with
/// TLS `_secure-mqtt._tcp.<host>`; then the host's own addresses are taken with the usual port.
///
/// # Errors
/// The name leads nowhere.
pub async fn broker(host: &str, port: Option<u16>, tls: bool) -> Result<Vec<SocketAddr>, Error> {
    let Some(port) = port else {
        let found = if host.parse::<IpAddr>().is_err() { service(host, tls).await } else { Vec::new() };
        if !found.is_empty() {
            return Ok(found);
        }
        return host_addresses(host, if tls { MQTT_TLS_PORT } else { MQTT_PORT }).await;
    };
    host_addresses(host, port).await
}

/// The addresses of `host`, each with `port`.
///
/// # Errors
/// The name leads nowhere.
pub async fn host_addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    if host.is_empty() {
        return Err(unresolved(host, "the name is empty"));
    }
    let first = match lookup(host).await {
        Ok(found) if !found.is_empty() => return Ok(with_port(found, port)),
        Ok(_) => unresolved(host, "no address record"),
        Err(error) => error,
    };
    match timeout(LIMIT, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(found)) => {
            let found: Vec<SocketAddr> = found.collect();
            if found.is_empty() { Err(first) } else { Ok(found) }
        }
        Ok(Err(_)) | Err(_) => Err(first),
    }
}

/// IPv4 first: many devices and add-on networks announce IPv6 addresses that do not answer.
fn with_port(mut found: Vec<IpAddr>, port: u16) -> Vec<SocketAddr> {
    found.sort_by_key(IpAddr::is_ipv6);
    found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
}

async fn lookup(host: &str) -> Result<Vec<IpAddr>, Error> {
    let resolver = resolver().map_err(|error| unresolved(host, error))?;
    match timeout(LIMIT, resolver.lookup_ip(host)).await {
        Ok(Ok(found)) => Ok(found.iter().collect()),
        Ok(Err(error)) => Err(unresolved(host, &error.to_string())),
        Err(_) => Err(unresolved(host, "the name server does not answer")),
    }
}

async fn service(domain: &str, tls: bool) -> Vec<SocketAddr> {
    let Ok(resolver) = resolver() else { return Vec::new() };
    let name = if tls { format!("_secure-mqtt._tcp.{domain}") } else { format!("_mqtt._tcp.{domain}") };
    let Ok(Ok(found)) = timeout(LIMIT, resolver.srv_lookup(name)).await else { return Vec::new() };
    let mut targets: Vec<(u16, std::cmp::Reverse<u16>, String, u16)> = found
        .answers()
        .iter()
        .filter_map(|record| {
            let RData::SRV(srv) = &record.data else { return None };
            Some((srv.priority, std::cmp::Reverse(srv.weight), srv.target.to_utf8(), srv.port))
        })
        .collect();
    targets.sort();
    let mut addresses = Vec::new();
    for (_, _, target, port) in targets {
        addresses.extend(lookup(&target).await.map(|found| with_port(found, port)).unwrap_or_default());
    }
    addresses
}

/// The system's resolver, or what its configuration lacks.
fn resolver() -> Result<&'static TokioResolver, &'static str> {
    static RESOLVER: OnceLock<(Option<TokioResolver>, String)> = OnceLock::new();
    let (resolver, why) =
        RESOLVER.get_or_init(|| match TokioResolver::builder_tokio().and_then(|builder| builder.build()) {
            Ok(resolver) => (Some(resolver), String::new()),
            Err(error) => (None, error.to_string()),
        });
    resolver.as_ref().ok_or(why)
}

fn unresolved(host: &str, why: &str) -> Error {
    let why = if why.contains("no records found") { "the name is not known" } else { why };
    Error::Unresolved { host: host.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn literals_and_the_hosts_file_need_no_server() {
        for (tls, expected) in [(false, "192.0.2.7:1883"), (true, "192.0.2.7:8883")] {
            assert_eq!(broker("192.0.2.7", None, tls).await.unwrap(), vec![expected.parse().unwrap()]);
        }
        assert_eq!(host_addresses("::1", 502).await.unwrap(), vec!["[::1]:502".parse().unwrap()]);
        let local = host_addresses("localhost", 1884).await.unwrap();
        assert!(local.contains(&"127.0.0.1:1884".parse().unwrap()), "{local:?}");
    }

    #[tokio::test]
    async fn an_unknown_name_is_named_in_the_error() {
        let error = host_addresses("no-such-host.invalid", 502).await.unwrap_err();
        assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
    }
}
