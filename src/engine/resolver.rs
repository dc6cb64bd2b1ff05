//! Host names in a statically linked glibc program: getaddrinfo loads glibc's own plugins there, of whatever release the machine has, and crashes. So a
//! URL with a name is refused before FFmpeg sees it.

use super::trust::name_to_resolve;
use crate::av::os::is_program_dynamic;
use crate::error::{Code, Error};

/// Refuses a URL whose host a static glibc would have to resolve. With musl, and in a dynamic program, nothing is refused.
pub fn check(url: &str) -> Result<(), Error> {
    check_in(url, cfg!(target_env = "gnu") && !is_program_dynamic())
}

fn check_in(url: &str, is_static_glibc: bool) -> Result<(), Error> {
    let Some(host) = name_to_resolve(url).filter(|_| is_static_glibc) else { return Ok(()) };
    let text = format!(
        "'{}': the name '{host}' cannot be resolved: this program is linked with a static glibc, whose resolver crashes",
        crate::secrets::mask_url(url)
    );
    Err(Error::new(Code::STATIC_RESOLVER, text).with_hint(
        "Link the program dynamically, or with musl; or give an address, with the name in -headers 'Host: NAME' and -verifyhost NAME; or run \
         the job in process isolation.",
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
            let error = check_in(url, true).unwrap_err();
            assert_eq!(error.code(), Code::STATIC_RESOLVER, "{url}");
            for remedy in ["dynamically", "musl", "Host:", "-verifyhost", "process isolation"] {
                assert!(error.hint().contains(remedy), "{remedy}: {}", error.hint());
            }
            assert!(check_in(url, false).is_ok(), "{url}");
        }
        assert!(!check_in("rtmp://u:secret@host/a/key", true).unwrap_err().message().contains("secret"));
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
            assert!(check_in(url, true).is_ok(), "{url}");
        }
        assert!(check("http://example.com/").is_ok(), "this program is dynamic");
    }
}
