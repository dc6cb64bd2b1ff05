//! FFmpeg's log for a program that has the process to itself: every line goes through one printer, with the prefix that FFmpeg's own
//! default callback gives it ("[libx264 @ 0x...] "). A library leaves this alone: see [`super::log`].

use super::ffi;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use parking_lot::Mutex;

/// Takes lines, in pieces as FFmpeg writes them: a line ends with a newline or a carriage return. All pieces of a line come in a row.
pub trait LogPrinter: Send + Sync {
    /// Whether a line of this level is to be put together.
    fn wants(&self, level: i32) -> bool;
    /// Called by one thread at a time.
    fn print(&self, level: i32, piece: &str);
}

static PRINTER: OnceLock<Box<dyn LogPrinter>> = OnceLock::new();
/// One line at a time.
static TURN: Mutex<()> = Mutex::new(());
/// As `av_log_get_flags`, for the bits that FFmpeg does not look at by itself.
static FLAGS: AtomicI32 = AtomicI32::new(0);

/// More pieces than a line has are shown before it ends.
const MOST_PIECES: usize = 256;

/// The line that a thread is at: what another thread says does not come between its pieces.
struct Line {
    /// Whether the next piece begins a line.
    is_new: c_int,
    pieces: Vec<(c_int, String)>,
}

impl Line {
    fn show(&mut self) {
        let Some(printer) = PRINTER.get() else { return };
        let _turn = TURN.lock();
        IS_PRINTING.set(true);
        self.pieces.drain(..).for_each(|(level, piece)| printer.print(level, &piece));
        IS_PRINTING.set(false);
    }
}

/// A thread ends within a line.
impl Drop for Line {
    fn drop(&mut self) {
        if !self.pieces.is_empty() {
            drop(catch_unwind(AssertUnwindSafe(|| self.show())));
        }
    }
}

thread_local! {
    static LINE: RefCell<Line> = const { RefCell::new(Line { is_new: 1, pieces: Vec::new() }) };
    static CAPTURED: RefCell<Option<String>> = const { RefCell::new(None) };
    /// A printer that logs would wait for itself.
    static IS_PRINTING: Cell<bool> = const { Cell::new(false) };
}

/// Hands FFmpeg's log to `printer` for the rest of the process. Only the first one counts.
pub fn install_printer(printer: Box<dyn LogPrinter>) {
    drop(PRINTER.set(printer));
    // SAFETY: sets one global pointer to a function that lives as long as the process.
    unsafe { ffi::av_log_set_callback(Some(callback)) };
}

/// The level up to which lines are wanted, of the whole process; FFmpeg's own number.
pub fn set_level(level: i32) {
    // SAFETY: sets a number.
    unsafe { ffi::av_log_set_level(level) };
}

pub fn level() -> i32 {
    // SAFETY: reads a number.
    unsafe { ffi::av_log_get_level() }
}

/// AV_LOG_SKIP_REPEATED, AV_LOG_PRINT_LEVEL and so on.
pub fn set_flags(flags: i32) {
    FLAGS.store(flags, Relaxed);
    // SAFETY: sets a number.
    unsafe { ffi::av_log_set_flags(flags) };
}

/// Whether the printer takes lines of this level.
pub fn wants(level: i32) -> bool {
    PRINTER.get().is_some_and(|printer| printer.wants(level))
}

pub fn flags() -> i32 {
    FLAGS.load(Relaxed)
}

/// Whether equal lines are to be counted instead of printed.
pub fn skips_repeated() -> bool {
    FLAGS.load(Relaxed) & ffi::AV_LOG_SKIP_REPEATED as i32 != 0
}

/// Puts text of the program's own among FFmpeg's lines, at once.
pub fn message(level: i32, text: &str) {
    let Ok(text) = crate::text::c_string(&text.replace('\0', "")) else { return };
    // SAFETY: terminated strings, the first one a format that takes the second.
    unsafe { ffi::av_log(std::ptr::null_mut(), level, c"%s".as_ptr(), text.as_ptr()) };
    let _ = LINE.try_with(|line| line.try_borrow_mut().map(|mut line| line.show()));
}

/// What `body` logs on this thread, whatever its level.
pub(super) fn captured(body: impl FnOnce()) -> String {
    if PRINTER.get().is_none() {
        return String::new(); // the log is somebody else's
    }
    CAPTURED.with(|captured| *captured.borrow_mut() = Some(String::new()));
    body();
    CAPTURED.with(|captured| captured.borrow_mut().take()).unwrap_or_default()
}

#[cfg(target_arch = "x86_64")]
type VaList = *mut ffi::__va_list_tag;
#[cfg(not(target_arch = "x86_64"))]
type VaList = ffi::va_list;

unsafe extern "C" fn callback(context: *mut c_void, level: c_int, format: *const c_char, args: VaList) {
    let level = if level >= 0 { level & 0xff } else { level }; // the rest is a colour
    let is_captured = CAPTURED.with(|captured| captured.try_borrow().is_ok_and(|captured| captured.is_some()));
    let is_wanted = PRINTER.get().is_some_and(|printer| is_captured || printer.wants(level));
    if !is_wanted || IS_PRINTING.with(Cell::get) {
        return;
    }
    // SAFETY: FFmpeg's own arguments, read while they are valid.
    let result = catch_unwind(AssertUnwindSafe(|| unsafe {
        let mut text = vec![0 as c_char; 16 << 10];
        let mut format_piece = |is_new: &mut c_int| {
            let size = text.len() as c_int;
            ffi::av_log_format_line2(context, level, format, args, text.as_mut_ptr(), size, is_new);
            crate::text::from_bytes(CStr::from_ptr(text.as_ptr()).to_bytes())
        };
        if is_captured {
            let piece = format_piece(&mut 0);
            return CAPTURED.with(|captured| captured.borrow_mut().get_or_insert_default().push_str(&piece));
        }
        let _ = LINE.try_with(|line| {
            let mut line = line.borrow_mut();
            let piece = format_piece(&mut line.is_new);
            line.pieces.push((level, crate::secrets::mask_text(&piece)));
            if line.is_new != 0 || line.pieces.len() >= MOST_PIECES {
                line.show();
            }
        });
    }));
    drop(result); // A panic while logging loses the line, nothing else.
}
