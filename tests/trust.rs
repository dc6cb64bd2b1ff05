//! Attacks on the trust profiles, each carried out: what an input asks for is neither read nor sent, and ends within bounds. Which files
//! and protocols an input reaches; addresses, filters and limits have files of their own.

mod common;

use common::attacks::*;
use common::memory::*;
use common::*;
use mt_transcode::error::Code;

#[test]
fn a_script_in_memory_opens_no_local_file() {
    let (engine, folder) = prepared();
    let clip = folder.path().join("clip.mp4");
    let script = format!("ffconcat version 1.0\nfile '{}'\n", clip.display());
    for line in ["-i mt:in", "-f concat -safe 0 -i mt:in", "-mt_trust trusted -f concat -safe 0 -i mt:in"] {
        let piped =
            through_pipes(&engine, &format!("{line} -c copy -f mpegts mt:out"), script.clone().into_bytes(), 1 << 20);
        assert_eq!(piped.error.unwrap().code(), Code::UNSUPPORTED, "{line}");
        assert!(piped.bytes.is_empty(), "{line}");
    }
    is_quiet(&engine);
}

#[test]
fn a_script_in_a_file_is_opened_only_when_it_is_named() {
    let (engine, folder) = prepared();
    std::fs::write(folder.path().join("list.txt"), "ffconcat version 1.0\nfile 'clip.mp4'\n").unwrap();
    let error = bounded(|| run_in(&engine, folder.path(), "-i {}/list.txt -c copy {}/a.ts")).unwrap_err();
    assert_eq!(error.code(), Code::EACCES, "{error}");
    assert!(error.message().contains("concat") && error.message().contains("-f concat"), "{error}");
    let error = engine.probe(&folder.path().join("list.txt").display().to_string(), &[], Some(LONG)).unwrap_err();
    assert_eq!(error.code(), Code::EACCES, "a probe obeys too: {error}");
    for line in ["-f concat -i {}/list.txt", "-mt_trust trusted -i {}/list.txt"] {
        run_in(&engine, folder.path(), &format!("{line} -c copy {{}}/a.ts")).expect(line);
    }
    let line = "-mt_trust untrusted -f concat -i {}/list.txt -c copy {}/b.ts";
    assert_eq!(run_in(&engine, folder.path(), line).unwrap_err().code(), Code::EACCES);
    is_quiet(&engine);
}

#[test]
fn a_dash_manifest_reads_no_file_and_sends_nothing() {
    let (engine, folder) = prepared();
    let listener = Listener::start(b"HTTP/1.0 404 no\r\n\r\n".to_vec());
    for target in [format!("file://{}/clip.mp4", folder.path().display()), listener.url("clip.mp4")] {
        let manifest = format!(
            "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
             mediaPresentationDuration=\"PT2S\" profiles=\"urn:mpeg:dash:profile:isoff-main:2011\"><Period><AdaptationSet \
             mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1000\"><BaseURL>{target}</BaseURL><SegmentBase \
             indexRange=\"0-100\"/></Representation></AdaptationSet></Period></MPD>"
        );
        let path = folder.path().join("manifest.mpd");
        std::fs::write(&path, &manifest).unwrap();
        for line in ["-i {}/manifest.mpd", "-mt_trust untrusted -f dash -i {}/manifest.mpd"] {
            let error = bounded(|| run_in(&engine, folder.path(), &format!("{line} -c copy {{}}/a.ts"))).unwrap_err();
            assert_eq!(error.code(), Code::EACCES, "{line}: {error}");
        }
        let piped = through_pipes(&engine, "-i mt:in -c copy -f mpegts mt:out", manifest.into_bytes(), 1 << 20);
        assert_eq!(piped.error.unwrap().code(), Code::UNSUPPORTED);
        assert!(piped.bytes.is_empty());
    }
    // Named, it may open files of its own protocol, and sends nothing by another.
    let result = bounded(|| run_in(&engine, folder.path(), "-f dash -i {}/manifest.mpd -c copy {}/a.ts"));
    assert!(result.is_err());
    assert_eq!(listener.requests(), 0);
    is_quiet(&engine);
}

#[test]
fn hls_segments_stay_within_the_protocols_of_their_playlist() {
    let (engine, folder) = prepared();
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -c copy {}/clip.ts").unwrap();
    let playlist = |segment: &str| {
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{segment}\n#EXT-X-ENDLIST\n").into_bytes()
    };
    let listener = Listener::start(b"HTTP/1.0 200 OK\r\n\r\n".to_vec());
    // A local playlist plays its own files, and calls nobody.
    std::fs::write(folder.path().join("good.m3u8"), playlist("clip.ts")).unwrap();
    run_in(&engine, folder.path(), "-i {}/good.m3u8 -c copy {}/good.ts").expect("a playlist and its segment");
    std::fs::write(folder.path().join("bad.m3u8"), playlist(&listener.url("a.ts"))).unwrap();
    let error = bounded(|| run_in(&engine, folder.path(), "-i {}/bad.m3u8 -c copy {}/a.ts")).unwrap_err();
    assert!(error.code() == Code::EACCES && error.message().contains("http"), "{error}");
    assert_eq!(listener.requests(), 0);
    let error = run_in(&engine, folder.path(), "-mt_trust untrusted -i {}/good.m3u8 -c copy {}/a.ts").unwrap_err();
    assert_eq!(error.code(), Code::EACCES, "{error}");
    // A playlist from the network reads no file.
    let file = format!("file://{}/clip.ts", folder.path().display());
    let server = Listener::start(http(&playlist(&file)));
    let url = server.url("a.m3u8");
    let error = bounded(|| run(&engine, &words(&format!("-i {url} -c copy -f mpegts -y /dev/null")))).unwrap_err();
    assert!(error.code() == Code::EACCES && error.message().contains("file"), "{error}");
    assert_eq!(server.requests(), 1, "the playlist itself");
    // The whitelist of a user's widens nothing.
    let line = format!("-protocol_whitelist file,http,tcp -i {url} -c copy -f mpegts -y /dev/null");
    assert_eq!(bounded(|| run(&engine, &words(&line))).unwrap_err().code(), Code::EACCES);
    is_quiet(&engine);
}

#[test]
fn session_descriptions_and_patterns_are_not_guessed() {
    let (engine, folder) = prepared();
    let sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 40000 RTP/AVP 96\na=rtpmap:96 H264/90000\n";
    std::fs::write(folder.path().join("a.sdp"), sdp).unwrap();
    for trust in ["standard", "untrusted"] {
        let line = format!("-mt_trust {trust} -i {{}}/a.sdp -c copy -f null -");
        let error = bounded(|| run_in(&engine, folder.path(), &line)).unwrap_err();
        assert!(error.code() == Code::EACCES && error.message().contains("sdp"), "{error}");
    }
    // Two pictures that a pattern would find; each by itself is read.
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -frames:v 3 {}/img%03d.png").unwrap();
    for trust in ["standard", "untrusted"] {
        for pattern in ["img%03d.png", "img*.png"] {
            let line = format!("-mt_trust {trust} -i {{}}/{pattern} -f null -");
            let error = bounded(|| run_in(&engine, folder.path(), &line)).unwrap_err();
            assert!([Code::ENOENT, Code::OPTION].contains(&error.code()), "{pattern}: {error}");
        }
        run_in(&engine, folder.path(), &format!("-mt_trust {trust} -i {{}}/img001.png -f null -")).expect(trust);
    }
    run_in(&engine, folder.path(), "-f image2 -i {}/img%03d.png -f null -").expect("a pattern that is named");
    is_quiet(&engine);
}

#[test]
fn lists_narrow_what_may_be_used() {
    let (engine, folder) = prepared();
    let refused = |options: &str| {
        let line = format!("{options} -i {{}}/clip.mp4 -f null -");
        bounded(|| run_in(&engine, folder.path(), &line)).unwrap_err()
    };
    for (options, word) in [
        ("-mt_formats mpegts,wav", "mt_formats"),
        ("-mt_codecs aac", "mt_codecs"),
        ("-mt_protocols http,tcp", "-mt_protocols"),
        ("-mt_trust trusted -mt_formats mpegts", "mt_formats"),
    ] {
        let error = refused(options);
        assert!(error.code() == Code::EACCES && error.message().contains(word), "{options}: {error}");
    }
    let line = "-mt_formats mp4 -mt_codecs h264,aac -mt_protocols file -i {}/clip.mp4 -f null -";
    run_in(&engine, folder.path(), line).expect("what is listed");
    for (options, word) in [("-mt_trust full", "mt_trust"), ("-mt_addresses some", "mt_addresses")] {
        assert!(refused(options).code() == Code::OPTION && refused(options).message().contains(word));
    }
    is_quiet(&engine);
}

#[test]
fn the_page_shows_every_limit() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/trust.md");
    let page = std::fs::read_to_string(path).unwrap();
    for limit in &mt_transcode::engine::LIMITS {
        let default = limit.default.map_or("none".to_owned(), |value| value.to_string());
        let row = format!("| `-{}` | {} | {default} | {} |", limit.option, limit.unit, limit.what);
        assert!(page.contains(&row), "docs/trust.md lacks this row:\n{row}");
    }
}

#[test]
fn outputs_go_where_the_host_lets_them() {
    // Given a list of protocols, when an output goes elsewhere, by its own name or by a muxer that opens others, then it is refused unopened.
    let (engine, folder) = prepared();
    let listener = Listener::start(http(b""));
    let refused = |output: &str| {
        let line = format!("-mt_output_protocols file,pipe -i {{}}/clip.mp4 -c copy {output}");
        let error = bounded(|| run_in(&engine, folder.path(), &line)).unwrap_err();
        assert!(error.code() == Code::EACCES && error.message().contains("mt_output_protocols"), "{output}: {error}");
    };
    refused(&format!("-f mpegts {}", listener.url("a.ts")));
    refused(&format!("-f hls {}", listener.url("a.m3u8")));
    refused(&format!("-map 0 -f tee {}", listener.url("a.ts")));
    let line = format!(
        "-mt_output_protocols file -i {{}}/clip.mp4 -c copy -f hls -hls_segment_filename {} {{}}/list.m3u8",
        listener.url("s%d.ts")
    );
    // FFmpeg's muxer may go on without its segments.
    let _ = bounded(|| run_in(&engine, folder.path(), &line));
    assert_eq!(listener.requests(), 0);
    for output in ["{}/good.ts", "-f hls {}/good.m3u8", "-f null -"] {
        let line = format!("-mt_output_protocols file -i {{}}/clip.mp4 -c copy {output}");
        run_in(&engine, folder.path(), &line).expect(output);
    }
    is_quiet(&engine);
}
