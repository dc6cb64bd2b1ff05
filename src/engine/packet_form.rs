//! How packets of a codec are laid out, which hangs on what they came in: H.264 and HEVC with start codes (MPEG-TS) or with lengths (MP4, FLV,
//! Matroska), AAC with ADTS headers (MPEG-TS) or without. A muxer and a decoder take the form that they began with.

use crate::av::{self, AvError, BitstreamFilters, Packet, Parameters, Rational};

/// Brings packets of one form to another.
pub enum PacketForm {
    /// A filter of FFmpeg's: lengths become start codes, ADTS headers go.
    Filter(BitstreamFilters),
    /// Start codes become lengths of so many bytes.
    Lengths(usize),
    /// Each packet gets an ADTS header: these 7 bytes, with its size in them.
    Adts([u8; 7]),
}

fn has_start_code(extradata: &[u8]) -> bool {
    extradata.starts_with(&[0, 0, 1]) || extradata.starts_with(&[0, 0, 0, 1])
}

fn is_nal(codec: i32) -> bool {
    [av::CODEC_H264, av::CODEC_HEVC].contains(&codec)
}

/// H.264 or HEVC with lengths: its extradata is an avcC or hvcC.
fn has_lengths(parameters: &Parameters) -> bool {
    let extradata = parameters.extradata();
    extradata.len() >= 7 && !has_start_code(extradata)
}

/// Of how many bytes each length is (ISO/IEC 14496-15, 5.3.3.1.2 and 8.3.3.1.2: lengthSizeMinusOne).
fn length_size(parameters: &Parameters) -> usize {
    let at = if parameters.codec_id() == av::CODEC_H264 { 4 } else { 21 };
    parameters.extradata().get(at).map_or(4, |bits| usize::from(bits & 3) + 1)
}

impl PacketForm {
    /// From packets of `given` to those of `wanted`, which are of the same codec; with the extradata that goes with them, where that is known. None: they
    /// are laid out alike.
    pub fn between(wanted: &Parameters, given: &Parameters) -> Result<Option<(PacketForm, Vec<u8>)>, AvError> {
        let codec = given.codec_id();
        if is_nal(codec) {
            return match (has_lengths(wanted), has_lengths(given)) {
                (false, true) => {
                    let name = if codec == av::CODEC_H264 { "h264_mp4toannexb" } else { "hevc_mp4toannexb" };
                    PacketForm::filter(name, given).map(Some)
                }
                (true, false) => {
                    let (extradata, size) = (given.extradata(), length_size(wanted));
                    // Those of HEVC go with the pictures.
                    let avcc = (codec == av::CODEC_H264).then(|| avcc_of(extradata, size)).flatten();
                    Ok(Some((PacketForm::Lengths(size), avcc.unwrap_or_default())))
                }
                _ => Ok(None),
            };
        }
        if codec != av::CODEC_AAC {
            return Ok(None);
        }
        match (wanted.extradata(), given.extradata()) {
            ([], [_, ..]) => Ok(adts_of(given.extradata()).map(|header| (PacketForm::Adts(header), Vec::new()))),
            // It says the parameters with its first packet.
            ([_, ..], []) => PacketForm::filter("aac_adtstoasc", given).map(Some),
            _ => Ok(None),
        }
    }

    /// For packets of a source that are to go on where those of an encoder ended, in the middle of a file; or why they cannot.
    pub fn instead_of(encoded: &Parameters, source: &Parameters) -> Result<Option<PacketForm>, String> {
        let (wanted, given) = (encoded.codec_id(), source.codec_id());
        if wanted != given {
            return Err(format!("its source is {} and not {}", av::codec_name(given), av::codec_name(wanted)));
        }
        let shape = |p: &Parameters| (p.width(), p.height(), p.sample_rate(), p.channels());
        if shape(encoded) != shape(source) {
            return Err("its source has another size, rate or number of channels".into());
        }
        let form = PacketForm::between(encoded, source).map_err(|error| error.words())?;
        let says_all = is_nal(given) && !has_lengths(encoded) || av::says_its_parameters(given);
        let is_alike = || {
            let (wanted, given) = (encoded.extradata(), source.extradata());
            wanted == given || given.is_empty() || (given.len() >= 2 && wanted.get(..2) == given.get(..2))
        };
        match says_all || (given == av::CODEC_AAC && is_alike()) || encoded.extradata() == source.extradata() {
            true => Ok(form.map(|(form, _)| form)),
            false => Err("its source was encoded with other parameters".into()),
        }
    }

    fn filter(name: &str, given: &Parameters) -> Result<(PacketForm, Vec<u8>), AvError> {
        let mut filter = BitstreamFilters::parse(name)?;
        let (parameters, _) = filter.init(given, Rational::new(1, 1000))?; // which it does not use
        Ok((PacketForm::Filter(filter), parameters.extradata().to_vec()))
    }

    /// Gives the packet its form; an error where it is broken.
    pub fn apply(&mut self, mut packet: Packet) -> Result<Packet, AvError> {
        match self {
            PacketForm::Filter(filter) => {
                filter.send(Some(&mut packet))?;
                let mut formed = Packet::new()?;
                match filter.receive(&mut formed)? {
                    true => Ok(formed),
                    false => Err(AvError::INVALID_DATA),
                }
            }
            PacketForm::Lengths(size) => packet.with_data(&with_lengths(packet.data(), *size)?),
            PacketForm::Adts(header) => {
                let size = packet.size() + header.len();
                if size >= 1 << 13 {
                    return Err(AvError::INVALID_DATA);
                }
                let mut data = sized(*header, size).to_vec();
                data.extend_from_slice(packet.data());
                packet.with_data(&data)
            }
        }
    }
}

/// The units between start codes.
fn nal_units(data: &[u8]) -> Vec<&[u8]> {
    let begins: Vec<usize> =
        (0..data.len().saturating_sub(2)).filter(|at| data[*at..].starts_with(&[0, 0, 1])).map(|at| at + 3).collect();
    let ends = begins.iter().skip(1).map(|begin| begin - 3).chain([data.len()]);
    // A zero before a start code belongs to it, and so do those that fill up.
    let unit = |(begin, end): (&usize, usize)| {
        let unit = &data[*begin..end.max(*begin)];
        let zeros = unit.iter().rev().take_while(|byte| **byte == 0).count();
        &unit[..unit.len() - zeros]
    };
    begins.iter().zip(ends).map(unit).filter(|unit| !unit.is_empty()).collect()
}

fn with_lengths(data: &[u8], size: usize) -> Result<Vec<u8>, AvError> {
    let units = nal_units(data);
    if units.is_empty() {
        return Err(AvError::INVALID_DATA);
    }
    let mut formed = Vec::with_capacity(data.len() + size * units.len());
    for unit in units {
        let length = unit.len().to_be_bytes();
        let (above, length) = length.split_at(length.len() - size);
        if above.iter().any(|byte| *byte != 0) {
            return Err(AvError::INVALID_DATA);
        }
        formed.extend_from_slice(length);
        formed.extend_from_slice(unit);
    }
    Ok(formed)
}

/// An avcC (ISO/IEC 14496-15, 5.2.4.1) of the parameter sets between start codes; None where there are none.
fn avcc_of(extradata: &[u8], length_size: usize) -> Option<Vec<u8>> {
    let units = nal_units(extradata);
    let sets = |kind: u8| units.iter().filter(move |unit| unit[0] & 0x1f == kind && unit.len() >= 4);
    let first = sets(7).next()?;
    let mut avcc = vec![1, first[1], first[2], first[3], 0xfc | (length_size - 1) as u8];
    for (kind, mark) in [(7, 0xe0), (8, 0)] {
        avcc.push(mark | sets(kind).count() as u8);
        for set in sets(kind) {
            avcc.extend_from_slice(&(set.len() as u16).to_be_bytes());
            avcc.extend_from_slice(set);
        }
    }
    if ![66, 77, 88].contains(&first[1]) {
        return avcc_of_high(first, avcc);
    }
    Some(avcc)
}

/// From the high profile on it says the kind of pictures, too.
fn avcc_of_high(set: &[u8], mut avcc: Vec<u8>) -> Option<Vec<u8>> {
    // 4:2:0 of 8 bits, where nobody says otherwise: profile 100. Others are left to what is in the packets.
    (set[1] == 100).then(|| {
        avcc.extend_from_slice(&[0xfc | 1, 0xf8, 0xf8, 0]);
        avcc
    })
}

/// The ADTS header (ISO/IEC 13818-7, 6.2) for packets of an AudioSpecificConfig; None where it cannot say it. The size stays open.
fn adts_of(config: &[u8]) -> Option<[u8; 7]> {
    let bits = u16::from_be_bytes([*config.first()?, *config.get(1)?]);
    let (object, rate, channels) = ((bits >> 11) as u8, (bits >> 7 & 15) as u8, (bits >> 3 & 15) as u8);
    // HE-AAC is LC to those who do not know it, and is found by those who do.
    let object = if [5, 29].contains(&object) { 2 } else { object };
    let is_sayable = (1..=4).contains(&object) && rate < 13 && (1..=7).contains(&channels);
    is_sayable.then(|| [0xff, 0xf1, (object - 1) << 6 | rate << 2 | channels >> 2, (channels & 3) << 6, 0, 0x1f, 0xfc])
}

fn sized(mut header: [u8; 7], size: usize) -> [u8; 7] {
    header[3] |= (size >> 11) as u8;
    header[4] = (size >> 3) as u8;
    header[5] |= (size << 5) as u8;
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_stand_between_start_codes() {
        let data = [0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 0, 0, 1, 0x65, 0, 0, 3, 1, 0];
        let units: [&[u8]; 3] = [&[0x67, 1], &[0x68, 2], &[0x65, 0, 0, 3, 1]];
        assert_eq!(nal_units(&data), units);
        assert_eq!(with_lengths(&data, 4).unwrap()[..6], [0, 0, 0, 2, 0x67, 1]);
        assert_eq!(with_lengths(&data, 2).unwrap()[..4], [0, 2, 0x67, 1]);
        let long = [&[0, 0, 1][..], &[0x65; 256]].concat();
        assert!(with_lengths(&long, 1).is_err() && with_lengths(&long, 2).unwrap()[..3] == [1, 0, 0x65]);
        for broken in [&[][..], &[0, 0], &[0, 0, 1], &[1, 2, 3, 4]] {
            assert!(with_lengths(broken, 4).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn an_avcc_has_the_parameter_sets() {
        let sets = [0, 0, 0, 1, 0x67, 66, 0xc0, 30, 9, 0, 0, 1, 0x68, 1, 2, 3];
        let expected = [1, 66, 0xc0, 30, 0xff, 0xe1, 0, 5, 0x67, 66, 0xc0, 30, 9, 1, 0, 4, 0x68, 1, 2, 3];
        assert_eq!(avcc_of(&sets, 4).unwrap(), expected);
        assert!(avcc_of(&sets[10..], 4).is_none() && avcc_of(&[], 4).is_none());
    }

    #[test]
    fn an_adts_header_says_rate_channels_and_size() {
        // AAC LC, 44100 Hz, mono; as ffmpeg's adtsenc.c writes it
        let header = adts_of(&[0x12, 0x08, 0x56, 0xe5, 0]).unwrap();
        assert_eq!(sized(header, 7 + 0x155), [0xff, 0xf1, 0x50, 0x40, 0x2b, 0x9f, 0xfc]);
        // HE-AAC: of the core's rate
        assert_eq!(adts_of(&[0x2b, 0x92, 0x08]).unwrap()[2], 1 << 6 | 7 << 2);
        // channels that only a program config element says; no whole config
        assert!(adts_of(&[0x12, 0x00]).is_none() && adts_of(&[0x12]).is_none() && adts_of(&[]).is_none());
    }
}
