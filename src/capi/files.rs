//! Inputs and outputs of a job, described by ffmpeg's options.

use super::handle::{Target, insert, mt_transcode_input, mt_transcode_job, mt_transcode_output, remove};
use super::{guard, handle, out, text, word};
use crate::error::Error;
use crate::job::{Direction, Job};
use std::ffi::c_char;
use std::sync::Arc;

/// Adds an input to a job: what `-i URL` does. Inputs are numbered from 0 in the order of these calls; numbers are never reused.
///
/// - `url`: a file name or a URL of FFmpeg's, in UTF-8 or not; it is copied.
/// - `input_out`: for options; freed with `mt_transcode_input_free` at any time, which leaves the input in the job.
///
/// Returns 0, `-EINVAL`, `-EBUSY` (the job was started), `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `url` is NULL or NUL-terminated; `input_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_input_new(
    job: *mut mt_transcode_job,
    url: *const c_char,
    input_out: *mut *mut mt_transcode_input,
) -> i32 {
    guard(|| {
        let input_out = out(input_out, "input_out")?;
        let job = handle::job(job)?;
        // SAFETY: passed on from the caller.
        let url = unsafe { word(url, "url")? };
        let index = kept(&job, || job.add_file(Direction::Input, &url))?;
        let token = insert::<mt_transcode_input>(Target::Input(Arc::downgrade(&job), index))?;
        job.add_child(token.addr());
        // SAFETY: not null, writable by contract.
        unsafe { input_out.write(token) };
        Ok(0)
    })
}

/// Sets an option of an input by ffmpeg's name, without the dash, with a stream specifier where wanted: `("ss", "10")`,
/// `("c:v", "h264")`, `("analyzeduration", "1M")`.
///
/// - `value`: NULL for an option that takes none.
///
/// Returns 0, `MT_TRANSCODE_EOPTION`, `MT_TRANSCODE_EUNSUPPORTED`, `-EINVAL`, `-EILSEQ`, `-EBUSY` (committed or started), `-EBADF`, `-EPERM`;
/// the text is in `mt_transcode_job_error`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `input` may be any value; the strings are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_input_set_option(
    input: *mut mt_transcode_input,
    key: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        let (job, index) = handle::input(input)?;
        // SAFETY: passed on from the caller.
        unsafe { set_option(&job, Direction::Input, index, key, value) }
    })
}

/// Ends the description of an input: its options are final. Before the job starts this is implied by the start.
///
/// Returns 0, `-EALREADY` (committed before), `-EBADF`, `-EINVAL`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `input` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_input_commit(input: *mut mt_transcode_input) -> i32 {
    guard(|| {
        let (job, index) = handle::input(input)?;
        kept(&job, || job.commit_file(Direction::Input, index))?;
        Ok(0)
    })
}

/// Frees the handle of an input; the input stays in its job. NULL, and a handle that was freed already, do nothing.
///
/// Ownership: takes the handle. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `input` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_input_free(input: *mut mt_transcode_input) {
    guard(|| {
        if let Some(Target::Input(job, _)) = remove(input)
            && let Some(job) = job.upgrade()
        {
            job.remove_child(input.addr());
        }
        Ok(0)
    });
}

/// Adds an output to a job: what a file name at the end of an ffmpeg command line does. Outputs are numbered from 0 in the order of these
/// calls; numbers are never reused. An existing file is overwritten unless the job has the global option "n".
///
/// A job that was started takes outputs too, until it ends: they join it with `mt_transcode_output_commit`. Such an output takes the packets of
/// the inputs' streams that the job uses, with the job's times, or with the option "mt_from" those of another output, mostly with "c" = "copy"; what
/// it does not copy it decodes and encodes by itself. It begins at time 0 with the last key frame where one was kept ("mt_gop_bytes", "mt_live"),
/// else with the next one, and has a queue of its own: "mt_slow", "mt_queue_bytes", "mt_queue_ms". How it ends is its own affair and never
/// the job's: `MT_TRANSCODE_EVENT_OUTPUT_FINISHED` tells it. In a worker process it ends with `MT_TRANSCODE_ESANDBOX` where it is a file, a connection or a
/// driver that the job did not name before its start; `mt:` streams are always allowed.
///
/// - `url`: a file name or a URL of FFmpeg's, in UTF-8 or not; it is copied.
/// - `output_out`: for options; freed with `mt_transcode_output_free` at any time, which leaves the output in the job.
///
/// Returns 0, `-EINVAL`, `-EBUSY` (the job ends), `-EBADF`, `-EPERM`.
/// Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `url` is NULL or NUL-terminated; `output_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_output_new(
    job: *mut mt_transcode_job,
    url: *const c_char,
    output_out: *mut *mut mt_transcode_output,
) -> i32 {
    guard(|| {
        let output_out = out(output_out, "output_out")?;
        let job = handle::job(job)?;
        // SAFETY: passed on from the caller.
        let url = unsafe { word(url, "url")? };
        let index = kept(&job, || job.add_file(Direction::Output, &url))?;
        let token = insert::<mt_transcode_output>(Target::Output(Arc::downgrade(&job), index))?;
        job.add_child(token.addr());
        // SAFETY: not null, writable by contract.
        unsafe { output_out.write(token) };
        Ok(0)
    })
}

/// Gives a handle of an input that a job has, as of one that came by `mt_transcode_job_set_args`: for its options before the start, and for
/// `mt_transcode_input_state`, `mt_transcode_input_status`, `mt_transcode_input_stop` while the job runs.
///
/// - `index`: from 0.
/// - `input_out`: freed with `mt_transcode_input_free` at any time, which leaves the input in the job.
///
/// Returns 0, `-EINVAL` (there is no such input), `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `input_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_input(
    job: *mut mt_transcode_job,
    index: i32,
    input_out: *mut *mut mt_transcode_input,
) -> i32 {
    guard(|| {
        let input_out = out(input_out, "input_out")?;
        let job = handle::job(job)?;
        let index = known(&job, Direction::Input, index)?;
        let token = insert::<mt_transcode_input>(Target::Input(Arc::downgrade(&job), index))?;
        job.add_child(token.addr());
        // SAFETY: not null, writable by contract.
        unsafe { input_out.write(token) };
        Ok(0)
    })
}

/// Gives a handle of an output that a job began with, as of one that came by `mt_transcode_job_set_args`. One that joined has the handle that it was made
/// with, and no other.
///
/// - `index`: from 0.
/// - `output_out`: freed with `mt_transcode_output_free` at any time, which leaves the output in the job.
///
/// Returns 0, `-EINVAL` (the job did not begin with such an output), `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `output_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_output(
    job: *mut mt_transcode_job,
    index: i32,
    output_out: *mut *mut mt_transcode_output,
) -> i32 {
    guard(|| {
        let output_out = out(output_out, "output_out")?;
        let job = handle::job(job)?;
        let index = known(&job, Direction::Output, index)?;
        let token = insert::<mt_transcode_output>(Target::Output(Arc::downgrade(&job), index))?;
        job.add_child(token.addr());
        // SAFETY: not null, writable by contract.
        unsafe { output_out.write(token) };
        Ok(0)
    })
}

/// The number of an input or output that the job began with.
fn known(job: &Job, direction: Direction, index: i32) -> Result<usize, Error> {
    let number = usize::try_from(index).ok().filter(|index| job.has_file(direction, *index));
    number.ok_or_else(|| Error::invalid(format!("the job has no {} {index}", direction.word())))
}

/// Sets an option of an output by ffmpeg's name, without the dash, with a stream specifier where wanted: `("c:v", "libx264")`,
/// `("b:a:1", "96k")`, `("movflags", "+faststart")`. Options that may come more than once (`map`, `metadata`, ...) are set
/// once for each; of any other the last one set holds.
///
/// - `value`: NULL for an option that takes none.
///
/// Returns 0, `MT_TRANSCODE_EOPTION`, `MT_TRANSCODE_EUNSUPPORTED`, `-EINVAL`, `-EILSEQ`, `-EBUSY` (committed or started), `-EBADF`, `-EPERM`;
/// the text is in `mt_transcode_job_error`, or in `mt_transcode_output_error` where the job was started. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `output` may be any value; the strings are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_output_set_option(
    output: *mut mt_transcode_output,
    key: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        let (job, index) = handle::output(output)?;
        // SAFETY: passed on from the caller.
        unsafe { set_option(&job, Direction::Output, index, key, value) }
            .inspect_err(|error| job.keep_output_error(index, error))
    })
}

/// Ends the description of an output: its options are final. Before the job starts this is implied by the start. Of an output that was added to
/// a job that was started, this is the moment that it joins: it is opened on a thread of its own, and what becomes of it is told by
/// `mt_transcode_output_state` and `MT_TRANSCODE_EVENT_OUTPUT_FINISHED`.
///
/// Returns 0, `-EALREADY` (committed before), `-EBUSY` (the job ends), `-EPIPE` (it has no more media, or the output that "mt_from" names has ended),
/// `MT_TRANSCODE_EOPTION`, `-EBADF`, `-EINVAL`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `output` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_output_commit(output: *mut mt_transcode_output) -> i32 {
    guard(|| {
        let (job, index) = handle::output(output)?;
        job.commit_file(Direction::Output, index).inspect_err(|error| job.keep_output_error(index, error))?;
        Ok(0)
    })
}

/// Frees the handle of an output; the output stays in its job. NULL, and a handle that was freed already, do nothing. One that was added to a running
/// job and not committed is given up.
///
/// Ownership: takes the handle. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `output` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_output_free(output: *mut mt_transcode_output) {
    guard(|| {
        if let Some(Target::Output(job, index)) = remove(output)
            && let Some(job) = job.upgrade()
        {
            job.remove_child(output.addr());
            job.forget_output(index);
        }
        Ok(0)
    });
}

/// # Safety
/// The strings are NULL or NUL-terminated.
unsafe fn set_option(
    job: &Job,
    direction: Direction,
    index: usize,
    key: *const c_char,
    value: *const c_char,
) -> Result<i32, Error> {
    kept(job, || {
        // SAFETY: passed on from the caller.
        let key = unsafe { text(key, "key")? };
        let value = match value.is_null() {
            true => None,
            // SAFETY: not null, NUL-terminated by contract.
            false => Some(unsafe { word(value, "value")? }),
        };
        job.set_file_option(direction, index, key, value.as_deref())
    })?;
    Ok(0)
}

/// Keeps an error with its job, where `mt_transcode_job_error` finds the text.
fn kept<T>(job: &Job, body: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    body().inspect_err(|error| job.keep_error(error))
}
