use super::{aac, h264};
use crate::av::{AudioFacts, Rational};

/// What x264 writes for 640x360 at 25 frames a second with two frames of delay.
fn avcc() -> Vec<u8> {
    include_bytes!("x264.avcc").to_vec()
}

#[test]
fn an_avcc_says_what_the_pictures_are() {
    let facts = h264::facts(&avcc()).expect("facts");
    assert_eq!((facts.width, facts.height, facts.profile, facts.level), (640, 360, 100, 30));
    assert_eq!((facts.sample_aspect_ratio, facts.delay_frames, facts.ticks), (Rational::new(1, 1), 2, Some((50, 1))));
    assert_eq!((facts.chroma_location, facts.has_limited_range, facts.colors), (1, false, None));
}

#[test]
fn an_avcc_that_is_cut_anywhere_says_nothing() {
    let avcc = avcc();
    for end in 0..avcc.len() {
        let _ = h264::facts(&avcc[..end]); // some end behind the picture parameter sets' first bits: only that nothing breaks
    }
    assert!((0..12).all(|end| h264::facts(&avcc[..end]).is_none()));
}

#[test]
fn no_flipped_bit_breaks_the_reader() {
    let avcc = avcc();
    for bit in 0..avcc.len() * 8 {
        let mut flipped = avcc.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let _ = h264::facts(&flipped);
    }
}

#[test]
fn an_audio_config_of_low_complexity_is_known() {
    let stereo = AudioFacts { sample_rate: 48000, channels: 2, profile: 1, frame_samples: 1024 };
    assert_eq!(aac::facts(&[0x11, 0x90]), Some(stereo));
    assert_eq!(aac::facts(&[0x11, 0x90, 0x56, 0xe5, 0x00]), Some(stereo), "with the mark that there is no SBR");
}

#[test]
fn an_audio_config_with_a_secret_is_not() {
    assert_eq!(aac::facts(&[0x11, 0x90, 0x56, 0xe5, 0x80]), None, "SBR");
    assert_eq!(aac::facts(&[0x13, 0x90]), None, "22,050 samples a second may hide SBR");
    assert_eq!(aac::facts(&[0x11, 0xb0]), None, "5.1 channels");
    assert_eq!(aac::facts(&[0x2b, 0x92, 0x08, 0x00]), None, "HE-AAC");
    assert_eq!(aac::facts(&[0x11]), None);
}
