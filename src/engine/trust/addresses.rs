//! Which addresses may be dialled (rule 43). connect() cannot be interposed in the host's process, so only addresses that stand in
//! the URL are let through: a name may mean another address each time it is asked for.

use super::protocols::scheme_of;
use crate::error::{Code, Error};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Addresses {
    Any,
    /// Those of the public internet.
    Public,
}

/// Protocols that open no connection.
const WITHOUT_ADDRESS: [&str; 5] = ["file", "fd", "pipe", "data", "crypto"];
/// Protocols that dial the address of their URL and no other one. http: with `max_redirects` 0.
const DIALS_ITS_URL: [&str; 8] = ["http", "https", "tcp", "tls", "udp", "rtmp", "rtmps", "srt"];

impl Addresses {
    pub fn parse(text: &str) -> Result<Addresses, Error> {
        match text {
            "any" => Ok(Addresses::Any),
            "public" => Ok(Addresses::Public),
            _ => Err(Error::option(format!(
                "option mt_addresses has the unknown value '{text}'; it takes any or public"
            ))),
        }
    }

    /// Refuses a URL that leads, or may lead, where it must not.
    pub fn check(self, url: &str) -> Result<(), Error> {
        let scheme = scheme_of(url);
        if self == Addresses::Any || WITHOUT_ADDRESS.contains(&scheme.as_str()) && !url.starts_with("crypto") {
            return Ok(());
        }
        let url_shown = crate::secrets::mask_url(url);
        let unsupported = |text: String| {
            Err(Error::new(Code::UNSUPPORTED, text).at("open input").with_hint(
                "Give a literal address, let every address be dialled (-mt_addresses any), or run the job in process isolation, \
                 where each connection can be checked.",
            ))
        };
        if !DIALS_ITS_URL.contains(&scheme.as_str()) {
            return unsupported(format!(
                "'{url_shown}': with -mt_addresses public, connections of {scheme} cannot be checked in the host's process; \
                 process isolation can"
            ));
        }
        let Some(host) = host_of(url) else {
            return unsupported(format!("'{url_shown}' has no host that -mt_addresses public could check"));
        };
        match literal(host) {
            Some(address) => match kind_of(address) {
                None => Ok(()),
                Some(kind) => {
                    let text = format!("'{url_shown}' is {kind}, which -mt_addresses public does not dial");
                    Err(Error::new(Code::EACCES, text)
                        .at("open input")
                        .with_hint("Set -mt_addresses any if inputs may reach the local network."))
                }
            },
            None => unsupported(format!(
                "'{url_shown}' has a host name: with -mt_addresses public only literal addresses are dialled in the host's \
                 process; process isolation can check what a name stands for"
            )),
        }
    }
}

/// The host of a URL that a resolver has to be asked for; None where there is none, or it is an address.
pub fn name_to_resolve(url: &str) -> Option<&str> {
    let scheme = scheme_of(url);
    let has_host = !WITHOUT_ADDRESS.contains(&scheme.as_str()) && url.contains("://");
    host_of(url).filter(|host| has_host && literal(host).is_none())
}

/// The host of a URL, without brackets, as FFmpeg finds it (libavformat/utils.c: av_url_split).
fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once(':')?.1;
    let rest = rest.strip_prefix("//").or_else(|| rest.strip_prefix('/')).unwrap_or(rest);
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?.0,
        None => host.split_once(':').map_or(host, |(host, _)| host),
    };
    (!host.is_empty()).then_some(host)
}

/// An address as getaddrinfo understands it without asking anybody: "::1%lo", "127.1", "0x7f.1", "2130706433".
fn literal(host: &str) -> Option<IpAddr> {
    let without_zone = host.split_once('%').map_or(host, |(address, _)| address);
    if let Ok(address) = without_zone.parse::<Ipv6Addr>() {
        return Some(IpAddr::V6(address));
    }
    inet_aton(host).map(IpAddr::V4)
}

/// One to four numbers, decimal, octal or hexadecimal, of which the last fills what is left (inet_aton).
fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u64> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) {
        return None;
    }
    let room = 32 - 8 * first.len() as u32;
    let high = first.iter().fold(0u64, |all, part| all << 8 | part);
    (*last < 1 << room).then(|| Ipv4Addr::from((high << room | last) as u32))
}

fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hexadecimal) => (hexadecimal, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    let is_plain = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    u64::from_str_radix(digits, radix).ok().filter(|_| is_plain)
}

/// Why an address is not one of the public internet; None where it is.
fn kind_of(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    }
}

fn kind_of_v4(address: Ipv4Addr) -> Option<&'static str> {
    const METADATA: [[u8; 4]; 3] = [[169, 254, 169, 254], [169, 254, 170, 2], [100, 100, 100, 200]];
    let octets = address.octets();
    match octets {
        _ if METADATA.contains(&octets) => Some("a metadata address"),
        [127, ..] => Some("a loopback address"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("a private address"),
        [169, 254, ..] => Some("a link-local address"),
        [100, 64..=127, ..] => Some("an address behind a carrier's NAT"),
        [224..=239, ..] => Some("a multicast address"),
        [0, ..] => Some("an address of this host"),
        [240..=255, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Some("a reserved address"),
        _ => None,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> Option<&'static str> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| kind_of_v4(Ipv4Addr::from((u32::from(high)) << 16 | u32::from(low)));
    match s {
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("a loopback address"),
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("an address of this host"),
        // IPv4 in IPv6: mapped, translated (NAT64), 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Some("a metadata address"),
        [0xfc00..=0xfdff, ..] => Some("a private address"),
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xfec0..=0xfeff, ..] => Some("a private address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        // Teredo and documentation are no places to dial.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] => Some("a reserved address"),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("a reserved address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(url: &str) -> Option<Code> {
        Addresses::Public.check(url).err().map(|error| error.code())
    }

    #[test]
    fn no_spelling_of_a_local_address_is_dialled() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "017700000001",
            "0177.0.0.1",
            "127.0.0.01",
            "0",
            "0.0.0.0",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "169.254.1.1",
            "100.64.0.1",
            "100.100.100.200",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[fe80::1%eth0]",
            "[fe80::1%25eth0]",
            "[fd00:ec2::254]",
            "[fc00::1]",
            "[ff02::1]",
            "[2001:db8::1]",
            "[::7f00:1]",
        ] {
            for url in
                [format!("http://{host}/a"), format!("http://user:p@ss@{host}:8080/a?b@c"), format!("tcp://{host}:1")]
            {
                assert_eq!(code(&url), Some(Code::EACCES), "{url}");
            }
        }
    }

    #[test]
    fn public_addresses_are_dialled_and_names_are_not() {
        for url in
            ["http://8.8.8.8/a", "https://1.1.1.1:443/", "http://[2606:4700::1111]/a", "rtmp://134744072/live", "a.mp4"]
        {
            assert_eq!(code(url), None, "{url}");
        }
        for url in [
            "http://localhost/a",
            "http://example.com/a",
            "http://127.0.0.1.nip.io/",
            "http://08.8.8.8/",
            "http://1.2.3.4.5/",
            "http://256.1.1.1/",
            "http:///a",
            "rtsp://8.8.8.8/a",
            "ftp://8.8.8.8/a",
            "concat:a|b",
            "http://127.0.0.1%00/",
        ] {
            assert_eq!(code(url), Some(Code::UNSUPPORTED), "{url}");
        }
        assert_eq!(Addresses::Any.check("http://127.0.0.1/").err().map(|e| e.code()), None);
    }

    #[test]
    fn what_stands_before_an_at_sign_is_not_the_host() {
        assert_eq!(code("http://8.8.8.8@127.0.0.1/"), Some(Code::EACCES));
        assert_eq!(code("http://127.0.0.1@8.8.8.8/"), None);
        assert_eq!(code("http://8.8.8.8/@127.0.0.1/"), None);
    }
}
