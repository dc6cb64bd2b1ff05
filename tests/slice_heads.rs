//! FFmpeg's parser of H.264 is shown the head of a packet alone (av/slice_heads). Given any file whose packets libavformat has parsed, when it is copied, then
//! times, durations, flags and bytes of all packets are those of the ffmpeg program.

mod common;

use common::*;
use std::path::Path;

const X264: &str = "-pix_fmt yuv420p -c:v libx264 -preset veryfast -threads 1";

/// The same words for both. None where the job fails: the program goes on where a muxer refuses packets.
fn both(file: &Path, options: &str, muxer: &str) -> Option<[Vec<u8>; 2]> {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = engine();
    let line = |name: &str| {
        let out = folder.path().join(name);
        let line = format!("{options} -i {} -map 0:v -c copy -bitexact -f {muxer} {}", file.display(), out.display());
        (words(&line), out)
    };
    let ((own, own_file), (other, other_file)) = (line("own"), line("other"));
    let is_done = run(&engine, &own).is_ok() && ffmpeg(&other);
    is_done.then(|| [own_file, other_file].map(|file| std::fs::read(file).expect("an output")))
}

/// False where it cannot be copied.
fn assert_same(file: &Path, what: &str) -> bool {
    let (looping, seeking) = ("-stream_loop 1 -fflags +genpts", "-ss 0.5");
    let all = [("", "framecrc"), (seeking, "framecrc"), (looping, "framecrc"), ("", "matroska")];
    let is_copied = |(options, muxer): &(&str, &str)| match both(file, options, muxer) {
        Some([own, other]) => {
            assert!(own == other, "{options} {muxer}: other packets of {what}");
            true
        }
        None => false,
    };
    all.iter().filter(|way| is_copied(way)).count() == all.len()
}

fn made(folder: &Path, options: &str, extension: &str) -> std::path::PathBuf {
    let file = folder.join(format!("made.{extension}"));
    let source = "-f lavfi -i testsrc2=s=480x360:r=25:d=1.6,noise=alls=50:allf=t";
    let line = format!("{source} {X264} {options}");
    assert!(ffmpeg(&[words(&line), vec![file.display().to_string()]].concat()), "{line}");
    file
}

#[test]
fn copies_have_the_programs_packets() {
    let folder = tempfile::tempdir().expect("a folder");
    for options in [
        "-qp 20 -bf 3 -g 10 -x264-params open-gop=1:b-pyramid=normal:ref=4",
        "-qp 20 -bf 2 -flags +ildct+ilme -x264-params tff=1:pic-struct=1",
        "-qp 20 -x264-params slices=4:aud=1:nal-hrd=vbr:vbv-maxrate=40000:vbv-bufsize=9000",
        "-qp 20 -g 5 -bsf:v h264_metadata=aud=insert:sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+message",
        "-qp 48 -bf 2",
        "-qp 20 -bf 2 -g 12 -bsf:v noise=amount=20000",
    ] {
        for extension in ["mp4", "mkv", "flv"] {
            assert!(assert_same(&made(folder.path(), options, extension), &format!("{options} {extension}")));
        }
    }
}

#[test]
fn every_file_of_the_corpus_gives_the_programs_packets() {
    let Some(root) = corpus() else { return println!("skipped: there is no corpus here") };
    let formats = ["mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flv"];
    let files: Vec<String> = formats.iter().flat_map(|format| corpus_files(&root, format)).collect();
    let is_copied = |file: &&String| assert_same(&root.join(file), file);
    let copied = files.iter().filter(is_copied).count();
    println!("{copied} of {} files were copied, as the program does", files.len());
    assert!(copied > 0);
}
