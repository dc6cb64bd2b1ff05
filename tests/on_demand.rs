//! Sources on demand, again and again: the picture of one peer, and the sound of another that falls silent, answers no goodbye, and never hangs up. The first viewer opens
//! both, some time after the last both are closed, and the next viewer has both again. MT_ROUNDS says how often,
//! for each order of closing: 100, and 500 in `make test-live`, as FFmpeg looks ten times a second whether to give up a peer that is silent.

mod common;

use common::live::times;
use common::memory::*;
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::{Direction, Engine, EventKind, Job, Side, State};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

const PICTURES: u64 = 25;
/// Of 20 ms: as long as the pictures, as muxers read no stream ahead of the others.
const SOUNDS: u16 = 50;

/// A server on loopback that treats each peer on a thread of its own.
struct Peer {
    port: u16,
    connections: Arc<AtomicUsize>,
    /// Of those, which are still open.
    open: Arc<AtomicUsize>,
}

impl Peer {
    fn new(treat: impl Fn(TcpStream) + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer =
            Peer { port: listener.local_addr().unwrap().port(), connections: Arc::default(), open: Arc::default() };
        let (connections, open, treat) = (Arc::clone(&peer.connections), Arc::clone(&peer.open), Arc::new(treat));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, SeqCst);
                open.fetch_add(1, SeqCst);
                let (open, treat) = (Arc::clone(&open), Arc::clone(&treat));
                std::thread::spawn(move || {
                    treat(stream);
                    open.fetch_sub(1, SeqCst);
                });
            }
        });
        peer
    }
}

/// Gives the picture after a while, and then nothing more, until its peer hangs up.
fn picture(bytes: Vec<u8>, after: Duration) -> impl Fn(TcpStream) {
    move |mut stream| {
        std::thread::sleep(after);
        let _ = stream.write_all(&bytes);
        let _ = stream.read(&mut [0]);
    }
}

const SDP: &str = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=sound\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\na=control:track1\r\n";

/// RTSP over TCP: a second of G.711, and then nothing more. TEARDOWN is not answered, and nothing is closed before the peer has hung up.
fn sound(stream: TcpStream) {
    let Ok(mut out) = stream.try_clone() else { return };
    let mut lines = BufReader::new(stream);
    let mut request = String::new();
    loop {
        let mut line = String::new();
        match lines.read_line(&mut line) {
            Ok(count) if count > 0 => {}
            _ => return,
        }
        request += &line;
        if line.trim_end().is_empty() {
            let _ = out.write_all(&answer(&request));
            request.clear();
        }
    }
}

fn answer(request: &str) -> Vec<u8> {
    let number = request.lines().find_map(|line| line.strip_prefix("CSeq: ")).unwrap_or("0");
    let good = |rest: &str| format!("RTSP/1.0 200 OK\r\nCSeq: {number}\r\nSession: 7\r\n{rest}\r\n").into_bytes();
    match request.split(' ').next() {
        Some("OPTIONS") => good("Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"),
        Some("DESCRIBE") => {
            [good(&format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n", SDP.len())), SDP.into()].concat()
        }
        Some("SETUP") => good("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"),
        Some("PLAY") => [good("Range: npt=0-\r\n"), (0..SOUNDS).flat_map(packet).collect()].concat(),
        _ => Vec::new(),
    }
}

/// RFC 2326 10.12 around RFC 3550 5.1: 20 ms of PCMU.
fn packet(number: u16) -> Vec<u8> {
    // Not from 0, as peers choose a number by chance, and FFmpeg gives the first two the same time then (rtpdec.c: finalize_packet).
    let time = 8000 + u32::from(number) * 160;
    let mut bytes = vec![b'$', 0, 0, 172, 0x80, 0];
    bytes.extend(number.to_be_bytes());
    bytes.extend(time.to_be_bytes());
    bytes.extend([0, 0, 0, 1]);
    bytes.extend([0x7f; 160]);
    bytes
}

fn pictures(engine: &Arc<Engine>, folder: &Path) -> Vec<u8> {
    let line = "-f lavfi -i testsrc2=s=64x64:r=25:d=1 -c:v libx264 -preset ultrafast -bf 0 -g 25 -threads 1 -f mpegts {}/second.ts";
    run_in(engine, folder, line).expect("a second");
    read(&folder.join("second.ts"))
}

struct Service {
    engine: Arc<Engine>,
    job: Arc<Job>,
    peers: [Peer; 2],
    folder: tempfile::TempDir,
}

impl Service {
    fn new(linger_ms: [u32; 2]) -> Service {
        Service::late(linger_ms, Duration::ZERO)
    }

    /// With so many milliseconds that each stays open after the last viewer, the picture's and the sound's, and how long the picture comes after the sound.
    fn late(linger_ms: [u32; 2], after: Duration) -> Service {
        let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
        let peers = [Peer::new(picture(pictures(&engine, folder.path()), after)), Peer::new(sound)];
        let source = |linger_ms: u32| {
            format!(
                "-mt_source 1 -mt_on_demand 1 -mt_linger_ms {linger_ms} -mt_retry_ms 1 -mt_read_timeout_ms 60000 \
                 -analyzeduration 100000 -fpsprobesize 2"
            )
        };
        let line = format!(
            "-mt_live 1 {} -f mpegts -i tcp://127.0.0.1:{} {} -rtsp_transport tcp -i rtsp://127.0.0.1:{}/live -map 0 -map 1 -c copy -f null -",
            source(linger_ms[0]),
            peers[0].port,
            source(linger_ms[1]),
            peers[1].port,
        );
        let job = Job::new(&engine).unwrap();
        job.set_level(24);
        job.set_args(&words(&line)).unwrap();
        job.start().unwrap();
        let service = Service { engine, job, peers, folder };
        eventually("nobody is there yet", || service.are("idle"));
        service
    }

    fn are(&self, state: &str) -> bool {
        (0..2).all(|input| self.job.source_status(input).unwrap().state.word() == state)
    }

    /// A viewer comes, sees and hears everything, and goes.
    fn round(&self, round: usize) {
        self.round_with(round, ["copy", "copy"]);
    }

    /// With these codecs of picture and sound.
    fn round_with(&self, round: usize, [video, audio]: [&str; 2]) {
        let out = pipe(&self.engine, 1 << 20);
        let name = format!("v{round}");
        self.job.bind_pipe(&name, &out, Side::Write).unwrap();
        let output = self.job.add_file(Direction::Output, &format!("mt:{name}")).unwrap();
        // On a busy machine one may be a second later than the other: the muxer is not to wait for what comes after all that is given.
        let interleave = ("max_interleave_delta", "1");
        for (key, value) in [
            ("c:v", video),
            ("c:a", audio),
            ("f", "matroska"),
            ("map", "0"),
            ("map", "1"),
            ("mt_live", "1"),
            interleave,
        ] {
            self.job.set_file_option(Direction::Output, output, key, Some(value)).unwrap();
        }
        self.job.commit_file(Direction::Output, output).unwrap();
        // More than either of them alone has; the last ones may wait for others that never come
        let enough = PICTURES.max(u64::from(SOUNDS)) + 5;
        eventually(&format!("round {round}: picture and sound"), || {
            self.job.output_status(output).unwrap().stats.packets_written >= enough
        });
        self.job.stop_output(output, true).unwrap();
        let (bytes, end) = drain(&out);
        assert_eq!(end, Ok(()), "round {round}");
        if round.is_multiple_of(50) {
            self.is_whole(&bytes);
        }
        out.free();
        eventually(&format!("round {round}: both are closed after the last"), || self.are("idle"));
        self.job.forget_output(output);
    }

    fn is_whole(&self, bytes: &[u8]) {
        let path = self.folder.path().join("own.mkv");
        std::fs::write(&path, bytes).unwrap();
        let shown = probe(&self.engine, &path);
        let kinds: Vec<_> = shown["streams"].as_array().unwrap().iter().map(|stream| &stream["codec_type"]).collect();
        assert_eq!(kinds, ["video", "audio"], "{shown}");
        let pictures = times(&self.engine, &path, "video", "pts_time").len() as u64;
        assert!((1..=PICTURES).contains(&pictures), "{pictures}: none that the last viewer saw");
    }

    /// No state of a source, and no line, says that anything failed.
    fn saw_no_failure(&self) {
        while let Ok(Some(event)) = self.job.next_event(Some(Duration::ZERO)) {
            match event.kind {
                EventKind::Log { level, text, .. } => {
                    assert!(level > 16 && !text.contains("is opened again"), "{text}");
                }
                EventKind::Source { status, .. } => {
                    assert_eq!((status.code, status.failures), (0, 0), "{status:?}");
                }
                _ => {}
            }
        }
    }

    /// Threads, descriptors and allocated KiB of this process.
    fn size(&self) -> [u64; 3] {
        [entries("/proc/self/task") as u64, entries("/proc/self/fd") as u64, allocated_kib()]
    }

    fn ends(self) {
        assert_eq!(self.job.state(), State::Running, "{:?}", self.job.error());
        self.job.stop().unwrap();
        assert_eq!(self.job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", self.job.error());
        self.job.close();
        is_quiet(&self.engine);
    }
}

/// One test, as both orders look at the whole process.
#[test]
fn sources_open_with_the_first_viewer_and_close_after_the_last_in_either_order() {
    let rounds = std::env::var("MT_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(100);
    for linger_ms in [[1, 10], [10, 1]] {
        let service = Service::new(linger_ms);
        let warm = (rounds / 4).clamp(1, 50);
        (0..warm).for_each(|round| service.round(round));
        let before = service.size();
        for round in warm..rounds {
            service.round(round);
            service.saw_no_failure();
        }
        eventually("the peers see every connection closed", || {
            service.peers.iter().all(|peer| peer.open.load(SeqCst) == 0)
        });
        let after = service.size();
        println!("{rounds} rounds, {linger_ms:?} ms: threads, descriptors, KiB {before:?}, then {after:?}");
        assert!(after[0] <= before[0] + 8 && after[1] <= before[1] + 8, "{before:?}, then {after:?}");
        assert!(after[2] <= before[2] + 4096, "{before:?}, then {after:?}");
        for peer in &service.peers {
            assert_eq!(peer.connections.load(SeqCst), rounds, "each was opened once for each viewer");
        }
        service.ends();
    }
}

/// A camera whose sound has come and gone when its picture is there: what is silent holds up nothing of the other.
#[test]
fn a_viewer_has_all_of_a_source_whose_peer_is_silent() {
    let service = Service::late([1, 1], Duration::from_millis(1500));
    for (round, codecs) in [["copy", "copy"], ["copy", "copy"], ["mpeg4", "pcm_mulaw"]].into_iter().enumerate() {
        service.round_with(round, codecs);
        service.saw_no_failure();
    }
    service.ends();
}

#[test]
fn one_that_is_taken_out_while_its_peer_hangs_is_no_failure() {
    let service = Service::new([1, 1]);
    service.round(0);
    let out = pipe(&service.engine, 1 << 20);
    service.job.bind_pipe("v", &out, Side::Write).unwrap();
    let output = service.job.add_file(Direction::Output, "mt:v").unwrap();
    for (key, value) in [("c", "copy"), ("f", "matroska"), ("map", "0"), ("mt_live", "1")] {
        service.job.set_file_option(Direction::Output, output, key, Some(value)).unwrap();
    }
    service.job.commit_file(Direction::Output, output).unwrap();
    eventually("both are open", || service.are("live"));
    // When the sound is taken out, then the picture stays
    service.job.stop_input(1).unwrap();
    let state = |input| service.job.source_status(input).unwrap().state.word();
    eventually("it has ended", || state(1) == "ended");
    assert_eq!((state(0), service.job.state()), ("live", State::Running));
    service.job.stop_output(output, false).unwrap();
    assert_eq!(drain(&out).1, Err(Code::ECANCELED));
    eventually("the picture is closed after the last", || state(0) == "idle");
    service.saw_no_failure();
    out.free();
    service.ends();
}
