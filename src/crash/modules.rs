//! What is loaded where, and its unwind tables: prepared before anything crashes, since the loader's lock may be held then.

use super::slots;
use framehop::{
    CacheNative, ExplicitModuleSectionInfo, Module as FrameModule, MustNotAllocateDuringUnwind, Unwinder,
    UnwinderNative,
};
use std::cell::UnsafeCell;
use std::ffi::{CStr, c_int, c_void};
use std::ops::Range;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};

/// A loaded file.
pub struct Module {
    pub range: Range<u64>,
    /// What is added to its own addresses.
    pub base: u64,
    code: Vec<Range<u64>>,
    pub path: Vec<u8>,
    /// In hexadecimal digits.
    pub build_id: Vec<u8>,
    /// This library, or one of FFmpeg's.
    pub is_ours: bool,
}

pub type Cache = UnsafeCell<CacheNative<MustNotAllocateDuringUnwind>>;
type Frames = UnwinderNative<&'static [u8], MustNotAllocateDuringUnwind>;

pub struct Table {
    /// By address.
    modules: Vec<Module>,
    pub unwinder: Frames,
    /// Only the one thread that writes a report takes it.
    pub cache: Cache,
    /// Of the one thread that was asked for its stack.
    pub live_cache: Cache,
    loads: (u64, u64),
}

static TABLE: AtomicPtr<Table> = AtomicPtr::new(std::ptr::null_mut());
/// Handlers that may hold a table.
static READERS: AtomicUsize = AtomicUsize::new(0);

/// Runs `body` with the table, which stays while it does; handlers may call it.
pub fn with_table<T>(body: impl FnOnce(Option<&Table>) -> T) -> T {
    READERS.fetch_add(1, SeqCst);
    let table = TABLE.load(SeqCst);
    // SAFETY: a table is freed only while nobody reads, and this read was counted before the pointer was taken.
    let result = body(unsafe { table.as_ref() });
    READERS.fetch_sub(1, SeqCst);
    result
}

/// Makes the table anew where files were loaded or unloaded since.
pub fn refresh() {
    static MAKING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let Ok(_one_at_a_time) = MAKING.try_lock() else { return };
    let loads = loads();
    // SAFETY: only this function frees tables, and only one thread is in it.
    if unsafe { TABLE.load(SeqCst).as_ref() }.is_some_and(|table| table.loads == loads) {
        return;
    }
    let old = TABLE.swap(Box::into_raw(Box::new(Table::of_process(loads))), SeqCst);
    if !old.is_null() && READERS.load(SeqCst) == 0 {
        // SAFETY: it came from Box, nobody finds it any more, and nobody reads it.
        drop(unsafe { Box::from_raw(old) });
    }
}

/// How often something was loaded and unloaded.
fn loads() -> (u64, u64) {
    unsafe extern "C" fn first(info: *mut libc::dl_phdr_info, _: usize, data: *mut c_void) -> c_int {
        // SAFETY: dl_iterate_phdr gives valid information, and `data` is ours.
        unsafe { data.cast::<(u64, u64)>().write(((*info).dlpi_adds, (*info).dlpi_subs)) };
        1
    }
    let mut loads = (0, 0);
    // SAFETY: the callback gets our pair.
    unsafe { libc::dl_iterate_phdr(Some(first), (&raw mut loads).cast()) };
    loads
}

impl Table {
    fn of_process(loads: (u64, u64)) -> Table {
        unsafe extern "C" fn each(info: *mut libc::dl_phdr_info, _: usize, data: *mut c_void) -> c_int {
            // SAFETY: dl_iterate_phdr gives valid information, and `data` is our list.
            let (info, found) = unsafe { (&*info, &mut *data.cast::<Vec<(Module, FrameModule<&'static [u8]>)>>()) };
            let is_program = found.is_empty();
            // SAFETY: as above.
            found.extend(unsafe { read_module(info, is_program) });
            0
        }
        let mut found: Vec<(Module, FrameModule<&'static [u8]>)> = Vec::new();
        // SAFETY: the callback gets our list.
        unsafe { libc::dl_iterate_phdr(Some(each), (&raw mut found).cast()) };
        let mut unwinder = Frames::new();
        let mut modules = Vec::with_capacity(found.len());
        for (module, frames) in found {
            modules.push(module);
            unwinder.add_module(frames);
        }
        modules.sort_by_key(|module| module.range.start);
        let cache = || UnsafeCell::new(CacheNative::new_in());
        Table { modules, unwinder, cache: cache(), live_cache: cache(), loads }
    }

    pub fn find(&self, address: u64) -> Option<&Module> {
        let index = self.modules.partition_point(|module| module.range.end <= address);
        self.modules.get(index).filter(|module| module.range.contains(&address))
    }

    pub fn is_code(&self, address: u64) -> bool {
        self.find(address).is_some_and(|module| module.code.iter().any(|code| code.contains(&address)))
    }
}

/// # Safety
/// `info` is what dl_iterate_phdr gives. What it says of memory holds while the file is loaded.
unsafe fn read_module(info: &libc::dl_phdr_info, is_program: bool) -> Option<(Module, FrameModule<&'static [u8]>)> {
    // SAFETY: as many headers as it says, and a terminated name.
    let (headers, name) = unsafe {
        (
            std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)),
            CStr::from_ptr(info.dlpi_name).to_bytes(),
        )
    };
    let base = info.dlpi_addr;
    let place = |header: &libc::Elf64_Phdr| base + header.p_vaddr..base + header.p_vaddr + header.p_memsz;
    let loaded = || headers.iter().filter(|header| header.p_type == libc::PT_LOAD);
    let range = loaded().map(|h| place(h).start).min()?..loaded().map(|h| place(h).end).max()?;
    let code: Vec<_> = loaded().filter(|h| h.p_flags & libc::PF_X != 0).map(place).collect();
    let path = if is_program { program_path() } else { name.to_vec() };
    let ours = slots::mark_thread as *const () as u64;
    let file = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let is_library =
        [&b"libav"[..], b"libsw", b"libpostproc", b"libmt_transcode"].iter().any(|start| file.starts_with(start));
    let is_ours = is_library || !is_program && range.contains(&ours);
    // SAFETY: notes lie in memory of the file.
    let build_id =
        headers.iter().filter(|h| h.p_type == libc::PT_NOTE).find_map(|h| unsafe { build_id(bytes(&place(h))) });
    // SAFETY: sections of the loaded file.
    let sections = unsafe { sections(headers, base, &range) };
    let frames = FrameModule::new(String::new(), range.clone(), base, sections);
    Some((Module { range, base, code, path, build_id: build_id.unwrap_or_default(), is_ours }, frames))
}

fn program_path() -> Vec<u8> {
    use std::os::unix::ffi::OsStringExt;
    std::fs::read_link("/proc/self/exe").map(|path| path.into_os_string().into_vec()).unwrap_or_default()
}

/// # Safety
/// The range is readable memory for as long as the slice is used.
unsafe fn bytes(range: &Range<u64>) -> &'static [u8] {
    // SAFETY: by the function's contract.
    unsafe {
        std::slice::from_raw_parts(
            std::ptr::with_exposed_provenance(range.start as usize),
            (range.end - range.start) as usize,
        )
    }
}

/// The GNU build id of notes (elf(5)): name size, description size, type 3, "GNU", the id.
fn build_id(mut notes: &[u8]) -> Option<Vec<u8>> {
    loop {
        let (head, rest) = notes.split_first_chunk::<12>()?;
        let number = |at: usize| u32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
        let (name, rest) = rest.split_at_checked(number(0).next_multiple_of(4))?;
        let (description, rest) = rest.split_at_checked(number(4).next_multiple_of(4))?;
        if number(8) == 3 && name.starts_with(b"GNU") {
            let hex =
                |byte: &u8| [b"0123456789abcdef"[usize::from(byte >> 4)], b"0123456789abcdef"[usize::from(byte & 15)]];
            return Some(description.get(..number(4))?.iter().flat_map(hex).collect());
        }
        notes = rest;
    }
}

/// # Safety
/// As `read_module`.
unsafe fn sections(
    headers: &[libc::Elf64_Phdr],
    base: u64,
    range: &Range<u64>,
) -> ExplicitModuleSectionInfo<&'static [u8]> {
    let mut info = ExplicitModuleSectionInfo::default();
    let own = |range: &Range<u64>| range.start - base..range.end - base;
    if let Some(text) = headers.iter().find(|h| h.p_type == libc::PT_LOAD && h.p_flags & libc::PF_X != 0) {
        let text = base + text.p_vaddr..base + text.p_vaddr + text.p_memsz;
        // SAFETY: a loaded segment. It may be executable only, so its bytes are left out: they serve prologues alone.
        info.text_svma = Some(own(&text));
    }
    let Some(header) = headers.iter().find(|h| h.p_type == libc::PT_GNU_EH_FRAME) else { return info };
    let start = base + header.p_vaddr;
    let hdr = start..start + header.p_memsz;
    // SAFETY: a loaded segment.
    let content = unsafe { bytes(&hdr) };
    // Version 1, and the frames' place as a 32-bit offset from where it stands, as every linker writes it.
    let [1, 0x1b, _, _, a, b, c, d, ..] = *content else { return info };
    let frames = start.wrapping_add(4).wrapping_add_signed(i64::from(i32::from_ne_bytes([a, b, c, d])));
    let end = headers
        .iter()
        .filter(|h| h.p_type == libc::PT_LOAD)
        .map(|h| base + h.p_vaddr..base + h.p_vaddr + h.p_memsz)
        .find(|segment| segment.contains(&frames))
        .map_or(range.end, |segment| segment.end);
    let frames = frames..end;
    info.eh_frame_hdr_svma = Some(own(&hdr));
    info.eh_frame_hdr = Some(content);
    // SAFETY: up to the end of its loaded segment.
    info.eh_frame = Some(unsafe { bytes(&frames) });
    info.eh_frame_svma = Some(own(&frames));
    info
}
