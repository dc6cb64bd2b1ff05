//! What is wrong with a peer's certificate, asked of the peer itself by another handshake: FFmpeg's TLS libraries say no more than that it failed.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore};
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

/// Shakes hands once, and gives up after `limit` (but for the resolver, which FFmpeg asked before). None where it is not the certificate, or nobody can tell.
pub fn ask(host: &str, port: u16, authorities: Option<&Path>, limit: Duration) -> Option<Fault> {
    let until = Instant::now() + limit;
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(authorities?).ok()?.filter_map(Result::ok);
    roots.add_parsable_certificates(certificates);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let mut connection = ClientConnection::new(Arc::new(config), name).ok()?;
    let address = (host, port).to_socket_addrs().ok()?.next()?;
    let mut socket = TcpStream::connect_timeout(&address, until.checked_duration_since(Instant::now())?).ok()?;
    while connection.is_handshaking() {
        let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        socket.set_read_timeout(Some(left)).ok()?;
        socket.set_write_timeout(Some(left)).ok()?;
        while connection.wants_write() {
            connection.write_tls(&mut socket).ok()?;
        }
        if connection.is_handshaking() && connection.read_tls(&mut socket).ok()? == 0 {
            return None;
        }
        if let Err(error) = connection.process_new_packets() {
            return fault_of(error);
        }
    }
    None
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
