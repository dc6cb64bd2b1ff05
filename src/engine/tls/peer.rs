//! Who a URL of TLS, or one that may lead there, stands for.

/// What FFmpeg's own protocols use TLS for, and the usual port of each.
const SCHEMES: [(&str, u16); 5] = [("https", 443), ("tls", 443), ("rtmps", 443), ("gophers", 70), ("mmsts", 443)];

/// A peer of a URL.
#[derive(Debug, PartialEq)]
pub struct Peer {
    pub host: String,
    pub port: u16,
    pub uses_tls: bool,
    /// Path and query, of HTTP alone: what could be moved elsewhere.
    pub target: Option<String>,
    /// As a Host header has it.
    authority: String,
}

pub fn is_tls(scheme: &str) -> bool {
    SCHEMES.iter().any(|(name, _)| *name == scheme)
}

impl Peer {
    pub fn of(url: &str) -> Option<Peer> {
        let (scheme, rest) = url.split_once("://")?;
        let usual = SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, port)| *port);
        let usual = usual.or_else(|| (scheme == "http").then_some(80))?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, given) = match authority.strip_prefix('[') {
            Some(inner) => inner.split_once(']').map(|(host, rest)| (host, rest.strip_prefix(':')))?,
            None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
        };
        let port = given.map_or(Some(usual), |given| given.parse().ok())?;
        let target = ["http", "https"].contains(&scheme).then(|| target_of(rest));
        (!host.is_empty()).then(|| Peer {
            host: host.to_owned(),
            port,
            uses_tls: is_tls(scheme),
            target,
            authority: authority.to_owned(),
        })
    }

    /// The request for it, which asks for a byte. No secret of the URL's authority or of the user's headers is in it.
    pub fn request(&self) -> Option<String> {
        let target = self.target.as_ref().filter(|target| !target.contains(|c: char| c.is_control() || c == ' '))?;
        let lines = "User-Agent: mt-transcode\r\nAccept: */*\r\nRange: bytes=0-0\r\nConnection: close";
        Some(format!("GET {target} HTTP/1.1\r\nHost: {}\r\n{lines}\r\n\r\n", self.authority))
    }

    /// Where a Location of this peer's leads; None where that is no URL of HTTP.
    pub fn leads_to(&self, location: &str) -> Option<String> {
        let scheme = if self.uses_tls { "https" } else { "http" };
        let url = match (location.strip_prefix("//"), location.strip_prefix('/')) {
            (Some(rest), _) => format!("{scheme}://{rest}"),
            (None, Some(_)) => format!("{scheme}://{}{location}", self.authority),
            _ => location.to_owned(),
        };
        Peer::of(&url).and_then(|peer| peer.target).map(|_| url)
    }
}

fn target_of(rest: &str) -> String {
    let target = rest.split('#').next().unwrap_or_default();
    if target.starts_with('/') { target.to_owned() } else { format!("/{target}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_of_a_url() {
        let is = |url, peer: Option<(&str, u16, Option<&str>)>| {
            let of = Peer::of(url);
            let found = of.as_ref().map(|peer| (peer.host.as_str(), peer.port, peer.target.as_deref()));
            assert_eq!(found, peer, "{url}");
        };
        is("https://host/a", Some(("host", 443, Some("/a"))));
        is("https://user:p@host:8443/a?b@c#d", Some(("host", 8443, Some("/a?b@c"))));
        is("http://host?a", Some(("host", 80, Some("/?a"))));
        is("rtmps://[::1]:1936/live/key", Some(("::1", 1936, None)));
        is("rtmp://host/a", None);
        is("https:///a", None);
        is("a.mp4", None);
    }

    #[test]
    fn a_request_has_no_secret_of_the_authority_and_no_second_line() {
        let request = Peer::of("https://user:hunter2@host:8443/a?b").and_then(|peer| peer.request()).unwrap();
        assert!(request.starts_with("GET /a?b HTTP/1.1\r\nHost: host:8443\r\n") && !request.contains("hunter2"));
        assert_eq!(Peer::of("https://host/a\r\nX: y").unwrap().request(), None);
        assert_eq!(Peer::of("rtmps://host/a").unwrap().request(), None);
    }

    #[test]
    fn where_a_location_leads() {
        let peer = Peer::of("https://user:p@host:8443/a").unwrap();
        let is = |location, url: Option<&str>| assert_eq!(peer.leads_to(location).as_deref(), url, "{location}");
        is("https://other/b", Some("https://other/b"));
        is("http://other/b", Some("http://other/b"));
        is("//other/b", Some("https://other/b"));
        is("/b?c", Some("https://host:8443/b?c"));
        is("file:///etc/passwd", None);
        is("b", None);
    }
}
