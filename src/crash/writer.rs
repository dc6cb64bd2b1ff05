//! Text into a fixed buffer, for handlers.

use std::os::fd::RawFd;

pub struct Writer<'a> {
    buffer: &'a mut [u8],
    used: usize,
    fd: RawFd,
    is_stuck: bool,
}

/// Whether the descriptor takes something, now or within a second.
fn takes_more(fd: RawFd) -> bool {
    const PATIENCE_MS: i32 = 1000;
    const INTERRUPTIONS: usize = 16;
    let mut place = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    for _ in 0..INTERRUPTIONS {
        // SAFETY: one place.
        match unsafe { libc::poll(&raw mut place, 1, PATIENCE_MS) } {
            0 => return false,
            // An error there is told by the write.
            1.. => return true,
            // SAFETY: errno of the calling thread. Where a filter forbids to ask, it is tried.
            _ => {
                if unsafe { *libc::__errno_location() } != libc::EINTR {
                    return true;
                }
            }
        }
    }
    false
}

impl<'a> Writer<'a> {
    pub fn new(buffer: &'a mut [u8], fd: RawFd) -> Self {
        Writer { buffer, used: 0, fd, is_stuck: false }
    }

    fn byte(&mut self, byte: u8) {
        if self.used == self.buffer.len() {
            self.flush();
        }
        self.buffer[self.used] = byte;
        self.used += 1;
    }

    /// What was not written yet.
    pub fn gathered(&self) -> &[u8] {
        &self.buffer[..self.used]
    }

    /// Writes what has gathered; what the descriptor does not take within a second is lost, and all that comes later: a process that dies must
    /// not wait for who reads its standard error.
    pub fn flush(&mut self) {
        let mut rest = &self.buffer[..self.used];
        while !rest.is_empty() && !self.is_stuck {
            // A pipe that takes anything takes this much at once (pipe(7): PIPE_BUF).
            let piece = &rest[..rest.len().min(libc::PIPE_BUF)];
            self.is_stuck = !takes_more(self.fd);
            if self.is_stuck {
                break;
            }
            // SAFETY: our buffer.
            let written = unsafe { libc::write(self.fd, piece.as_ptr().cast(), piece.len()) };
            // SAFETY: errno of the calling thread.
            if written < 0 && matches!(unsafe { *libc::__errno_location() }, libc::EINTR | libc::EAGAIN) {
                continue;
            }
            let Ok(written @ 1..) = usize::try_from(written) else { break };
            rest = &rest[written..];
        }
        self.used = 0;
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        text.bytes().for_each(|byte| self.byte(byte));
        self
    }

    /// Bytes of others on one line.
    pub fn line_of(&mut self, bytes: &[u8]) -> &mut Self {
        bytes.iter().for_each(|byte| self.byte(if *byte < 32 { b' ' } else { *byte }));
        self
    }

    pub fn key(&mut self, key: &str) -> &mut Self {
        self.text(key).text(": ")
    }

    pub fn end_line(&mut self) -> &mut Self {
        self.text("\n")
    }

    pub fn number(&mut self, value: u64) -> &mut Self {
        let mut digits = [0; 20];
        let (mut at, mut rest) = (digits.len(), value);
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        digits[at..].iter().for_each(|digit| self.byte(*digit));
        self
    }

    pub fn signed(&mut self, value: i32) -> &mut Self {
        if value < 0 {
            self.byte(b'-');
        }
        self.number(u64::from(value.unsigned_abs()))
    }

    pub fn hex(&mut self, value: u64) -> &mut Self {
        self.text("0x");
        let digits = (64 - value.leading_zeros()).div_ceil(4).max(1);
        for digit in (0..digits).rev() {
            self.byte(b"0123456789abcdef"[(value >> (4 * digit) & 15) as usize]);
        }
        self
    }

    /// The next key of an object that has one already.
    pub fn json_key(&mut self, key: &str) -> &mut Self {
        self.text(",\"").text(key).text("\":")
    }

    pub fn quoted_hex(&mut self, value: u64) -> &mut Self {
        self.text("\"").hex(value).text("\"")
    }

    /// A JSON string. Bytes that are no UTF-8 come as the characters of those numbers.
    pub fn quoted(&mut self, bytes: &[u8]) -> &mut Self {
        self.byte(b'"');
        for chunk in bytes.utf8_chunks() {
            chunk.valid().bytes().for_each(|byte| self.escaped(byte));
            chunk.invalid().iter().for_each(|byte| self.unicode(*byte));
        }
        self.byte(b'"');
        self
    }

    fn escaped(&mut self, byte: u8) {
        match byte {
            b'"' | b'\\' => {
                self.byte(b'\\');
                self.byte(byte);
            }
            0..32 | 127 => self.unicode(byte),
            _ => self.byte(byte),
        }
    }

    fn unicode(&mut self, byte: u8) {
        self.text("\\u00");
        self.byte(b"0123456789abcdef"[usize::from(byte >> 4)]);
        self.byte(b"0123456789abcdef"[usize::from(byte & 15)]);
    }
}
