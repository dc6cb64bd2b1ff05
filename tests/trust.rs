//! Attacks on the trust profiles, each carried out: what an input asks for is neither read nor sent, and ends within bounds.

mod common;

use common::attacks::*;
use common::memory::*;
use common::*;
use mt_transcode::error::Code;
use std::time::{Duration, Instant};

const SECRET: &str = "root-only-secret";

/// A folder with a clip, and a file that no output may contain.
fn prepared() -> (std::sync::Arc<mt_transcode::job::Engine>, tempfile::TempDir) {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    std::fs::write(folder.path().join("secret.srt"), format!("1\n00:00:00,000 --> 00:00:02,000\n{SECRET}\n")).unwrap();
    (engine, folder)
}

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
fn no_address_of_a_private_network_is_dialled() {
    let engine = engine();
    let listener = Listener::start(http(b"nothing"));
    let port = listener.port;
    for host in ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "[::1]"] {
        for scheme in ["http", "tcp"] {
            let line = format!("-mt_addresses public -i {scheme}://{host}:{port}/a.ts -c copy -f null -");
            let error = bounded(|| run(&engine, &words(&line))).unwrap_err();
            assert_eq!(error.code(), Code::EACCES, "{host}: {error}");
        }
    }
    let refused = |line: &str| bounded(|| run(&engine, &words(line))).unwrap_err();
    let name = refused(&format!("-mt_addresses public -i http://localhost:{port}/a.ts -c copy -f null -"));
    assert!(name.code() == Code::UNSUPPORTED && name.message().contains("process isolation"), "{name}");
    let rtsp = refused(&format!("-mt_addresses public -i rtsp://127.0.0.1:{port}/a -c copy -f null -"));
    assert_eq!(rtsp.code(), Code::UNSUPPORTED, "{rtsp}");
    // Untrusted inputs have that policy by themselves.
    let untrusted = refused(&format!("-mt_trust untrusted -i http://127.0.0.1:{port}/a.ts -c copy -f null -"));
    assert_eq!(untrusted.code(), Code::EACCES, "{untrusted}");
    assert_eq!(listener.requests(), 0);
    is_quiet(&engine);
}

/// In a network namespace of its own, where addresses that look public and 169.254.169.254 are this machine's.
#[test]
fn redirects_and_segments_lead_to_no_private_address() {
    if !in_own_network("redirects_and_segments_lead_to_no_private_address", &["8.8.8.8", "169.254.169.254"]) {
        return;
    }
    let engine = engine();
    let metadata = Listener::on("169.254.169.254", http(b"the credentials"));
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", metadata.url("latest"));
    let outside = Listener::on("8.8.8.8", redirect.into_bytes());
    let line = format!("-mt_addresses public -i {} -c copy -f null -", outside.url("a.ts"));
    assert!(bounded(|| run(&engine, &words(&line))).is_err());
    assert_eq!((outside.requests(), metadata.requests()), (1, 0), "asked once, and not followed");
    // The control: without the policy it is followed.
    let line = format!("-i {} -c copy -f null -", outside.url("a.ts"));
    assert!(bounded(|| run(&engine, &words(&line))).is_err());
    assert_eq!(metadata.requests(), 1);
    // A segment at that address, and one that redirects to it.
    for segment in [metadata.url("a.ts"), outside.url("b.ts")] {
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{segment}\n#EXT-X-ENDLIST\n");
        let server = Listener::on("8.8.8.8", http(text.as_bytes()));
        let line = format!("-mt_addresses public -i {} -c copy -f null -", server.url("a.m3u8"));
        assert!(bounded(|| run(&engine, &words(&line))).is_err());
        assert_eq!(metadata.requests(), 1, "{segment}");
    }
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
fn filters_of_jobs_with_untrusted_inputs_read_no_file() {
    let (engine, folder) = prepared();
    let secret = folder.path().join("secret.srt").display().to_string();
    for filter in [
        format!("subtitles={secret}"),
        format!("drawtext=textfile={secret}"),
        format!("movie={secret}"),
        format!("lut3d={secret}"),
        format!("metadata=print:file={secret}"),
        "sendcmd=c='0 drawtext reinit textfile=x'".to_owned(),
    ] {
        let args = |option: &str| {
            let line = format!("-mt_trust untrusted -i {}/clip.mp4 {option} FILTER -f null -", folder.path().display());
            words(&line)
                .into_iter()
                .map(|word| if word == "FILTER" { filter.clone() } else { word })
                .collect::<Vec<_>>()
        };
        for option in ["-vf", "-filter_complex"] {
            let error = bounded(|| run(&engine, &args(option))).unwrap_err();
            assert_eq!(error.code(), Code::EACCES, "{option} {filter}: {error}");
            assert!(error.message().contains("opens files"), "{error}");
        }
    }
    assert!(read(&folder.path().join("secret.srt")).starts_with(b"1\n"), "nor written to");
    run_in(&engine, folder.path(), "-mt_trust untrusted -i {}/clip.mp4 -vf scale=64:64 -f null -").unwrap();
    is_quiet(&engine);
}

#[test]
fn two_frames_hours_apart_make_no_million() {
    let (engine, folder) = prepared();
    let line =
        "-f lavfi -i testsrc2=s=64x64:r=1:d=2 -vf setpts=N*36000/TB -fps_mode passthrough -c:v libx264 {}/far.mkv";
    run_in(&engine, folder.path(), line).unwrap();
    assert!(std::fs::metadata(folder.path().join("far.mkv")).unwrap().len() < 8 << 10);
    for rate in ["-r 30 -fps_mode cfr", "-vf fps=30"] {
        let line = format!("-i {{}}/far.mkv {rate} -c:v libx264 -preset ultrafast -f null -");
        let error = bounded(|| run_in(&engine, folder.path(), &line)).unwrap_err();
        assert_eq!(error.code(), Code::LIMIT, "{rate}: {error}");
        assert!(error.message().contains("7200") && error.message().contains("-mt_max_repeat"), "{error}");
    }
    is_quiet(&engine);
}

#[test]
fn giant_pictures_are_not_decoded() {
    let (engine, folder) = prepared();
    std::fs::write(folder.path().join("giant.avi"), giant_avi(40_000, 40_000)).unwrap();
    for trust in ["standard", "untrusted"] {
        let line = format!("-mt_trust {trust} -i {{}}/giant.avi -f null -");
        let error = bounded(|| run_in(&engine, folder.path(), &line)).unwrap_err();
        assert_eq!(error.code(), Code::LIMIT, "{error}");
        assert!(error.message().contains("40000x40000") && error.message().contains("-mt_max_pixels"), "{error}");
    }
    std::fs::write(folder.path().join("giant.png"), giant_png(40_000, 40_000)).unwrap();
    assert!(bounded(|| run_in(&engine, folder.path(), "-i {}/giant.png -f null -")).is_err());
    let line = "-mt_max_pixels 1000 -i {}/clip.mp4 -c copy -f null -";
    assert_eq!(run_in(&engine, folder.path(), line).unwrap_err().code(), Code::LIMIT);
    is_quiet(&engine);
}

#[test]
fn hundreds_of_streams_are_refused() {
    let (engine, folder) = prepared();
    let maps = "-map 0:a ".repeat(300);
    let line = format!("-f lavfi -i anullsrc=d=0.1 {maps} -c:a pcm_u8 -ar 8000 {{}}/many.mkv");
    run_in(&engine, folder.path(), &line).unwrap();
    let error = bounded(|| run_in(&engine, folder.path(), "-i {}/many.mkv -map 0 -c copy -f null -")).unwrap_err();
    assert!(error.code() == Code::LIMIT && error.message().contains("32"), "{error}");
    assert!(error.message().contains("-max_streams"), "{error}");
    run_in(&engine, folder.path(), "-max_streams 400 -i {}/many.mkv -map 0 -c copy -f null -").expect("raised by hand");
    is_quiet(&engine);
}

#[test]
fn endless_input_from_a_url_ends() {
    let engine = engine();
    for (fill, format) in [(Fill::Zeros, ""), (Fill::Zeros, "-f mp3"), (Fill::Random, ""), (Fill::Random, "-f mpegts")]
    {
        let server = Listener::endless(fill);
        let line = format!("{format} -i {} -c copy -f null -", server.url("a"));
        let error = bounded(|| run(&engine, &words(&line))).unwrap_err();
        assert!([Code::LIMIT, Code::DEMUX].contains(&error.code()), "{line}: {error}");
    }
    is_quiet(&engine);
}

#[test]
fn a_job_ends_when_its_time_is_over_or_nothing_moves() {
    let engine = engine();
    let over = |line: &str| {
        let began = Instant::now();
        let error = bounded(|| run(&engine, &words(line))).unwrap_err();
        assert_eq!(error.code(), Code::LIMIT, "{error}");
        assert!(began.elapsed() < Duration::from_secs(60));
        error
    };
    let error = over("-mt_max_time 0.3 -re -f lavfi -i anullsrc -f null -");
    assert!(error.message().contains("-mt_max_time"), "{error}");
    // One byte now and then is no progress.
    let drips = Listener::dripping();
    let error = over(&format!("-mt_idle_timeout 0.5 -i {} -c copy -f null -", drips.url("a.ts")));
    assert!(error.message().contains("-mt_idle_timeout"), "{error}");
    // Waiting for a host is not idle: it ends when the host says so.
    let (job, input, output) =
        piped(&engine, "-mt_idle_timeout 0.2 -f mpegts -i mt:in -c copy -f mpegts mt:out", 4096, 4096);
    job.start().unwrap();
    assert_eq!(job.wait(Some(Duration::from_millis(900))).unwrap(), None, "it waits for its pipe");
    job.cancel();
    finish(&job, &[&input, &output]);
    is_quiet(&engine);
}

#[test]
fn outputs_have_a_limit_of_bytes() {
    let (engine, folder) = prepared();
    let error = bounded(|| {
        run_in(&engine, folder.path(), "-mt_max_output_bytes 20000 -stream_loop -1 -i {}/clip.mp4 -c copy {}/out.ts")
    })
    .unwrap_err();
    assert!(error.code() == Code::LIMIT && error.message().contains("-mt_max_output_bytes"), "{error}");
    assert!(std::fs::metadata(folder.path().join("out.ts")).unwrap().len() < 100_000);
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

/// Options that look like a file and are none.
const HARMLESS: [(&str, &str); 1] = [("xfade_opencl", "kernel")];

#[test]
fn every_option_of_a_filter_that_looks_like_a_file_was_looked_at() {
    let looks_like_a_file = |text: &str| {
        let text = text.to_lowercase();
        ["file", "path", "url", "model", "directory", "plugin", "library"].iter().any(|word| text.contains(word))
    };
    let mut unseen = Vec::new();
    for (filter, options) in mt_transcode::av::all_filters() {
        let (is_refused, files) = mt_transcode::engine::file_options(&filter);
        for option in options.iter().filter(|option| option.is_text && !is_refused) {
            let is_listed =
                files.contains(&option.name.as_str()) || HARMLESS.contains(&(filter.as_str(), option.name.as_str()));
            if !is_listed && (looks_like_a_file(&option.name) || looks_like_a_file(&option.help)) {
                unseen.push(format!("{filter}: {} ({})", option.name, option.help));
            }
        }
    }
    assert!(unseen.is_empty(), "refuse these in untrusted, or list them as harmless:\n{}", unseen.join("\n"));
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
