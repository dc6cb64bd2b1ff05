//! What an address is mapped to, by /proc/self/maps (proc(5)), without allocating.

/// The kernel's answer about one mapping, since Linux 6.11: `struct procmap_query` of linux/fs.h. A process with a thousand of them
/// would spend more time on their text than on all else in a report.
#[repr(C)]
#[derive(Default)]
struct Query {
    size: u64,
    flags: u64,
    address: u64,
    start: u64,
    end: u64,
    rights: u64,
    page_bytes: u64,
    offset: u64,
    inode: u64,
    device: [u32; 2],
    name_bytes: u32,
    build_id_bytes: u32,
    name: u64,
    build_id: u64,
}

/// `_IOWR('f', 17, struct procmap_query)`.
const PROCMAP_QUERY: u32 = 0xc068_6611;
const _: () = assert!(size_of::<Query>() == 0x68);

/// Copies the line of `address` into `line`; 0 bytes where nothing is mapped, or the file cannot be read.
pub fn line_of(address: u64, line: &mut [u8]) -> usize {
    // SAFETY: a terminated path.
    let fd = unsafe { libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if fd < 0 {
        return 0;
    }
    let found = asked(fd, address, line).unwrap_or_else(|| search(fd, address, line));
    // SAFETY: ours.
    unsafe { libc::close(fd) };
    found
}

/// None where the kernel knows no such question.
fn asked(fd: i32, address: u64, line: &mut [u8]) -> Option<usize> {
    let mut name = [0u8; 512];
    let mut query = Query { size: size_of::<Query>() as u64, address, ..Query::default() };
    (query.name, query.name_bytes) = (name.as_mut_ptr().expose_provenance() as u64, name.len() as u32);
    // SAFETY: a request of its size, with the place of a name of its size.
    if unsafe { libc::ioctl(fd, PROCMAP_QUERY as libc::Ioctl, &raw mut query) } < 0 {
        // SAFETY: this thread's own.
        return (unsafe { *libc::__errno_location() } == libc::ENOENT).then_some(0);
    }
    let mut out = Line { bytes: line, used: 0 };
    out.hex(query.start, 8);
    out.text(b"-");
    out.hex(query.end, 8);
    let right = |bit: u64, letter: u8, none: u8| if query.rights & bit != 0 { letter } else { none };
    let rights = [right(1, b'r', b'-'), right(2, b'w', b'-'), right(4, b'x', b'-'), right(8, b's', b'p')];
    out.text(b" ");
    out.text(&rights);
    out.text(b" ");
    out.hex(query.offset, 8);
    out.text(b" ");
    out.hex(query.device[0].into(), 2);
    out.text(b":");
    out.hex(query.device[1].into(), 2);
    out.text(b" ");
    out.decimal(query.inode);
    let name = &name[..(query.name_bytes as usize).saturating_sub(1).min(name.len())];
    out.text(if name.is_empty() { b"" } else { b" " });
    out.text(name);
    Some(out.used)
}

struct Line<'a> {
    bytes: &'a mut [u8],
    used: usize,
}

impl Line<'_> {
    fn text(&mut self, text: &[u8]) {
        let count = text.len().min(self.bytes.len() - self.used);
        self.bytes[self.used..self.used + count].copy_from_slice(&text[..count]);
        self.used += count;
    }

    fn hex(&mut self, value: u64, least_digits: u32) {
        let digits = (64 - value.leading_zeros()).div_ceil(4).max(least_digits);
        (0..digits).rev().for_each(|digit| self.text(&[b"0123456789abcdef"[(value >> (4 * digit) & 15) as usize]]));
    }

    fn decimal(&mut self, value: u64) {
        if value >= 10 {
            self.decimal(value / 10);
        }
        self.text(&[b'0' + (value % 10) as u8]);
    }
}

fn search(fd: i32, address: u64, line: &mut [u8]) -> usize {
    let mut block = [0u8; 2048];
    let mut used = 0;
    loop {
        // SAFETY: our buffer.
        let count = unsafe { libc::read(fd, block.as_mut_ptr().cast(), block.len()) };
        let Ok(count @ 1..) = usize::try_from(count) else { return 0 };
        for byte in &block[..count] {
            if *byte != b'\n' {
                if used < line.len() {
                    line[used] = *byte;
                    used += 1;
                }
                continue;
            }
            if is_inside(&line[..used], address) {
                return used;
            }
            used = 0;
        }
    }
}

fn is_inside(line: &[u8], address: u64) -> bool {
    let mut ends =
        line.splitn(2, |byte| *byte == b' ').next().unwrap_or_default().splitn(2, |byte| *byte == b'-').map(hex);
    matches!((ends.next(), ends.next()), (Some(start), Some(end)) if (start..end).contains(&address))
}

fn hex(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |value, digit| value << 4 | u64::from((*digit as char).to_digit(16).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    fn both(address: u64) -> (Option<String>, String) {
        let file = std::fs::File::open("/proc/self/maps").expect("maps");
        let mut line = [0; 600];
        let text = |line: &[u8]| String::from_utf8_lossy(line).split_whitespace().collect::<Vec<_>>().join(" ");
        let asked = asked(file.as_raw_fd(), address, &mut line).map(|count| text(&line[..count]));
        let count = search(file.as_raw_fd(), address, &mut line);
        (asked, text(&line[..count]))
    }

    #[test]
    fn the_kernels_answer_is_what_its_text_says() {
        static DATA: [u8; 3] = [1, 2, 3];
        let here = std::hint::black_box(5u8);
        for address in [both as *const () as u64, DATA.as_ptr() as u64, (&raw const here) as u64, 0x10, u64::MAX] {
            let (asked, read) = both(address);
            assert!(asked.is_none_or(|asked| asked == read), "{read}");
        }
        assert!(both(both as *const () as u64).1.contains("r-xp"), "this code is mapped");
    }
}
