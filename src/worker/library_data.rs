//! What the loader wrote into the libraries' data, kept in memory files. Some 480 mappings, ten MB, are relocated: each of them fork(2) would copy page by page, and
//! chain to its parent's, for a worker that reads a few. As private mappings of files that nobody wrote to they cost a fork next to nothing, and a worker that
//! writes to a page has its own as ever. Android's loader shares relocated data in the same way (bionic, android_dlopen_ext, ANDROID_DLEXT_USE_RELRO).

use std::ffi::{CStr, CString, c_int, c_void};
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

struct Library {
    name: CString,
    range: Range<usize>,
    /// Whole pages that the file gave, and that may have been written to.
    data: Vec<Range<usize>>,
    /// What the loader protected when it was done: whole pages.
    relocated: Range<usize>,
}

/// For a process with one thread, which nothing else shares memory with. Does what it can: what cannot be had costs time and nothing else.
pub fn share() {
    if std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count) != 1 {
        return; // a library has a thread of its own, which may write
    }
    // SAFETY: a number of the kernel's.
    let loader = unsafe { libc::getauxval(libc::AT_BASE) } as usize;
    // These three are at work meanwhile.
    let busy = [share as *const () as usize, libc::pwrite as *const () as usize, loader];
    for library in libraries().iter().filter(|library| !busy.iter().any(|place| library.range.contains(place))) {
        library.share();
    }
}

fn libraries() -> Vec<Library> {
    unsafe extern "C" fn each(info: *mut libc::dl_phdr_info, _: usize, data: *mut c_void) -> c_int {
        // SAFETY: dl_iterate_phdr gives valid information, and `data` is our list.
        let (info, found) = unsafe { (&*info, &mut *data.cast::<Vec<Library>>()) };
        // SAFETY: as many headers as it says, and a terminated name.
        let (headers, path) = unsafe {
            (std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)), CStr::from_ptr(info.dlpi_name))
        };
        found.extend(Library::of_headers(info.dlpi_addr as usize, headers, path));
        0
    }
    let mut found = Vec::new();
    // SAFETY: the callback gets our list.
    unsafe { libc::dl_iterate_phdr(Some(each), (&raw mut found).cast()) };
    found
}

fn page_bytes() -> usize {
    // SAFETY: a number of the system's.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

impl Library {
    /// None where nothing of it can be written to.
    fn of_headers(base: usize, headers: &[libc::Elf64_Phdr], path: &CStr) -> Option<Library> {
        let page = page_bytes();
        let begin = |header: &libc::Elf64_Phdr| base + header.p_vaddr as usize;
        let loaded = || headers.iter().filter(|header| header.p_type == libc::PT_LOAD);
        let data =
            loaded().filter(|header| header.p_flags & (libc::PF_W | libc::PF_X) == libc::PF_W && header.p_filesz > 0);
        let data: Vec<_> = data
            .map(|header| {
                begin(header) / page * page..(begin(header) + header.p_filesz as usize).next_multiple_of(page)
            })
            .collect();
        let relocated = headers.iter().find(|header| header.p_type == libc::PT_GNU_RELRO);
        let file = path.to_bytes().rsplit(|byte| *byte == b'/').next().filter(|file| !file.is_empty())?;
        Some(Library {
            name: CString::new(file).ok()?,
            range: loaded().map(begin).min()?..loaded().map(|header| begin(header) + header.p_memsz as usize).max()?,
            // As glibc's _dl_protect_relro (elf/dl-reloc.c) has it: both ends rounded down.
            relocated: relocated.map_or(0..0, |header| {
                begin(header) / page * page..(begin(header) + header.p_memsz as usize) / page * page
            }),
            data: Some(data).filter(|data| !data.is_empty())?,
        })
    }

    /// Its data, where and as it is, out of a memory file that nobody can write to any more.
    fn share(&self) -> Option<()> {
        let parts: Vec<(Range<usize>, c_int)> = self.data.iter().flat_map(|data| self.parts(data)).collect();
        // SAFETY: a terminated name; a new descriptor or an error.
        let fd = unsafe { libc::memfd_create(self.name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
        // SAFETY: a new descriptor of ours.
        let file = (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })?;
        let mut end = 0;
        // From here to the last mapping nothing is allocated: whose state that is, is not known.
        for (part, _) in &parts {
            let mut done = 0;
            while done < part.len() {
                // SAFETY: readable memory of a loaded library, which nobody unloads meanwhile.
                let wrote = unsafe {
                    libc::pwrite(
                        fd,
                        (part.start + done) as *const c_void,
                        part.len() - done,
                        (end + done) as libc::off_t,
                    )
                };
                done += usize::try_from(wrote).ok().filter(|wrote| *wrote > 0)?;
            }
            end += part.len();
        }
        // SAFETY: about a descriptor of ours.
        if unsafe { libc::fcntl(fd, libc::F_ADD_SEALS, libc::F_SEAL_WRITE | libc::F_SEAL_GROW | libc::F_SEAL_SHRINK) }
            != 0
        {
            return None; // a worker could write to what others read
        }
        let mut offset = 0;
        for (part, protection) in &parts {
            let flags = libc::MAP_PRIVATE | libc::MAP_FIXED;
            let place = part.start as *mut c_void;
            // SAFETY: the same bytes at the same place with the same rights, before and after; one thread, which is here.
            let mapped =
                unsafe { libc::mmap(place, part.len(), *protection, flags, file.as_raw_fd(), offset as libc::off_t) };
            if mapped == libc::MAP_FAILED {
                return None; // for want of memory; what was there stays
            }
            offset += part.len();
        }
        Some(())
    }

    /// Pages of one kind, with what may be done to them.
    fn parts(&self, data: &Range<usize>) -> Vec<(Range<usize>, c_int)> {
        let writable = libc::PROT_READ | libc::PROT_WRITE;
        let protected =
            self.relocated.start.clamp(data.start, data.end)..self.relocated.end.clamp(data.start, data.end);
        [
            (data.start..protected.start, writable),
            (protected.clone(), libc::PROT_READ),
            (protected.end..data.end, writable),
        ]
        .into_iter()
        .filter(|(part, _)| !part.is_empty())
        .collect()
    }
}
