//! What an address is mapped to, by /proc/self/maps (proc(5)), without allocating.

/// Copies the line of `address` into `line`; 0 bytes where nothing is mapped, or the file cannot be read.
pub fn line_of(address: u64, line: &mut [u8]) -> usize {
    // SAFETY: a terminated path.
    let fd = unsafe { libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if fd < 0 {
        return 0;
    }
    let found = search(fd, address, line);
    // SAFETY: ours.
    unsafe { libc::close(fd) };
    found
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
