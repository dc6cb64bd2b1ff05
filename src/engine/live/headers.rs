//! Headers that an encoder writes into its key frames only: what joins may want them before its first packet, as Matroska and FLV do.
//! Source of the rule: `extract_extradata` in FFmpeg's libavformat/demux.c, which does the same for what is read.

use crate::av::{AvError, BitstreamFilters, Input, Packet};

/// Waits for the first key frame of a stream whose headers are inside of it.
pub struct Headers {
    stream: usize,
    filters: BitstreamFilters,
}

impl Headers {
    /// None where the stream has headers, or needs none.
    pub fn awaited(outline: &Input, stream: usize) -> Option<Headers> {
        let parameters = outline.describe(stream).ok()?.parameters;
        if !parameters.extradata().is_empty() {
            return None;
        }
        let mut filters = BitstreamFilters::parse("extract_extradata").ok()?;
        // Refused for codecs that have nothing to extract.
        filters.init(&parameters, outline.time_base(stream)).ok()?;
        Some(Headers { stream, filters })
    }

    /// Whether this is the packet that was waited for: then the outline has its headers, if there were any.
    pub fn are_in(&mut self, stream: usize, packet: &Packet, outline: &mut Input) -> Result<bool, AvError> {
        if stream != self.stream || !packet.is_key() {
            return Ok(false);
        }
        let (mut sent, mut filtered) = (packet.reference()?, Packet::new()?);
        let is_read = self.filters.send(Some(&mut sent)).and_then(|()| self.filters.receive(&mut filtered));
        if is_read == Ok(true) && !filtered.new_extradata().is_empty() {
            let mut parameters = outline.describe(stream)?.parameters;
            parameters.set_extradata(filtered.new_extradata())?;
            outline.set_parameters(stream, &parameters)?;
        }
        Ok(true)
    }
}
