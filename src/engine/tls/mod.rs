//! TLS peers outside of `trusted`: FFmpeg is told to verify them (it does not by itself), with the authorities that are found or named, and where it
//! refuses one it is asked once more what is wrong with it, since FFmpeg does not say.

mod authorities;
mod diagnosis;

pub use self::authorities::authorities;
use self::diagnosis::{Fault, ask};
use super::context::JobContext;
use super::stream_setup::FileOptions;
use super::trust::{Trust, scheme_of};
use crate::av::{self, TlsPeers};
use crate::error::{Code, Error};
use crate::options::JobSpec;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What FFmpeg's own protocols use TLS for, and the usual port of each.
const SCHEMES: [(&str, u16); 5] = [("https", 443), ("tls", 443), ("rtmps", 443), ("gophers", 70), ("mmsts", 443)];
/// What uses TLS and hands none of its options on (rtsp.c: ff_rtsp_connect; rtmphttp.c: rtmp_http_open).
const UNVERIFIED: [&str; 2] = ["rtsps", "rtmpts"];

/// How an input's or output's TLS peers are verified.
pub struct Verification {
    pub peers: Arc<TlsPeers>,
    authorities: Option<PathBuf>,
    verifies: bool,
    url: String,
}

impl Verification {
    /// None where nothing is verified: in `trusted`, and where the user says `-tls_verify 0`.
    pub fn of(job: &JobSpec, url: &str, options: &FileOptions, trust: Trust) -> Result<Option<Verification>, Error> {
        let own = options.format.get("tls_verify");
        if trust == Trust::Trusted && own.is_none() {
            return Ok(None);
        }
        let verifies = own.as_deref().is_none_or(|value| value != "0");
        let scheme = scheme_of(url);
        if UNVERIFIED.contains(&scheme.as_str()) && verifies && trust != Trust::Trusted {
            let text = format!(
                "'{}': FFmpeg cannot verify the TLS peer of {scheme}, which {} requires",
                crate::secrets::mask_url(url),
                trust.word()
            );
            return Err(Error::new(Code::UNSUPPORTED, text)
                .with_hint("Set -tls_verify 0, or -mt_trust trusted, if the network between is yours."));
        }
        let is_tls = SCHEMES.iter().any(|(name, _)| *name == scheme);
        if is_tls && own.is_none() && !compares_names(&av::configuration()) {
            let text = format!(
                "'{}': the linked FFmpeg uses OpenSSL, with which it compares no names of certificates",
                crate::secrets::mask_url(url)
            );
            return Err(Error::new(Code::UNSUPPORTED, text).with_hint(
                "Link an FFmpeg with GnuTLS. -tls_verify 1 verifies all but the name, -tls_verify 0 nothing.",
            ));
        }
        let given = options.format.get("ca_file").or_else(|| options.format.get("cafile")).map(PathBuf::from);
        let authorities = match given {
            Some(given) => Some(given),
            None => authorities(job.global("mt_ca_file"))?,
        };
        let mut settings = vec![("tls_verify", if verifies { "1" } else { "0" }.to_owned())];
        if let Some(file) = &authorities {
            settings.push(("ca_file", crate::text::from_bytes(file.as_os_str().as_encoded_bytes())));
        }
        Ok(Some(Verification { peers: Arc::new(TlsPeers::new(&settings)), authorities, verifies, url: url.to_owned() }))
    }

    /// What is wrong with the peer, where an opening failed by its certificate. It is asked again, for 3 s at most, and no longer than
    /// the file has time; nothing is sent to it that is not sent before a handshake is over.
    pub fn explain(&self, context: &JobContext, time_left: Option<Duration>, error: &Error) -> Option<Error> {
        const LIMIT: Duration = Duration::from_secs(3);
        // GnuTLS and OpenSSL end a refused handshake with EIO or EINVAL, and demuxers turn what failed inside into other codes.
        let may_be = ![Code::ETIMEDOUT, Code::ECANCELED, Code::ENOENT, Code::ECONNREFUSED].contains(&error.code());
        if !self.verifies || !may_be || context.is_cancelled() {
            return None;
        }
        let url = self.peers.failed().unwrap_or_else(|| self.url.clone());
        let (host, port) = peer_of(&url)?;
        let fault = ask(&host, port, self.authorities.as_deref(), time_left.unwrap_or(LIMIT).min(LIMIT))?;
        let shown = crate::secrets::mask_url(&url);
        let bundle = self.authorities.as_ref().map_or("the system's".into(), |file| format!("'{}'", file.display()));
        let (what, hint) = match fault {
            Fault::Expired => (
                "is not valid now: it has expired, or is not valid yet",
                "Renew the peer's certificate, or set this machine's clock.",
            ),
            Fault::UnknownAuthority => (
                "is signed by none of the authorities that are known",
                "Name a file with its authority in -mt_ca_file, or have the peer send its whole chain.",
            ),
            Fault::WrongName => {
                ("is for another name", "Use the name that the certificate is for, or name it with -verifyhost.")
            }
            Fault::Other(_) => ("cannot be verified", "Check the peer's certificate with `openssl s_client`."),
        };
        let why = if let Fault::Other(why) = &fault { format!(": {why}") } else { String::new() };
        let text = format!("the certificate of '{shown}' {what} (host '{host}', authorities: {bundle}){why}");
        Some(error.clone().replaced(Code::TLS, text).with_hint(hint))
    }
}

/// Whether FFmpeg looks at the name in a certificate, by its configure line (tls_openssl.c: tls_open says that it does not).
fn compares_names(configuration: &str) -> bool {
    let has = |word: &str| configuration.split_whitespace().any(|given| given == word);
    !has("--enable-openssl") || has("--enable-gnutls")
}

/// Host and port of a URL of TLS.
fn peer_of(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let port = SCHEMES.iter().find(|(name, _)| *name == scheme)?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, given) = match host.strip_prefix('[') {
        Some(inner) => inner.split_once(']').map(|(host, rest)| (host, rest.strip_prefix(':')))?,
        None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
    };
    let port = given.map_or(Some(port), |given| given.parse().ok())?;
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssl_compares_no_names() {
        assert!(compares_names("--enable-gpl --enable-gnutls") && compares_names(""));
        assert!(!compares_names("--enable-gpl --enable-openssl"));
    }

    #[test]
    fn the_peer_of_a_url() {
        let is =
            |url, peer: Option<(&str, u16)>| assert_eq!(peer_of(url), peer.map(|(h, p)| (h.to_owned(), p)), "{url}");
        is("https://host/a", Some(("host", 443)));
        is("https://user:p@host:8443/a?b@c", Some(("host", 8443)));
        is("rtmps://[::1]:1936/live/key", Some(("::1", 1936)));
        is("http://host/a", None);
        is("a.mp4", None);
    }
}
