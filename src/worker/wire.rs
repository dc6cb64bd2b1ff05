//! Frames on a socket: a kind, a size, the bytes. A descriptor may travel with a frame.

use std::io::{self, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// A frame is a message of ours or a piece of media; more is a broken peer.
const LARGEST_BYTES: usize = 64 << 20;
/// Descriptors that travel at once.
const MOST_FDS: usize = 4;

/// Never raises SIGPIPE: the host's own threads call this too, and may have its default.
pub fn write_frame(socket: &UnixStream, kind: u8, payload: &[u8]) -> io::Result<()> {
    let head = head(kind, payload.len())?;
    write_slices(socket, &mut [IoSlice::new(&head), IoSlice::new(payload)])
}

/// Two frames at once: who listens wakes up once.
pub fn write_two_frames(socket: &UnixStream, first: (u8, &[u8]), second: (u8, &[u8])) -> io::Result<()> {
    let heads = [head(first.0, first.1.len())?, head(second.0, second.1.len())?];
    let slices = [&heads[0], first.1, &heads[1], second.1];
    write_slices(socket, &mut slices.map(IoSlice::new))
}

fn write_slices(socket: &UnixStream, mut rest: &mut [IoSlice]) -> io::Result<()> {
    while rest.iter().any(|slice| !slice.is_empty()) {
        match send_vectored(socket, rest, libc::MSG_NOSIGNAL) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut rest, count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// How often it is asked whether a write is over.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// As [`write_frame`], to a peer that may not read: ends with TimedOut after `limit`, and with Interrupted soon after `is_over` says so.
pub fn write_frame_unless(
    socket: &UnixStream,
    kind: u8,
    payload: &[u8],
    limit: Duration,
    is_over: &dyn Fn() -> bool,
) -> io::Result<()> {
    let until = Instant::now() + limit;
    let head = head(kind, payload.len())?;
    let mut slices = [IoSlice::new(&head), IoSlice::new(payload)];
    let mut rest = &mut slices[..];
    while rest.iter().any(|slice| !slice.is_empty()) {
        match send_vectored(socket, rest, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) {
            Ok(count) => IoSlice::advance_slices(&mut rest, count),
            Err(_) if is_over() => return Err(io::ErrorKind::Interrupted.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < until => {
                let mut place = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
                // SAFETY: one place of ours.
                unsafe { libc::poll(&raw mut place, 1, ASK_EVERY.as_millis() as i32) };
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(io::ErrorKind::TimedOut.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// As writev(2), which knows no MSG_NOSIGNAL.
fn send_vectored(socket: &UnixStream, parts: &mut [IoSlice], flags: i32) -> io::Result<usize> {
    // SAFETY: IoSlice is an iovec by its contract; the kernel reads as many as are said.
    let sent = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = parts.as_mut_ptr().cast();
        message.msg_iovlen = parts.len() as _;
        libc::sendmsg(socket.as_raw_fd(), &raw const message, flags)
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// As many bytes as go now; WouldBlock where none do.
pub fn send_some(socket: &UnixStream, bytes: &[u8]) -> io::Result<usize> {
    send_vectored(socket, &mut [IoSlice::new(bytes)], libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT)
}

/// What stands before the bytes of a frame.
pub fn head(kind: u8, length: usize) -> io::Result<[u8; 5]> {
    let length = u32::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?.to_le_bytes();
    Ok([kind, length[0], length[1], length[2], length[3]])
}

/// The kind, or None where the peer is gone; the payload is put into `payload`.
pub fn read_frame(mut socket: &UnixStream, payload: &mut Vec<u8>) -> io::Result<Option<u8>> {
    let mut head = [0; 5];
    if !read_all_or_nothing(socket, &mut head)? {
        return Ok(None);
    }
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if length > LARGEST_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes")));
    }
    payload.resize(length, 0);
    socket.read_exact(payload)?;
    Ok(Some(head[0]))
}

fn read_all_or_nothing(mut socket: &UnixStream, buffer: &mut [u8]) -> io::Result<bool> {
    let mut count = 0;
    while count < buffer.len() {
        match socket.read(&mut buffer[count..]) {
            Ok(0) if count == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset && count == 0 => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

#[repr(C, align(8))]
struct Control([MaybeUninit<u8>; 64]);

/// Sends a frame with descriptors; all of it, or an error.
pub fn send_with_fds(socket: &UnixStream, kind: u8, payload: &[u8], fds: &[RawFd]) -> io::Result<()> {
    debug_assert!(fds.len() <= MOST_FDS);
    let head = head(kind, payload.len())?;
    let mut control = Control([MaybeUninit::zeroed(); 64]);
    let mut part = libc::iovec { iov_base: head.as_ptr() as *mut _, iov_len: head.len() };
    // SAFETY: a message of our buffers, with one control header that holds the descriptors; the kernel only reads them.
    let sent = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(size_of_val(fds) as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of_val(fds) as u32) as _;
        libc::CMSG_DATA(header).cast::<RawFd>().copy_from_nonoverlapping(fds.as_ptr(), fds.len());
        libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL)
    };
    if sent != head.len() as isize {
        return Err(io::Error::last_os_error());
    }
    let mut socket = socket;
    socket.write_all(payload)
}

/// Receives a frame and the descriptors that came with it; None where the peer is gone.
pub fn receive_with_fds(socket: &UnixStream, payload: &mut Vec<u8>) -> io::Result<Option<(u8, Vec<OwnedFd>)>> {
    let mut head = [0u8; 5];
    let mut control = Control([MaybeUninit::zeroed(); 64]);
    let mut part = libc::iovec { iov_base: head.as_mut_ptr().cast(), iov_len: head.len() };
    let mut fds = Vec::new();
    // SAFETY: the kernel writes at most as much as our buffers hold, and says how much; descriptors that came are ours.
    let count = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = control.0.len() as _;
        let count = loop {
            let count = libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC);
            if count >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                break count;
            }
        };
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if count > 0 && !header.is_null() && (*header).cmsg_type == libc::SCM_RIGHTS {
            let bytes = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
            for index in 0..bytes / size_of::<RawFd>() {
                fds.push(OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<RawFd>().add(index).read()));
            }
        }
        count
    };
    match count {
        0 => return Ok(None),
        1.. => {}
        // Gone, and something that we said was never read.
        _ if io::Error::last_os_error().kind() == io::ErrorKind::ConnectionReset => return Ok(None),
        _ => return Err(io::Error::last_os_error()),
    }
    let mut reader = socket;
    reader.read_exact(&mut head[count as usize..])?;
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if length > LARGEST_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    payload.resize(length, 0);
    reader.read_exact(payload)?;
    Ok(Some((head[0], fds)))
}

/// Waits until one of the descriptors can be read, or was hung up, or `timeout_ms` is over (-1: never). Says which.
pub fn wait_readable<const N: usize>(fds: [RawFd; N], timeout_ms: i32) -> [bool; N] {
    let mut places = fds.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    // SAFETY: as many places as are said.
    unsafe { libc::poll(places.as_mut_ptr(), N as libc::nfds_t, timeout_ms) };
    places.map(|place| place.revents != 0)
}
