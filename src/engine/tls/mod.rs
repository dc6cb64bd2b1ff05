//! TLS peers outside of `trusted`: FFmpeg is told to verify them (it does not by itself), with the authorities that are found or named, and where it
//! refuses one it is asked once more what is wrong with it, since FFmpeg does not say.

mod authorities;
mod diagnosis;
mod peer;

pub use self::authorities::authorities;
use self::diagnosis::{Answer, Fault, ask};
use self::peer::{Peer, is_tls};
use super::context::JobContext;
use super::stream_setup::FileOptions;
use super::trust::{Trust, scheme_of};
use crate::av::{self, TlsPeers};
use crate::error::{Code, Error};
use crate::options::JobSpec;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What uses TLS and hands none of its options on (rtsp.c: ff_rtsp_connect; rtmphttp.c: rtmp_http_open).
const UNVERIFIED: [&str; 2] = ["rtsps", "rtmpts"];

/// How an input's or output's TLS peers are verified.
pub struct Verification {
    pub peers: Arc<TlsPeers>,
    authorities: Option<PathBuf>,
    verifies: bool,
    follows: bool,
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
        if let Some(scheme) = unverified(url).filter(|_| verifies && trust != Trust::Trusted) {
            let text = format!(
                "'{}': FFmpeg cannot verify the TLS peer of {scheme}, which {} requires",
                crate::secrets::mask_url(url),
                trust.word()
            );
            return Err(Error::new(Code::UNSUPPORTED, text)
                .with_hint("Set -tls_verify 0, or -mt_trust trusted, if the network between is yours."));
        }
        if is_tls(&scheme) && own.is_none() && !compares_names(&av::configuration()) {
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
        let peers = Arc::new(TlsPeers::new(&settings));
        Ok(Some(Verification { peers, authorities, verifies, follows: false, url: url.to_owned() }))
    }

    /// Where FFmpeg follows redirects, so does [`Verification::explain`].
    pub fn following(mut self, follows: bool) -> Verification {
        self.follows = follows;
        self
    }

    /// What is wrong with the peer, where an opening failed by its certificate. It is asked again, for 3 s at most, and no longer than
    /// the file has time; nothing is sent to it that is not sent before a handshake is over, but for a request where a redirect may have led on.
    pub fn explain(&self, context: &JobContext, time_left: Option<Duration>, error: &Error) -> Option<Error> {
        const LIMIT: Duration = Duration::from_secs(3);
        // GnuTLS and OpenSSL end a refused handshake with EIO or EINVAL, and demuxers turn what failed inside into other codes.
        let may_be = ![Code::ETIMEDOUT, Code::ECANCELED, Code::ENOENT, Code::ECONNREFUSED].contains(&error.code());
        if !self.verifies || !may_be || context.is_cancelled() {
            return None;
        }
        let failed = self.peers.failed();
        // Other codes are an answer of HTTP's, to which nothing leads on.
        let follows = self.follows && (failed.is_some() || error.ffmpeg_code() == -libc::EIO);
        let until = Instant::now() + time_left.unwrap_or(LIMIT).min(LIMIT);
        let (url, host, fault) = self.find(failed.unwrap_or_else(|| self.url.clone()), until, follows)?;
        let shown = crate::secrets::mask_url(&url);
        let bundle = self.authorities.as_ref().map(|file| format!("'{}'", file.display()));
        let bundle = bundle.unwrap_or_else(|| "none are where systems keep them".into());
        let (what, hint) = match fault {
            Fault::Expired => (
                "is not valid now: it has expired, or is not valid yet",
                "Renew the peer's certificate, or set this machine's clock.",
            ),
            Fault::UnknownAuthority => (
                "is signed by none of the authorities that are known",
                "Name a file with its authority in -mt_ca_file, install the system's (ca-certificates), or have the peer send its whole chain.",
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

    /// The URL whose peer has a fault, with its host, from `url` on.
    fn find(&self, mut url: String, until: Instant, follows: bool) -> Option<(String, String, Fault)> {
        const MOST_REDIRECTS: usize = 8; // as FFmpeg (http.c: max_redirects)
        for _ in 0..=MOST_REDIRECTS {
            super::resolver::check(&url, None).ok()?; // it is dialled from here
            let peer = Peer::of(&url)?;
            match ask(&peer, self.authorities.as_deref(), until, follows)? {
                Answer::Fault(fault) => return Some((url, peer.host, fault)),
                Answer::Moved(to) => url = to,
            }
        }
        None
    }
}

/// The scheme of a URL whose TLS peer is never verified, also where it is one of several (tee.c).
fn unverified(url: &str) -> Option<&'static str> {
    let is_of = |name: &str, url: &str| url.strip_prefix(name).is_some_and(|rest| rest.starts_with("://"));
    UNVERIFIED.into_iter().find(|name| url.split(['|', ']']).any(|each| is_of(name, each.trim_start())))
}

/// Whether FFmpeg looks at the name in a certificate, by its configure line (tls_openssl.c: tls_open says that it does not).
fn compares_names(configuration: &str) -> bool {
    let has = |word: &str| configuration.split_whitespace().any(|given| given == word);
    !has("--enable-openssl") || has("--enable-gnutls")
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
    fn what_is_never_verified_is_found_among_several() {
        for url in ["rtsps://host/a", "[f=rtsp]rtsps://host/a", "a.ts|[f=rtsp] rtsps://host/a"] {
            assert_eq!(unverified(url), Some("rtsps"), "{url}");
        }
        for url in ["rtsp://host/a", "https://host/?of=rtsps://host/a", "[f=flv]rtmps://host/a|b.ts"] {
            assert_eq!(unverified(url), None, "{url}");
        }
    }
}
