//! Options that later releases of FFmpeg have, and the linked one may have or not.

mod common;

use common::*;
use mt_transcode::error::Code;

#[test]
fn subtitles_are_split_at_key_frames() {
    // Given a subtitle that is shown over several key frames of the video beside it, when those are to split it, then each part is
    // a subtitle. FFmpeg 5.1 has no such option.
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let at = folder.path();
    std::fs::write(
        at.join("l.srt"),
        "1\n00:00:00,200 --> 00:00:09,000\nhello\n\n2\n00:00:04,500 --> 00:00:05,500\nworld\n\n",
    )
    .expect("a file");
    run_in(
        &engine,
        at,
        "-f lavfi -i testsrc2=s=160x120:d=6 -i {}/l.srt -map 0 -map 1 -c:v mpeg4 -g 25 -c:s srt {}/in.mkv",
    )
    .unwrap();
    let line =
        "-fix_sub_duration -i {}/in.mkv -map 0 -c:v mpeg4 -g 25 -c:s srt -fix_sub_duration_heartbeat:v:0 {}/out.mkv";
    let result = run_in(&engine, at, line);
    if is_5_1() {
        assert_eq!(result.unwrap_err().code(), Code::UNSUPPORTED);
        return;
    }
    result.unwrap();
    run_in(&engine, at, "-i {}/out.mkv -map 0:s -c:s srt {}/out.srt").unwrap();
    let text = std::fs::read_to_string(at.join("out.srt")).expect("the subtitles");
    let begins = |time: &str| text.contains(&format!("{time} -->"));
    assert!(
        begins("00:00:00,200") && begins("00:00:01,000") && begins("00:00:02,000") && begins("00:00:04,500"),
        "{text}"
    );
    assert!(text.matches("hello").count() >= 4, "{text}");
}

#[test]
fn an_option_of_a_later_release_is_named_with_it() {
    if !is_5_1() {
        return;
    }
    // Given FFmpeg 5.1, when an option of a later one is used, then the error says which one has it.
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    for (option, release) in
        [("-stats_enc_pre x", "6.0"), ("-shortest_buf_duration 1", "6.0"), ("-drop_changed 1", "8.0")]
    {
        let place = if option.starts_with("-drop") {
            format!("{option} -f lavfi -i testsrc2")
        } else {
            format!("-f lavfi -i testsrc2 {option}")
        };
        let error = run_in(&engine, folder.path(), &format!("{place} -t 1 {{}}/o.avi")).unwrap_err();
        assert_eq!(error.code(), Code::UNSUPPORTED, "{option}");
        assert!(error.message().contains(&format!("came with FFmpeg {release}")), "{}", error.message());
    }
}
