//! Metadata of frames that no encoder here writes: HDR10+, HDR Vivid and Dolby Vision, put into an HEVC stream bit by bit, and
//! shown as ffprobe of the same libraries shows them.

mod common;

use common::*;
use std::path::Path;
use std::process::Command;

/// Bits, most significant first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u64, count: u32) -> &mut Bits {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    fn each(&mut self, values: impl IntoIterator<Item = u64>, count: u32) -> &mut Bits {
        values.into_iter().fold(self, |bits, value| bits.put(value, count))
    }

    /// Exp-Golomb, unsigned.
    fn golomb(&mut self, value: u64) -> &mut Bits {
        let length = 64 - (value + 1).leading_zeros();
        self.put(0, length - 1).put(value + 1, length)
    }

    fn signed_golomb(&mut self, value: i64) -> &mut Bits {
        self.golomb(if value > 0 { 2 * value as u64 - 1 } else { 2 * value.unsigned_abs() })
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| (0..8).fold(0, |byte, i| byte << 1 | u8::from(bits.get(i) == Some(&true)));
        self.0.chunks(8).map(byte).collect()
    }
}

/// A NAL unit with its start code; zeros inside are told from start codes.
fn unit(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut unit = vec![0, 0, 0, 1, kind << 1, 1];
    let mut zeros = 0;
    for byte in payload {
        if zeros >= 2 && *byte <= 3 {
            unit.push(3);
            zeros = 0;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        unit.push(*byte);
    }
    unit
}

/// User data as of ITU-T T.35, in a message of its own.
fn user_data(data: &[u8]) -> Vec<u8> {
    const PREFIX_SEI: u8 = 39;
    unit(PREFIX_SEI, &[&[4, data.len() as u8], data, &[0x80]].concat())
}

fn hdr10_plus() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0xb5, 8).put(0x3c, 16).put(1, 16).put(4, 8).put(1, 8).put(2, 2); // version 1, two windows
    bits.each([10, 20, 30, 40, 50, 60], 16);
    bits.put(70, 8).put(80, 16).put(90, 16).put(100, 16).put(1, 1);
    bits.put(4_000_000, 27).put(1, 1).put(2, 5).put(3, 5); // peaks of two rows and three columns
    bits.each(0..6, 4);
    for window in 0..2 {
        bits.each((0..4).map(|n| 1000 * window + n), 17);
        bits.put(2, 4).put(1, 7).put(11, 17).put(99, 7).put(22, 17).put(500, 10);
    }
    bits.put(1, 1).put(2, 5).put(2, 5);
    bits.each(0..4, 4);
    for _ in 0..2 {
        bits.put(1, 1).put(100, 12).put(200, 12).put(3, 4).put(1, 10).put(2, 10).put(3, 10).put(1, 1).put(5, 6);
    }
    user_data(&bits.bytes())
}

fn hdr_vivid() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0x26, 8).put(4, 16).put(5, 16).put(1, 8);
    bits.each((1..5).map(|n| n * 100), 12);
    bits.put(1, 1).put(1, 1); // two tone mappings
    for mapping in 0..2 {
        bits.put(2000 + mapping, 12).put(1, 1).put(8000, 14).put(23, 6).put(10, 10).put(11, 10).put(12, 6);
        bits.put(1, 2).put(0, 2).put(2, 4).put(3, 3).put(17, 7).put(1, 1).put(1, 1); // two splines
        for spline in 0..2 {
            bits.put(spline, 2);
            if spline == 0 {
                bits.put(33, 8);
            }
            bits.put(400, 12).put(50, 10).put(60, 10).put(70, 8);
        }
    }
    bits.put(1, 1).put(2, 3).put(128, 8).put(64, 8);
    user_data(&bits.bytes())
}

/// A reference processing unit of profile 7: with polynomials, multivariate regression and residuals.
fn dolby_vision() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(25, 8).put(2, 6).put(18, 11).put(1, 4).put(0, 4).put(1, 1);
    bits.put(0, 1).put(0, 2).golomb(23).put(1, 2).put(0, 1);
    bits.golomb(2).golomb(2).golomb(4).put(1, 1).put(0, 3).put(1, 1).put(0, 1);
    bits.put(1, 1).put(0, 1).golomb(0).golomb(0).golomb(0);
    for pieces in [2, 1, 1] {
        bits.golomb(pieces - 1).put(64, 10);
        bits.each((0..pieces).map(|_| 300), 10);
    }
    bits.put(0, 3).golomb(0).golomb(0); // residuals, one partition
    let coefficient = |bits: &mut Bits, whole: i64| {
        bits.signed_golomb(whole).put(12_345, 23);
    };
    for _ in 0..2 {
        bits.golomb(0).golomb(1);
        (-1..2).for_each(|whole| coefficient(&mut bits, whole));
    }
    for order in 1..3 {
        bits.golomb(1).put(order - 1, 2);
        (0..=7 * order as i64).for_each(|whole| coefficient(&mut bits, whole - 3));
    }
    for _ in 0..3 {
        bits.put(512, 10);
        for whole in 0..3 {
            bits.golomb(whole).put(777, 23);
        }
    }
    bits.golomb(0).golomb(0).golomb(1);
    bits.each((0..9).map(|n| 0x1000 + n * 0x2000), 16);
    bits.each([1 << 20, 1 << 31, 5], 32);
    bits.each((0..9).map(|n| 0x4000 - n), 16);
    bits.put(65_535, 16).put(1, 16).put(2, 16).put(3, 32).put(12, 5).put(1, 2).put(2, 2).put(1, 2);
    bits.put(62, 12).put(3696, 12).put(42, 10).put(0, 40);
    unit(62, &bits.bytes())
}

/// One picture of HEVC; `before` stands before its slice, `after` behind it.
fn picture(folder: &Path, before: &[Vec<u8>], after: &[u8]) -> Vec<u8> {
    let plain = folder.join("plain.hevc");
    let args = "-f lavfi -i testsrc2=s=64x64:d=0.04 -c:v libx265 -x265-params log-level=none:info=0 -pix_fmt yuv420p10 -f hevc";
    assert!(ffmpeg(&[words(args), vec![plain.display().to_string()]].concat()));
    let stream = std::fs::read(plain).expect("the picture");
    // The slice is the last unit.
    let slice = stream.windows(3).rposition(|bytes| bytes == [0, 0, 1]).expect("a start code");
    [&stream[..slice], &[0], &before.concat(), &stream[slice..], after].concat()
}

#[test]
fn dynamic_metadata_of_frames() {
    // Given a frame with HDR10+, HDR Vivid and Dolby Vision metadata, when it is shown, then each number stands where ffprobe
    // shows it.
    if !is_ffprobe_5_1() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hdr.hevc");
    let stream = picture(folder.path(), &[hdr10_plus(), hdr_vivid()], &dolby_vision());
    std::fs::write(&file, stream).expect("the folder is writable");
    for form in ["default", "compact", "csv", "flat", "ini", "json", "xml"] {
        let show = |program: &[&str]| {
            let mut command = Command::new("timeout");
            command
                .arg("60")
                .args(program)
                .args(words(&format!("-v error -f hevc -show_frames -of {form}")))
                .arg(&file);
            command.output().expect("timeout(1)").stdout
        };
        let (theirs, ours) = (show(&["ffprobe"]), show(&[env!("CARGO_BIN_EXE_mt-transcode"), "probe"]));
        let (theirs, ours) = (String::from_utf8_lossy(&theirs), String::from_utf8_lossy(&ours));
        for part in ["SMPTE2094-40", "Vivid", "Dolby Vision", "mmr", "poly", "linear_dz", "3Spline_enable_Strength"] {
            assert!(form == "csv" || theirs.contains(part), "{form}: {part} is not in {theirs}");
        }
        assert_eq!(theirs, ours, "{form}");
    }
}
