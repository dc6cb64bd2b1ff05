//! Host names in a statically linked glibc program: getaddrinfo loads glibc's own plugins there, of whatever release the machine has, and crashes. So a
//! URL with a name is refused before FFmpeg sees it.

use super::trust::{name_to_resolve, scheme_of};
use crate::av::os::is_program_dynamic;
use crate::error::{Code, Error};

/// Refuses a URL whose host a static glibc would have to resolve. With musl, and in a dynamic program, nothing is refused. `proxy` is what the
/// file's option http_proxy says: what is asked of a proxy, that resolves.
pub fn check(url: &str, proxy: Option<&str>) -> Result<(), Error> {
    let is_static_glibc = cfg!(target_env = "gnu") && !is_program_dynamic();
    let of_environment = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    if !is_static_glibc
        || of_environment("no_proxy").is_none()
            && asks_proxy(url, proxy.map(str::to_owned).or_else(|| of_environment("http_proxy")))
    {
        return Ok(());
    }
    refuse_names(url)
}

/// Whether FFmpeg leaves the host of this URL to a proxy, and finds that by an address (http.c: http_open_cnx_internal, tls.c: ff_tls_open_underlying).
fn asks_proxy(url: &str, proxy: Option<String>) -> bool {
    let by_scheme = ["http", "https", "tls", "rtmps"].contains(&scheme_of(url).as_str());
    by_scheme && proxy.is_some_and(|proxy| proxy.starts_with("http://") && name_to_resolve(&proxy).is_none())
}

fn refuse_names(url: &str) -> Result<(), Error> {
    let Some(host) = name_to_resolve(url) else { return Ok(()) };
    let text = format!(
        "'{}': the name '{host}' cannot be resolved: this program is linked with a static glibc, whose resolver crashes",
        crate::secrets::mask_url(url)
    );
    Err(Error::new(Code::STATIC_RESOLVER, text).with_hint(
        "Link the program dynamically, or with musl; or give an address, with the name in -headers 'Host: NAME' and -verifyhost NAME; or an HTTP \
         proxy in -http_proxy http://ADDRESS:PORT; or run the job in process isolation.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_refused_in_a_static_glibc_program_alone() {
        for url in
            ["http://example.com/a", "rtmp://user:p@localhost:1935/live/key", "rtsp://cam.local/a", "srt://host:1"]
        {
            let error = refuse_names(url).unwrap_err();
            assert_eq!(error.code(), Code::STATIC_RESOLVER, "{url}");
            for remedy in ["dynamically", "musl", "Host:", "-verifyhost", "-http_proxy", "process isolation"] {
                assert!(error.hint().contains(remedy), "{remedy}: {}", error.hint());
            }
        }
        assert!(!refuse_names("rtmp://u:secret@host/a/key").unwrap_err().message().contains("secret"));
    }

    #[test]
    fn what_asks_no_resolver_is_not_refused() {
        for url in [
            "a.mp4",
            "/srv/a:b.mp4",
            "file:a.mp4",
            "mt:in",
            "pipe:0",
            "http://127.0.0.1:80/a",
            "rtmp://[::1]/a/b",
            "lavfi",
            "udp://239.0.0.1:1",
        ] {
            assert!(refuse_names(url).is_ok(), "{url}");
        }
        assert!(check("http://example.com/", None).is_ok(), "this program is dynamic");
    }

    #[test]
    fn names_that_a_proxy_resolves_are_not() {
        let asks = |url, proxy: &str| asks_proxy(url, Some(proxy.to_owned()));
        for url in ["http://host/a", "https://host/a", "rtmps://host/a/key", "tls://host:1"] {
            assert!(asks(url, "http://127.0.0.1:3128"), "{url}");
            assert!(!asks(url, "http://proxy:3128") && !asks(url, "socks://127.0.0.1:1") && !asks(url, ""), "{url}");
            assert!(!asks_proxy(url, None), "{url}");
        }
        assert!(!asks("rtmp://host/a/key", "http://127.0.0.1:3128"), "FFmpeg asks none for it");
    }
}
