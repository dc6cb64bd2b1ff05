//! A server on loopback that sources are read from.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a camera does with who connects.
#[derive(Clone)]
pub enum Does {
    /// Gives these bytes, and hangs up.
    Gives(Vec<u8>),
    /// Gives these bytes, and nothing more.
    Falls(Vec<u8>),
    HangsUp,
}

/// A server on loopback, whose peers are treated as it is told.
pub struct Camera {
    pub port: u16,
    does: Arc<Mutex<Does>>,
    connections: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Camera {
    pub fn new(does: Does) -> Camera {
        Camera::on(TcpListener::bind("127.0.0.1:0").unwrap(), does)
    }

    pub fn on(listener: TcpListener, does: Does) -> Camera {
        let camera = Camera {
            port: listener.local_addr().unwrap().port(),
            does: Arc::new(Mutex::new(does)),
            connections: Arc::default(),
            is_over: Arc::default(),
        };
        let (does, connections, is_over) =
            (Arc::clone(&camera.does), Arc::clone(&camera.connections), Arc::clone(&camera.is_over));
        std::thread::spawn(move || {
            for peer in listener.incoming().flatten() {
                if is_over.load(SeqCst) {
                    return;
                }
                connections.fetch_add(1, SeqCst);
                let (does, is_over) = (does.lock().unwrap().clone(), Arc::clone(&is_over));
                std::thread::spawn(move || serve(peer, does, &is_over));
            }
        });
        camera
    }

    pub fn url(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }

    pub fn now(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }
}

fn serve(mut peer: TcpStream, does: Does, is_over: &AtomicBool) {
    match does {
        Does::Gives(bytes) => drop(peer.write_all(&bytes)),
        Does::Falls(bytes) => {
            let _ = peer.write_all(&bytes);
            while !is_over.load(SeqCst) {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Does::HangsUp => {}
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.is_over.store(true, SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}
