use super::transport::{Place, Transport};
use super::units::Syntax;

const PID: u16 = 0x100;
const DELIMITER: &[u8] = &[0, 0, 0, 1, 9, 0xf0];
const KEY: &[u8] = &[0, 0, 0, 1, 0x65, 0x88, 0x84, 0x21];
/// Of macroblock 4.
const SECOND_SLICE: &[u8] = &[0, 0, 1, 0x65, 0x2a, 0x84, 0x21];
const HEVC_DELIMITER: &[u8] = &[0, 0, 0, 1, 0x46, 1, 0x10];
const HEVC_FIRST: &[u8] = &[0, 0, 1, 0x26, 1, 0xaf, 0x21];
const HEVC_SECOND: &[u8] = &[0, 0, 1, 0x26, 1, 0x2f, 0x21];

/// A PES packet of no length, with a time, in transport packets of which only the first is filled up.
fn pes(payload: &[u8]) -> Vec<u8> {
    bounded(payload, 0)
}

fn bounded(payload: &[u8], length: u8) -> Vec<u8> {
    let bytes = [&[0, 0, 1, 0xe0, 0, length, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1], payload].concat();
    let packet = |(index, part): (usize, &[u8])| {
        let begin = if index == 0 { 0x41 } else { 0x01 };
        let fill = 183 - part.len();
        [&[0x47, begin, 0, 0x30, fill as u8], &vec![0xff; fill][..], part].concat()
    };
    bytes.chunks(183).enumerate().flat_map(packet).collect()
}

/// After how many bytes of the PES packets the watch ends; given `step` bytes at a time.
fn ends(syntax: Syntax, packets: &[Vec<u8>], step: usize) -> Option<usize> {
    let mut transport = Transport::new(vec![Place { pid: PID, syntax, most_bytes: 1000 }]);
    let bytes = packets.concat();
    let lost = bytes.chunks(step).position(|part| !transport.take(part).is_empty())?;
    assert!(!transport.is_watching() && transport.take(&bytes).is_empty());
    Some((lost + 1) * step)
}

fn is_whole(packets: &[Vec<u8>]) -> bool {
    let lost = ends(Syntax::H264, packets, 188);
    assert_eq!(ends(Syntax::H264, packets, 1), lost, "byte by byte");
    lost.is_none()
}

#[test]
fn pictures_of_any_slices_are_whole() {
    let picture = pes(&[DELIMITER, KEY, SECOND_SLICE].concat());
    assert!(is_whole(&[picture.clone(), pes(KEY), pes(&KEY[1..]), picture.clone()]));
    let long = pes(&[DELIMITER, KEY, &[7; 400], SECOND_SLICE].concat());
    assert!(long.len() > 2 * 188 && is_whole(&[long, picture]));
    let picture = pes(&[HEVC_DELIMITER, HEVC_FIRST, HEVC_SECOND].concat());
    assert_eq!(ends(Syntax::Hevc, &[picture.clone(), pes(HEVC_FIRST), picture], 1), None);
}

#[test]
fn what_is_no_picture_is_seen_where_it_begins() {
    let whole = pes(KEY);
    let after = |second: Vec<u8>| ends(Syntax::H264, &[whole.clone(), second], 188);
    for (what, payload) in [
        ("two pictures", [KEY, KEY].concat()),
        ("a slice of the picture before", SECOND_SLICE.to_vec()),
        ("a delimiter behind a picture", [KEY, DELIMITER].concat()),
        ("no start code", KEY[4..].to_vec()),
        ("one zero too many", [&[0], KEY].concat()),
        ("another unit first", [&[0, 0, 1, 12, 0xff], KEY].concat()),
        ("nothing", Vec::new()),
    ] {
        assert_eq!(after(pes(&payload)), Some(2 * 188), "{what}");
    }
    assert_eq!(after(bounded(KEY, 16)), Some(2 * 188), "a length");
    assert_eq!(ends(Syntax::H264, &[pes(DELIMITER), pes(KEY)], 188), Some(2 * 188), "no picture before");
    let zeros = |next: &[u8]| is_whole(&[pes(&[KEY, &[0]].concat()), pes(next)]);
    assert!(zeros(KEY) && !zeros(&KEY[1..]), "a zero before a short start code");
    for payload in [[HEVC_FIRST, HEVC_FIRST].concat(), HEVC_SECOND.to_vec(), [HEVC_FIRST, HEVC_DELIMITER].concat()] {
        assert_eq!(ends(Syntax::Hevc, &[pes(HEVC_FIRST), pes(&payload)], 188), Some(2 * 188), "{payload:?}");
    }
}

#[test]
fn what_the_demuxer_would_cut_or_look_for_is_not_whole() {
    assert!(!is_whole(&[pes(&[KEY, &[7; 1000]].concat())]));
    let mut shifted = pes(KEY);
    shifted.insert(0, 0x47);
    assert!(is_whole(&[pes(KEY), pes(KEY)]) && !is_whole(&[pes(KEY), shifted, pes(KEY)]));
}

#[test]
fn no_flipped_bit_breaks_it() {
    let stream = [pes(&[DELIMITER, KEY, SECOND_SLICE].concat()), pes(KEY)].concat();
    for bit in 0..stream.len() * 8 {
        let mut flipped = stream.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        for syntax in [Syntax::H264, Syntax::Hevc] {
            ends(syntax, &[flipped.clone()], 7);
        }
    }
}
