//! -show_log: what FFmpeg logs while a frame is decoded, shown with the frame. Source: `log_callback` and `show_log` of FFmpeg's
//! fftools/ffprobe.c.

use super::{Section, Sink};
use crate::av::ffi;
use crate::av::log::{VaList, class_of, stage_name};
use parking_lot::Mutex;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::catch_unwind;
use std::ptr;

struct Line {
    context: String,
    category: i64,
    /// Name and category of the context's parent.
    parent: Option<(String, i64)>,
    level: i32,
    message: String,
}

static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());

/// Takes the process's log from its making on; what the log level lets through still goes to standard error.
pub struct ShownLog {
    /// Lines above it are not shown.
    max_level: i32,
}

impl ShownLog {
    pub fn install(max_level: i32) -> ShownLog {
        // SAFETY: sets one global pointer to a function that lives as long as the process.
        unsafe { ffi::av_log_set_callback(Some(callback)) };
        ShownLog { max_level }
    }

    /// Forgets what was logged so far.
    pub fn clear(&self) {
        LINES.lock().clear();
    }

    /// Shows what was logged since it was last cleared, and forgets it.
    pub(super) fn show(&self, out: &mut dyn Sink) {
        let lines = std::mem::take(&mut *LINES.lock());
        if lines.is_empty() {
            return;
        }
        out.begin(Section::FrameLogs);
        for line in lines.iter().filter(|line| line.level <= self.max_level) {
            out.begin(Section::FrameLog);
            out.text("context", line.context.as_bytes());
            out.int("level", line.level);
            out.int("category", line.category);
            match &line.parent {
                Some((name, category)) => {
                    out.text("parent_context", name.as_bytes());
                    out.int("parent_category", *category);
                }
                None => {
                    out.unknown("parent_context", "N/A");
                    out.unknown("parent_category", "N/A");
                }
            }
            out.text("message", line.message.as_bytes());
            out.end();
        }
        out.end();
    }
}

unsafe extern "C" fn callback(context: *mut c_void, level: c_int, format: *const c_char, args: VaList) {
    /// 1 where the next piece begins a line.
    static BEGINS: Mutex<c_int> = Mutex::new(1);
    // A panic while logging loses the line, nothing else.
    let _ = catch_unwind(move || {
        let mut text = [0 as c_char; 1024];
        // SAFETY: FFmpeg's own arguments, used once while they are valid; the buffer's size is given.
        unsafe {
            let (size, mut begins) = (text.len() as c_int, BEGINS.lock());
            ffi::av_log_format_line2(context, level, format, args, text.as_mut_ptr(), size, &mut *begins);
        }
        // SAFETY: terminated by the call above; the level is a number; the context is NULL or valid.
        let (text, shown_level, line) = unsafe {
            let text = CStr::from_ptr(text.as_ptr()).to_string_lossy();
            (text.clone(), ffi::av_log_get_level(), line(context, level, text.trim_end_matches('\n')))
        };
        if level & 0xff <= shown_level {
            eprint!("{text}");
        }
        LINES.lock().push(line);
    });
}

/// # Safety
/// `context` is NULL or a valid logging context.
unsafe fn line(context: *mut c_void, level: i32, message: &str) -> Line {
    // SAFETY: by contract; a class names the place of its parent's pointer.
    unsafe {
        let offset = class_of(context).map_or(0, |class| class.parent_log_context_offset);
        let parent = match offset {
            0 => ptr::null_mut(),
            _ => context.cast::<u8>().offset(offset as isize).cast::<*mut c_void>().read(),
        };
        let is_one = class_of(parent).is_some();
        Line {
            context: stage_name(context),
            category: category(context),
            parent: is_one.then(|| (stage_name(parent), category(parent))),
            level,
            message: message.to_owned(),
        }
    }
}

/// # Safety
/// `context` is NULL or a valid logging context.
unsafe fn category(context: *mut c_void) -> i64 {
    // SAFETY: by contract; get_category takes the context itself.
    unsafe {
        match class_of(context) {
            Some(class) => class.get_category.map_or(class.category, |get| get(context)).into(),
            None => 0,
        }
    }
}
