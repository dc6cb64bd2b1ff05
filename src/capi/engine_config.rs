//! What an engine is configured with: the struct that hosts fill, and what it means to the job layer.

use super::structs::{self, Sized32};
use super::{guard, optional, out};
use crate::error::Error;
use crate::job::{Captures, CodecThreads, CrashReports, EngineConfig, Isolation, LogMode, OnCrash};
use crate::worker::{Limits, Sandbox};
use std::ffi::c_char;
use std::mem::size_of;

/// Refuse an FFmpeg that is not under the LGPL: `mt_transcode_engine_new` then gives `MT_TRANSCODE_EUNSUPPORTED` with Debian's,
/// which is GPL.
pub const MT_TRANSCODE_ENGINE_REQUIRE_LGPL: u32 = 1;

/// Leave glibc's settings alone. Without this flag the first job lets glibc keep up to 16 MiB of freed memory an arena for the next job, by freeing a
/// block of 8 MiB, as any job with large pictures does; small jobs are nearly twice as fast by that. And it switches fastbins off (`M_MXFAST` of
/// mallopt(3)), which cost copies a twentieth of their time. What lies idle is given back to the system two seconds after a job began or ended, and from
/// time to time while jobs run, in both cases.
pub const MT_TRANSCODE_ENGINE_LEAVE_MALLOC: u32 = 2;

/// `mt_transcode_engine_next_ready` tells of a job's events (`MT_TRANSCODE_READY_EVENT`) only after a `mt_transcode_job_next_event` that found none: a host
/// that waits for the ends of jobs, and rarely for their events, is woken once a job. The end of a job is told in any case.
pub const MT_TRANSCODE_ENGINE_QUIET_EVENTS: u32 = 4;

/// Make crash reports: when a thread of a job of this engine, or a thread of the host inside FFmpeg, dies by SIGSEGV, SIGBUS, SIGILL, SIGFPE or
/// SIGABRT, a report of what happened where, for which job, is written to `crash_path` or `crash_fd`, and then the host's own handler, or the system's default, does
/// what it would have done. The handlers are installed once and stay; without this flag none is. See docs/crashes.md.
pub const MT_TRANSCODE_ENGINE_CRASH_REPORTS: u32 = 8;

/// Jobs and probes run on threads of this process.
pub const MT_TRANSCODE_ISOLATION_THREAD: u32 = 0;
/// Each job and each probe runs in a worker, a process of its own: what crashes, hangs or is killed there ends that one only, with `MT_TRANSCODE_ECRASHED`,
/// `MT_TRANSCODE_EOOM_KILLED`, `MT_TRANSCODE_EKILLED`, `MT_TRANSCODE_EHUNG` or `MT_TRANSCODE_ELIMIT`. Everything else is the same: calls, events, pipes,
/// callbacks, stores. The callbacks are called on threads of this process. The environment's `MT_TRANSCODE_ISOLATION`, "thread" or "process", goes before.
pub const MT_TRANSCODE_ISOLATION_PROCESS: u32 = 1;

/// A job whose worker crashed fails.
pub const MT_TRANSCODE_ON_CRASH_REPORT: u32 = 0;
/// A job whose worker crashed or hung (`MT_TRANSCODE_ECRASHED`, `MT_TRANSCODE_EHUNG`) is run once more in a new worker, if it can begin anew: its
/// inputs can be read from their beginnings again, and no output in memory or over the network had been given a byte. See docs/capture.md.
pub const MT_TRANSCODE_ON_CRASH_RETRY: u32 = 1;
/// The inputs of a job whose worker crashed or hung, where it was run once more the second time, are refused from then on by this engine, with
/// `MT_TRANSCODE_EQUARANTINED`. They are known by the SHA-256 of their first 64 KiB, and of files their size.
pub const MT_TRANSCODE_ON_CRASH_QUARANTINE: u32 = 2;
/// A worker gives up what its job does not need, as far as the kernel can: system calls, the network, files. See docs/sandbox.md. The environment's
/// `MT_TRANSCODE_SANDBOX`, "best", "required" or "off", goes before.
pub const MT_TRANSCODE_SANDBOX_BEST: u32 = 0;
/// Where the kernel cannot do all of it, jobs end with `MT_TRANSCODE_ESANDBOX`, and the message says what is missing.
pub const MT_TRANSCODE_SANDBOX_REQUIRED: u32 = 1;
/// Workers may do what this process may.
pub const MT_TRANSCODE_SANDBOX_OFF: u32 = 2;

/// Leave FFmpeg's log alone: lines go where the host, or FFmpeg's default, sends them. Jobs have no log events.
pub const MT_TRANSCODE_LOG_LEAVE: u32 = 0;
/// Take FFmpeg's log over, for the life of the process, at the first engine that asks: a line of a job becomes an event of that job,
/// and a line without a job goes to `av_log_default_callback`.
pub const MT_TRANSCODE_LOG_TAKE: u32 = 1;
/// The host has a log callback of its own, and forwards lines with `mt_transcode_log_forward`.
pub const MT_TRANSCODE_LOG_FORWARDED: u32 = 2;

/// A limit of none: for `max_queued` it means that a job is refused when it cannot run at once.
pub const MT_TRANSCODE_NONE: u32 = u32::MAX;

/// Configuration of an engine. Fill it with `mt_transcode_engine_config_init`, then change what should differ.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mt_transcode_engine_config {
    /// Size of this struct in bytes, set by `_init`.
    pub struct_size: u32,
    /// How many jobs run at once; more are queued. 0: twice the CPUs this process may use (affinity and cgroup quota).
    pub max_running: u32,
    /// How many jobs wait in the queue; more are refused with `-EAGAIN`. 0: 1024. `MT_TRANSCODE_NONE`: none wait.
    pub max_queued: u32,
    /// `MT_TRANSCODE_ENGINE_*` or-ed together; an unknown bit is `-EINVAL`.
    pub flags: u32,
    /// `MT_TRANSCODE_LOG_*`.
    pub log_mode: u32,
    /// How long a job waits in the queue, in milliseconds, before it ends with `-ETIMEDOUT`. 0: as long as it takes.
    pub queue_timeout_ms: u32,
    /// How many bytes of packets and frames may wait between the threads of one job beyond the usual small queues, before the job
    /// fails with `MT_TRANSCODE_ELIMIT`. 0: 256 MiB.
    pub link_budget_bytes: u64,
    /// How much native memory pipes and jobs of this engine may take together. A job that would pass it waits in the queue (the first one always
    /// runs), a pipe is refused with `-EAGAIN`; what passes it alone is refused with `MT_TRANSCODE_ELIMIT`. Counted are the capacities of
    /// pipes, and estimates for jobs: 8 MiB for one that copies, 64 MiB for one that decodes or encodes, or what the job's
    /// global option `mt_memory` says; and what copied inputs and buffers of jobs really hold, which is never refused, but makes others wait. 0: 80 % of the cgroup's memory.max, or of the machine's memory where there is none. UINT64_MAX: no limit.
    pub memory_budget_bytes: u64,
    /// With `MT_TRANSCODE_ENGINE_CRASH_REPORTS`: a file that reports are appended to, NUL-terminated UTF-8, copied and opened by `mt_transcode_engine_new`;
    /// NULL: `crash_fd`.
    pub crash_path: *const c_char,
    /// With `MT_TRANSCODE_ENGINE_CRASH_REPORTS`, and no path: the host's descriptor that reports are written to, open as long as the engine lives. 0: standard error.
    pub crash_fd: i32,
    /// `MT_TRANSCODE_ISOLATION_*`.
    pub isolation: u32,
    /// The worker program mt-transcode, of this very release; NUL-terminated UTF-8, copied. NULL: it is looked for beside the library, in bin and libexec. The
    /// environment's `MT_TRANSCODE_WORKER` goes before.
    pub worker_path: *const c_char,
    /// How much resident memory a worker may have before it is killed, and its job ends with `MT_TRANSCODE_ELIMIT`. 0: no limit.
    pub worker_memory_bytes: u64,
    /// How much CPU time a worker may use, likewise. 0: no limit.
    pub worker_cpu_seconds: u32,
    /// How many descriptors a worker may have open. 0: as this process.
    pub worker_descriptors: u32,
    /// A folder that a capture of each job that fails is written to: what is needed to repeat it (see docs/capture.md). NUL-terminated UTF-8, copied; made by
    /// `mt_transcode_engine_new` if it is not there. NULL: no captures.
    pub capture_path: *const c_char,
    /// How many bytes of each input in memory are kept while a job runs, for a capture, and for `MT_TRANSCODE_ON_CRASH_RETRY`. 0: 1 MiB.
    pub capture_bytes: u64,
    /// How many captures are kept in the folder: the oldest are removed. 0: 100.
    pub capture_count: u32,
    /// For jobs in workers: `MT_TRANSCODE_ON_CRASH_*` or-ed together; an unknown bit is `-EINVAL`.
    pub on_crash: u32,
    /// `MT_TRANSCODE_SANDBOX_*`.
    pub worker_sandbox: u32,
    /// After how many milliseconds without progress a job hangs, while it waits neither for a peer nor for the host nor for its time (-re): it gets a log event of
    /// stage "watch" with the stacks of its threads and ends with `MT_TRANSCODE_EHUNG`, its worker is killed. 0: never. The job's global option
    /// `mt_hang_timeout_ms` goes before. See docs/hangs.md.
    pub hang_timeout_ms: u32,
    /// How many threads each codec and each filter graph of a job gets where the job does not say it (`threads`, `filter_threads`), 64 at most. 0: as FFmpeg and its
    /// codecs choose; where the cgroup's quota is less than the processors that they count, as they would choose on a machine of so many.
    pub threads_per_job: u32,
    /// How much nicer the engine's threads are, with those of codecs and workers, than the thread that makes the engine: 0 to 19, of nice(2). With 19 jobs run mostly while the
    /// host leaves processors idle. See docs/threading.md.
    pub niceness: u32,
    /// Zero.
    pub reserved: [u64; 1],
}

// SAFETY: integers and a pointer only, without padding.
unsafe impl Sized32 for mt_transcode_engine_config {
    const SMALLEST: usize = 128;
}
const _: () = assert!(size_of::<mt_transcode_engine_config>() == 128);

pub(super) const DEFAULTS: mt_transcode_engine_config = mt_transcode_engine_config {
    struct_size: size_of::<mt_transcode_engine_config>() as u32,
    max_running: 0,
    max_queued: 0,
    flags: 0,
    log_mode: MT_TRANSCODE_LOG_LEAVE,
    queue_timeout_ms: 0,
    link_budget_bytes: 0,
    memory_budget_bytes: 0,
    crash_path: std::ptr::null(),
    crash_fd: 0,
    isolation: MT_TRANSCODE_ISOLATION_THREAD,
    worker_path: std::ptr::null(),
    worker_memory_bytes: 0,
    worker_cpu_seconds: 0,
    worker_descriptors: 0,
    capture_path: std::ptr::null(),
    capture_bytes: 0,
    capture_count: 0,
    on_crash: MT_TRANSCODE_ON_CRASH_REPORT,
    worker_sandbox: MT_TRANSCODE_SANDBOX_BEST,
    hang_timeout_ms: 0,
    threads_per_job: 0,
    niceness: 0,
    reserved: [0; 1],
};

/// Fills `config` with the defaults. `struct_size` is `sizeof(mt_transcode_engine_config)` as the caller was compiled, so that
/// a newer library never writes past an older caller's struct.
///
/// Returns 0, or `-EINVAL` for NULL or a size that no release had. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `config` is NULL or points to `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_engine_config_init(
    config: *mut mt_transcode_engine_config,
    struct_size: u32,
) -> i32 {
    guard(|| {
        let config = out(config, "config")?;
        // SAFETY: the caller gives struct_size writable bytes; `write` checks the size before it writes more than these four.
        unsafe {
            if (struct_size as usize) < mt_transcode_engine_config::SMALLEST {
                return Err(Error::invalid(format!("struct_size {struct_size} is too small")));
            }
            config.cast::<u32>().write(struct_size);
            structs::write(config, &DEFAULTS, "config")?;
        }
        Ok(0)
    })
}

/// # Safety
/// The paths of `config` are NULL or NUL-terminated.
pub(super) unsafe fn convert(config: &mt_transcode_engine_config) -> Result<EngineConfig, Error> {
    const KNOWN: u32 = MT_TRANSCODE_ENGINE_REQUIRE_LGPL
        | MT_TRANSCODE_ENGINE_LEAVE_MALLOC
        | MT_TRANSCODE_ENGINE_QUIET_EVENTS
        | MT_TRANSCODE_ENGINE_CRASH_REPORTS;
    if config.flags & !KNOWN != 0 {
        return Err(Error::invalid(format!("config.flags has unknown bits: {:#x}", config.flags)));
    }
    if config.reserved != [0; 1] {
        return Err(Error::invalid("config has a reserved field that is not zero".into()));
    }
    let niceness = u8::try_from(config.niceness).ok().filter(|niceness| *niceness <= 19);
    let niceness =
        niceness.ok_or_else(|| Error::invalid(format!("config.niceness is {}; it takes 0 to 19", config.niceness)))?;
    if config.threads_per_job > CodecThreads::most() {
        let text =
            format!("config.threads_per_job is {}; it takes {} at most", config.threads_per_job, CodecThreads::most());
        return Err(Error::invalid(text));
    }
    let log_mode = match config.log_mode {
        MT_TRANSCODE_LOG_LEAVE => LogMode::Leave,
        MT_TRANSCODE_LOG_TAKE => LogMode::Take,
        MT_TRANSCODE_LOG_FORWARDED => LogMode::Forwarded,
        other => return Err(Error::invalid(format!("config.log_mode {other} is unknown"))),
    };
    Ok(EngineConfig::new(
        config.max_running,
        queue_limit(config.max_queued),
        config.flags & MT_TRANSCODE_ENGINE_REQUIRE_LGPL != 0,
        log_mode,
        config.link_budget_bytes,
    )
    .with_malloc_left_alone(config.flags & MT_TRANSCODE_ENGINE_LEAVE_MALLOC != 0)
    // SAFETY: passed on from the caller, all three.
    .with_crash_reports(unsafe { crash_reports(config)? })
    .with_isolation(unsafe { isolation(config)? })
    .with_captures(unsafe { captures(config)? }, config.capture_bytes)
    .with_on_crash(on_crash(config)?)
    .with_quiet_events(config.flags & MT_TRANSCODE_ENGINE_QUIET_EVENTS != 0)
    .with_queue_timeout_ms(config.queue_timeout_ms)
    .with_hang_timeout_ms(config.hang_timeout_ms.into())
    .with_threads_per_job(config.threads_per_job)
    .with_niceness(niceness)
    .with_memory_budget_bytes(config.memory_budget_bytes))
}

/// Where the config wants crash reports.
///
/// # Safety
/// `config.crash_path` is NULL or NUL-terminated.
unsafe fn crash_reports(config: &mt_transcode_engine_config) -> Result<Option<CrashReports>, Error> {
    if config.flags & MT_TRANSCODE_ENGINE_CRASH_REPORTS == 0 {
        return match config.crash_path.is_null() && config.crash_fd == 0 {
            true => Ok(None),
            false => {
                Err(Error::invalid("crash_path and crash_fd need the flag MT_TRANSCODE_ENGINE_CRASH_REPORTS".into()))
            }
        };
    }
    // SAFETY: passed on from the caller.
    if let Some(path) = unsafe { optional(config.crash_path, "crash_path")? } {
        return Ok(Some(CrashReports::File(crate::text::to_path(&path))));
    }
    match config.crash_fd {
        0 => Ok(Some(CrashReports::Descriptor(libc::STDERR_FILENO))),
        fd @ 1.. => Ok(Some(CrashReports::Descriptor(fd))),
        fd => Err(Error::invalid(format!("crash_fd is {fd}"))),
    }
}

/// # Safety
/// `config.worker_path` is NULL or NUL-terminated.
unsafe fn isolation(config: &mt_transcode_engine_config) -> Result<Isolation, Error> {
    let in_processes = match config.isolation {
        MT_TRANSCODE_ISOLATION_THREAD => false,
        MT_TRANSCODE_ISOLATION_PROCESS => true,
        other => return Err(Error::invalid(format!("config.isolation {other} is unknown"))),
    };
    let sandbox = match config.worker_sandbox {
        MT_TRANSCODE_SANDBOX_BEST => Sandbox::Best,
        MT_TRANSCODE_SANDBOX_REQUIRED => Sandbox::Required,
        MT_TRANSCODE_SANDBOX_OFF => Sandbox::Off,
        other => return Err(Error::invalid(format!("config.worker_sandbox {other} is unknown"))),
    };
    // SAFETY: passed on from the caller.
    let worker_path = unsafe { optional(config.worker_path, "worker_path")? }.map(|path| crate::text::to_path(&path));
    let limits = Limits {
        memory_bytes: config.worker_memory_bytes,
        cpu_seconds: config.worker_cpu_seconds,
        descriptors: config.worker_descriptors,
    };
    Ok(Isolation { in_processes, worker_path, limits, sandbox, stays_here: false })
}

/// # Safety
/// `config.capture_path` is NULL or NUL-terminated.
unsafe fn captures(config: &mt_transcode_engine_config) -> Result<Option<Captures>, Error> {
    // SAFETY: passed on from the caller.
    let path = unsafe { optional(config.capture_path, "capture_path")? };
    match path {
        None if config.capture_count != 0 => Err(Error::invalid("capture_count needs capture_path".into())),
        None => Ok(None),
        Some(path) if path.is_empty() => Err(Error::invalid("capture_path is empty".into())),
        Some(path) => Ok(Some(Captures::new(crate::text::to_path(&path), config.capture_count))),
    }
}

fn on_crash(config: &mt_transcode_engine_config) -> Result<OnCrash, Error> {
    const KNOWN: u32 = MT_TRANSCODE_ON_CRASH_RETRY | MT_TRANSCODE_ON_CRASH_QUARANTINE;
    if config.on_crash & !KNOWN != 0 {
        return Err(Error::invalid(format!("config.on_crash has unknown bits: {:#x}", config.on_crash)));
    }
    Ok(OnCrash {
        retries: config.on_crash & MT_TRANSCODE_ON_CRASH_RETRY != 0,
        quarantines: config.on_crash & MT_TRANSCODE_ON_CRASH_QUARANTINE != 0,
    })
}

/// 0 is the default, `MT_TRANSCODE_NONE` is none.
pub(super) fn queue_limit(value: u32) -> Option<u32> {
    match value {
        0 => None,
        MT_TRANSCODE_NONE => Some(0),
        other => Some(other),
    }
}
