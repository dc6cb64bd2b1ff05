//! Values that FFmpeg's headers do not know (rule 46): colours and codec ids out of any enum must pass through as numbers.

mod common;

use common::*;
use std::path::Path;

/// Makes a Matroska file whose MatrixCoefficients element (0x55B1, one byte) is 200.
fn strange_colours(folder: &Path) {
    let engine = engine();
    let line = "-f lavfi -i testsrc2=s=64x48:d=0.4 -c:v mpeg4 -color_primaries bt709 -colorspace bt709 -color_trc bt709 {}/plain.mkv";
    run_in(&engine, folder, line).unwrap();
    let mut bytes = std::fs::read(folder.join("plain.mkv")).unwrap();
    let element = [0x55, 0xb1, 0x81];
    let at = bytes.windows(3).position(|w| w == element).expect("the element is written");
    bytes[at + 3] = 200;
    std::fs::write(folder.join("strange.mkv"), bytes).unwrap();
}

#[test]
fn a_colour_matrix_that_no_header_knows_is_copied_and_decoded() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let at = folder.path();
    strange_colours(at);
    let json = probe(&engine, &at.join("strange.mkv"));
    assert_eq!(json["streams"][0]["codec_name"], "mpeg4");
    run_in(&engine, at, "-i {}/strange.mkv -c copy {}/copy.mkv").unwrap();
    run_in(&engine, at, "-i {}/strange.mkv -c copy {}/copy.mp4").unwrap();
    run_in(&engine, at, "-i {}/strange.mkv -f null -").unwrap();
    let copied = std::fs::read(at.join("copy.mkv")).unwrap();
    assert!(probe(&engine, &at.join("copy.mkv"))["streams"][0]["width"] == 64, "{} bytes", copied.len());
}

#[test]
fn a_codec_that_no_header_knows_is_a_number() {
    // Given a Matroska file with an invented codec id, when probed and copied, then nothing is made of it that is not there.
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let at = folder.path();
    run_in(
        &engine,
        at,
        "-f lavfi -i testsrc2=s=64x48:d=0.4 -f lavfi -i sine=d=0.4 -c:v mpeg4 -c:a pcm_s16le {}/plain.mkv",
    )
    .unwrap();
    let mut bytes = std::fs::read(at.join("plain.mkv")).unwrap();
    let name = b"A_PCM/INT/LIT";
    let place = bytes.windows(name.len()).position(|w| w == name).expect("the codec's name");
    bytes[place..place + name.len()].copy_from_slice(b"A_XYZ/UNKNOWN");
    std::fs::write(at.join("strange.mkv"), bytes).unwrap();
    let json = probe(&engine, &at.join("strange.mkv"));
    assert_eq!(json["streams"][1]["codec_type"], "audio");
    assert!(json["streams"][1].get("codec_name").is_none_or(|n| n == "none"), "{json}");
    run_in(&engine, at, "-i {}/strange.mkv -map 0:v -c copy {}/video.mkv").unwrap();
    let error = run_in(&engine, at, "-i {}/strange.mkv -map 0:a {}/audio.wav").unwrap_err();
    assert!(error.message().contains("decoder"), "{error:?}");
}
