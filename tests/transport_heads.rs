//! An MPEG-TS whose parameter sets say what its pictures are is copied without decoding any, from memory or from a stream that ended while
//! its header was read. Given such a file, when it is copied with and without `-mt_full_probe`, then what is said of it and what is written are the same; and where something is left open, decoding
//! tells.

mod common;

use common::memory::*;
use common::*;
use mt_transcode::job::{Engine, EventKind, Job, Side};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What a job says when the parameter sets were enough.
const SAID: &str = "the parameter sets say what the pictures are";

const MUXERS: [&str; 6] = ["mp4", "mpegts", "flv", "matroska", "nut", "mp4 -movflags +frag_keyframe+empty_moov"];

struct Copy {
    was_spared: bool,
    /// All that the log says, but for the decoder's own lines.
    log: Vec<String>,
    bytes: Option<Vec<u8>>,
}

/// How a job is given the file.
#[derive(Clone, Copy, Debug)]
enum From {
    Memory,
    /// Callbacks that can seek.
    Io,
    /// A pipe with this capacity.
    Pipe(u64),
    /// A pipe whose writer fails behind the last byte.
    Broken,
}

fn copy(engine: &Arc<Engine>, data: &[u8], from: From, probe: &str, muxer: &str) -> Copy {
    let job = Job::new(engine).unwrap();
    let mut fed = None;
    match from {
        From::Memory => job.bind_copy("in", data).unwrap(),
        From::Io => {
            let bytes = Bytes { data: Arc::new(Mutex::new(data.to_vec())), at: 0 };
            assert!(job.bind_io("in", Box::new(bytes)).is_ok());
        }
        From::Pipe(_) | From::Broken => {
            let input = pipe(engine, if let From::Pipe(bytes) = from { bytes } else { 8 << 20 });
            job.bind_pipe("in", &input, Side::Read).unwrap();
            let (code, data) = (if let From::Broken = from { -libc::EIO } else { 0 }, data.to_vec());
            fed = Some(std::thread::spawn(move || {
                input.pipe.write(&data, WAIT).unwrap();
                input.pipe.close_write(code).unwrap();
                input
            }));
        }
    }
    job.bind_buffer("out", 64 << 20).unwrap();
    job.set_args(&words(&format!(
        "-loglevel verbose {probe} -bitexact -i mt:in -map 0 -c copy -bitexact -f {muxer} mt:out"
    )))
    .unwrap();
    job.start().unwrap();
    let (mut log, mut was_spared) = (Vec::new(), false);
    while let Ok(Some(event)) = job.next_event(Some(LONG)) {
        match event.kind {
            EventKind::Log { text, .. } if text.contains(SAID) => was_spared = true,
            EventKind::Log { stage, text, .. } if stage != "h264" => log.push(without_coded_size(&text)),
            EventKind::Done { .. } => break,
            _ => {}
        }
    }
    job.wait(Some(LONG)).unwrap().expect("a result");
    log.dedup(); // the same line again may be counted by the first
    let bytes = job.take_buffer("out").ok();
    job.close();
    if let Some(fed) = fed {
        fed.join().expect("the writer of the pipe").free();
    }
    Copy { was_spared, log, bytes }
}

/// At this level FFmpeg shows also the size with what is cropped, which is the decoder's own: no muxer sees it. Lines with addresses of
/// contexts differ from run to run.
fn without_coded_size(line: &str) -> String {
    let is_size = |word: &&str| word.starts_with('(') && word.contains('x') && !word.contains("0x");
    line.replace(',', "").split(' ').filter(|word| !is_size(word)).collect::<Vec<_>>().join(" ")
}

/// Whether no picture was decoded, whatever the muxer; both ways give the same.
fn same_both_ways(engine: &Arc<Engine>, data: &[u8], what: &str) -> bool {
    same_from(engine, data, From::Memory, what)
}

fn same_from(engine: &Arc<Engine>, data: &[u8], from: From, what: &str) -> bool {
    let spared = MUXERS.map(|muxer| {
        let quick = copy(engine, data, from, "", muxer);
        let full = copy(engine, data, from, "-mt_full_probe", muxer);
        assert!(!full.was_spared, "-mt_full_probe looks at {what}");
        assert_eq!(quick.log, full.log, "{what} to {muxer}");
        assert!(quick.bytes == full.bytes, "{what} to {muxer}: other bytes");
        quick.was_spared
    });
    assert!(spared.iter().all(|s| *s == spared[0]));
    spared[0]
}

fn made(folder: &Path, line: &str) -> Vec<u8> {
    let file = folder.join("made.ts");
    assert!(ffmpeg(&[words(line), vec![file.display().to_string()]].concat()), "{line}");
    read(&file)
}

const PICTURE: &str = "-f lavfi -i testsrc2=s=322x242:r=25:d=1";
const TONE: &str = "-f lavfi -i sine=d=1";
const X264: &str = "-c:v libx264 -pix_fmt yuv420p";

#[test]
fn parameter_sets_that_say_all_are_believed_and_right() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    for line in [
        format!("{PICTURE} {TONE} {X264} -c:a aac"),
        format!("{PICTURE} {TONE} {X264} -c:a aac -ar 22050"),
        format!("{PICTURE} {TONE} {X264} -c:a mp2 -g 7"),
        format!("{PICTURE} {TONE} {TONE} -map 0 -map 1 -map 2 {X264} -c:a ac3"),
        format!("{TONE} {PICTURE} -map 0 -map 1 {X264} -c:a aac -bf 1 -b_strategy 0"),
        format!("{PICTURE} {X264} -bf 0 -profile:v baseline"),
        format!("{PICTURE} {X264} -bf 3 -b_strategy 0 -aspect 16:9 -r 30000/1001"),
        format!("{PICTURE} {X264} -color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv"),
        format!("{PICTURE} {X264} -tune zerolatency -slices 4 -x264-params chromaloc=2"),
        format!("{PICTURE} {X264} -vf select='not(between(n\\,3\\,7))' -fps_mode vfr"),
        format!("{PICTURE} {X264} -t 0.2"),
        format!("{PICTURE} {TONE} {X264} -c:a aac -pes_payload_size 10 -muxrate 4M"),
        format!("-f lavfi -i testsrc2=s=160x120:r=25:d=9 -f lavfi -i sine=d=9 {X264} -g 250 -c:a aac"),
    ] {
        let spared = same_both_ways(&engine, &made(folder.path(), &line), &line);
        assert!(spared || !is_5_1(), "decoded: {line}");
    }
    is_quiet(&engine);
}

/// What can seek is read whole where it is small.
#[test]
fn what_comes_by_callbacks_is_believed_too() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let small = made(folder.path(), &format!("{PICTURE} {TONE} {X264} -c:a aac"));
    let noise = "-f lavfi -i nullsrc=s=320x240:r=25:d=2,geq=random(1)*255:128:128";
    let large = made(folder.path(), &format!("{noise} {X264} -preset ultrafast -b:v 8M"));
    assert!(small.len() < 1 << 20 && large.len() > 1 << 20, "{} and {}", small.len(), large.len());
    assert_eq!(same_from(&engine, &small, From::Io, "a small clip"), is_5_1());
    assert!(!same_from(&engine, &large, From::Io, "a large clip"));
    assert!(!same_from(&engine, &small[..small.len() - 100], From::Io, "a cut packet"));
    is_quiet(&engine);
}

/// Given clips that come by a pipe, at once or bit by bit, when their end comes while the header is read, then they are believed, too; and
/// where it does not, or is a failure, then they are decoded.
#[test]
fn what_comes_by_pipes_is_believed_too() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let small = made(folder.path(), &format!("{PICTURE} {TONE} {X264} -c:a aac"));
    for capacity in [8 << 20, 4096] {
        assert_eq!(same_from(&engine, &small, From::Pipe(capacity), "a small clip"), is_5_1(), "{capacity}");
        assert!(!same_from(&engine, &small[..small.len() - 100], From::Pipe(capacity), "a cut packet"));
    }
    assert!(!same_from(&engine, &small, From::Broken, "a clip that breaks off"));
    let noise = "-f lavfi -i nullsrc=s=320x240:r=25:d=3,geq=random(1)*255:128:128";
    let large = made(folder.path(), &format!("{noise} {X264} -preset ultrafast -b:v 20M"));
    assert!(large.len() > 5_500_000, "FFmpeg reads 5 MB for the header, and this has {}", large.len());
    assert!(!same_from(&engine, &large, From::Pipe(1 << 20), "a large clip"));
    is_quiet(&engine);
}

/// Given a sender that has sent more than FFmpeg looks at, and does not end, when the job has it, then media comes.
#[test]
fn a_sender_that_does_not_end_is_not_waited_for() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let picture = "-f lavfi -i testsrc2=s=160x120:r=25:d=9 -f lavfi -i sine=d=9";
    let clip = made(folder.path(), &format!("{picture} {X264} -g 25 -c:a aac"));
    assert!(clip.len() < 1 << 20, "it would be read ahead: {}", clip.len());
    let (job, input, output) = piped(&engine, "-i mt:in -map 0 -c copy -f mpegts mt:out", 2 << 20, 2 << 20);
    job.start().unwrap();
    input.pipe.write(&clip, WAIT).unwrap();
    assert!(output.pipe.read(&mut [0; 188], WAIT).unwrap() > 0);
    input.pipe.close_write(0).unwrap();
    assert_eq!(drain(&output).1, Ok(()));
    finish(&job, &[&input, &output]);
    is_quiet(&engine);
}

#[test]
fn what_parameter_sets_leave_open_is_decoded() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    for line in [
        format!("{PICTURE} -c:v libx264 -pix_fmt yuv420p10le"),
        format!("{PICTURE} -c:v libx264 -pix_fmt yuv444p"),
        format!("{PICTURE} -c:v libx264 -pix_fmt yuvj420p -color_range pc"),
        format!("{PICTURE} {X264} -s 320x240 -x264-params interlaced=1"),
        format!("{PICTURE} {X264} -x264-params pic-struct=1:nal-hrd=vbr:vbv-maxrate=900:vbv-bufsize=900"),
        format!("{PICTURE} {PICTURE} -map 0 -map 1 {X264}"),
        format!("{PICTURE} -c:v mpeg2video"),
        format!("{PICTURE} -c:v libx265 -x265-params log-level=none"),
        format!("{TONE} -c:a aac"),
        format!("{PICTURE} -mpegts_m2ts_mode 1 {X264}"),
    ] {
        assert!(!same_both_ways(&engine, &made(folder.path(), &line), &line), "believed: {line}");
    }
    is_quiet(&engine);
}

/// A clip with two seconds of pictures and a tone.
fn clip_ts(folder: &Path) -> Vec<u8> {
    let picture = "-f lavfi -i testsrc2=s=160x120:r=25:d=2 -f lavfi -i sine=d=2";
    made(folder, &format!("{picture} {X264} -g 10 -c:a aac -mpegts_flags +resend_headers"))
}

#[test]
fn a_clip_that_lies_is_decoded() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let whole = clip_ts(folder.path());
    let other = made(folder.path(), &format!("{PICTURE} {TONE} {X264} -c:a aac"));
    let pid = |packet: &[u8]| u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
    let pictures: Vec<usize> = whole.chunks(188).enumerate().filter(|(_, p)| pid(p) == 256).map(|(i, _)| i).collect();
    let changed = |index: usize, change: &dyn Fn(&mut [u8])| {
        let mut data = whole.clone();
        change(&mut data[index * 188..][..188]);
        data
    };
    let without = |index: usize| [&whole[..index * 188], &whole[(index + 1) * 188..]].concat();
    let middle = pictures[pictures.len() / 2];
    let tables: Vec<usize> = whole.chunks(188).enumerate().filter(|(_, p)| pid(p) == 4096).map(|(i, _)| i).collect();
    for (what, data) in [
        ("a lost packet", without(middle)),
        ("a lost beginning", without(pictures[0])),
        ("a beginning amid the pictures", whole[middle * 188..].to_vec()),
        ("a bit error that the sender saw", changed(middle, &|p| p[1] |= 0x80)),
        ("scrambled packets", changed(middle, &|p| p[3] |= 0x80)),
        ("no sync", changed(middle, &|p| p[0] = 0)),
        ("another sequence later", [whole.clone(), other].concat()),
        ("the clip twice", [whole.clone(), whole.clone()].concat()),
        ("a cut packet", whole[..whole.len() - 100].to_vec()),
        ("a table that changes", changed(tables[1], &|p| p[10] ^= 2)),
        ("garbage before", [vec![0x12; 100], whole.clone()].concat()),
    ] {
        assert!(!same_both_ways(&engine, &data, what), "believed: {what}");
    }
    assert!(same_both_ways(&engine, &whole, "the clip") || !is_5_1());
    is_quiet(&engine);
}

#[test]
fn options_that_look_closer_are_heard() {
    // Given a clip that says all, when options change how it is looked at, or which decoders there may be, then it is read as ever
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let clip = clip_ts(folder.path());
    for option in ["-mt_codecs aac", "-mt_codecs h264,aac", "-probesize 50000", "-analyzeduration 1M", "-flags2 +fast"]
    {
        let copied = copy(&engine, &clip, From::Memory, option, "matroska");
        let full = copy(&engine, &clip, From::Memory, &format!("{option} -mt_full_probe"), "matroska");
        assert!(!copied.was_spared && copied.log == full.log && copied.bytes == full.bytes, "{option}");
    }
    // And when the video is decoded, then it is decoded
    let (small, full) = (
        copy(&engine, &clip, From::Memory, "-mt_max_pixels 1000", "nut"),
        copy(&engine, &clip, From::Memory, "", "nut -c:v rawvideo"),
    );
    assert!(!small.was_spared && !full.was_spared);
    is_quiet(&engine);
}

#[test]
fn options_of_time_do_the_same_both_ways() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let clip = clip_ts(folder.path());
    for option in [
        "-ss 0.5",
        "-t 0.7",
        "-ss 0.3 -copyts",
        "-seek_timestamp 1 -ss 2",
        "-sseof -0.6",
        "-stream_loop 1",
        "-itsoffset 3",
        "-isync 0 -copyts -start_at_zero",
        "-itsscale 2",
        "-discard:v noref",
    ] {
        for muxer in ["matroska", "mpegts", "mp4 -shortest", "nut -map -0:a"] {
            let quick = copy(&engine, &clip, From::Memory, option, muxer);
            let full = copy(&engine, &clip, From::Memory, &format!("{option} -mt_full_probe"), muxer);
            assert!(quick.was_spared || !is_5_1(), "{option}");
            assert_eq!(quick.log, full.log, "{option} to {muxer}");
            assert!(quick.bytes == full.bytes, "{option} to {muxer}: other bytes");
        }
    }
    is_quiet(&engine);
}

#[test]
fn any_damage_gives_the_same_both_ways() {
    // Given a clip in which a byte of a packet with pictures is another, whether the parameter sets are believed then or not
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let whole = clip_ts(folder.path());
    let in_headers = (0..90).map(|step| (3 + step % 40) * 188 + step * 7 % 30);
    let anywhere = (0..30).map(|step| 2000 + step * (whole.len() - 2000) / 30);
    for (step, at) in in_headers.chain(anywhere).enumerate() {
        let mut data = whole.clone();
        data[at] ^= 1 << (step % 8);
        // When it is copied, then both ways give the same
        let from = if step % 3 == 0 { From::Pipe(1 << 20) } else { From::Memory };
        let quick = copy(&engine, &data, from, "", "matroska");
        let full = copy(&engine, &data, from, "-mt_full_probe", "matroska");
        assert_eq!(quick.log, full.log, "byte {at}");
        assert!(quick.bytes == full.bytes, "byte {at}: other bytes");
    }
    is_quiet(&engine);
}

#[test]
fn every_transport_stream_of_the_corpus_gives_what_decoding_gives() {
    let Some(root) = corpus() else { return println!("skipped: there is no corpus here") };
    let engine = engine();
    let files = corpus_files(&root, "mpegts");
    let is_spared = |file: &&String| same_both_ways(&engine, &read(&root.join(file)), file);
    let spared = files.iter().filter(is_spared).count();
    println!("{spared} of {} transport streams are known by their parameter sets", files.len());
    for file in &files {
        same_from(&engine, &read(&root.join(file)), From::Pipe(1 << 20), file);
    }
    is_quiet(&engine);
}
