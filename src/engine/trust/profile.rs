//! What a job's options say about trust.

use super::addresses::Addresses;
use super::formats::is_self_contained;
use super::limits::{Limits, default_of};
use super::{formats, protocols, refused, unchecked};
use crate::av::{Codec, Demuxer, Dict, protocol_name};
use crate::engine::host::name_of;
use crate::error::Error;
use crate::options::{FileSpec, JobSpec};

/// How far an input is trusted, from the strictest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Trust {
    /// One self-contained file, nothing else opened.
    #[default]
    Untrusted,
    /// What is named may open what belongs to it; what is guessed opens nothing else.
    Standard,
    /// Whatever ffmpeg does.
    Trusted,
}

impl Trust {
    pub fn parse(text: &str) -> Result<Trust, Error> {
        match text {
            "trusted" => Ok(Trust::Trusted),
            "standard" => Ok(Trust::Standard),
            "untrusted" => Ok(Trust::Untrusted),
            _ => Err(Error::option(format!(
                "option mt_trust has the unknown value '{text}'; it takes trusted, standard or untrusted"
            ))),
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Trust::Trusted => "trusted",
            Trust::Standard => "standard",
            Trust::Untrusted => "untrusted",
        }
    }

    /// Of an input: its own, else the job's, else by where its bytes come from.
    fn of(job: &JobSpec, input: &FileSpec) -> Result<Trust, Error> {
        match input.value("mt_trust").or_else(|| job.global("mt_trust")) {
            Some(text) => Trust::parse(text),
            None if name_of(&input.url).is_some() => Ok(Trust::Untrusted),
            None => Ok(Trust::Standard),
        }
    }
}

/// What holds for the whole job: as strict as its strictest input.
#[derive(Clone, Debug, Default)]
pub struct JobTrust {
    pub trust: Trust,
    pub limits: Limits,
}

impl JobTrust {
    pub fn is_untrusted(&self) -> bool {
        self.trust == Trust::Untrusted
    }

    pub fn of(job: &JobSpec) -> Result<JobTrust, Error> {
        let of_job = job.global("mt_trust").map_or(Ok(Trust::Standard), Trust::parse)?;
        let of_inputs = job.inputs.iter().map(|input| Trust::of(job, input)).collect::<Result<Vec<_>, _>>()?;
        let trust = of_inputs.into_iter().min().unwrap_or(of_job);
        Ok(JobTrust { trust, limits: Limits::of(job, trust) })
    }
}

/// What holds for one input.
#[derive(Clone, Debug)]
pub struct Policy {
    pub trust: Trust,
    pub limits: Limits,
    pub(super) addresses: Addresses,
    formats: Option<Vec<String>>,
    codecs: Option<Vec<String>>,
    protocols: Option<Vec<String>>,
}

pub(super) fn list(job: &JobSpec, option: &'static str) -> Option<Vec<String>> {
    let words = job.global(option)?.split(',').map(|word| word.trim().to_owned());
    Some(words.filter(|word| !word.is_empty()).collect())
}

fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

impl Policy {
    pub fn of(job: &JobSpec, input: &FileSpec) -> Result<Policy, Error> {
        let trust = Trust::of(job, input)?;
        let default = if trust == Trust::Untrusted { Addresses::Public } else { Addresses::Any };
        Ok(Policy {
            trust,
            limits: Limits::of(job, trust),
            addresses: job.global("mt_addresses").map_or(Ok(default), Addresses::parse)?,
            formats: list(job, "mt_formats"),
            codecs: list(job, "mt_codecs"),
            protocols: list(job, "mt_protocols"),
        })
    }

    /// A proxy would dial for us, past every check.
    pub fn takes_no_proxy(&self, url: &str) -> bool {
        let scheme = protocols::scheme_of(url);
        self.checks_addresses() && ["http", "https", "tls", "rtmps"].contains(&scheme.as_str())
    }

    /// Whether FFmpeg goes where HTTP says that something was moved to.
    pub fn follows_redirects(&self) -> bool {
        !self.checks_addresses()
    }

    pub(super) fn checks_addresses(&self) -> bool {
        self.addresses != Addresses::Any
    }

    /// Whether anything at all is to be asked before something is opened.
    pub fn is_open(&self) -> bool {
        self.trust == Trust::Trusted
            && self.formats.is_none()
            && self.protocols.is_none()
            && self.addresses == Addresses::Any
            && self.limits.open_bytes.is_none()
    }

    /// Protocols that an input may use, by its URL; None: all.
    pub(super) fn protocols_of(&self, url: &str) -> Option<Vec<String>> {
        let own = (self.trust != Trust::Trusted).then(|| protocols::reached_by(url));
        match (own, &self.protocols) {
            (Some(own), Some(listed)) => Some(own.into_iter().filter(|word| listed.contains(word)).collect()),
            (own, listed) => own.or_else(|| listed.clone()),
        }
    }

    /// Whether a format may be read. `is_named`: with -f, or by the URL's scheme.
    pub fn check_format(&self, format: Demuxer, is_named: bool) -> Result<(), Error> {
        let names = format.names();
        let is_listed = |list: &Vec<String>| names.split(',').any(|name| list.iter().any(|word| word == name));
        if self.formats.as_ref().is_some_and(|list| !is_listed(list)) {
            let text = format!("format {names} is not among those of mt_formats, which this job");
            return Err(refused(self.trust, text, "Add the format to -mt_formats.").at("open input"));
        }
        let is_image = names == "image2"; // reads its own URL only, where no pattern is expanded
        let is_allowed = match self.trust {
            Trust::Trusted => true,
            Trust::Standard => {
                is_named || is_self_contained(format) || formats::follows_own_protocols(names) || is_image
            }
            Trust::Untrusted => is_self_contained(format) || is_image,
        };
        if is_allowed {
            return Ok(());
        }
        let text = format!("format {names} opens other files, connections or devices, which");
        let hint = match self.trust {
            Trust::Standard => format!(
                "Name the format with -f {} if you know the input, or give it -mt_trust trusted.",
                names.split(',').next().unwrap_or(names)
            ),
            _ => "Give the input -mt_trust standard or trusted if you know where it comes from.".to_owned(),
        };
        Err(refused(self.trust, text, &hint).at("open input"))
    }

    pub fn check_decoder(&self, codec: Codec) -> Result<(), Error> {
        let name = codec.name();
        match &self.codecs {
            Some(list) if !list.iter().any(|word| word == name) => {
                let text = format!("decoder {name} is not among those of mt_codecs, which");
                Err(refused(self.trust, text, "Add the decoder to -mt_codecs.").at("decode"))
            }
            _ => Ok(()),
        }
    }

    /// Sets what FFmpeg checks and bounds by itself. What the user set by hand narrows, and never widens.
    pub fn prepare(&self, options: &mut Dict, url: &str, named: Option<Demuxer>) {
        let both = |options: &Dict, key: &str, ours: Vec<String>| match options.get(key).map(|text| words(&text)) {
            Some(theirs) => ours.into_iter().filter(|word| theirs.contains(word)).collect::<Vec<_>>().join(","),
            None => ours.join(","),
        };
        let nothing = |text: String| if text.is_empty() { "none".to_owned() } else { text };
        if let Some(protocols) = self.protocols_of(url) {
            let protocols = both(options, "protocol_whitelist", protocols);
            options.set("protocol_whitelist", &nothing(protocols));
        }
        let by_name = named.or_else(|| Demuxer::by_name(url));
        if self.trust != Trust::Trusted || self.formats.is_some() {
            let allowed = formats::allowed(by_name, self.trust, self.formats.as_deref());
            let allowed = both(options, "format_whitelist", allowed);
            options.set("format_whitelist", &nothing(allowed));
        }
        if let Some(codecs) = &self.codecs {
            let codecs = both(options, "codec_whitelist", codecs.clone());
            options.set("codec_whitelist", &nothing(codecs));
        }
        self.bound(options, url, named, by_name);
    }

    /// max_pixels, where there is a limit and the user set none.
    pub fn bound_decoder(&self, options: &mut Dict) {
        if let Some(pixels) = self.limits.pixels {
            options.set_if_absent("max_pixels", &pixels.min(i32::MAX as u64).to_string());
        }
    }

    /// Before anything is opened: whether the URL and the format that was named may be used.
    pub fn check_named(&self, url: &str, named: Option<Demuxer>) -> Result<(), Error> {
        if let Some(format) = named {
            self.check_format(format, true)?;
            if self.checks_addresses() && !is_self_contained(format) && !["hls", "image2"].contains(&format.names()) {
                return Err(unchecked(format.names()));
            }
        }
        if name_of(url).is_some() {
            return Ok(());
        }
        if named.is_none_or(|format| !format.opens_no_file()) {
            self.addresses.check(url)?;
        }
        Ok(())
    }

    fn bound(&self, options: &mut Dict, url: &str, named: Option<Demuxer>, by_name: Option<Demuxer>) {
        if self.addresses != Addresses::Any && protocol_name(url).is_some_and(|name| name.starts_with("http")) {
            options.set("max_redirects", "0");
        }
        if self.takes_no_proxy(url) {
            // A name that is empty: else FFmpeg asks the environment (http_proxy), and dials what that says.
            options.set("http_proxy", "");
        }
        let is_image = by_name.is_some_and(|format| format.names() == "image2");
        if self.trust == Trust::Trusted {
            return;
        }
        if let Some(limit) = default_of("probesize") {
            options.set_if_absent("probesize", &limit.to_string());
        }
        // One more than may be: some demuxers go on with what fits, some fail, and a stream too many is told from both.
        if let Some(most) = self.most_streams(options) {
            options.set("max_streams", &most.saturating_add(1).min(i64::from(i32::MAX)).to_string());
        }
        if is_image && (named.is_none() || self.trust == Trust::Untrusted) {
            options.set("pattern_type", "none");
        }
    }
}
