//! `mt-transcode probe` beside ffprobe of the same libraries: the same arguments, the same bytes, the same exit code. The fields
//! are those of ffprobe 5.1, so with other libraries there is nothing to compare.
//! MT_CORPUS_EVERY=1 compares every file of the corpus (where it is present); without it, a part.

mod common;

use common::probes::*;
use common::*;

#[test]
fn every_form_of_everything() {
    // Given media with chapters, odd tags, programs, subtitles and side data, when all sections, or packets and frames, are
    // shown, then every form is that of ffprobe.
    if !is_ffprobe_5_1() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    metadata(folder);
    std::fs::write(folder.join("s.srt"), "1\n00:00:00,000 --> 00:00:00,300\nHello\n").expect("the folder is writable");
    let h264 = "-c:v libx264 -preset ultrafast -bf 2 -threads 1";
    let files = [
        make(
            folder,
            "chapters.mp4",
            &format!(
                "{PICTURES} {SOUND} -i {{}}/metadata -map 0 -map 1 -map_metadata 2 {h264} -c:a aac \
                 -metadata:s:v rotate=90"
            ),
        ),
        make(
            folder,
            "tags.mkv",
            &format!(
                "{PICTURES} {SOUND} -i {{}}/metadata -i {{}}/s.srt -map 0 -map 1 -map 3 -map_metadata 2 {h264} -c:a flac \
                 -metadata:s:v stereo_mode=left_right -disposition:s forced -attach {{}}/s.srt -metadata:s:t mimetype=text/plain"
            ),
        ),
        make(
            folder,
            "programs.ts",
            &format!(
                "{PICTURES} {SOUND} -map 0 -map 1 -map 0 -c:v mpeg2video -c:a mp2 -program title=One:st=0:st=1 \
                 -program title=Two:program_num=5:st=2"
            ),
        ),
        make(
            folder,
            "fields.mpg",
            &format!("{PICTURES} -c:v mpeg2video -flags +ilme+ildct -top 1 -timecode 01:02:03:04 -g 5 -f mpeg"),
        ),
        make(folder, "sound.opus", &format!("{SOUND} -c:a libopus -metadata comment=x")),
        make(folder, "raw.nut", &format!("{PICTURES} {SOUND} -c:v rawvideo -pix_fmt rgb24 -c:a pcm_s16le -frames:v 2")),
    ];
    const PACKETS: &str = "-show_packets -show_frames -count_packets -show_streams -show_data_hash md5";
    for (index, file) in files.iter().enumerate() {
        same_in_every_form(SECTIONS, file);
        match index {
            0 | 3 => same_in_every_form(PACKETS, file),
            _ => same(&format!("{PACKETS} -of compact"), Some(file)),
        }
        same("-show_frames -of json=compact=1", Some(file));
        same("-show_packets -show_streams -show_data -pretty -of flat=s=_:h=0", Some(file));
        same("-show_programs -show_packets -bitexact -unit -of ini=h=0", Some(file));
    }
}

#[test]
fn what_every_release_shows() {
    // Given fields that no release has changed, then they are those of ffprobe, whichever FFmpeg is linked. (XML: others have <tags>.)
    let folder = tempfile::tempdir().expect("a folder");
    let clip = clip(&engine(), folder.path());
    for args in [
        "-show_entries format=filename,nb_streams,nb_programs,format_name,start_time,duration,size,bit_rate,probe_score:format_tags",
        "-show_entries stream=index,codec_name,profile,codec_type,width,height,pix_fmt,level,r_frame_rate,time_base,sample_fmt,nb_frames:stream_tags",
        "-select_streams v -show_entries packet=stream_index,pts,pts_time,dts,duration_time,size,pos", // without side data
        "-show_entries frame=media_type,key_frame,pts,best_effort_timestamp_time,width,pict_type,nb_samples",
        "-show_chapters",
    ] {
        for form in FORMS.iter().filter(|form| **form != "xml") {
            same(&format!("-of {form} {args}"), Some(&clip));
        }
    }
    same("-show_pixel_formats -of json", None);
    same("-show_error -of json /no/such/file", None);
}

#[test]
fn every_option() {
    // Given a clip, when options are combined, then output and exit code are those of ffprobe: also of those that are refused.
    if !is_ffprobe_5_1() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let clip = clip(&engine(), folder.path());
    for args in [
        "-show_streams -of default=nw=1:nk=1",
        "-show_format -of default=noprint_wrappers=1",
        "-show_format -of csv=p=0",
        "-show_streams -of csv=s=|:nk=0:e=c",
        "-show_format -show_streams -of compact=nk=1:p=0",
        "-show_format -of xml=q=1",
        "-noprivate -show_format -show_streams -of xml=x=1",
        "-show_private_data -show_streams",
        "-show_format -of xml=x=1",
        "-show_streams -show_optional_fields always -of json",
        "-show_streams -show_optional_fields never -of json",
        "-show_streams -show_optional_fields 0",
        "-show_streams -show_optional_fields sometimes",
        "-show_entries stream=codec_name,width:format_tags=title",
        "-show_entries stream_disposition -of json",
        "-show_entries STREAM=index",
        "-show_entries format=duration,size -sexagesimal -prefix -unit -byte_binary_prefix",
        "-show_format -show_entries format=duration",
        "-show_format -print_filename other",
        "-show_streams -select_streams a",
        "-show_packets -select_streams v:0 -count_packets -show_streams -of compact",
        "-show_streams -select_streams no:sense",
        "-count_frames -show_streams -of compact",
        "-count_frames",
        "-show_packets -read_intervals %+#5",
        "-show_packets -read_intervals 0.5%+0.2,1%1.2 -of compact",
        "-show_packets -read_intervals +0.5%+#3,+0.1%+#2 -of compact",
        "-show_frames -read_intervals 1%+#2 -of csv",
        "-show_packets -read_intervals nonsense",
        "-show_packets -show_data_hash crc32",
        "-show_packets -show_data_hash nonsense",
        "-show_packets -of compact=s=ab",
        "-show_packets -of compact=e=nonsense",
        "-show_packets -of json=nonsense=1",
        "-show_packets -of nonsense",
        "-of =",
        "-of json",
        "-probesize 32 -show_streams",
        "-nofind_stream_info -show_streams",
        "-threads:v 1 -show_frames -of csv",
        "-threads x -show_streams",
        "-threads:no:sense 1 -show_streams",
        "-nosuchoption 1 -show_streams",
        "-movflags +faststart -show_format",
        "-f matroska -show_format",
        "-f nosuchformat -show_format",
        "-show_streams -sv fail",
        "-show_error",
        "-bitexact -show_versions",
        "-show_format -i",
        "-export_side_data +mvs -show_frames -read_intervals %+#10 -select_streams v -of json",
        "-flags2 +export_mvs -show_frames -read_intervals %+#10 -select_streams v -of compact",
    ] {
        same(args, Some(&clip));
    }
}

#[test]
fn without_an_input() {
    if !is_ffprobe_5_1() {
        return;
    }
    for args in [
        "-show_library_versions -of json",
        "-show_pixel_formats -of xml",
        "-show_entries pixel_format=name:pixel_format_flags -of compact",
        "-show_pixel_formats -show_format",
        "-sections",
        "-show_format",
        "-show_entries nosuchsection",
        "-show_pixel_formats -nosuchoption 1",
        "-show_pixel_formats -f nosuchformat",
        "-show_error -of json /no/such/file",
        "-show_error -show_format /no/such/file",
        "-show_format /no/such/file /another",
        "-f lavfi -show_frames -of compact testsrc2=s=32x32:d=0.2,signalstats",
        "-f lavfi -show_entries frame=pts:frame_tags -of csv sine=d=0.1,astats=metadata=1",
    ] {
        same(args, None);
    }
}

#[test]
fn tags_that_are_not_utf8() {
    // Given a title that is not UTF-8, then it is replaced, kept, or fails, as asked; XML also minds control characters.
    if !is_ffprobe_5_1() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = make(folder.path(), "t.wav", &format!("{SOUND} -metadata title=PLACEHOLDER -metadata comment=COMMENT"));
    let mut bytes = std::fs::read(&file).expect("the file");
    let mut put = |what: &[u8], text: &[u8]| {
        let at = bytes.windows(what.len()).position(|window| window == what).expect("the tag");
        bytes[at..at + text.len()].copy_from_slice(text);
    };
    put(b"PLACEHOLDER", b"a\xffb\xc3(\xed\xa0\x80c\xf8\x88");
    put(b"COMMENT", b"\x01\x1f");
    std::fs::write(&file, bytes).expect("the folder is writable");
    same_in_every_form("-show_format", &file);
    for form in ["json=sv=ignore", "json=string_validation=fail", "xml=sv=replace:svr=?", "csv=svr=(bad)", "flat=sv=2"]
    {
        same(&format!("-show_format -of {form}"), Some(&file));
    }
    let found = probe(&engine(), &file);
    assert!(found["format"]["tags"]["title"].as_str().is_some_and(|title| title.starts_with("a\u{fffd}b")), "{found}");
}

#[test]
fn written_to_a_file_and_with_logs() {
    if !is_ffprobe_5_1() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let clip = clip(&engine(), folder.path()).display().to_string();
    let out = folder.path().join("out").display().to_string();
    let args = words(&format!("-v error -show_packets -of json -o {out} {clip}"));
    let written = |(text, _, code): (Vec<u8>, Vec<u8>, Option<i32>)| {
        assert_eq!((text.len(), code), (0, Some(0)));
        std::fs::read(&out).expect("the output")
    };
    let theirs = written(answer(&["ffprobe"], &args));
    std::fs::remove_file(&out).expect("it is ours");
    let written = written(ours(&args));
    assert!(theirs == written, "{}", line_by_line(&theirs, &written));
    // Addresses of contexts stand in the log.
    let masked = |text: Vec<u8>| {
        let text = String::from_utf8(text).expect("UTF-8");
        let line = |line: &str| line.split(" @ 0x").next().unwrap_or_default().to_owned();
        text.lines().map(line).collect::<Vec<_>>()
    };
    let args = words(&format!("-v quiet -show_frames -show_log 48 -read_intervals %+#3 -of json {clip}"));
    assert_eq!(masked(answer(&["ffprobe"], &args).0), masked(ours(&args).0));
}

#[test]
fn what_is_logged() {
    // The dump of the input at level "info", the reason of a failure, nothing at "quiet"; and there is no banner.
    if !is_ffprobe_5_1() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let clip = clip(&engine(), folder.path()).display().to_string();
    for args in [
        format!("-of json {clip}"),
        format!("-v level+warning -show_format {clip}"),
        format!("-v quiet -show_format {clip}"),
        "-show_format /no/such/file".into(),
        "-show_format -v repeat+level+error /no/such/file".into(),
    ] {
        let args = words(&format!("{args} -hide_banner"));
        let (theirs, ours) = (answer(&["ffprobe"], &args), ours(&args));
        assert!(theirs.1 == ours.1, "{args:?}: {}", line_by_line(&theirs.1, &ours.1));
    }
    assert_eq!(ours(&words("-v quiet -show_format /no/such/file")).1, b"");
}

#[test]
fn decoders_by_name() {
    // As ffprobe of newer FFmpegs: -c:v chooses the decoder; the wrong kind is refused.
    let folder = tempfile::tempdir().expect("a folder");
    let clip = clip(&engine(), folder.path()).display().to_string();
    let run = |args: &str| ours(&words(&format!("-v quiet -show_entries frame=pict_type -of csv {args} {clip}")));
    assert!(run("-c:v h264 -select_streams v -read_intervals %+#1").0.starts_with(b"frame,I"));
    assert_eq!((run("-c:v aac").2, run("-codec:a nosuch").2, run("-c h264").2), (Some(1), Some(1), Some(1)));
}

/// ffprobe 5.1 never comes to the end of the frames of these: their captions are drained for ever.
const ENDLESS_IN_FFPROBE: [&str; 2] = ["mp4ff/main_1.mp4", "mp4ff/cbcs.mp4"];

#[test]
fn the_corpus() {
    let Some(root) = corpus().filter(|_| is_ffprobe_5_1()) else {
        println!("the corpus is not here (MT_CORPUS): nothing to do");
        return;
    };
    let every = std::env::var("MT_CORPUS_EVERY").ok().and_then(|every| every.parse().ok()).unwrap_or(60);
    let manifest = std::fs::read_to_string(root.join("MANIFEST.tsv")).expect("the manifest");
    for name in manifest.lines().skip(1).step_by(every).filter_map(|line| line.split('\t').next()) {
        let file = root.join(name);
        same_in_every_form(SECTIONS, &file);
        same("-show_packets -show_data_hash adler32 -of compact", Some(&file));
        if !ENDLESS_IN_FFPROBE.contains(&name) {
            same("-show_packets -show_frames -of json", Some(&file));
        }
    }
}
