//! A job from its description to its result.

use super::audio_source::AudioSource;
use super::context::JobContext;
use super::copy::CopyStream;
use super::copy_setup::{copy_settings, describe_copies};
use super::demux::Demuxer;
use super::files::{OpenInput, open_input};
use super::implied;
use super::isync;
use super::live::Place;
use super::mux::Muxer;
use super::observer::LEVEL_INFO;
use super::outputs::open_output;
use super::pipeline::{self, CopiedStream, EncodedStream, Outcome, Parts};
use super::plan::{FrameRateMode, GraphPlan, OpenOutput, OutStream, complex_graphs};
use super::progress::expected_duration_us;
use super::sdp::Sdp;
use super::single::{SingleThread, Target};
use super::source::Opening;
use super::{advice, attachments, fallback, live};
use crate::error::{Code, Error};
use crate::options::{JobSpec, MediaKind, parse_float};
use crate::{av, crash};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Runs a job on the calling thread and threads of its pool, until it is final.
pub fn run(context: &Arc<JobContext>, job: &JobSpec) -> Result<(), Error> {
    av::set_log_slot(context.log_slot);
    crash::profile::prepare_job();
    context.mark_thread("open");
    let _counted = context.count_thread();
    let _entered = context.activity.enter("job");
    let result = run_inner(context, job);
    context.live.finish(context.is_cancelled());
    context.deadlines.close();
    context.devices.close();
    av::set_log_slot(0);
    context.unmark_thread();
    if context.is_cancelled() && context.failure().is_none() {
        return Err(Error::cancelled());
    }
    match context.failure() {
        Some(error) => Err(error),
        None => result,
    }
}

fn run_inner(context: &Arc<JobContext>, job: &JobSpec) -> Result<(), Error> {
    if job.outputs.is_empty() {
        return Err(Error::option("the job has no output".into()));
    }
    super::trust::JobTrust::of(job)?;
    if let Some(other) = job.global("mt_read_errors").filter(|value| !matches!(*value, "fail" | "ignore")) {
        return Err(Error::option(format!(
            "option mt_read_errors has the unknown value '{other}'; it takes fail or ignore"
        )));
    }
    super::probe::check_job(job)?;
    let given = job;
    let job = &*super::low_latency::expand(job);
    advice::on_job(context, job);
    context.devices.open_all(context, job)?;
    let mut inputs = Vec::new();
    let mut sources = Opening::begin(context, given)?;
    for index in 0..job.inputs.len() {
        let mut input = match sources.take(given, index)? {
            Some((open, source)) => OpenInput { source: Some(Box::new(source)), ..open },
            None => open_input(context, job, index)?,
        };
        context.observer.input_opened(index, super::probe::describe(&input.input));
        input.streams_before = inputs.iter().map(|input: &OpenInput| input.streams.len()).sum();
        super::look::show(context, &input);
        input.check_options(context, job)?;
        attachments::dump(context, &job.inputs[index], &input, !job.global_flag("n"))?;
        inputs.push(input);
    }
    isync::apply(context, job, &mut inputs)?;
    keep_groups(context, job);
    run_opened(context, job, inputs)
}

/// Runs a job whose inputs are open.
pub(super) fn run_opened(context: &Arc<JobContext>, job: &JobSpec, mut inputs: Vec<OpenInput>) -> Result<(), Error> {
    let job = &*implied::expand(job, &inputs)?;
    let mut graphs = complex_graphs(context, job, &mut inputs)?;
    let mut outputs = Vec::new();
    let ordinary = if context.is_joined() { 1 } else { live::ordinary_outputs(job)? };
    for index in 0..ordinary {
        let before = outputs.iter().map(|output: &OpenOutput| output.streams.len()).sum();
        outputs.push(open_output(context, job, index, before, &mut inputs, &mut graphs)?);
    }
    let sdp = Sdp::of(job, &outputs);
    outputs.iter_mut().for_each(|output| output.sdp = sdp.clone());
    super::slate::check(&inputs, &outputs)?;
    check_connected(&graphs)?;
    check_decoders(&inputs)?;
    check_volume(job, &outputs)?;
    let mapping = context.observer.wants(LEVEL_INFO).then(|| super::mapping::text(&inputs, &graphs, &outputs));
    context.counters.duration_us.store(expected_duration_us(&inputs, &outputs).unwrap_or(-1), Relaxed);
    let has_encoding = outputs.iter().any(OpenOutput::needs_encoding) || !graphs.is_empty();
    context.mark_thread("job");
    for index in ordinary..job.outputs.len() {
        live::join(context, job, index, &job.outputs[index])
            .map_err(|error| error.on_output(index, &job.outputs[index].url))?;
    }
    super::steps::close_unwanted(&mut outputs);
    if has_encoding && super::steps::are_wanted(&inputs, &graphs, &outputs) {
        context.lockstep.get_or_init(|| super::lockstep::Lockstep::new(context));
    }
    // An output whose time may be over while nothing comes for it needs a thread that can be told so.
    let runs_idle = outputs.iter().any(|output| output.clock.runs_idle());
    // One that is gone must not hold up the others.
    let has_sources = inputs.len() > 1 && inputs.iter().any(|input| input.source.is_some());
    let outcome = match has_encoding || runs_idle || has_sources {
        true => run_threads(context, job, inputs, graphs, outputs, mapping)?,
        false => run_single(context, job, inputs, outputs, mapping)?,
    };
    conclude(context, job, outcome)
}

/// Who joins gets the last group of pictures where that was asked for.
fn keep_groups(context: &JobContext, job: &JobSpec) {
    let places = job.inputs.iter().enumerate().map(|(index, file)| (Place::Input(index), file));
    let outputs = job.outputs.iter().enumerate().map(|(index, file)| (Place::Output(index), file));
    for (place, file) in places.chain(outputs) {
        let bytes = live::gop_bytes(job, file);
        if bytes > 0 {
            context.live.hub(place).keep(bytes);
        }
    }
}

/// -mt_codecs, before any thread runs.
fn check_decoders(inputs: &[OpenInput]) -> Result<(), Error> {
    let decoded = |input: &OpenInput| {
        let mut decoders = input.streams.iter().filter(|plan| plan.is_decoded).filter_map(|plan| plan.decoder);
        decoders.try_for_each(|codec| input.policy.check_decoder(codec))
    };
    inputs.iter().try_for_each(|input| decoded(input).map_err(|error| error.on_input(input.index, &input.url)))
}

/// -vol needs samples.
fn check_volume(job: &JobSpec, outputs: &[OpenOutput]) -> Result<(), Error> {
    if AudioSource::of(job).volume.is_none() {
        return Ok(());
    }
    for output in outputs {
        let is_copied = |s: &OutStream| s.kind == MediaKind::Audio && s.work.is_copy();
        if let Some(index) = output.streams.iter().position(is_copied) {
            let error = Error::option("option vol changes samples, and this stream is copied".into());
            return Err(error.on_output(output.index, &output.url).on_stream(index));
        }
    }
    Ok(())
}

fn check_connected(graphs: &[GraphPlan]) -> Result<(), Error> {
    for graph in graphs {
        if let Some(sink) = graph.sinks.iter().find(|sink| sink.target.is_none()) {
            let label = sink.label.as_deref().unwrap_or("");
            let text =
                format!("the output [{label}] of filter '{}' in '{}' goes nowhere", sink.filter, graph.description);
            return Err(Error::new(Code::FILTER, text)
                .at("filter")
                .with_hint("Map it to an output file with -map [label]."));
        }
    }
    Ok(())
}

fn run_single(
    context: &Arc<JobContext>,
    job: &JobSpec,
    inputs: Vec<OpenInput>,
    outputs: Vec<OpenOutput>,
    mapping: Option<String>,
) -> Result<Outcome, Error> {
    let mut targets = Vec::new();
    let mut muxers = Vec::new();
    for mut open in outputs {
        let time_bases = describe_copies(&inputs, job, &mut open)?;
        let wanted: Vec<_> = (0..open.streams.len())
            .map(|index| {
                open.streams[index].source.map(|(i, s)| (i, s, copy_settings(&inputs[i], s, job, &open, index)))
            })
            .collect();
        let mut muxer = Muxer::new(context, open, &time_bases);
        for index in 0..wanted.len() {
            muxer.copy_ready(index)?;
        }
        muxer.write_header_if_ready()?;
        for (index, wanted) in wanted.into_iter().enumerate() {
            let Some((input, stream, mut settings)) = wanted else { continue };
            settings.out_time_base = muxer.adopt_time_base(index);
            targets.push(Target { input, stream, output: muxer.index, index, copy: CopyStream::new(settings) });
        }
        muxers.push(muxer);
    }
    mark_open(context, mapping);
    let demuxers = inputs.into_iter().map(|input| Demuxer::new(context, job, input)).collect();
    let mut single = SingleThread::new(context, demuxers, muxers, targets);
    single.run();
    single.finish();
    Ok(Outcome { output_errors: single.failures, read_error: single.read_error })
}

fn run_threads(
    context: &Arc<JobContext>,
    job: &JobSpec,
    inputs: Vec<OpenInput>,
    graphs: Vec<GraphPlan>,
    outputs: Vec<OpenOutput>,
    mapping: Option<String>,
) -> Result<Outcome, Error> {
    let (mut encoded, mut copied, mut muxers, mut streams_of_output) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for mut open in outputs {
        let time_bases = describe_copies(&inputs, job, &mut open)?;
        streams_of_output.push(open.streams.len());
        let mut copies = Vec::new();
        for index in 0..open.streams.len() {
            let source = open.streams[index].source.filter(|_| open.streams[index].work.is_copy());
            if let Some((input, stream)) = source {
                let copy = CopyStream::new(copy_settings(&inputs[input], stream, job, &open, index));
                copied.push(CopiedStream { input, stream, output: open.index, index, copy });
                copies.push(index);
            } else {
                let fallback = fallback::prepare(&inputs, job, &open, index);
                encoded.extend(take_encoded(&mut open, index, fallback));
            }
        }
        let mut muxer = Muxer::new(context, open, &time_bases);
        for index in copies {
            muxer.copy_ready(index)?;
        }
        muxers.push(muxer);
    }
    mark_open(context, mapping);
    let demuxers = inputs.into_iter().map(|input| Demuxer::new(context, job, input)).collect();
    let parts = Parts {
        demuxers,
        graphs,
        muxers,
        streams_of_output,
        encoded,
        copied,
        exits_on_error: job.global_flag("xerror"),
        copy_ts: job.global_flag("copyts"),
        start_at_zero: job.global_flag("start_at_zero"),
        audio: AudioSource::of(job),
    };
    pipeline::run(context, parts)
}

fn take_encoded(open: &mut OpenOutput, index: usize, fallback: Option<CopyStream>) -> Option<EncodedStream> {
    let (start_us, duration_us) = (open.start_us, open.duration_us);
    let chapters_us = open.chapters_us.clone();
    let (sws, header_flags) = (open.options.scaler.to_filter_options(), open.header_options.get("fflags"));
    let is_closed = open.is_closed;
    let stream = &mut open.streams[index];
    let mut plan = stream.work.take_encode()?;
    plan.is_closed = is_closed;
    stream.drops_times |= plan.video.mode == Some(FrameRateMode::Drop);
    Some(EncodedStream {
        output: open.index,
        index,
        kind: stream.kind,
        plan: Arc::new(plan),
        source: stream.source,
        start_us,
        duration_us,
        is_shortest: open.is_shortest,
        degrade: stream.degrade.clone(),
        fallback,
        sws,
        header_flags,
        chapters_us,
    })
}

fn mark_open(context: &JobContext, mapping: Option<String>) {
    if let Some(text) = mapping {
        super::mapping::log(&text);
    }
    context.counters.open_us.store(context.elapsed_us().max(1), Relaxed);
    context.observer.running();
}

/// Whether -abort_on has `flag`: "empty_output+empty_output_stream".
pub(super) fn aborts_on(job: &JobSpec, flag: &str) -> Result<bool, Error> {
    let text = job.global("abort_on").unwrap_or_default();
    let given: Vec<&str> = text.split(['+', '|']).filter(|given| !given.is_empty()).collect();
    if let Some(other) = given.iter().find(|given| !["empty_output", "empty_output_stream"].contains(given)) {
        return Err(Error::option(format!(
            "option abort_on has the unknown flag '{other}'; it takes empty_output and empty_output_stream"
        )));
    }
    Ok(given.contains(&flag))
}

/// The job's result: an output that failed, an input that broke off, or too much that could not be decoded.
fn conclude(context: &JobContext, job: &JobSpec, outcome: Outcome) -> Result<(), Error> {
    if let Some(error) = outcome.output_errors.into_iter().flatten().next() {
        return Err(error);
    }
    if aborts_on(job, "empty_output")? && context.counters.packets_written.load(Relaxed) == 0 {
        return Err(Error::new(Code::MUX, "nothing was written, and -abort_on empty_output is set".into()).at("mux"));
    }
    if let Some(error) = outcome.read_error {
        if job.global("mt_read_errors") != Some("ignore") {
            return Err(error);
        }
        context.observer.log(super::observer::LEVEL_ERROR, "demux", None, error.message());
    }
    let counters = &context.counters;
    let good = counters.frames_decoded.load(Relaxed) + counters.packets_spared.load(Relaxed);
    let bad = counters.decode_errors.load(Relaxed).saturating_sub(counters.decode_errors_excused.load(Relaxed));
    let rate = job.global("max_error_rate").and_then(parse_float).unwrap_or(2.0 / 3.0);
    if bad > 0 && bad as f64 > (good + bad) as f64 * rate {
        let text = format!(
            "{bad} of {} packets could not be decoded, which is more than the accepted share of {rate:.2}",
            good + bad
        );
        return Err(Error::new(Code::DECODE, text).at("error rate"));
    }
    Ok(())
}
