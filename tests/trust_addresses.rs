//! Attacks on the trust profiles: which addresses an input dials.

mod common;

use common::attacks::*;
use common::memory::*;
use common::*;
use mt_transcode::error::Code;

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
fn no_proxy_of_the_environment_dials_for_an_input() {
    // Given a proxy in the environment, when only public addresses may be dialled, then the proxy hears nothing. FFmpeg would ask it.
    let requests_with = |options: &str| {
        let proxy = Listener::start(http(b"nothing"));
        let line = format!("-v quiet -mt_max_time 3 {options} -i http://8.8.8.8/a.ts -c copy -f null -");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mt-transcode"));
        command.args(words(&line)).env("http_proxy", proxy.url("")).stdin(std::process::Stdio::null());
        assert!(!command.status().unwrap().success());
        proxy.requests()
    };
    assert_eq!(requests_with("-mt_addresses public"), 0);
    assert_eq!(requests_with("-mt_trust untrusted"), 0);
    assert!(requests_with("") > 0, "the control");
    let engine = engine();
    let line = "-mt_addresses public -http_proxy http://8.8.4.4:8080 -i http://8.8.8.8/a.ts -c copy -f null -";
    assert_eq!(run(&engine, &words(line)).unwrap_err().code(), Code::UNSUPPORTED);
}
