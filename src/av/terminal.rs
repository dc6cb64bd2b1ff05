//! Standard input of a program: single keys, as the ffmpeg program reads them (fftools/ffmpeg.c: term_init, read_key).

use parking_lot::Mutex;

/// How the terminal was before keys were asked for.
static BEFORE: Mutex<Option<libc::termios>> = Mutex::new(None);

/// Keys come one by one and are not shown, until [`restore`]. Nothing where standard input is no terminal.
pub fn read_keys() {
    // SAFETY: fills and reads structs of our own; descriptor 0 may be anything.
    unsafe {
        let mut settings: libc::termios = std::mem::zeroed();
        if libc::tcgetattr(0, &mut settings) != 0 {
            return;
        }
        BEFORE.lock().get_or_insert(settings);
        settings.c_iflag &= !(libc::IGNBRK
            | libc::BRKINT
            | libc::PARMRK
            | libc::ISTRIP
            | libc::INLCR
            | libc::IGNCR
            | libc::ICRNL
            | libc::IXON);
        settings.c_oflag |= libc::OPOST;
        settings.c_lflag &= !(libc::ECHO | libc::ECHONL | libc::ICANON | libc::IEXTEN);
        settings.c_cflag &= !(libc::CSIZE | libc::PARENB);
        settings.c_cflag |= libc::CS8;
        settings.c_cc[libc::VMIN] = 1;
        settings.c_cc[libc::VTIME] = 0;
        libc::tcsetattr(0, libc::TCSANOW, &settings);
    }
}

/// Puts the terminal back as it was.
pub fn restore() {
    if let Some(settings) = BEFORE.lock().take() {
        // SAFETY: what tcgetattr gave.
        unsafe { libc::tcsetattr(0, libc::TCSANOW, &settings) };
    }
}

/// The next line, without reading beyond it. Blocks; empty at the end.
pub fn line() -> String {
    let (mut line, mut byte) = (Vec::new(), 0u8);
    // SAFETY: a buffer of one byte.
    while unsafe { libc::read(0, (&raw mut byte).cast(), 1) } == 1 && byte != b'\n' {
        line.push(byte);
    }
    String::from_utf8_lossy(&line).into_owned()
}

/// A key that was pressed, or a byte of a pipe; None where there is none now, or no more. Never blocks.
pub fn key() -> Option<u8> {
    let mut ready = libc::pollfd { fd: 0, events: libc::POLLIN, revents: 0 };
    let mut byte = 0u8;
    // SAFETY: one descriptor, and a buffer of one byte.
    unsafe {
        let is_ready = libc::poll(&mut ready, 1, 0) > 0;
        (is_ready && libc::read(0, (&raw mut byte).cast(), 1) == 1).then_some(byte)
    }
}
