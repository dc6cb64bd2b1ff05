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
fn who_is_probed_is_verified_too() {
    let engine = engine();
    let servers = Servers::start(&engine);
    let ca = servers.folder.path().join("ca.pem").display().to_string();
    let probe = |path: &str| {
        let options = [("mt_ca_file".to_owned(), ca.clone())];
        engine.probe(&servers.url("good", path), &options, Some(LONG))
    };
    assert!(probe("clip.ts").unwrap().contains("mpeg2video"));
    for (server, word) in [("wrong", "another name"), ("expired", "has expired")] {
        let error = probe(&format!("to/{server}/clip.ts")).unwrap_err();
        assert!(error.code() == Code::TLS && error.message().contains(word), "{error:?}");
    }
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
fn who_a_redirect_leads_to_is_verified_too() {
    let engine = engine();
    let servers = Servers::start(&engine);
    let (ca, plain) = (servers.authority(), format!("http://127.0.0.1:{}", servers.port("plain")));
    let line = |options: &str, url: &str| format!("{options} {ca} -i {url} -c copy -f null -");
    // Over two others, from TLS and from none
    for url in [servers.url("good", "to/good/to/good/clip.ts"), format!("{plain}/to/good/clip.ts")] {
        run(&engine, &words(&line("", &url))).unwrap();
    }
    for (server, word) in
        [("expired", "has expired"), ("unknown", "none of the authorities"), ("wrong", "another name")]
    {
        let path = format!("to/good/to/{server}/clip.ts");
        for url in [servers.url("good", &path), format!("{plain}/{path}")] {
            for profile in ["", "-mt_trust untrusted -mt_addresses any"] {
                let error = refused(&engine, &line(profile, &url), word);
                assert!(error.message().contains(&servers.port(server).to_string()), "{error}");
            }
            run(&engine, &words(&line("-mt_trust trusted", &url))).unwrap();
            run(&engine, &words(&line("-tls_verify 0", &url))).unwrap();
            refused(&engine, &line("-mt_trust trusted -tls_verify 1", &url), word);
        }
    }
    // A segment that was moved there
    let error = refused(&engine, &line("", &servers.url("good", "moved.m3u8")), "another name");
    assert!(error.message().contains(&servers.port("wrong").to_string()), "{error}");
}

#[test]
fn a_redirect_leads_out_of_tls_unless_none_is_followed() {
    let engine = engine();
    let servers = Servers::start(&engine);
    let line = |options: &str, path: &str| {
        format!("{options} {} -i {} -c copy -f null -", servers.authority(), servers.url("good", path))
    };
    for profile in ["-mt_trust trusted", "-mt_trust standard", "-mt_trust untrusted -mt_addresses any"] {
        run(&engine, &words(&line(profile, "to/plain/clip.ts"))).unwrap();
        let error =
            run(&engine, &words(&line(&format!("{profile} -max_redirects 0"), "to/plain/clip.ts"))).unwrap_err();
        assert_eq!(error.code(), Code::DEMUX, "{profile}: {error:?}");
        // Who is not to be led on is not told of who would have been there
        let error =
            run(&engine, &words(&line(&format!("{profile} -max_redirects 0"), "to/wrong/clip.ts"))).unwrap_err();
        assert_eq!(error.code(), Code::DEMUX, "{profile}: {error:?}");
    }
}

#[test]
fn rtmps_and_outputs_are_verified() {
    let engine = engine();
    let servers = Servers::start(&engine);
    let (ca, port) = (servers.authority(), servers.port("wrong"));
    refused(&engine, &format!("{ca} -i rtmps://127.0.0.1:{port}/live/key -c copy -f null -"), "another name");
    let media = "-f lavfi -i testsrc2=s=64x48:d=1";
    for (form, scheme) in [("flv", "rtmps"), ("mpegts", "tls"), ("mpegts", "https")] {
        let url = format!("{scheme}://127.0.0.1:{port}/live/key");
        let error = refused(&engine, &format!("{ca} {media} -f {form} {url}"), "another name");
        assert_eq!(error.output(), Some(0), "{form} {scheme}");
    }
    // What tee opens it opens with its header, where nobody asks again
    let tee = format!("{ca} {media} -map 0 -c:v flv -f tee [f=flv]rtmps://127.0.0.1:{port}/live/key");
    let error = run(&engine, &words(&tee)).unwrap_err();
    assert_eq!((error.code(), error.stage()), (Code::MUX, "write header"), "{error:?}");
    assert!(error.detail().contains("certificate"), "{error:?}");
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
    let media = "-f lavfi -i testsrc2=s=64x48:d=1";
    for output in [
        "-f rtsp rtsps://127.0.0.1:1/a",
        "-f flv rtmpts://127.0.0.1:1/a/b",
        "-map 0 -c:v mpeg2video -f tee [f=rtsp]rtsps://127.0.0.1:1/a",
    ] {
        let error = run(&engine, &words(&format!("{media} {output}"))).unwrap_err();
        assert_eq!((error.code(), error.output()), (Code::UNSUPPORTED, Some(0)), "{output}: {error:?}");
        let error = run(&engine, &words(&format!("-mt_trust trusted {media} {output}"))).unwrap_err();
        assert_ne!(error.code(), Code::UNSUPPORTED, "{output}: {error:?}");
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

#[test]
fn authorities_that_the_environment_names_must_be_there() {
    let line = "-nostdin -tls_verify 1 -i https://127.0.0.1:1/clip.ts -c copy -f null -";
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_mt-transcode"));
    let done = program.args(words(line)).env("SSL_CERT_FILE", "/nowhere/ca.pem").output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && said.contains("SSL_CERT_FILE: there is no file '/nowhere/ca.pem'"), "{said}");
}
