//! What attacks need: listeners that record who called, files that ask for too much, bounds, a network of one's own.
#![allow(dead_code)] // each test file uses its own part

use super::LONG;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What grows beyond this was not bounded.
const MOST_GROWTH_KIB: u64 = 300 << 10;

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// Carries out an attack within bounds of time and memory.
pub fn bounded<T>(attack: impl FnOnce() -> T) -> T {
    let (began, before) = (Instant::now(), peak_kib());
    let result = attack();
    assert!(began.elapsed() < LONG, "it took {:?}", began.elapsed());
    let grown = peak_kib().saturating_sub(before);
    assert!(grown < MOST_GROWTH_KIB, "{grown} KiB more");
    result
}

/// What an endless server sends.
#[derive(Clone, Copy, PartialEq)]
pub enum Fill {
    Zeros,
    Random,
}

/// A server that counts its requests.
pub struct Listener {
    host: String,
    pub port: u16,
    requests: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

/// A whole answer.
pub fn http(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

impl Listener {
    pub fn start(answer: Vec<u8>) -> Listener {
        Listener::on("127.0.0.1", answer)
    }

    pub fn on(host: &str, answer: Vec<u8>) -> Listener {
        Listener::serve(host, move |mut stream, _| drop(stream.write_all(&answer)))
    }

    /// Sends until the caller is gone.
    pub fn endless(fill: Fill) -> Listener {
        Listener::serve("127.0.0.1", move |mut stream, is_over| {
            let mut seed = 88_172_645_463_325_252u64;
            let mut sent = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
            while sent.is_ok() && !is_over.load(Relaxed) {
                let piece: Vec<u8> = match fill {
                    Fill::Zeros => vec![0; 64 << 10],
                    Fill::Random => (0..8 << 10)
                        .flat_map(|_| {
                            seed ^= seed << 13;
                            seed ^= seed >> 7;
                            seed ^= seed << 17;
                            seed.to_le_bytes()
                        })
                        .collect(),
                };
                sent = stream.write_all(&piece);
            }
        })
    }

    /// One byte now and then.
    pub fn dripping() -> Listener {
        Listener::serve("127.0.0.1", |mut stream, is_over| {
            let mut sent = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
            while sent.is_ok() && !is_over.load(Relaxed) {
                sent = stream.write_all(b"G");
                std::thread::sleep(Duration::from_millis(50));
            }
        })
    }

    fn serve(host: &str, answer: impl Fn(TcpStream, &AtomicBool) + Send + Sync + 'static) -> Listener {
        let listener = TcpListener::bind((host, 0)).expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let (requests, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, over, answer) = (Arc::clone(&requests), Arc::clone(&is_over), Arc::new(answer));
        std::thread::spawn(move || {
            while !over.load(Relaxed) {
                let Ok((mut stream, _)) = listener.accept() else {
                    std::thread::sleep(Duration::from_millis(2));
                    continue;
                };
                count.fetch_add(1, Relaxed);
                let (over, answer) = (Arc::clone(&over), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let _ = stream.set_nonblocking(false);
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                    let _ = stream.read(&mut [0; 4096]);
                    answer(stream, &over);
                });
            }
        });
        Listener { host: host.to_owned(), port, requests, is_over }
    }

    pub fn url(&self, name: &str) -> String {
        format!("http://{}:{}/{name}", self.host, self.port)
    }

    /// How many connections came.
    pub fn requests(&self) -> u64 {
        std::thread::sleep(Duration::from_millis(20)); // one that is on its way
        self.requests.load(Relaxed)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.is_over.store(true, Relaxed);
    }
}

/// Runs the test again in a network namespace of its own, where `addresses` are this machine's. True inside of it.
pub fn in_own_network(test: &str, addresses: &[&str]) -> bool {
    if std::env::var_os("MT_OWN_NETWORK").is_some() {
        return true;
    }
    let program = std::env::current_exe().expect("this program");
    let set_up: Vec<String> = addresses.iter().map(|address| format!("ip addr add {address}/32 dev lo")).collect();
    let script =
        format!("ip link set lo up && {} || exit 77; exec \"$0\" --exact {test} --nocapture", set_up.join(" && "));
    let mut command = Command::new("unshare");
    let status = command.args(["-r", "-n", "sh", "-c", &script]).arg(program).env("MT_OWN_NETWORK", "1").status();
    match status {
        Ok(status) if status.success() => false,
        Ok(status) if status.code() == Some(101) => panic!("{test} failed in its own network"),
        other => {
            eprintln!("{test} is skipped: this machine allows no network namespaces ({other:?})");
            false
        }
    }
}

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [id.as_slice(), &(body.len() as u32).to_le_bytes(), body].concat()
}

fn list(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    chunk(b"LIST", &[kind.as_slice(), body].concat())
}

/// An AVI of one MJPEG frame that says it is this large.
pub fn giant_avi(width: u32, height: u32) -> Vec<u8> {
    let words = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let main = chunk(b"avih", &words(&[40_000, 0, 0, 0x10, 1, 0, 1, 1 << 20, width, height, 0, 0, 0, 0]));
    let header = [b"vids".as_slice(), b"MJPG", &words(&[0, 0, 0, 1, 25, 0, 1, 1 << 20, 0, 0, 0, 0])].concat();
    let format = [words(&[40, width, height, 0x18_0001]), b"MJPG".to_vec(), words(&[0, 0, 0, 0, 0])].concat();
    let stream = list(b"strl", &[chunk(b"strh", &header), chunk(b"strf", &format)].concat());
    let movie = list(b"movi", &chunk(b"00dc", &[0xff, 0xd8, 0xff, 0xd9]));
    let body = [b"AVI ".to_vec(), list(b"hdrl", &[main, stream].concat()), movie].concat();
    chunk(b"RIFF", &body)
}

/// The beginning of a PNG of this size.
pub fn giant_png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 6, 0, 0, 0]);
    bytes.extend([0; 4]);
    bytes.extend(b"\0\0\0\x0cIDAT\x78\x9c\x63\x00\x00\x00\x01\x00\x01\x00\x00\x00\0\0\0\0");
    bytes
}

/// Stands in a file that no output may contain.
pub const SECRET: &str = "root-only-secret";

/// A folder with a clip, and a file that no output may contain.
pub fn prepared() -> (Arc<mt_transcode::job::Engine>, tempfile::TempDir) {
    let (engine, folder) = (super::engine(), tempfile::tempdir().unwrap());
    super::clip(&engine, folder.path());
    std::fs::write(folder.path().join("secret.srt"), format!("1\n00:00:00,000 --> 00:00:02,000\n{SECRET}\n")).unwrap();
    (engine, folder)
}
