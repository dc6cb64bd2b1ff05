//! AAC with spectral band replication and parametric stereo comes out at its right rate and layout, however its container says it.

mod common;

use common::memory::read;
use common::*;
use mt_transcode::job::Engine;
use std::path::Path;
use std::sync::Arc;

/// AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) of HE-AACv2 at 48 kHz, whose core is AAC LC at 24 kHz with one channel: as LC alone, with SBR said, with
/// SBR and PS said before the core (hierarchical), and behind it (backward compatible).
const CONFIGS: [(&str, &[u8]); 4] = [
    ("implicit", &[0x13, 0x08]),
    ("SBR said", &[0x2b, 0x09, 0x88, 0x00]),
    ("PS said", &[0xeb, 0x09, 0x88, 0x00]),
    ("said behind", &[0x13, 0x08, 0x56, 0xe5, 0x9d, 0x48, 0x80]),
];

/// The FLV with another AudioSpecificConfig: tags are type, size in three bytes, seven more, the body, and the size of all that.
fn with_config(flv: &[u8], config: &[u8]) -> Vec<u8> {
    let mut out = flv[..13].to_vec();
    let mut at = 13;
    while at + 11 <= flv.len() {
        let size = usize::from(flv[at + 1]) << 16 | usize::from(flv[at + 2]) << 8 | usize::from(flv[at + 3]);
        let (head, body) = (&flv[at..at + 11], &flv[at + 11..at + 11 + size]);
        let is_config = head[0] == 8 && body[..2] == [0xaf, 0];
        let body = if is_config { [&body[..2], config].concat() } else { body.to_vec() };
        let size = (body.len() as u32).to_be_bytes();
        out.push(head[0]);
        out.extend_from_slice(&size[1..]);
        out.extend_from_slice(&head[4..]);
        out.extend_from_slice(&body);
        out.extend_from_slice(&(body.len() as u32 + 11).to_be_bytes());
        at += 11 + flv[at + 1..at + 4].iter().fold(0, |size, byte| size << 8 | usize::from(*byte)) + 4;
    }
    out
}

/// Decoded by a job and by the ffmpeg program: the same samples, at 48 or 44.1 kHz with two channels.
fn comes_out_whole(engine: &Arc<Engine>, folder: &Path, file: &str, rate: &str) {
    let (source, ours, theirs) = (folder.join(file), folder.join("ours.wav"), folder.join("theirs.wav"));
    let line = |out: &Path| format!("-i {} -map 0:a -bitexact {}", source.display(), out.display());
    run(engine, &words(&line(&ours))).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert!(ffmpeg(&words(&line(&theirs))), "{file}");
    assert!(read(&ours) == read(&theirs), "{file}");
    let stream = &probe(engine, &ours)["streams"][0];
    assert_eq!((stream["sample_rate"].as_str(), stream["channels"].as_u64()), (Some(rate), Some(2)), "{file}");
}

#[test]
fn he_aac_keeps_rate_and_layout_in_every_container_and_signalling() {
    let Some(corpus) = corpus() else { return println!("skipped: the corpus is not there") };
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    std::fs::copy(corpus.join("shaka-player/id3-metadata.ts"), folder.path().join("v2.ts")).unwrap();
    std::fs::copy(corpus.join("androidx-media/sample_latm.ts"), folder.path().join("latm.ts")).unwrap();
    comes_out_whole(&engine, folder.path(), "v2.ts", "48000");
    comes_out_whole(&engine, folder.path(), "latm.ts", "44100");
    // Copied: the configuration is made from the ADTS headers, which know nothing of SBR
    for name in ["v2.mp4", "v2.flv", "v2.mkv"] {
        run_in(&engine, folder.path(), &format!("-i {{}}/v2.ts -map 0:a -c copy {{}}/{name}")).unwrap();
        comes_out_whole(&engine, folder.path(), name, "48000");
    }
    run_in(&engine, folder.path(), "-i {}/latm.ts -map 0:a -c copy {}/latm.mkv").unwrap();
    comes_out_whole(&engine, folder.path(), "latm.mkv", "44100");
    // And with each way to say it
    let flv = read(&folder.path().join("v2.flv"));
    for (how, config) in CONFIGS {
        std::fs::write(folder.path().join("said.flv"), with_config(&flv, config)).unwrap();
        for name in ["said.flv", "said.mp4"] {
            if name == "said.mp4" {
                run_in(&engine, folder.path(), "-i {}/said.flv -c copy {}/said.mp4").unwrap();
            }
            println!("{how}: {name}");
            comes_out_whole(&engine, folder.path(), name, "48000");
        }
    }
}
