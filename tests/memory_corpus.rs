//! Real media through memory, beside files and beside ffmpeg between pipes.

mod common;

use common::memory::*;
use common::*;
use mt_transcode::error::{Code, Error};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

/// Given real media, when they go from memory to memory, then the bytes are those of file to file.
#[test]
fn the_corpus_goes_through_memory_as_it_goes_through_files() {
    let Some(root) = corpus() else { return };
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let manifest = std::fs::read_to_string(root.join("MANIFEST.tsv")).unwrap();
    let every = std::env::var("MT_CORPUS_EVERY").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    let mut equal = 0;
    for line in manifest.lines().skip(1).step_by(every) {
        let source = root.join(line.split('\t').next().unwrap());
        if !source.is_file() {
            continue;
        }
        let target = folder.path().join("out");
        let args = "-c copy -bitexact -f matroska";
        let filed = run(&engine, &words(&format!("-i {} {args} {}", source.display(), target.display())));
        let piped = through_memory(&engine, &format!("-i mt:in {args} mt:out"), read(&source));
        match (filed, piped) {
            (Ok(()), Ok(bytes)) => {
                assert!(bytes == read(&target), "{line}");
                equal += 1;
            }
            (Err(_), Err(_)) => {}
            // A playlist, or a file that its name explains: from memory there is neither.
            (filed, piped) => assert!(
                piped.as_ref().is_err_and(|e| e.code() == Code::UNSUPPORTED),
                "{line}: {filed:?} {:?}",
                piped.map(|bytes| bytes.len())
            ),
        }
    }
    assert!(equal > 10, "{equal}");
    is_quiet(&engine);
}

/// The ffmpeg program between two pipes of the system.
fn ffmpeg_between_pipes(args: &[String], data: Vec<u8>) -> Option<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin"]).args(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the ffmpeg program");
    let mut stdin = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&data)));
    let mut bytes = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut bytes).unwrap();
    feeder.join().unwrap();
    child.wait().unwrap().success().then_some(bytes)
}

/// Given real media, when they go through our pipes, then the bytes are those that ffmpeg gives through the system's.
#[test]
fn the_corpus_goes_through_pipes_as_it_goes_through_ffmpegs() {
    let Some(root) = corpus() else { return };
    let engine = engine();
    let manifest = std::fs::read_to_string(root.join("MANIFEST.tsv")).unwrap();
    let every = std::env::var("MT_CORPUS_EVERY").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let mut equal = 0;
    for line in manifest.lines().skip(1).step_by(every) {
        let Ok(data) = std::fs::read(root.join(line.split('\t').next().unwrap())) else { continue };
        let place = |name: &[u8]| data.windows(4).position(|window| window == name);
        if data.get(4..8) == Some(b"ftyp") && place(b"mdat") < place(b"moov") {
            continue; // ffmpeg writes a header and nothing more, and calls it a success
        }
        let args = |input: &str, output: &str| words(&format!("-i {input} -c copy -bitexact -f matroska {output}"));
        let expected = ffmpeg_between_pipes(&args("pipe:0", "pipe:1"), data.clone());
        let piped = through_pipes(&engine, &args("mt:in", "mt:out").join(" "), data, 256 << 10);
        match (expected, piped.result) {
            (Some(expected), 0) => {
                assert!(expected == piped.bytes, "{line}: {} and {} bytes", expected.len(), piped.bytes.len());
                equal += 1;
            }
            (None, _) => {} // what ffmpeg refuses; an MP4 with its index behind it goes through here
            (Some(_), _) => {
                let code = piped.error.as_ref().map(Error::code);
                assert!([Some(Code::UNSUPPORTED), Some(Code::DEMUX)].contains(&code), "{line}: {:?}", piped.error);
            }
        }
    }
    assert!(equal > 10, "{equal}");
    is_quiet(&engine);
}
