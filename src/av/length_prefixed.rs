//! H.264 with start codes for containers that want lengths. Their muxers look for the start codes in every packet, four bytes at a time
//! (ff_avc_parse_nal_units), which is a fifth of a copy from MPEG-TS to MP4. Here that is done before them, much faster; they are given avcC, and write what
//! they get. What they write is the same.

use super::avcc::avcc_of;
use super::nal_units::{NalUnits, have_start_codes};
use super::{AvError, Dict, Packet, Parameters, ffi};
use std::ffi::CStr;

/// Muxers that write H.264 with lengths, and take it with them: libavformat's movenc.c, and flvenc.c and matroskaenc.c.
const OF_SAMPLES: [&str; 8] = ["mp4", "mov", "ismv", "ipod", "3gp", "3g2", "psp", "f4v"];
const OTHERS: [&str; 2] = ["flv", "matroska"];

/// A unit of filler data (nal_unit_type 12), for a packet in which there is no unit: it keeps its place among the samples. movenc.c writes one without
/// bytes, which it takes for none where it comes so.
const FILLER: [u8; 6] = [0, 0, 0, 2, 12, 0x80];

/// The streams of an output whose packets get lengths here.
#[derive(Default)]
pub(super) struct LengthPrefixed {
    /// By the number of the muxer's stream.
    streams: Vec<Option<Stream>>,
    units: NalUnits,
    /// Packets without bytes are no samples to the muxer.
    has_samples: bool,
}

struct Stream {
    /// As it was described, with start codes in the extradata.
    described: Parameters,
    /// Packets come with start codes.
    is_converted: bool,
}

impl LengthPrefixed {
    /// Gives the muxer avcC for each stream that has start codes. Before the header.
    ///
    /// # Safety
    /// `context` is an output whose streams are described.
    pub unsafe fn begin(context: *mut ffi::AVFormatContext, options: &Dict) -> Result<LengthPrefixed, AvError> {
        let mut streams = Vec::new();
        // SAFETY: by contract: a terminated string, and nb_streams streams.
        let has_samples = unsafe {
            let format = CStr::from_ptr((*(*context).oformat).name).to_string_lossy();
            let has_samples = OF_SAMPLES.contains(&&*format);
            if !has_samples && !OTHERS.contains(&&*format) || needs_start_codes(options) {
                return Ok(LengthPrefixed::default());
            }
            for index in 0..(*context).nb_streams as usize {
                streams.push(Stream::begin((**(*context).streams.add(index)).codecpar)?);
            }
            has_samples
        };
        Ok(LengthPrefixed { streams, has_samples, ..LengthPrefixed::default() })
    }

    /// A stream as it was described, where the muxer has it otherwise.
    pub fn described(&self, index: usize) -> Option<&Parameters> {
        self.streams.get(index)?.as_ref().map(|stream| &stream.described)
    }

    /// Makes of a packet what the muxer wants of its stream.
    pub fn convert(&mut self, packet: &mut Packet) -> Result<(), AvError> {
        let index = usize::try_from(packet.stream_index()).unwrap_or(usize::MAX);
        let Some(stream) = self.streams.get_mut(index).and_then(Option::as_mut) else { return Ok(()) };
        stream.take_new_extradata(packet)?;
        if !stream.is_converted || packet.size() == 0 {
            return Ok(());
        }
        self.units.find(packet.data());
        if self.has_samples && self.units.size() == 0 {
            return packet.replace_data(FILLER.len(), |_, new| new.copy_from_slice(&FILLER));
        }
        if self.units.fit_in_place(packet.data())
            && let Some(data) = packet.data_mut()
        {
            self.units.write_lengths(data);
            return Ok(());
        }
        packet.replace_data(self.units.size(), |old, new| self.units.copy(old, new))
    }
}

/// Options by which a muxer looks at the packets' start codes itself, or at their sizes, or shows the extradata as it is.
fn needs_start_codes(options: &Dict) -> bool {
    let is_given = |name: &str| options.get(name).is_some();
    is_given("encryption_scheme")
        || is_given("frag_size")
        || options.get("movflags").is_some_and(|flags| flags.contains("rtphint") || flags.contains("isml"))
}

impl Stream {
    /// # Safety
    /// `parameters` are those of a stream.
    unsafe fn begin(parameters: *mut ffi::AVCodecParameters) -> Result<Option<Stream>, AvError> {
        // SAFETY: by contract.
        unsafe {
            let is_plain = matches!(&(*parameters).codec_tag.to_le_bytes(), [0, 0, 0, 0] | b"avc1");
            if (*parameters).codec_id != ffi::AV_CODEC_ID_H264 || !is_plain {
                return Ok(None);
            }
            let described = Parameters::copy_of(parameters)?;
            if !have_start_codes(described.extradata()) {
                return Ok(None);
            }
            let Some(avcc) = avcc_of(&described)? else { return Ok(None) };
            AvError::check(ffi::avcodec_parameters_copy(parameters, avcc.as_ptr()))?;
            Ok(Some(Stream { described, is_converted: true }))
        }
    }

    /// The stream's source may be another one from this packet on: avcC is what the muxer is told of it, too.
    fn take_new_extradata(&mut self, packet: &mut Packet) -> Result<(), AvError> {
        let new = packet.new_extradata();
        if new.is_empty() {
            return Ok(());
        }
        self.is_converted = have_start_codes(new);
        if !self.is_converted {
            return Ok(());
        }
        let mut described = self.described.duplicate()?;
        described.set_extradata(new)?;
        match avcc_of(&described)? {
            Some(avcc) => packet.set_new_extradata(avcc.extradata()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AVCC: &[u8] = include_bytes!("../engine/head/x264.avcc");

    /// The parameter sets of [`AVCC`], one of each, behind start codes.
    fn with_start_codes() -> Vec<u8> {
        let sequence = usize::from(u16::from_be_bytes([AVCC[6], AVCC[7]]));
        let picture = usize::from(u16::from_be_bytes([AVCC[9 + sequence], AVCC[10 + sequence]]));
        let start_code = [0, 0, 0, 1];
        [&start_code, &AVCC[8..8 + sequence], &start_code, &AVCC[11 + sequence..11 + sequence + picture]].concat()
    }

    fn described(extradata: &[u8]) -> Parameters {
        let mut parameters = Parameters::new().unwrap();
        // SAFETY: ours.
        unsafe {
            let par = &mut *parameters.as_ptr();
            (par.codec_type, par.codec_id) = (ffi::AVMEDIA_TYPE_VIDEO, ffi::AV_CODEC_ID_H264);
            (par.width, par.height) = (320, 240);
        }
        parameters.set_extradata(extradata).unwrap();
        parameters
    }

    #[test]
    fn avcc_is_that_of_the_linked_ffmpeg() {
        assert_eq!(avcc_of(&described(&with_start_codes())).unwrap().unwrap().extradata(), AVCC);
        assert!(avcc_of(&described(&[0, 0, 0, 1, 9, 16, 0, 0, 0, 1, 9, 16])).unwrap().is_none(), "no parameter sets");
    }

    #[test]
    fn packets_are_converted_as_long_as_they_have_start_codes() {
        let parameters = described(&with_start_codes());
        // SAFETY: valid parameters.
        let stream = unsafe { Stream::begin(parameters.as_ptr()) }.unwrap();
        assert_eq!(parameters.extradata(), AVCC, "the muxer is told of lengths");
        let mut all = LengthPrefixed { streams: vec![stream], has_samples: true, ..LengthPrefixed::default() };
        assert_eq!(all.described(0).unwrap().extradata(), with_start_codes());
        let mut convert = |data: &[u8], new: &[u8]| {
            let mut packet = Packet::of_bytes(data).unwrap();
            if !new.is_empty() {
                packet.add_new_extradata(new).unwrap();
            }
            all.convert(&mut packet).unwrap();
            (packet.data().to_vec(), packet.new_extradata().to_vec())
        };
        // Given a source that comes back with lengths, and again with start codes
        assert_eq!(convert(&[0, 0, 1, 9, 16], &[]), (vec![0, 0, 0, 2, 9, 16], vec![]));
        assert_eq!(convert(&[0, 0, 0, 2, 9, 16], AVCC), (vec![0, 0, 0, 2, 9, 16], AVCC.to_vec()));
        assert_eq!(convert(&[0, 0, 0, 3, 5, 0, 1], &[]).0, [0, 0, 0, 3, 5, 0, 1]);
        assert_eq!(convert(&[0, 0, 1, 9, 16], &with_start_codes()), (vec![0, 0, 0, 2, 9, 16], AVCC.to_vec()));
        assert_eq!(convert(&[0, 0, 0, 1, 9, 16, 0, 0, 1, 5], &[]).0, [0, 0, 0, 2, 9, 16, 0, 0, 0, 1, 5]);
        // And a packet without a unit keeps its place.
        assert_eq!(convert(&[7; 20], &[]).0, FILLER);
    }
}
