//! The one error type, and the one place that negates errno.

use crate::text::shown;
use std::ffi::CStr;
use std::fmt;

/// What went wrong, as a positive number: a Linux errno, or one of the library's own from 1001 up. Only [`Code::to_c`]
/// makes it negative.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(i32);

macro_rules! codes {
    ($($name:ident = $number:expr, $words:expr;)*) => {
        impl Code {
            $(pub const $name: Code = Code($number);)*
        }
        /// Number, name and words of every code.
        const CODES: &[(i32, &CStr, &CStr)] = &[
            $((
                $number,
                // A literal with one NUL at its end, made here from the name.
                match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                    Ok(name) => name,
                    Err(_) => c"",
                },
                $words,
            ),)*
        ];
    };
}

codes! {
    OK = 0, c"success";
    EPERM = libc::EPERM, c"not permitted; after fork only the parent may use its handles";
    ENOENT = libc::ENOENT, c"no such file or folder";
    EIO = libc::EIO, c"input/output error";
    E2BIG = libc::E2BIG, c"a struct has fields set that this library does not know";
    EBADF = libc::EBADF, c"the handle was freed or is of another kind, or the descriptor cannot be written";
    EAGAIN = libc::EAGAIN, c"not now: nothing is ready, or the engine is full";
    ENOMEM = libc::ENOMEM, c"out of memory";
    EACCES = libc::EACCES, c"permission denied";
    EBUSY = libc::EBUSY, c"in use, or started: it cannot be changed";
    EEXIST = libc::EEXIST, c"the file exists";
    ENOTDIR = libc::ENOTDIR, c"part of the path is not a folder";
    EISDIR = libc::EISDIR, c"is a folder, not a file";
    EINVAL = libc::EINVAL, c"invalid argument";
    ENFILE = libc::ENFILE, c"too many open files in the system";
    EMFILE = libc::EMFILE, c"too many open files in the process";
    EFBIG = libc::EFBIG, c"the file is too large";
    ENOSPC = libc::ENOSPC, c"no space left on the device";
    EROFS = libc::EROFS, c"the file system is read-only";
    EPIPE = libc::EPIPE, c"the reader is gone";
    EDEADLK = libc::EDEADLK, c"a thread of the job would wait for itself";
    ENODATA = libc::ENODATA, c"no more will come";
    EILSEQ = libc::EILSEQ, c"the string is not UTF-8";
    ECONNREFUSED = libc::ECONNREFUSED, c"connection refused";
    ECONNRESET = libc::ECONNRESET, c"connection reset by peer";
    EHOSTUNREACH = libc::EHOSTUNREACH, c"no route to host";
    ENETUNREACH = libc::ENETUNREACH, c"network unreachable";
    ETIMEDOUT = libc::ETIMEDOUT, c"timed out";
    EALREADY = libc::EALREADY, c"already done";
    ESHUTDOWN = libc::ESHUTDOWN, c"the engine was shut down";
    ECANCELED = libc::ECANCELED, c"cancelled";
    DEMUX = 1001, c"demuxing failed";
    DECODE = 1002, c"decoding failed";
    FILTER = 1003, c"filtering failed";
    ENCODE = 1004, c"encoding failed";
    MUX = 1005, c"muxing failed";
    LIMIT = 1006, c"a limit was reached";
    UNSUPPORTED = 1007, c"not supported";
    PANIC = 1008, c"internal panic, contained";
    INTERNAL = 1009, c"internal error";
    STATIC_RESOLVER = 1010, c"host names cannot be resolved in a static glibc program";
    CRASHED = 1011, c"the worker crashed";
    OOM_KILLED = 1012, c"the worker was killed for its memory";
    KILLED = 1013, c"the worker was killed";
    HUNG = 1014, c"no progress for too long";
    SANDBOX = 1015, c"refused by the sandbox";
    SPAWN_FAILED = 1016, c"a thread or process could not be started";
    DETACHED = 1017, c"a call could not be interrupted and was left behind";
    CIRCUIT_OPEN = 1018, c"the peer failed too often and is not tried now";
    OPTION = 1019, c"unknown or unusable option";
    QUARANTINED = 1020, c"the input crashed workers before and is refused";
    TLS = 1021, c"the peer's certificate is not accepted";
}

impl Code {
    /// The code as C sees it: 0 or negative. The only negation in the library.
    pub fn to_c(self) -> i32 {
        -self.0
    }

    /// From what C sees.
    pub fn from_c(code: i32) -> Code {
        Code(code.saturating_neg())
    }

    /// The errno values that mean the same to a caller of ours as they do to the kernel.
    pub fn from_errno(errno: i32) -> Option<Code> {
        (errno > 0 && errno < 1000).then_some(Code(errno)).filter(|code| code.entry().is_some())
    }

    fn entry(self) -> Option<&'static (i32, &'static CStr, &'static CStr)> {
        CODES.iter().find(|(number, ..)| *number == self.0)
    }

    /// "DEMUX", "ENOENT"; "UNKNOWN" for a number that the library never returns.
    pub fn name(self) -> &'static CStr {
        self.entry().map_or(c"UNKNOWN", |(_, name, _)| name)
    }

    /// A few English words.
    pub fn words(self) -> &'static CStr {
        self.entry().map_or(c"unknown code", |(.., words)| words)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name().to_str().unwrap_or_default())
    }
}

/// What failed, where, and what to do. URLs and messages are masked when they are put in, so that no secret can leave.
#[derive(Clone, Debug)]
pub struct Error(Box<Text>);

#[derive(Clone, Debug)]
struct Text {
    code: Code,
    ffmpeg_code: i32,
    ffmpeg_text: String,
    stage: &'static str,
    input: Option<usize>,
    output: Option<usize>,
    stream: Option<usize>,
    url: String,
    message: String,
    hint: String,
    detail: String,
}

impl Error {
    pub fn new(code: Code, message: String) -> Error {
        Error(Box::new(Text {
            code,
            ffmpeg_code: 0,
            ffmpeg_text: String::new(),
            stage: "",
            input: None,
            output: None,
            stream: None,
            url: String::new(),
            message: shown(crate::secrets::mask_text(&message)),
            hint: String::new(),
            detail: String::new(),
        }))
    }

    /// A call that was made wrongly.
    pub fn invalid(message: String) -> Error {
        Error::new(Code::EINVAL, message)
    }

    /// An option that is unknown, of the wrong direction, or has a bad value.
    pub fn option(message: String) -> Error {
        Error::new(Code::OPTION, message).at("options")
    }

    pub fn cancelled() -> Error {
        Error::new(Code::ECANCELED, "the job was cancelled".into())
    }

    /// The same place with another code and message.
    pub fn replaced(mut self, code: Code, message: String) -> Error {
        self.0.code = code;
        self.0.message = shown(crate::secrets::mask_text(&message));
        self
    }

    pub fn at(mut self, stage: &'static str) -> Error {
        self.0.stage = stage;
        self
    }

    pub fn on_input(mut self, index: usize, url: &str) -> Error {
        self.0.input = Some(index);
        self.0.url = shown(crate::secrets::mask_url(url));
        self
    }

    pub fn on_output(mut self, index: usize, url: &str) -> Error {
        self.0.output = Some(index);
        self.0.url = shown(crate::secrets::mask_url(url));
        self
    }

    pub fn on_stream(mut self, index: usize) -> Error {
        self.0.stream = Some(index);
        self
    }

    pub fn with_ffmpeg(mut self, code: i32, text: String) -> Error {
        self.0.ffmpeg_code = code;
        self.0.ffmpeg_text = text;
        self
    }

    pub fn with_hint(mut self, hint: &str) -> Error {
        self.0.hint = hint.to_owned();
        self
    }

    pub fn with_detail(mut self, detail: &str) -> Error {
        self.0.detail = shown(crate::secrets::mask_text(detail));
        self
    }

    /// A line behind the detail.
    pub fn adding_detail(mut self, line: &str) -> Error {
        let detail = &mut self.0.detail;
        if !detail.is_empty() && !detail.ends_with('\n') {
            detail.push('\n');
        }
        detail.push_str(&shown(crate::secrets::mask_text(line)));
        self
    }

    /// More to the message.
    pub fn adding(mut self, text: &str) -> Error {
        self.0.message += "; ";
        self.0.message += &shown(crate::secrets::mask_text(text));
        self
    }

    pub fn code(&self) -> Code {
        self.0.code
    }

    pub fn ffmpeg_code(&self) -> i32 {
        self.0.ffmpeg_code
    }

    pub fn ffmpeg_text(&self) -> &str {
        &self.0.ffmpeg_text
    }

    pub fn stage(&self) -> &'static str {
        self.0.stage
    }

    pub fn input(&self) -> Option<usize> {
        self.0.input
    }

    pub fn output(&self) -> Option<usize> {
        self.0.output
    }

    pub fn stream(&self) -> Option<usize> {
        self.0.stream
    }

    pub fn url(&self) -> &str {
        &self.0.url
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What to do: the hint that was given, or one that fits the code.
    pub fn hint(&self) -> &str {
        if self.0.hint.is_empty() { default_hint(self.0.code) } else { &self.0.hint }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

fn default_hint(code: Code) -> &'static str {
    match code {
        Code::ENOENT | Code::ENOTDIR => {
            "Check the name and that its folder exists, as this process sees the file system."
        }
        Code::EACCES | Code::EPERM => "Check the permissions of the file and its folder for the user of this process.",
        Code::EISDIR => "Give the name of a file, not of a folder.",
        Code::ENOSPC => "Free space on the device, or write somewhere else.",
        Code::EROFS => "Write to a file system that is not read-only.",
        Code::EEXIST => "Remove the file, choose another name, or allow overwriting (leave out -n).",
        Code::EMFILE => "Raise the limit of open files of the process (ulimit -n), or run fewer jobs at once.",
        Code::ENFILE => "Raise fs.file-max of the system, or run fewer jobs at once.",
        Code::ENOMEM => "Give the process more memory, or run fewer jobs at once.",
        Code::EAGAIN => "Try again when a job has ended, or raise max_running or max_queued.",
        Code::EBUSY => "Make another: what was started or committed is not changed; or wait until it is free.",
        Code::EALREADY => "Nothing needs to be done; what ran is not run again: make a new one.",
        Code::ESHUTDOWN => "Make a new engine; this one was shut down.",
        Code::ETIMEDOUT => "Give it more time, or check whether the peer answers.",
        Code::ECONNREFUSED | Code::ECONNRESET => "Check that the peer runs and accepts this connection.",
        Code::EPIPE => "Whoever is at the other end went away: keep it open to the end, or cancel the job.",
        Code::EHOSTUNREACH | Code::ENETUNREACH => "Check the network between this host and the peer.",
        Code::EINVAL | Code::EBADF | Code::E2BIG | Code::EILSEQ => "Correct the call; the message names the argument.",
        Code::DEMUX => {
            "Check that the input is a media file and is complete; name its format with -f where it cannot be guessed."
        }
        Code::DECODE => "Check the input with ffprobe; -c copy needs no decoder, -max_error_rate 1 accepts damage.",
        Code::FILTER => "Check the filter graph: names, options, and that its inputs exist.",
        Code::ENCODE => "Check the encoder's options; another -pix_fmt, size, rate or -c may suit it.",
        Code::MUX => "Check that the container can hold these codecs, or choose another with -f.",
        Code::LIMIT => "Raise the limit that the message names, or refuse this input.",
        Code::UNSUPPORTED => "Leave the option out, or link an FFmpeg that has what is missing.",
        Code::OPTION => "Correct the option that the message names; ffmpeg's documentation describes it.",
        Code::SPAWN_FAILED => {
            "Raise the limit of processes and threads (ulimit -u, pids.max), or run fewer jobs at once."
        }
        Code::TLS => "Check the peer's certificate, or the authorities that are known (-mt_ca_file).",
        Code::QUARANTINED => {
            "Keep the input away, or clear the engine's quarantine if it, or what crashed on it, was changed since."
        }
        Code::PANIC | Code::INTERNAL => "Please report it with the detail text; other jobs are not affected.",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_number_of_its_own() {
        for (index, (number, ..)) in CODES.iter().enumerate() {
            assert!(CODES[..index].iter().all(|(other, ..)| other != number), "{number} stands twice");
        }
    }

    #[test]
    fn errno_is_negated_once() {
        assert_eq!(Code::ENOENT.to_c(), -libc::ENOENT);
        assert_eq!(Code::from_c(-libc::ENOENT), Code::ENOENT);
        assert_eq!(Code::from_c(i32::MIN).name(), c"UNKNOWN");
    }

    #[test]
    fn a_message_never_carries_a_secret() {
        let error = Error::new(Code::DEMUX, "cannot open rtmp://host/live/streamkey and http://u:p@h/?t=1".into());
        assert!(!error.message().contains("streamkey"), "{error}");
        assert!(!error.message().contains("u:p"), "{error}");
    }
}
