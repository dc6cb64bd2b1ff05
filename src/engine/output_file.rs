//! The file of an output: opened when all that can be wrong about its options was checked. Source: `open_output_file` and
//! `assert_file_overwrite` of FFmpeg's fftools/ffmpeg_opt.c.

use super::deadlines::Kind;
use super::errors::failed;
use super::files::OpenInput;
use super::outputs::Builder;
use super::plan::OpenOutput;
use super::stream_setup::FileOptions;
use super::tls::Verification;
use super::trust::OutputProtocols;
use super::{host, mux};
use crate::av::{self, Dict};
use crate::error::{Code, Error};
use crate::options::parse_float;

impl Builder<'_> {
    /// Opens the file: only after all that can be wrong about the options was checked.
    pub(super) fn prepare_file(&self, open: &mut OpenOutput, inputs: &[OpenInput]) -> Result<(), Error> {
        let flags = open.output.flags();
        if flags.needs_number() && !av::has_number_pattern(&open.url) {
            return Err(
                Error::option(format!("the name '{}' needs a number pattern such as %03d", open.url)).at("open output")
            );
        }
        self.check_overwrite(open, inputs)?;
        let protocols = OutputProtocols::of(self.job);
        if host::name_of(&open.url).is_none() && open.output.format_name() != "null" {
            protocols.check(&open.url, &open.output.format_name())?;
            protocols.prepare(&mut open.header_options);
        }
        super::resolver::check(&open.url, open.options.format.get("http_proxy").as_deref())
            .map_err(|error| error.at("open output"))?;
        let tls = Verification::of(self.job, &open.url, &open.options, self.context.trust.trust)
            .map_err(|error| error.at("open output"))?
            .filter(|_| host::name_of(&open.url).is_none());
        if let Some(tls) = &tls {
            open.output.secure(&tls.peers);
        }
        let opened = self.clock.timed("open output", Kind::Open, || -> Result<(), Error> {
            if !host::open_output(self.context, open)? {
                let open_failed =
                    |e| failed(e, "open output", Code::MUX, &format!("cannot open '{}' for writing", open.url));
                let peers = tls.as_ref().filter(|tls| tls.peers.concerns(&open.url)).map(|tls| &tls.peers);
                let added = peers.map_or_else(Vec::new, |peers| peers.prepare(&mut open.header_options));
                let opened = open.output.open(&mut open.header_options);
                added.iter().for_each(|name| open.header_options.remove(name));
                opened.map_err(open_failed)?;
                protocols.prepare(&mut open.header_options);
            }
            Ok(())
        });
        opened.map_err(|error| {
            let explain = |tls: &Verification| tls.explain(self.context, self.clock.interrupt.time_left(), &error);
            tls.as_ref().and_then(explain).unwrap_or(error)
        })?;
        self.clock.set_there();
        if av::is_regular_file(&open.url) {
            self.clock.set_plain_file();
        }
        if let Some(preload) = self.spec.value("muxpreload").and_then(parse_float).filter(|s| *s > 0.0) {
            open.header_options.set("preload", &format!("{}", (preload * 1e6) as i64));
        }
        let delay_s = self.spec.value("muxdelay").and_then(parse_float).unwrap_or(mux::DEFAULT_DELAY_S);
        open.output.set_max_delay_us((delay_s * 1e6) as i32);
        Ok(())
    }

    fn check_overwrite(&self, open: &OpenOutput, inputs: &[OpenInput]) -> Result<(), Error> {
        if open.output.flags().opens_no_file() || av::protocol_name(&open.url).as_deref() != Some("file") {
            return Ok(());
        }
        if inputs.iter().any(|input| !input.input.is_without_file() && input.url == open.url) {
            return Err(Error::new(Code::EINVAL, format!("output '{}' is also an input", open.url))
                .at("open output")
                .with_hint("Write to another name, and rename it afterwards: FFmpeg cannot edit a file in place."));
        }
        let path = open.url.strip_prefix("file:").unwrap_or(&open.url);
        if self.job.global_flag("n") && crate::text::to_path(path).exists() {
            return Err(Error::new(Code::EEXIST, format!("'{}' exists, and -n forbids to overwrite it", open.url))
                .at("open output"));
        }
        Ok(())
    }
}

/// What of the options neither the muxer nor its protocol took when the header was written.
pub fn unused_option(options: &FileOptions, left: &Dict) -> Option<String> {
    let key = options.unknown_in(left).filter(|key| key != "preload")?;
    Some(format!("option {key} was not used: it is not one of this output's format or protocol"))
}
