//! Where outputs may go. Their URLs are the host's own words, so no profile forbids any; a host that builds them from somebody else's words
//! gives a list of protocols.

use super::protocols::scheme_of;
use crate::av::Dict;
use crate::error::{Code, Error};
use crate::options::JobSpec;

/// Protocols that outputs may use; None: all.
pub struct OutputProtocols(Option<Vec<String>>);

impl OutputProtocols {
    pub fn of(job: &JobSpec) -> OutputProtocols {
        OutputProtocols(super::profile::list(job, "mt_output_protocols"))
    }

    /// Refuses an output by its URL, or where it opens others past every check (`format` is the muxer's name).
    pub fn check(&self, url: &str, format: &str) -> Result<(), Error> {
        let Some(list) = &self.0 else { return Ok(()) };
        let scheme = scheme_of(url);
        let base = scheme.split('+').next().unwrap_or(&scheme);
        let (shown, list_shown) = (crate::secrets::mask_url(url), list.join(","));
        let refused = |text: String| {
            let hint = "Add the protocol to -mt_output_protocols if the output may go there.";
            Err(Error::new(Code::EACCES, text).at("open output").with_hint(hint))
        };
        if ["tee", "fifo"].contains(&format) {
            return refused(format!(
                "'{shown}': format {format} opens outputs that -mt_output_protocols does not reach"
            ));
        }
        match list.iter().any(|word| word == base) {
            true => Ok(()),
            false => refused(format!(
                "'{shown}' goes by the protocol {base}, not one of {list_shown} (-mt_output_protocols)"
            )),
        }
    }

    /// The same list for what FFmpeg opens by itself: segments, playlists.
    pub fn prepare(&self, options: &mut Dict) {
        if let Some(list) = &self.0 {
            options.set("protocol_whitelist", &list.join(","));
        }
    }
}
