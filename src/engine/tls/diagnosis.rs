//! What is wrong with a peer's certificate, asked of the peer itself by another handshake: FFmpeg's TLS libraries say no more than that it failed, and FFmpeg does
//! not say where it was led to.

use super::peer::Peer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, Stream};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug, PartialEq)]
pub enum Fault {
    Expired,
    UnknownAuthority,
    WrongName,
    /// In words of the library's.
    Other(String),
}

pub enum Answer {
    Fault(Fault),
    /// It says that what was asked for is there.
    Moved(String),
}

/// Asks once, until a time (but for the resolver, which FFmpeg asked before). `follows`: also whether what is asked for was moved. None: neither is so, or nobody
/// can tell.
pub fn ask(peer: &Peer, authorities: Option<&Path>, until: Instant, follows: bool) -> Option<Answer> {
    let request = peer.request().filter(|_| follows);
    if !peer.uses_tls && request.is_none() {
        return None;
    }
    let address = (peer.host.as_str(), peer.port).to_socket_addrs().ok()?.next()?;
    let socket = TcpStream::connect_timeout(&address, until.checked_duration_since(Instant::now())?).ok()?;
    let mut line = Line { socket, until };
    let moved = |location: Option<String>| peer.leads_to(&location?).map(Answer::Moved);
    if !peer.uses_tls {
        return moved(location(&mut line, &request?));
    }
    let name = ServerName::try_from(peer.host.clone()).ok()?;
    let mut connection = ClientConnection::new(Arc::new(config(authorities)?), name).ok()?;
    if let Err(error) = shake_hands(&mut connection, &mut line) {
        return fault_of(error?).map(Answer::Fault);
    }
    moved(location(&mut Stream::new(&mut connection, &mut line), &request?))
}

fn config(authorities: Option<&Path>) -> Option<ClientConfig> {
    // Without any authority, as in images of little but a program, nobody's is known.
    let mut roots = RootCertStore::empty();
    if let Some(authorities) = authorities {
        let certificates = CertificateDer::pem_file_iter(authorities).ok()?.filter_map(Result::ok);
        roots.add_parsable_certificates(certificates);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(config.with_root_certificates(roots).with_no_client_auth())
}

/// A connection that gives up at a time, whatever is done with it.
struct Line {
    socket: TcpStream,
    until: Instant,
}

impl Line {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
        left.ok_or_else(|| ErrorKind::TimedOut.into())
    }
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(into)
    }
}

impl Write for Line {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// An error of TLS's, or none of those.
fn shake_hands(connection: &mut ClientConnection, line: &mut Line) -> Result<(), Option<rustls::Error>> {
    while connection.is_handshaking() {
        while connection.wants_write() {
            connection.write_tls(line).map_err(|_| None)?;
        }
        if connection.is_handshaking() && connection.read_tls(line).map_err(|_| None)? == 0 {
            return Err(None);
        }
        connection.process_new_packets().map_err(Some)?;
    }
    Ok(())
}

/// What the answer to a request says as Location, where it is that something was moved.
fn location(line: &mut (impl Read + Write), request: &str) -> Option<String> {
    const MOST: usize = 16 << 10;
    line.write_all(request.as_bytes()).and_then(|()| line.flush()).ok()?;
    let (mut head, mut piece) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < MOST {
        match line.read(&mut piece).ok()? {
            0 => return None,
            size => head.extend_from_slice(&piece[..size]),
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?;
    let value = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("location").then(|| value.trim().to_owned())
    };
    let found = lines.take_while(|line| !line.is_empty()).find_map(value);
    found.filter(|_| ["301", "302", "303", "307", "308"].contains(&status))
}

fn fault_of(error: rustls::Error) -> Option<Fault> {
    let rustls::Error::InvalidCertificate(error) = error else { return None };
    Some(match error {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Fault::Expired,
        CertificateError::UnknownIssuer => Fault::UnknownAuthority,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Fault::WrongName,
        // As `openssl req -x509` makes it.
        CertificateError::Other(other) if other.0.to_string() == "CaUsedAsEndEntity" => {
            Fault::Other("it is that of an authority itself, as one that signed itself mostly is".into())
        }
        other => Fault::Other(other.to_string()),
    })
}
