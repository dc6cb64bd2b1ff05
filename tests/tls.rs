//! TLS peers are verified outside of `trusted`: who has expired, is unknown or has another name is refused with its own words.

mod common;

use common::*;
use mt_transcode::error::{Code, Error};
use mt_transcode::job::Engine;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

/// HTTPS servers on loopback with certificates of their own, until it is dropped.
struct Servers {
    child: Child,
    _stays: ChildStdin,
    ports: serde_json::Value,
    folder: tempfile::TempDir,
}

impl Servers {
    fn start(engine: &Arc<Engine>) -> Servers {
        let folder = tempfile::tempdir().unwrap();
        run_in(engine, folder.path(), "-f lavfi -i testsrc2=s=64x48:d=1 -c:v mpeg2video {}/clip.ts").unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls/server.py");
        let mut child = Command::new("python3")
            .args([script.as_path(), folder.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let stays = child.stdin.take().unwrap();
        Servers { child, _stays: stays, ports: serde_json::from_str(&line).expect("the servers run"), folder }
    }

    fn port(&self, server: &str) -> u64 {
        self.ports[server].as_u64().unwrap()
    }

    fn url(&self, server: &str, file: &str) -> String {
        format!("https://127.0.0.1:{}/{file}", self.port(server))
    }

    fn authority(&self) -> String {
        format!("-mt_ca_file {}/ca.pem", self.folder.path().display())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn refused(engine: &Arc<Engine>, line: &str, word: &str) -> Error {
    let error = run(engine, &words(line)).unwrap_err();
    assert_eq!(error.code(), Code::TLS, "{line}: {error:?}");
    assert!(error.message().contains(word), "{line}: {error}");
    error
}

#[test]
fn a_certificate_is_accepted_or_refused_with_its_fault() {
    let engine = engine();
    let servers = Servers::start(&engine);
    let ca = servers.authority();
    run(&engine, &words(&format!("{ca} -i {} -c copy -f null -", servers.url("good", "clip.ts")))).unwrap();
    let by_name = format!("{ca} -i https://localhost:{}/clip.ts -c copy -f null -", servers.port("good"));
    run(&engine, &words(&by_name)).unwrap();
    for (server, word) in
        [("expired", "has expired"), ("unknown", "none of the authorities"), ("wrong", "another name")]
    {
        let line = format!("{ca} -i {} -c copy -f null -", servers.url(server, "clip.ts"));
        let error = refused(&engine, &line, word);
        assert_eq!((error.input(), error.stage()), (Some(0), "open input"));
        // As ffmpeg, which verifies nobody.
        run(&engine, &words(&format!("-mt_trust trusted {line}"))).unwrap();
        run(&engine, &words(&line.replace("-i ", "-tls_verify 0 -i "))).unwrap();
        // Who asks for it in `trusted` has it.
        refused(&engine, &format!("-mt_trust trusted {}", line.replace("-i ", "-tls_verify 1 -i ")), word);
    }
    // The system's authorities do not know this one; FFmpeg's own option names it as well.
    let line = format!("-i {} -c copy -f null -", servers.url("good", "clip.ts"));
    refused(&engine, &line, "none of the authorities");
    let own = format!("-ca_file {}/ca.pem", servers.folder.path().display());
    run(&engine, &words(&format!("{own} {line}"))).unwrap();
}

#[test]
fn what_a_playlist_names_is_verified_too() {
    let engine = engine();
    let servers = Servers::start(&engine);
    let line = |file| format!("{} -i {} -c copy -f null -", servers.authority(), servers.url("good", file));
    run(&engine, &words(&line("good.m3u8"))).unwrap();
    let error = refused(&engine, &line("mixed.m3u8"), "another name");
    assert!(error.message().contains(&servers.port("wrong").to_string()), "{error}");
    run(&engine, &words(&format!("-mt_trust trusted {}", line("mixed.m3u8")))).unwrap();
}

#[test]
fn rtmps_and_outputs_are_verified() {
    let engine = engine();
    let servers = Servers::start(&engine);
    let (ca, port) = (servers.authority(), servers.port("wrong"));
    refused(&engine, &format!("{ca} -i rtmps://127.0.0.1:{port}/live/key -c copy -f null -"), "another name");
    let media = "-f lavfi -i testsrc2=s=64x48:d=1";
    for output in [format!("-f flv rtmps://127.0.0.1:{port}/live/key"), format!("-f mpegts tls://127.0.0.1:{port}")] {
        let error = refused(&engine, &format!("{ca} {media} {output}"), "another name");
        assert_eq!(error.output(), Some(0));
    }
}

#[test]
fn what_cannot_be_verified_is_refused() {
    let engine = engine();
    for url in ["rtsps://127.0.0.1:1/a", "rtmpts://127.0.0.1:1/a/b"] {
        let error = run(&engine, &words(&format!("-i {url} -c copy -f null -"))).unwrap_err();
        assert_eq!(error.code(), Code::UNSUPPORTED, "{url}: {error:?}");
        let error = run(&engine, &words(&format!("-mt_trust trusted -i {url} -c copy -f null -"))).unwrap_err();
        assert_ne!(error.code(), Code::UNSUPPORTED, "{url}: {error:?}");
    }
    let error = run(&engine, &words("-mt_ca_file /nowhere/ca.pem -i https://127.0.0.1:1/ -f null -")).unwrap_err();
    assert_eq!(error.code(), Code::ENOENT, "{error:?}");
}

#[test]
fn a_handshake_that_stalls_ends_in_time() {
    let engine = engine();
    for scheme in ["https", "rtmps", "tls"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let peer = std::thread::spawn(move || listener.accept().unwrap().0.read_to_end(&mut Vec::new()));
        let line = format!("-mt_open_timeout_ms 400 -i {scheme}://127.0.0.1:{port}/a/b -c copy -f null -");
        let error = run(&engine, &words(&line)).unwrap_err();
        assert_eq!(error.code(), Code::ETIMEDOUT, "{scheme}: {error:?}");
        assert!(error.message().contains("mt_open_timeout_ms"), "{error}");
        let _ = peer.join().unwrap();
    }
    eventually("an engine at rest", || engine.stats().jobs == 0 && engine.stats().detached == 0);
}
