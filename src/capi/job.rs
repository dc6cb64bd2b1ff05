//! Jobs: making, describing and starting them, and the text of what went wrong.

use super::handle::{Target, insert, mt_transcode_engine, mt_transcode_job, remove, remove_any};
use super::{guard, handle, mt_transcode_error, optional, out, owned, text, word};
use crate::error::Error;
use crate::job::Job;
use std::ffi::c_char;

/// Makes an empty job of an engine. Describe it with `mt_transcode_job_set_args`, or with inputs and outputs; then start it.
///
/// - `job_out`: freed with `mt_transcode_job_free`, before or after the engine.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`, `-ESHUTDOWN` (the engine was shut down). Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `engine` may be any value; `job_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_new(
    engine: *mut mt_transcode_engine,
    job_out: *mut *mut mt_transcode_job,
) -> i32 {
    guard(|| {
        let job_out = out(job_out, "job_out")?;
        let job = Job::new(&handle::engine(engine)?)?;
        let token = insert::<mt_transcode_job>(Target::Job(job.clone()))?;
        job.set_token(token.addr());
        // SAFETY: not null, writable by contract.
        unsafe { job_out.write(token) };
        Ok(0)
    })
}

/// Describes the whole job by the arguments of an ffmpeg command line, without the program's name:
/// `{"-i", "in.mp4", "-c", "copy", "out.mkv"}`. Replaces what was described before. An option that is unknown, of the wrong direction, or not
/// supported is refused by name, never ignored.
///
/// - `argc`, `argv`: `argv[0..argc]` are NUL-terminated strings, in UTF-8 or not (names of files); they are copied. A vector may also end early with NULL.
///
/// Returns 0; `MT_TRANSCODE_EOPTION` or `MT_TRANSCODE_EUNSUPPORTED` (see `mt_transcode_job_error`), `-EINVAL`,
/// `-EBUSY` (the job was started). Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `argv` points to `argc` pointers as said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_set_args(
    job: *mut mt_transcode_job,
    argc: i32,
    argv: *const *const c_char,
) -> i32 {
    on_job(job, |job| {
        let count = usize::try_from(argc).map_err(|_| Error::invalid(format!("argc is {argc}")))?;
        if argv.is_null() && count > 0 {
            return Err(Error::invalid("argv is NULL".into()));
        }
        let mut args = Vec::with_capacity(count.min(1024));
        for index in 0..count {
            // SAFETY: index < argc, which the caller says are there; `word` checks the string.
            let argument = unsafe { argv.add(index).read() };
            if argument.is_null() {
                break;
            }
            // SAFETY: not null, NUL-terminated by contract.
            args.push(unsafe { word(argument, &format!("argv[{index}]"))? });
        }
        job.set_args(&args)?;
        Ok(0)
    })
}

/// Sets a global option by ffmpeg's name, without the dash: `("filter_complex", "[0:v]split[a][b]")`, `("copyts", "1")`.
///
/// - `value`: NULL for an option that takes none; for a flag "1" or "0" too.
///
/// Returns 0, `MT_TRANSCODE_EOPTION`, `MT_TRANSCODE_EUNSUPPORTED`, `-EINVAL`, `-EILSEQ`, `-EBUSY` (started), `-EBADF`, `-EPERM`.
/// Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; the strings are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_set_option(
    job: *mut mt_transcode_job,
    key: *const c_char,
    value: *const c_char,
) -> i32 {
    on_job(job, |job| {
        // SAFETY: passed on from the caller.
        let (key, value) = unsafe { (text(key, "key")?, optional(value, "value")?) };
        job.set_option(key, value.as_deref())?;
        Ok(0)
    })
}

/// Gives the job a label of the host's, such as a request or trace id: up to 128 bytes. It comes back in every event, log line, error
/// and list of the job, and shortened in the names of its threads.
///
/// Returns 0, `-EINVAL` (longer than 128 bytes), `-EILSEQ`, `-EBUSY` (started), `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `label` is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_set_label(job: *mut mt_transcode_job, label: *const c_char) -> i32 {
    on_job(job, |job| {
        // SAFETY: passed on from the caller.
        job.set_label(unsafe { text(label, "label")? })?;
        Ok(0)
    })
}

/// Says where in the host's code the job is started, for crash reports: any text, such as the frames of the host's own stack; up to 2,048 bytes of it are kept.
/// The Go package does it by itself where reports are on.
///
/// Returns 0, `-EINVAL`, `-EILSEQ`, `-EBUSY` (started), `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `call_site` is NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_set_call_site(job: *mut mt_transcode_job, call_site: *const c_char) -> i32 {
    on_job(job, |job| {
        // SAFETY: passed on from the caller.
        job.set_call_site(unsafe { text(call_site, "call_site")? })?;
        Ok(0)
    })
}

/// Returns the id of a job: a number above 0 that no other job of this process has or had; it stands in logs and in `mt_transcode_engine_jobs`.
/// `-EINVAL`, `-EBADF` or `-EPERM` otherwise. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_id(job: *const mt_transcode_job) -> i64 {
    let mut id = 0;
    let code = guard(|| {
        id = handle::job(job)?.id();
        Ok(0)
    });
    if code < 0 { i64::from(code) } else { i64::try_from(id).unwrap_or(i64::MAX) }
}

/// Print the command as ffmpeg takes it: only what ffmpeg accepts (no `-mt_` options).
pub const MT_TRANSCODE_COMMAND_FFMPEG: u32 = 1;
/// Mask secrets in URLs: user info, query values, stream keys.
pub const MT_TRANSCODE_COMMAND_MASKED: u32 = 2;

/// Prints the job as a command line, quoted for a POSIX shell, beginning with "ffmpeg": a failing job can be replayed with the
/// ffmpeg program.
///
/// - `flags`: `MT_TRANSCODE_COMMAND_*` or-ed together, or 0 for everything in force, secrets included.
/// - `command_out`: freed with `mt_transcode_string_free`.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `command_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_command(
    job: *const mt_transcode_job,
    flags: u32,
    command_out: *mut *mut c_char,
) -> i32 {
    guard(|| {
        let command_out = out(command_out, "command_out")?;
        if flags & !(MT_TRANSCODE_COMMAND_FFMPEG | MT_TRANSCODE_COMMAND_MASKED) != 0 {
            return Err(Error::invalid(format!("flags has unknown bits: {flags:#x}")));
        }
        let ffmpeg_only = flags & MT_TRANSCODE_COMMAND_FFMPEG != 0;
        let command = handle::job(job)?.command(ffmpeg_only, flags & MT_TRANSCODE_COMMAND_MASKED != 0);
        // SAFETY: not null, writable by contract.
        unsafe { command_out.write(owned(&command)) };
        Ok(0)
    })
}

/// Returns the text of the error that a job ended with, or of the last call on it that failed before it was started.
///
/// - `error_out`: freed with `mt_transcode_error_free`; set to NULL where there is no error.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `error_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_error(
    job: *const mt_transcode_job,
    error_out: *mut *mut mt_transcode_error,
) -> i32 {
    guard(|| {
        let error_out = out(error_out, "error_out")?;
        let error = handle::job(job)?.error();
        let boxed = error.as_ref().map_or(std::ptr::null_mut(), mt_transcode_error::boxed);
        // SAFETY: not null, writable by contract.
        unsafe { error_out.write(boxed) };
        Ok(0)
    })
}

/// Frees a job. One that runs is cancelled first; a call into FFmpeg that cannot be interrupted is left behind after 650 ms, counted
/// as `detached` in the engine's stats, and its memory kept until it ends. The handles of its inputs and outputs
/// become invalid too. NULL, and a handle that was freed already, do nothing.
///
/// Ownership: takes the job. Threads: any, also while another thread waits for the job (that wait returns).
/// Blocks 650 ms at most; never from a thread of the job's own: there the free is carried out when the job ends. Since 0.1.
///
/// # Safety
/// `job` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_free(job: *mut mt_transcode_job) {
    guard(|| {
        if let Some(Target::Job(job)) = remove(job) {
            for token in job.take_children() {
                remove_any(token);
            }
            job.close();
        }
        Ok(0)
    });
}

/// Runs `body` on the job and keeps its error with the job, where `mt_transcode_job_error` finds the text.
fn on_job(token: *const mt_transcode_job, body: impl FnOnce(&Job) -> Result<i32, Error>) -> i32 {
    guard(|| {
        let job = handle::job(token)?;
        body(&job).inspect_err(|error| job.keep_error(error))
    })
}
