//! -mt_live 1 takes each PES packet of an MPEG-TS for the picture that it is, without FFmpeg's parser, which would wait for the next. Given any
//! transport stream, when it comes by a pipe, then the packets are those of the parser, which finds the pictures where FFmpeg reads by itself.

mod common;

use common::memory::{finish, is_quiet, piped, read, through_pipes};
use common::*;
use mt_transcode::job::{Engine, Wait};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const PACKET_BYTES: usize = 188;
const PICTURES_PID: u16 = 256;
const AVC: &str = "-c:v libx264 -preset ultrafast -threads 1 -g 10";
const HEVC: &str = "-c:v libx265 -preset ultrafast -g 10 -x265-params log-level=none:pools=1:frame-threads=1";

fn made(folder: &Path, line: &str) -> Vec<u8> {
    let file = folder.join("made.ts");
    assert!(ffmpeg(&[words(line), vec![file.display().to_string()]].concat()), "{line}");
    read(&file)
}

fn pictures(folder: &Path, codec: &str) -> Vec<u8> {
    made(folder, &format!("-f lavfi -i testsrc2=s=160x120:r=25:d=1.2 {codec}"))
}

/// Lines of framecrc of each stream: times, duration, size, checksum and flags. The parser tells of another packet that one is damaged, and of the last one
/// of none which PES packet's it was.
fn lines(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8(text.to_vec()).expect("text");
    let same = |line: &str| {
        let line = line.split(", S=").next().unwrap_or_default();
        line.replace("F=0x2", "F=0x0").replace("F=0x3", "F=0x1").replace(", F=0x1", "")
    };
    let mut lines: Vec<String> = text.lines().filter(|line| !line.starts_with("#software")).map(same).collect();
    lines.sort_by_key(|line| line.split(',').next().map(str::to_owned)); // how streams lie beside each other is the muxer's
    lines
}

const COPIED: &str = "-map 0 -c copy -copyts -f framecrc";

/// By a pipe of the host's, and by one of the system's, where the parser finds the pictures. Nothing of either where both fail.
fn both(engine: &Arc<Engine>, data: &[u8], what: &str, output: &str) -> (Vec<u8>, Vec<u8>) {
    let line = format!("-mt_live 1 -f mpegts -i mt:in {output} mt:out");
    let piped = through_pipes(engine, &line, data.to_vec(), 1 << 16);
    match parsed(data, output) {
        Some(parsed) => {
            assert_eq!(piped.result, 0, "{what}: {:?}", piped.error);
            (piped.bytes, parsed)
        }
        None => {
            assert!(piped.result != 0 && what.ends_with(".ts"), "{what}: only files of the corpus may fail");
            (Vec::new(), Vec::new())
        }
    }
}

/// None where the streams cannot be copied.
fn parsed(data: &[u8], output: &str) -> Option<Vec<u8>> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_mt-transcode"))
        .args(words(&format!("-v error -mt_live 1 -f mpegts -i pipe:0 {output} pipe:1")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let (mut input, data) = (program.stdin.take().expect("a pipe"), data.to_vec());
    let feeder = std::thread::spawn(move || input.write_all(&data));
    let done = program.wait_with_output().expect("its end");
    let was_read = feeder.join().expect("a thread").is_ok();
    assert!(was_read || !done.status.success(), "not all was read");
    done.status.success().then_some(done.stdout)
}

fn assert_same(engine: &Arc<Engine>, data: &[u8], what: &str) {
    let (piped, parsed) = both(engine, data, what, COPIED);
    let (piped, parsed) = (lines(&piped), lines(&parsed));
    // How long the first ones last the parser may not know yet, as it is a picture behind.
    let is_same = |piped: &str, parsed: &str| {
        let (mut piped, parsed): (Vec<&str>, Vec<&str>) = (piped.split(',').collect(), parsed.split(',').collect());
        if let Some((own, other)) = piped.get_mut(3).zip(parsed.get(3)).filter(|(_, other)| other.trim() == "0") {
            *own = other;
        }
        piped == parsed
    };
    let differing = piped.iter().zip(&parsed).position(|(piped, parsed)| !is_same(piped, parsed));
    if let Some(at) = differing {
        panic!("{what}: line {at}:\n{}\nparsed:\n{}", piped[at], parsed[at]);
    }
    assert_eq!(piped.len(), parsed.len(), "{what}");
}

/// FFmpeg's parser of HEVC counts the zero before a start code to the picture before: so sizes and checksums are others, and all else is the same.
fn assert_same_hevc(engine: &Arc<Engine>, data: &[u8], what: &str) {
    let (piped, parsed) = both(engine, data, what, COPIED);
    let without_bytes = |text: &[u8]| -> Vec<String> {
        let kept = |line: &String| -> String {
            let fields: Vec<&str> = line.split(',').collect();
            fields.iter().enumerate().filter(|(at, _)| ![4, 5].contains(at)).map(|(_, field)| *field).collect()
        };
        lines(text).iter().map(kept).collect()
    };
    assert_eq!(without_bytes(&piped), without_bytes(&parsed), "{what}");
    let (piped, parsed) = both(engine, data, what, "-map 0:v -c copy -f hevc");
    assert!(piped == parsed, "{what}: other pictures");
}

/// Where packets lie that begin a picture's PES packet.
fn begins(data: &[u8]) -> Vec<usize> {
    let is_begin = |packet: &[u8]| packet[1] & 0x40 != 0 && pid(packet) == PICTURES_PID;
    data.chunks(PACKET_BYTES)
        .enumerate()
        .filter(|(_, packet)| is_begin(packet))
        .map(|(i, _)| i * PACKET_BYTES)
        .collect()
}

fn pid(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1], packet[2]]) & 0x1fff
}

fn payload(packet: &[u8]) -> &[u8] {
    let begin = if packet[3] & 0x20 != 0 { 5 + usize::from(packet[4]) } else { 4 };
    packet.get(begin..).unwrap_or_default()
}

/// Header and payload of a PES packet.
type Pes = (Vec<u8>, Vec<u8>);

/// What comes before the first picture, and the pictures.
fn taken_apart(data: &[u8]) -> (Vec<u8>, Vec<Pes>) {
    let head = data[..begins(data)[0]].to_vec();
    let mut all: Vec<Vec<u8>> = Vec::new();
    for packet in data.chunks(PACKET_BYTES).filter(|packet| pid(packet) == PICTURES_PID) {
        if packet[1] & 0x40 != 0 {
            all.push(Vec::new());
        }
        all.last_mut().expect("a begin").extend_from_slice(payload(packet));
    }
    let parts = |pes: Vec<u8>| {
        let header = 9 + usize::from(pes[8]);
        (pes[..header].to_vec(), pes[header..].to_vec())
    };
    (head, all.into_iter().map(parts).collect())
}

/// A PES packet in transport packets.
fn packed(bytes: &[u8], counter: &mut u8) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, part) in bytes.chunks(PACKET_BYTES - 4).enumerate() {
        let start = if index == 0 { 0x40 } else { 0 };
        let fill = PACKET_BYTES - 4 - part.len();
        let adaptation = if fill > 0 { 0x20 } else { 0 };
        out.extend_from_slice(&[
            0x47,
            start | (PICTURES_PID >> 8) as u8,
            PICTURES_PID as u8,
            0x10 | adaptation | *counter,
        ]);
        *counter = (*counter + 1) & 15;
        if fill > 0 {
            out.push(fill as u8 - 1);
            out.extend((1..fill).map(|at| if at == 1 { 0 } else { 0xff }));
        }
        out.extend_from_slice(part);
    }
    out
}

/// The stream with other PES packets: `change` has the number of each picture, its header and payload.
fn rebuilt(data: &[u8], change: impl Fn(usize, &[u8], &[u8]) -> Vec<Vec<u8>>) -> Vec<u8> {
    let (mut out, pictures) = taken_apart(data);
    let mut counter = 0;
    for (number, (header, payload)) in pictures.iter().enumerate() {
        for pes in change(number, header, payload) {
            out.extend(packed(&pes, &mut counter));
        }
    }
    out
}

/// A header without times.
const TIMELESS: [u8; 9] = [0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0];

#[test]
fn a_picture_is_out_when_the_next_one_begins() {
    const PICTURES: usize = 15;
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let (live, flushed) = ("-mt_live 1", "-fpsprobesize 2 -analyzeduration 400000");
    for (codec, before, after) in [(AVC, live, ""), (HEVC, live, ""), (AVC, flushed, "-flush_packets 1")] {
        // Given a pipe with so many pictures and the first packet of the next
        let data = pictures(folder.path(), codec);
        let given = &data[..begins(&data)[PICTURES] + PACKET_BYTES];
        // When nothing more comes
        let line = format!("{before} -f mpegts -i mt:in -map 0:v -c copy {after} -f framecrc mt:out");
        let (job, input, output) = piped(&engine, &line, 1 << 20, 1 << 20);
        job.start().unwrap();
        input.pipe.write(given, common::memory::WAIT).unwrap();
        // Then all of them come out
        let (mut out, mut buffer) = (Vec::new(), vec![0; 65_536]);
        let count = |out: &[u8]| out.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"0,")).count();
        while !out.ends_with(b"\n") || count(&out) < PICTURES {
            match output.pipe.read(&mut buffer, Wait::For(Duration::from_secs(60))) {
                Ok(bytes @ 1..) => out.extend_from_slice(&buffer[..bytes]),
                other => panic!("{} of {PICTURES} pictures came, then {other:?}: {codec}", count(&out)),
            }
        }
        job.cancel();
        job.wait(Some(LONG)).unwrap().expect("a result");
        finish(&job, &[&input, &output]);
    }
    is_quiet(&engine);
}

#[test]
fn packets_are_those_of_the_parser() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let source = "-f lavfi -i testsrc2=s=320x240:r=25:d=1.2";
    for options in [
        format!("{source} {AVC}"),
        format!("{source} {AVC} -bf 3 -b_strategy 0"),
        format!("{source} -f lavfi -i sine=d=1.2 {AVC} -c:a aac"),
        format!("{source} {AVC} -x264-params tff=1:interlaced=1"),
        format!("{source} {AVC} -x264-params fake-interlaced=1:pic-struct=1"),
        format!("{source} {AVC} -tune zerolatency -x264-params slices=4"),
        format!("{source} {AVC} -x264-params aud=1:nal-hrd=cbr:vbv-maxrate=900:vbv-bufsize=900:bitrate=900:filler=1"),
        format!("{source} {AVC} -f mpegts -omit_video_pes_length 0"),
        format!("{source} {AVC} -f mpegts -mpegts_m2ts_mode 1"),
        format!("{source} {AVC} -f mpegts -muxrate 4M"),
        format!("{source} {source} -map 0 -map 1 {AVC}"),
        format!("{source} -c:v mpeg2video -bf 2"),
    ] {
        assert_same(&engine, &made(folder.path(), &options), &options);
    }
    for options in [
        HEVC.to_owned(),
        format!("{HEVC}:slices=2:aud=1"),
        format!("{HEVC}:bframes=3:hrd=1:vbv-maxrate=900:vbv-bufsize=900"),
    ] {
        assert_same_hevc(&engine, &made(folder.path(), &format!("{source} {options}")), &options);
    }
    is_quiet(&engine);
}

#[test]
fn a_large_key_picture_is_one_packet() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    for (size, most) in [("480x360", 512 << 10), ("1280x960", usize::MAX)] {
        let noise = format!("-f lavfi -i nullsrc=s={size}:r=25:d=0.4,geq=random(1)*255:128:128 {AVC} -g 4 -qp 4");
        let data = made(folder.path(), &noise);
        let largest = taken_apart(&data).1.iter().map(|(_, payload)| payload.len()).max().expect("pictures");
        assert!((204_800..most).contains(&largest), "{largest}");
        assert_same(&engine, &data, size);
    }
    is_quiet(&engine);
}

#[test]
fn pes_packets_that_are_no_pictures_are_parsed() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let source = "-f lavfi -i testsrc2=s=320x240:r=25:d=1.2";
    let data = made(folder.path(), &format!("{source} {AVC} -bf 2 -b_strategy 0 -x264-params slices=3"));
    let whole = |header: &[u8], payload: &[u8]| vec![[header, payload].concat()];
    assert_same(&engine, &rebuilt(&data, |_, header, payload| whole(header, payload)), "as it was");
    let (_, all) = taken_apart(&data);
    // From the first picture on, and from a later one.
    for from in [0, 1, 2, 17] {
        let two = |number: usize, header: &[u8], payload: &[u8]| match (number >= from, (number - from.min(number)) % 2)
        {
            (false, _) => whole(header, payload),
            (true, 0) => vec![[header, payload, all.get(number + 1).map_or(&[][..], |next| &next.1)].concat()],
            (true, _) => Vec::new(),
        };
        assert_same(&engine, &rebuilt(&data, two), &format!("two pictures a packet from {from}"));
        let cut = |times: bool| {
            move |number: usize, header: &[u8], payload: &[u8]| {
                let at = slices(payload).get(1).copied().filter(|_| number >= from).unwrap_or(payload.len());
                let behind = [if times { header } else { &TIMELESS }, &payload[at..]].concat();
                [vec![[header, &payload[..at]].concat()], if at < payload.len() { vec![behind] } else { vec![] }]
                    .concat()
            }
        };
        assert_same(&engine, &rebuilt(&data, cut(false)), &format!("slices in packets of their own from {from}"));
        assert_same(&engine, &rebuilt(&data, cut(true)), &format!("slices in packets with times from {from}"));
        let anywhere = |number: usize, header: &[u8], payload: &[u8]| {
            let at = if number >= from { payload.len() / 2 } else { payload.len() };
            let behind = [&TIMELESS, &payload[at..]].concat();
            [vec![[header, &payload[..at]].concat()], if at < payload.len() { vec![behind] } else { vec![] }].concat()
        };
        assert_same(&engine, &rebuilt(&data, anywhere), &format!("cut anywhere from {from}"));
        let zeros = |number: usize, header: &[u8], payload: &[u8]| {
            let fill: &[u8] = if number >= from { &[0, 0] } else { &[] };
            whole(header, &[payload, fill].concat())
        };
        assert_same(&engine, &rebuilt(&data, zeros), &format!("zeros behind from {from}"));
        let without_delimiter = |number: usize, header: &[u8], payload: &[u8]| {
            let cut = if number >= from && payload[4] & 0x1f == 9 { 6 } else { 0 };
            whole(header, &payload[cut..])
        };
        assert_same(&engine, &rebuilt(&data, without_delimiter), &format!("no delimiters from {from}"));
        let short_code = |number: usize, header: &[u8], payload: &[u8]| {
            let zeros: &[u8] = if number % 3 == 1 { &[0] } else { &[] };
            whole(header, &[if number >= from { &payload[1..] } else { payload }, zeros].concat())
        };
        assert_same(&engine, &rebuilt(&data, short_code), &format!("short start codes from {from}"));
        let nothing = |number: usize, header: &[u8], payload: &[u8]| {
            let only = [header, &[0, 0, 0, 1, 9, 0xf0][..]].concat();
            [if number >= from { vec![only] } else { vec![] }, whole(header, payload)].concat()
        };
        assert_same(&engine, &rebuilt(&data, nothing), &format!("packets without a picture from {from}"));
    }
    is_quiet(&engine);
}

/// Where the slices of a picture begin.
fn slices(payload: &[u8]) -> Vec<usize> {
    let is_slice = |bytes: &[u8]| bytes[..3] == [0, 0, 1] && matches!(bytes[3] & 0x1f, 1 | 5);
    payload.windows(4).enumerate().filter(|(_, bytes)| is_slice(bytes)).map(|(at, _)| at).collect()
}

#[test]
fn what_is_lost_on_the_way_changes_nothing_else() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let data = pictures(folder.path(), &format!("{AVC} -bf 2"));
    let starts = begins(&data);
    let without = |at: usize| [&data[..at], &data[at + PACKET_BYTES..]].concat();
    let changed = |at: usize, change: &dyn Fn(&mut [u8])| {
        let mut data = data.clone();
        change(&mut data[at..at + PACKET_BYTES]);
        data
    };
    assert_same(&engine, &data[starts[3] + PACKET_BYTES..], "a beginning amid a picture");
    for number in [1, 2, 3, 12] {
        let at = starts[number];
        assert_same(&engine, &without(at), &format!("picture {number} without its beginning"));
        assert_same(&engine, &without(starts[number + 1] - PACKET_BYTES), &format!("picture {number} without its end"));
        assert_same(&engine, &changed(at, &|packet| packet[0] = 0), &format!("no sync at picture {number}"));
        assert_same(&engine, &changed(at, &|packet| packet[1] |= 0x80), &format!("an error at picture {number}"));
        assert_same(&engine, &changed(at, &|packet| packet[100..].fill(0)), &format!("zeros in picture {number}"));
        let garbage = [&data[..at], &[0x47; 90], &data[at..]].concat();
        assert_same(&engine, &garbage, &format!("bytes between packets at picture {number}"));
    }
    // Damage anywhere.
    for step in 0..60 {
        let mut damaged = data.clone();
        let at = starts[1] + step * (data.len() - starts[1]) / 60 + step * 7 % 40;
        damaged[at] ^= 1 << (step % 8);
        assert_same(&engine, &damaged, &format!("another bit at {at}"));
    }
    is_quiet(&engine);
}

#[test]
fn every_transport_stream_of_the_corpus_gives_the_parsers_packets() {
    let Some(root) = corpus() else { return println!("skipped: there is no corpus here") };
    let engine = engine();
    for file in &corpus_files(&root, "mpegts") {
        let data = read(&root.join(file));
        let is_hevc = probe(&engine, &root.join(file))["streams"]
            .as_array()
            .is_some_and(|streams| streams.iter().any(|s| s["codec_name"] == "hevc"));
        if is_hevc { assert_same_hevc(&engine, &data, file) } else { assert_same(&engine, &data, file) }
    }
    is_quiet(&engine);
}
