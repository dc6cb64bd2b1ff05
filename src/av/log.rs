//! FFmpeg's log: one callback for the process, lines sorted to the jobs that they belong to.

use super::ffi;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::sync::{Once, Weak};

use parking_lot::RwLock;

/// Takes the lines of one job.
pub trait LogSink: Send + Sync {
    /// The highest level that is wanted (FFmpeg's numbers: higher is chattier).
    fn max_level(&self) -> i32;
    fn line(&self, level: i32, stage: &str, text: &str);
}

/// Lines of a job are found by a number that its contexts carry as `opaque`. The high bit keeps it apart from what a host
/// may have put into contexts of its own.
const SLOT_MARK: usize = 1 << 62;

/// The highest level that any job ever wanted: what is chattier needs no look at its context.
static HIGHEST: AtomicI32 = AtomicI32::new(0);

static SINKS: RwLock<Option<HashMap<usize, Weak<dyn LogSink>>>> = RwLock::new(None);

thread_local! {
    /// The job that this thread works for, for lines without a context.
    static SLOT: Cell<usize> = const { Cell::new(0) };
    /// A line comes in pieces; they are put together per thread.
    static PARTIAL: RefCell<String> = const { RefCell::new(String::new()) };
    /// A decoder was just refused on purpose.
    static IS_REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// The number under which the lines of a job are found, from registration until it is dropped.
pub struct LogContext(usize);

impl LogContext {
    pub fn register(id: u64, sink: Weak<dyn LogSink>) -> LogContext {
        let slot = id as usize | SLOT_MARK;
        if let Some(sink) = sink.upgrade() {
            HIGHEST.fetch_max(sink.max_level(), Relaxed);
        }
        SINKS.write().get_or_insert_with(HashMap::new).insert(slot, sink);
        LogContext(slot)
    }

    pub fn slot(&self) -> usize {
        self.0
    }
}

impl Drop for LogContext {
    fn drop(&mut self) {
        if let Some(sinks) = SINKS.write().as_mut() {
            sinks.remove(&self.0);
        }
    }
}

/// Lines without a context, written by this thread, belong to `slot` from now on; 0 for none.
pub fn thread_slot(slot: usize) {
    SLOT.with(|cell| cell.set(slot));
}

/// Takes FFmpeg's log over for the rest of the process. The callback that was there cannot be read back, so lines without
/// a job go to FFmpeg's own default.
pub fn install() {
    // SAFETY: sets one global pointer to a function that lives as long as the process (the library is never unloaded).
    INSTALLED.call_once(|| unsafe { ffi::av_log_set_callback(Some(callback)) });
}

static INSTALLED: Once = Once::new();

/// Whether lines that are meant for nobody can be kept from the host.
pub(super) fn is_installed() -> bool {
    INSTALLED.is_completed()
}

#[cfg(target_arch = "x86_64")]
pub(super) type VaList = *mut ffi::__va_list_tag;
#[cfg(not(target_arch = "x86_64"))]
pub(super) type VaList = ffi::va_list;

/// Begins a list of decoders from which one is missing on purpose (`Input::find_stream_info_sparing`).
pub(super) const SPARED: &str = "mt:spared";

/// After which no line follows from a refusal.
pub(super) fn forget_refusals() {
    IS_REFUSED.set(false);
}

/// Whether a line says that such a decoder was refused (avcodec_open2), or what follows of it (avformat_find_stream_info).
///
/// # Safety
/// `context` is NULL or a valid logging context, `format` a terminated string or NULL.
unsafe fn is_intended(context: *mut c_void, format: *const c_char) -> bool {
    if format.is_null() {
        return false;
    }
    // SAFETY: by contract; which class a context has tells what it is, and its list is a terminated string or NULL.
    unsafe {
        let format = CStr::from_ptr(format).to_bytes();
        let is_refusal = format.starts_with(b"Codec (%s) not on whitelist");
        if !is_refusal && !format.starts_with(b"Failed to open codec in %s") {
            return false;
        }
        let Some(class) = class_of(context) else { return false };
        if !is_refusal {
            return ptr_eq(class, ffi::avformat_get_class()) && IS_REFUSED.replace(false);
        }
        if !ptr_eq(class, ffi::avcodec_get_class()) {
            return false;
        }
        let list = (*context.cast::<ffi::AVCodecContext>()).codec_whitelist;
        let is_ours = !list.is_null() && CStr::from_ptr(list).to_bytes().starts_with(SPARED.as_bytes());
        IS_REFUSED.set(is_ours);
        is_ours
    }
}

unsafe extern "C" fn callback(context: *mut c_void, level: c_int, format: *const c_char, args: VaList) {
    let level = level & 0xff; // the rest is a colour
    // SAFETY: reads a number. Lines without a job go to FFmpeg's default, which has a level of its own.
    if level > HIGHEST.load(Relaxed) && level > unsafe { ffi::av_log_get_level() } {
        return;
    }
    // SAFETY: FFmpeg's own arguments, passed on or read while they are valid.
    let result = catch_unwind(AssertUnwindSafe(|| unsafe {
        match sink_of(context) {
            Some(_) if is_intended(context, format) => {}
            Some(sink) if level <= sink.max_level() => {
                let mut line = [0 as c_char; 2048];
                let mut prefix = 0;
                ffi::av_log_format_line2(
                    context,
                    level,
                    format,
                    args,
                    line.as_mut_ptr(),
                    line.len() as c_int,
                    &mut prefix,
                );
                let text = CStr::from_ptr(line.as_ptr()).to_string_lossy();
                deliver(&*sink, context, level, &text);
            }
            Some(_) => {}
            None => ffi::av_log_default_callback(context, level, format, args),
        }
    }));
    drop(result); // A panic while logging loses the line, nothing else.
}

/// A line of our own, in FFmpeg's log: from this thread's job, or from nobody's.
pub fn write(level: i32, text: &str) {
    let Ok(text) = crate::text::c_string(text) else { return };
    // SAFETY: no context, and a format with its one string.
    unsafe { ffi::av_log(std::ptr::null_mut(), level, c"%s\n".as_ptr(), text.as_ptr()) };
}

/// FFmpeg's own log, for lines that belong to no job: up to `level`, with `flags` of libavutil's log.h. It is the whole
/// process's.
pub fn configure(level: i32, flags: i32) {
    // SAFETY: sets two numbers.
    unsafe {
        ffi::av_log_set_level(level);
        ffi::av_log_set_flags(flags);
    }
}

/// A line that the host forwards from a callback of its own. False where no job is found.
///
/// # Safety
/// `context` is what FFmpeg gave to the host's callback, which has not returned yet, or NULL.
pub unsafe fn forward(context: *mut c_void, level: i32, line: &str) -> bool {
    // SAFETY: by contract.
    let Some(sink) = (unsafe { sink_of(context) }) else { return false };
    if level <= sink.max_level() {
        // SAFETY: by contract.
        unsafe { deliver(&*sink, context, level, line) };
    }
    true
}

/// # Safety
/// `context` is NULL or a valid logging context.
unsafe fn deliver(sink: &dyn LogSink, context: *mut c_void, level: i32, piece: &str) {
    let whole = PARTIAL.with(|partial| {
        let mut partial = partial.borrow_mut();
        partial.push_str(piece);
        // A component that never ends its line does not collect text for ever.
        let is_whole = partial.ends_with('\n') || partial.len() > 4096;
        is_whole.then(|| std::mem::take(&mut *partial))
    });
    if let Some(line) = whole {
        // SAFETY: by contract.
        let stage = unsafe { stage_name(context) };
        sink.line(level, &stage, line.trim_end());
    }
}

/// # Safety
/// `context` is NULL or a valid logging context: a struct whose first member is a class pointer.
pub(super) unsafe fn class_of(context: *mut c_void) -> Option<&'static ffi::AVClass> {
    if context.is_null() {
        return None;
    }
    // SAFETY: by contract; classes are static.
    unsafe { (*context.cast::<*const ffi::AVClass>()).as_ref() }
}

/// # Safety
/// As `class_of`.
pub(super) unsafe fn stage_name(context: *mut c_void) -> String {
    // SAFETY: by contract; item_name takes the context itself and returns a string that lives as long.
    unsafe {
        let Some(class) = class_of(context) else { return String::new() };
        let name = match class.item_name {
            Some(item_name) => item_name(context),
            None => class.class_name,
        };
        // "NULL" is what FFmpeg calls a format context without a format.
        if name.is_null() || CStr::from_ptr(name) == c"NULL" {
            String::new()
        } else {
            CStr::from_ptr(name).to_string_lossy().into_owned()
        }
    }
}

/// # Safety
/// As `class_of`.
unsafe fn sink_of(context: *mut c_void) -> Option<std::sync::Arc<dyn LogSink>> {
    // SAFETY: by contract.
    let slot = unsafe { slot_of(context) }.unwrap_or_else(|| SLOT.with(Cell::get));
    if slot & SLOT_MARK == 0 {
        return None;
    }
    SINKS.read().as_ref()?.get(&slot)?.upgrade()
}

/// Goes up from a context to the codec, format or graph that carries the number.
///
/// # Safety
/// As `class_of`.
unsafe fn slot_of(mut context: *mut c_void) -> Option<usize> {
    // SAFETY: by contract. What a context is, is told by its class: three static addresses; its parent lies at an offset
    // that the class names.
    unsafe {
        for _ in 0..4 {
            let class = class_of(context)?;
            let is = |other: *const ffi::AVClass| ptr_eq(class, other);
            let opaque = if is(ffi::avcodec_get_class()) {
                (*context.cast::<ffi::AVCodecContext>()).opaque
            } else if is(ffi::avformat_get_class()) {
                (*context.cast::<ffi::AVFormatContext>()).opaque
            } else if is(ffi::avfilter_get_class()) {
                let graph = (*context.cast::<ffi::AVFilterContext>()).graph;
                if graph.is_null() { std::ptr::null_mut() } else { (*graph).opaque }
            } else {
                std::ptr::null_mut()
            };
            if opaque.addr() & SLOT_MARK != 0 {
                return Some(opaque.addr());
            }
            if class.parent_log_context_offset == 0 {
                return None;
            }
            context = *context.cast::<u8>().offset(class.parent_log_context_offset as isize).cast::<*mut c_void>();
        }
    }
    None
}

fn ptr_eq(a: &ffi::AVClass, b: *const ffi::AVClass) -> bool {
    std::ptr::eq(a, b)
}
