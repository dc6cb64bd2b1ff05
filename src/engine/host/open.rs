//! Opening what `mt:NAME` stands for, as an input and as an output.

use super::formats::{check_many_files, check_streamable_output};
use super::name_of;
use super::spool::{DEFAULT_SEEK_BUFFER_BYTES, SMALL_BYTES, keep_small, prepare};
use super::store::HostFiles;
use super::stream::{Failure, HostStream};
use crate::av::{ByteStream, Demuxer, Dict, Files, Interrupt, Io, Muxer};
use crate::engine::context::JobContext;
use crate::engine::deadlines::{Kind, Limits};
use crate::engine::errors::failed;
use crate::engine::low_latency;
use crate::engine::plan::OpenOutput;
use crate::engine::trust::{Policy, check_self_contained};
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec, parse_integer};
use std::sync::Arc;
use std::time::Duration;

/// An input of the host's, and its format.
pub struct HostInput {
    pub io: Io,
    pub format: Demuxer,
    /// How sure that is; 0 where it was named.
    pub probe_score: i32,
}

/// The host's bytes behind an `mt:` URL; None for another URL. Only when the format is known it is known too whether they can be
/// read at all.
pub fn open_input(
    (context, job): (&JobContext, &JobSpec),
    spec: &FileSpec,
    url: &str,
    named: Option<Demuxer>,
    format_options: &Dict,
    (failure, interrupt): (&Arc<Failure>, &Arc<Interrupt>),
    policy: &Policy,
) -> Result<Option<HostInput>, Error> {
    let Some((name, _)) = name_of(url) else {
        if gathered(job, spec).is_some() {
            context.warn("options", None, "-mt_gather_ms is for pipes of the host's (mt:); it does nothing here");
        }
        return Ok(None);
    };
    let stream = context.binds.reader(name, context, interrupt)?;
    let keep = spec.value("mt_seek_buffer").and_then(parse_integer);
    let keep = keep.map_or(DEFAULT_SEEK_BUFFER_BYTES, |bytes| bytes as u64);
    let stream = HostStream::reading(stream, interrupt, failure, url)
        .counting(context, context.binds.pipe(name).is_some())
        .may_read(policy.limits.open_bytes)
        .may_keep(keep)
        .gathering(gathered(job, spec));
    // What is read at the pace of its media may grow meanwhile.
    let is_paced = ["re", "readrate", "mt_source"].iter().any(|name| spec.value(name).is_some())
        || spec.flag("mt_live") == Some(true);
    let ahead_bytes = policy.limits.open_bytes.unwrap_or(u64::MAX).min(SMALL_BYTES);
    let small_bytes = if is_paced { 0 } else { ahead_bytes };
    let stream = keep_small(Box::new(stream), small_bytes, &context.counters)?;
    let stream = prepare(stream, keep, ahead_bytes, &context.counters)?;
    let reader = if low_latency::is_prompt(job, spec) && !stream.can_seek() { Io::live_reader } else { Io::reader };
    let mut io = reader(stream).map_err(|e| failed(e, "open input", Code::ENOMEM, "no memory for an input"))?;
    let (format, probe_score) = match named {
        Some(format) => (format, 0),
        None => guess(&mut io, url, format_options)?,
    };
    check_self_contained(format)?;
    policy.check_format(format, named.is_some())?;
    Ok(Some(HostInput { io, format, probe_score }))
}

/// -mt_gather_ms; half of the time that the input has to give something, where that is less.
fn gathered(job: &JobSpec, spec: &FileSpec) -> Option<Duration> {
    let ms = spec.value("mt_gather_ms").and_then(parse_integer).and_then(|ms| u64::try_from(ms).ok())?;
    let limits = Limits::of(job, spec, true);
    let halves = [Kind::Read, Kind::Idle].map(|kind| limits.get(kind).map_or(Duration::MAX, |limit| limit / 2));
    let [read, idle] = halves;
    Some(Duration::from_millis(ms).min(read).min(idle)).filter(|interval| !interval.is_zero())
}

fn guess(io: &mut Io, url: &str, format_options: &Dict) -> Result<(Demuxer, i32), Error> {
    let max_bytes = format_options.get("format_probesize").and_then(|text| parse_integer(&text)).unwrap_or(1 << 20);
    io.probe_format(url, max_bytes.clamp(2048, 1 << 30) as u32).map_err(|e| {
        failed(e, "open input", Code::DEMUX, &format!("the format of '{url}' is unknown")).with_hint(
            "Too few bytes came, or they are no media that FFmpeg knows; name the format with -f where it has no mark.",
        )
    })
}

/// Opens an output whose URL is the host's; false for another one. A muxer that opens its files by itself finds them by name
/// ([`HostFiles`]).
pub fn open_output(context: &Arc<JobContext>, open: &mut OpenOutput) -> Result<bool, Error> {
    let Some((name, rest)) = name_of(&open.url) else {
        // A playlist on disk may have its segments in a store.
        if open.header_options.entries().iter().any(|(_, value)| name_of(value).is_some()) {
            check_many_files(&open.output.format_name(), &open.header_options)?;
        }
        return Ok(false);
    };
    if open.output.flags().opens_no_file() {
        check_many_files(&open.output.format_name(), &open.header_options)?;
        if open.output.format_name() == "hls" {
            // The HLS muxer unlinks old segments itself, unless it is told a method (hlsenc.c: hls_delete_file).
            open.header_options.set_if_absent("method", "PUT");
        }
        return Ok(true);
    }
    let stream = context.binds.writer(name, rest, context, &open.clock.interrupt)?;
    let is_pipe = context.binds.pipe(name).is_some();
    let stream = HostStream::writing(stream, &open.clock.interrupt, &open.host, &open.url);
    let mut stream = Box::new(stream.counting(context, is_pipe));
    let checked =
        check_streamable_output(&open.output.format_name(), &open.header_options, stream.can_seek(), stream.can_read());
    if let Err(error) = checked {
        let _ = stream.close(error.code().to_c()); // what was opened is given up
        return Err(error);
    }
    let io = Io::writer(stream).map_err(|e| failed(e, "open output", Code::ENOMEM, "no memory for an output"))?;
    open.output.attach(io);
    if let Some(pipe) = context.binds.pipe(name) {
        let (job, index, url) = (Arc::downgrade(context), open.index, open.url.clone());
        pipe.when_reader_leaves(move || {
            if let Some(job) = job.upgrade() {
                job.reader_left(index, &url);
            }
        });
    }
    Ok(true)
}

/// Before anything is opened: there is mostly no ending to guess the format of a host's output from.
pub fn check_format_known(output: &FileSpec) -> Result<(), Error> {
    let is_open = name_of(&output.url).is_some() && output.value("f").is_none();
    if !is_open || Muxer::find(None, &output.url).is_some() {
        return Ok(());
    }
    let text = format!("the format of '{}' is unknown: its name has no ending that says it", output.url);
    Err(Error::option(text).with_hint("Name the format with -f: mpegts, mp4, matroska, flv ..."))
}

/// What a muxer may open by name, where the job has binds.
pub fn files_of(
    context: &Arc<JobContext>,
    interrupt: &Arc<Interrupt>,
    failure: &Arc<Failure>,
    muxer: Muxer,
) -> Option<Arc<dyn Files>> {
    // What a part of a tee is told cannot be checked as an output's own options are (`check_many_files`).
    let allows_stores = muxer.name() != "tee";
    (!context.binds.is_empty()).then(|| HostFiles::new(context, interrupt, failure, allows_stores) as Arc<dyn Files>)
}
