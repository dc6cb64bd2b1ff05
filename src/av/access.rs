//! What a format context may reach: asked by FFmpeg while it waits (the interrupt callback), and when it opens files by itself
//! (`io_open`, `io_close2`: HLS, DASH, segments, tee). Muxers hand the callback on to the contexts they make inside, so its opaque
//! pointer is where an opened name finds the job's own files.

use super::byte_stream::ByteStream;
use super::io::Io;
use super::tls::TlsPeers;
use super::{AvError, Interrupt, ffi};
use parking_lot::Mutex;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// Files of the host's that a muxer opens by name.
pub trait Files: Send + Sync {
    /// None: the name is none of the host's, FFmpeg opens it.
    fn open(&self, name: &str, writes: bool) -> Option<Result<Box<dyn ByteStream>, i32>>;
    /// As [`Files::open`], to delete; that it fails is nothing to the muxer.
    fn remove(&self, name: &str) -> Option<()>;
}

/// Decides what a demuxer may open by itself, and how much may be read of what it was opened with (the trust profiles).
pub trait Gate: Send + Sync {
    /// Whether `url` may be opened; a negative code where it may not.
    fn check(&self, url: &str) -> Result<(), i32>;
    /// Whether a format that was guessed may be read; a negative code where it may not.
    fn check_guess(&self, format: super::Demuxer) -> Result<(), i32>;
    /// Asked while FFmpeg reads: `bytes` were read so far. False: no more.
    fn may_read_on(&self, bytes: u64) -> bool;
    /// A redirect would lead past `check`.
    fn forbids_redirects(&self) -> bool;
}

/// What else a context may open.
pub(super) enum Reach {
    /// Whatever FFmpeg opens.
    Everything,
    /// Nothing: the bytes it reads are all there is (rule 37).
    Nothing,
    /// The host's files, and what FFmpeg opens.
    Files(Arc<dyn Files>),
    /// What a gate lets through.
    Gated(Arc<dyn Gate>),
}

type Open = unsafe extern "C" fn(
    *mut ffi::AVFormatContext,
    *mut *mut ffi::AVIOContext,
    *const c_char,
    c_int,
    *mut *mut ffi::AVDictionary,
) -> c_int;
type Close = unsafe extern "C" fn(*mut ffi::AVFormatContext, *mut ffi::AVIOContext) -> c_int;

/// Lives as long as its context, at a fixed place.
pub(super) struct Access {
    interrupt: Arc<Interrupt>,
    reads: bool,
    reach: Reach,
    /// What the input reads from, where that is ours: its bytes are counted.
    measured: AtomicPtr<ffi::AVIOContext>,
    /// Opened before FFmpeg asks for it.
    opened: AtomicPtr<ffi::AVIOContext>,
    /// The context that all of this is for; others are made by its demuxer.
    main: AtomicPtr<ffi::AVFormatContext>,
    /// What its demuxer opened by itself: pictures of a pattern, segments.
    parts: Mutex<Parts>,
    /// What is closed from now on is broken off.
    is_broken: AtomicBool,
    /// How its TLS connections are opened.
    tls: OnceLock<Arc<TlsPeers>>,
    default_open: Option<Open>,
    default_close: Option<Close>,
}

#[derive(Default)]
struct Parts {
    open: Vec<Part>,
    /// Bytes read from those that are closed.
    closed_bytes: u64,
}

struct Part(*mut ffi::AVIOContext);

// SAFETY: only looked at by FFmpeg's calls on its context, which one thread makes at a time.
unsafe impl Send for Part {}

impl Part {
    fn bytes(&self) -> u64 {
        // SAFETY: it is in the list from its opening until just before it is closed.
        unsafe { (*self.0).bytes_read.max(0) as u64 }
    }
}

impl Access {
    /// Sets the callbacks of a context that reads or writes. The box is to be kept as long as the context.
    ///
    /// # Safety
    /// `context` is a valid context that nothing was opened with.
    pub unsafe fn install(
        context: *mut ffi::AVFormatContext,
        interrupt: &Arc<Interrupt>,
        reads: bool,
        reach: Reach,
    ) -> Box<Access> {
        // SAFETY: a valid context, in which avformat_alloc_context has put its own callbacks.
        unsafe {
            let access = Box::new(Access {
                interrupt: Arc::clone(interrupt),
                reads,
                measured: AtomicPtr::default(),
                opened: AtomicPtr::default(),
                main: AtomicPtr::new(context),
                parts: Mutex::default(),
                is_broken: AtomicBool::new(false),
                tls: OnceLock::new(),
                default_open: (*context).io_open,
                default_close: (*context).io_close2,
                reach,
            });
            (*context).interrupt_callback =
                ffi::AVIOInterruptCB { callback: Some(INTERRUPT), opaque: (&raw const *access).cast_mut().cast() };
            if !matches!(access.reach, Reach::Everything) {
                (*context).io_open = Some(open);
                (*context).io_close2 = Some(close);
            }
            access
        }
    }

    /// What is opened from now on verifies its TLS peers so.
    ///
    /// # Safety
    /// The valid context that this was installed in.
    pub unsafe fn secure(&self, context: *mut ffi::AVFormatContext, tls: &Arc<TlsPeers>) {
        let _ = self.tls.set(Arc::clone(tls));
        // SAFETY: by contract.
        unsafe {
            (*context).io_open = Some(open);
            (*context).io_close2 = Some(close);
        }
    }

    pub fn set_broken(&self) {
        self.is_broken.store(true, Relaxed);
    }

    /// Whose bytes are counted: valid until NULL is set.
    pub fn measure(&self, io: *mut ffi::AVIOContext) {
        self.measured.store(io, Relaxed);
    }

    /// Gives FFmpeg what is open already at its next `io_open`; NULL takes it back.
    pub fn hand_over(&self, io: *mut ffi::AVIOContext) -> *mut ffi::AVIOContext {
        self.opened.swap(io, Relaxed)
    }

    fn has_read_enough(&self) -> bool {
        let Reach::Gated(gate) = &self.reach else { return false };
        let io = self.measured.load(Relaxed);
        // SAFETY: set by its owner, and taken back before it is freed; FFmpeg asks from the thread that reads.
        let bytes = if io.is_null() { 0 } else { unsafe { (*io).bytes_read } };
        let parts = self.parts.lock();
        let of_parts = parts.closed_bytes + parts.open.iter().map(Part::bytes).sum::<u64>();
        drop(parts);
        !gate.may_read_on(bytes.max(0) as u64 + of_parts)
    }

    fn part_opened(&self, context: *mut ffi::AVFormatContext, io: *mut ffi::AVIOContext) {
        // What other contexts open they may close in other ways.
        if !io.is_null() && context == self.main.load(Relaxed) {
            self.parts.lock().open.push(Part(io));
        }
    }

    fn part_closed(&self, io: *mut ffi::AVIOContext) {
        let mut parts = self.parts.lock();
        if let Some(at) = parts.open.iter().position(|part| part.0 == io) {
            let part = parts.open.swap_remove(at);
            parts.closed_bytes += part.bytes();
        }
    }
}

const INTERRUPT: unsafe extern "C" fn(*mut c_void) -> c_int = interrupted;

unsafe extern "C" fn interrupted(opaque: *mut c_void) -> c_int {
    // SAFETY: `opaque` is the Access that the context's owner keeps alive; only atomics are read.
    let access = unsafe { &*opaque.cast::<Access>() };
    super::pulse::beat();
    let interrupt = &access.interrupt;
    let is_over = interrupt.is_cancelled() || access.reads && interrupt.is_reading_stopped();
    c_int::from(is_over || access.has_read_enough())
}

/// The access of a context, or of the one that it was made by.
///
/// # Safety
/// A valid context.
unsafe fn of<'a>(context: *mut ffi::AVFormatContext) -> Option<&'a Access> {
    // SAFETY: valid by contract; the callback tells that the opaque pointer is ours.
    unsafe {
        let callback = &(*context).interrupt_callback;
        let is_ours = callback.callback.map(|f| f as usize) == Some(INTERRUPT as usize);
        is_ours.then(|| &*callback.opaque.cast::<Access>())
    }
}

unsafe extern "C" fn open(
    context: *mut ffi::AVFormatContext,
    target: *mut *mut ffi::AVIOContext,
    url: *const c_char,
    flags: c_int,
    options: *mut *mut ffi::AVDictionary,
) -> c_int {
    // SAFETY: called by FFmpeg with a valid context, a place for the result, and a terminated string.
    unsafe {
        let Some(access) = of(context) else { return -libc::EPERM };
        let name = crate::text::from_bytes(CStr::from_ptr(url).to_bytes());
        let name = name.as_str();
        let result = match &access.reach {
            Reach::Nothing => Err(AvError(-libc::EPERM)),
            Reach::Files(files) => open_file(files.as_ref(), name, flags, options, target),
            Reach::Everything => Ok(false),
            Reach::Gated(gate) => {
                let opened = access.hand_over(std::ptr::null_mut());
                if !opened.is_null() {
                    target.write(opened);
                    return 0;
                }
                match (gate.check(name), access.default_open) {
                    (Ok(()), Some(default)) => {
                        let code = open_gated(access, gate.as_ref(), default, (context, target, url), flags, options);
                        if code >= 0 {
                            access.part_opened(context, *target);
                        }
                        return code;
                    }
                    (Ok(()), None) => Ok(false),
                    (Err(code), _) => Err(AvError(code)),
                }
            }
        };
        match (result, access.default_open) {
            (Ok(true), _) => 0,
            (Ok(false), Some(default)) => open_secure(access, default, (context, target, url), flags, options),
            (Ok(false), None) => -libc::ENOSYS,
            (Err(error), _) => error.0,
        }
    }
}

/// What a gate let through, without redirects where those would lead past it.
///
/// # Safety
/// As `open`.
unsafe fn open_gated(
    access: &Access,
    gate: &dyn Gate,
    default: Open,
    (context, target, url): (*mut ffi::AVFormatContext, *mut *mut ffi::AVIOContext, *const c_char),
    flags: c_int,
    options: *mut *mut ffi::AVDictionary,
) -> c_int {
    // SAFETY: by contract; the dictionary of our own is freed here.
    unsafe {
        if !gate.forbids_redirects() {
            return open_secure(access, default, (context, target, url), flags, options);
        }
        let mut own = std::ptr::null_mut();
        let options = if options.is_null() { &raw mut own } else { options };
        ffi::av_dict_set(options, c"max_redirects".as_ptr(), c"0".as_ptr(), 0);
        // Not the environment's: it would dial for us.
        ffi::av_dict_set(options, c"http_proxy".as_ptr(), c"".as_ptr(), 0);
        let code = open_secure(access, default, (context, target, url), flags, options);
        ffi::av_dict_free(&raw mut own);
        code
    }
}

/// What FFmpeg opens itself; its TLS peers are verified where that is wanted.
///
/// # Safety
/// As `open`.
unsafe fn open_secure(
    access: &Access,
    default: Open,
    (context, target, url): (*mut ffi::AVFormatContext, *mut *mut ffi::AVIOContext, *const c_char),
    flags: c_int,
    options: *mut *mut ffi::AVDictionary,
) -> c_int {
    // SAFETY: by contract; the dictionary of our own is freed here.
    unsafe {
        let tls = access.tls.get().filter(|tls| tls.concerns(&crate::text::from_bytes(CStr::from_ptr(url).to_bytes())));
        let Some(tls) = tls else { return default(context, target, url, flags, options) };
        let mut own = std::ptr::null_mut();
        let given = if options.is_null() { &raw mut own } else { options };
        let code = tls.with(given, || default(context, target, url, flags, given));
        ffi::av_dict_free(&raw mut own);
        if code < 0 {
            tls.note(CStr::from_ptr(url), AvError(code));
        }
        code
    }
}

/// True where the name was one of the host's.
///
/// # Safety
/// As `open`.
unsafe fn open_file(
    files: &dyn Files,
    name: &str,
    flags: c_int,
    options: *mut *mut ffi::AVDictionary,
    target: *mut *mut ffi::AVIOContext,
) -> Result<bool, AvError> {
    // SAFETY: by contract; a dictionary may be NULL in both ways.
    unsafe {
        let method = if options.is_null() {
            std::ptr::null()
        } else {
            ffi::av_dict_get(*options, c"method".as_ptr(), std::ptr::null(), 0)
        };
        if !method.is_null() && CStr::from_ptr((*method).value) == c"DELETE" {
            // The muxer closes what it "opened" for deleting: there is nothing.
            target.write(std::ptr::null_mut());
            return Ok(files.remove(name).is_some());
        }
        let Some(file) = files.open(name, flags & ffi::AVIO_FLAG_WRITE as c_int != 0) else { return Ok(false) };
        let (file, writes) = (file.map_err(AvError)?, flags & ffi::AVIO_FLAG_WRITE as c_int != 0);
        target.write(if writes { Io::writer(file)? } else { Io::reader(file)? }.into_ptr());
        Ok(true)
    }
}

unsafe extern "C" fn close(context: *mut ffi::AVFormatContext, io: *mut ffi::AVIOContext) -> c_int {
    if io.is_null() {
        return 0;
    }
    // SAFETY: called by FFmpeg with a valid context and one that `open` or its default made, once.
    unsafe {
        let access = of(context);
        if let Some(access) = access {
            access.part_closed(io);
        }
        if !Io::owns(io) {
            return access.and_then(|access| access.default_close).map_or(0, |default| default(context, io));
        }
        let is_broken = access.is_none_or(|access| access.is_broken.load(Relaxed));
        let code = if is_broken { -libc::ECANCELED } else { 0 };
        Io::from_ptr(io).close(code).err().map_or(0, |error| error.0)
    }
}
