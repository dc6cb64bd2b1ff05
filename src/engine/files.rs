//! Opening an input: format, streams, seek. Source: `open_input_file` of FFmpeg's fftools/ffmpeg_opt.c.
//! Rules 6, 7 and 31.

use super::activity::Doing;
use super::context::JobContext;
use super::deadlines::{Clock, ClosingBegins, ClosingEnds, Kind};
use super::errors::{failed, unless_cancelled};
use super::head;
use super::host::{self, Failure};
use super::input_stream::{StreamPlan, decoder_named, facts_of, named_decoder, plan_stream};
use super::live::Feed;
use super::observer::LEVEL_VERBOSE;
use super::pace::PaceSettings;
use super::source::SourceInput;
use super::stream_setup::FileOptions;
use super::tls::Verification;
use super::trust::{InputGate, Policy};
use crate::av::{self, Codec, Demuxer, Dict, Input, Opening, VideoFacts};
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec, StreamFacts, parse_integer, parse_time_us};
use std::sync::Arc;

/// An input that is open, with all that was decided about it.
pub struct OpenInput {
    pub index: usize,
    /// As threads that read it say it.
    pub activity: u32,
    pub url: String,
    /// Around its closing, which has its time too.
    pub(super) _closing: ClosingBegins,
    pub input: Input,
    pub(super) _closed: ClosingEnds,
    pub streams: Vec<StreamPlan>,
    /// Of the inputs before it.
    pub streams_before: usize,
    /// For stream specifiers.
    pub facts: Vec<StreamFacts>,
    pub options: FileOptions,
    /// What it may open and use.
    pub policy: Policy,
    /// -ss, -t in microseconds.
    pub start_us: Option<i64>,
    pub duration_us: Option<i64>,
    pub is_seek_accurate: bool,
    /// Added to every timestamp.
    pub offset_us: i64,
    /// -itsoffset alone.
    pub user_offset_us: i64,
    /// How often it is read again; negative is without end.
    pub loops: i64,
    /// -re, -readrate; None: as fast as it goes.
    pub pace: Option<PaceSettings>,
    pub is_bitexact: bool,
    /// Packets between demuxer and decoder (-thread_queue_size).
    pub queue_packets: Option<usize>,
    /// What the host's stream failed with, where the input is the host's.
    pub host: Arc<Failure>,
    /// It may come and go.
    pub source: Option<Box<SourceInput>>,
    /// Its packets come from a running job's, and not from a demuxer.
    pub feed: Option<Arc<Feed>>,
    /// How long it may take.
    pub clock: Arc<Clock>,
}

impl OpenInput {
    /// Codec options that fit none of its streams.
    pub fn check_options(&self, context: &JobContext, job: &JobSpec) -> Result<(), Error> {
        for (stream, plan) in self.streams.iter().enumerate() {
            self.options.for_codec(plan.decoder, plan.info.kind(), &self.facts, stream);
        }
        let place = format!("input {} ('{}')", self.index, crate::secrets::mask_url(&self.url));
        self.options.check_unused(context, job.global_flag("mt_strict"), &place)
    }

    /// Reading it never waits for somebody else for long: a file, or what a filter graph makes.
    pub fn is_steady(&self) -> bool {
        self.feed.is_none() && (self.input.format_name() == "lavfi" || av::is_regular_file(&self.url))
    }
}

pub fn open_input(context: &JobContext, job: &JobSpec, index: usize) -> Result<OpenInput, Error> {
    let spec = &job.inputs[index];
    let host = Arc::new(Failure::default());
    let activity = context.activity.name(&format!("input {index} '{}'", crate::secrets::mask_url(&spec.url)));
    let _opening = Doing::Peer.begin(activity);
    let clock = Clock::of_input(context, job, index);
    let opened = clock.timed("open input", Kind::Open, || open(context, job, spec, (index, activity), &host, &clock));
    // What was given up may look like a short file.
    let opened = clock.error("open input").map_or(opened, Err);
    opened.map_err(|error| {
        let error = host.error("open input").unwrap_or(error);
        let error = if error.input().is_none() { error.on_input(index, &spec.url) } else { error };
        unless_cancelled(context, error)
    })
}

fn open(
    context: &JobContext,
    job: &JobSpec,
    spec: &FileSpec,
    (index, activity): (usize, u32),
    host: &Arc<Failure>,
    clock: &Arc<Clock>,
) -> Result<OpenInput, Error> {
    let url = if spec.url == "-" { "pipe:" } else { &spec.url };
    let options = FileOptions::sort(spec, false);
    let policy = Policy::of(job, spec)?;
    super::resolver::check(url, options.format.get("http_proxy").as_deref()).map_err(|error| error.at("open input"))?;
    let tls = Verification::of(job, url, &options, policy.trust).map_err(|error| error.at("open input"))?;
    let tls = tls.filter(|_| host::name_of(url).is_none()).map(|tls| {
        tls.following(policy.follows_redirects() && options.format.get("max_redirects").as_deref() != Some("0"))
    });
    let mut input =
        open_format((context, job, clock), spec, url, &options, host, (&policy, tls.as_ref())).map_err(|error| {
            tls.as_ref().and_then(|tls| tls.explain(context, clock.interrupt.time_left(), &error)).unwrap_or(error)
        })?;
    let mut facts = (0..input.stream_count())
        .map(|i| input.describe(i).map(|s| facts_of(&s)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| failed(e, "open input", Code::DEMUX, "cannot read the streams"))?;
    for i in 0..facts.len() {
        if let Some(codec) = named_decoder(job, spec, &facts, i)? {
            input.set_codec_id(i, codec.id());
            input.recast(i, codec);
            facts[i].kind = codec.kind();
        }
    }
    policy.check_pixels(&input)?;
    if spec.flag("find_stream_info").unwrap_or(true) {
        if head::settle(&mut input, job, spec, &options) {
            context.observer.log(
                LEVEL_VERBOSE,
                "open input",
                None,
                "the head says what the streams are: nothing is decoded for it",
            );
        } else {
            super::low_latency::fit_analysis(&mut input, spec);
            let known = head::known_picture(&mut input, job, spec, &options, &policy);
            find_streams(context, &mut input, &options, &facts, (url, &policy), known)?;
        }
        facts = (0..input.stream_count()).filter_map(|i| input.describe(i).ok()).map(|s| facts_of(&s)).collect();
    }
    input.forget_ahead();
    // FFmpeg is content with the streams that it found before something was refused.
    if let Some(error) = host.refusal("open input") {
        return Err(error);
    }
    policy.check_streams(&mut input, policy.most_streams(&options.format))?;
    host.set_open();
    super::advice::on_streams(context, spec, &facts);
    let (start_us, timestamp_us) = seek(context, &mut input, spec)?;
    let streams = (0..input.stream_count())
        .map(|i| plan_stream(context, &mut input, job, spec, &facts, i))
        .collect::<Result<Vec<_>, _>>()?;
    let copy_ts = job.global_flag("copyts");
    let user_offset_us = spec.value("itsoffset").and_then(parse_time_us).unwrap_or(0);
    let zero_us = match (copy_ts, job.global_flag("start_at_zero")) {
        (false, _) => timestamp_us,
        (true, true) => input.start_time_us().unwrap_or(0),
        (true, false) => 0,
    };
    Ok(OpenInput {
        index,
        activity,
        url: url.to_owned(),
        offset_us: user_offset_us.wrapping_sub(zero_us),
        user_offset_us,
        duration_us: duration_us(spec, start_us)?,
        start_us,
        is_seek_accurate: spec.flag("accurate_seek").unwrap_or(true),
        loops: spec.value("stream_loop").and_then(parse_integer).unwrap_or(0),
        pace: PaceSettings::of(spec, av::loaded_release())?,
        is_bitexact: spec.flag("bitexact").unwrap_or(false),
        queue_packets: spec.value("thread_queue_size").and_then(parse_integer).map(|n| n.clamp(1, 1 << 20) as usize),
        _closing: ClosingBegins(Arc::clone(clock)),
        input,
        _closed: ClosingEnds(Arc::clone(clock)),
        streams,
        streams_before: 0,
        facts,
        options,
        policy,
        host: Arc::clone(host),
        source: None,
        feed: None,
        clock: Arc::clone(clock),
    })
}

fn open_format(
    (context, job, clock): (&JobContext, &JobSpec, &Clock),
    spec: &FileSpec,
    url: &str,
    options: &FileOptions,
    host: &Arc<Failure>,
    (policy, tls): (&Policy, Option<&Verification>),
) -> Result<Input, Error> {
    let named = |name: &str| {
        let error = || Error::option(format!("input format '{name}' (option f) is unknown")).at("open input");
        Demuxer::find(name).ok_or_else(error)
    };
    let format = spec.value("f").map(named).transpose()?;
    let mut dict = options.format.clone();
    for (option, key) in [
        ("ar", "sample_rate"),
        ("s", "video_size"),
        ("pix_fmt", "pixel_format"),
        ("r", "framerate"),
        ("ch_layout", "ch_layout"),
    ] {
        let Some(value) = spec.value(option) else { continue };
        let needs_demuxers_own = option == "r" || option == "ch_layout";
        if !needs_demuxers_own || format.is_some_and(|f| f.has_option(key)) {
            dict.set(key, value);
        }
    }
    if let (Some(channels), Some(format)) = (spec.value("ac"), format)
        && format.has_option("ch_layout")
    {
        dict.set("ch_layout", &format!("{channels}C"));
    }
    dict.set_if_absent("scan_all_pmts", if spec.flag("mt_live") == Some(true) { "0" } else { "1" });
    let typed = |letter: &str| -> Result<Option<Codec>, Error> {
        let setting = spec.all("c").filter(|s| s.specifier.is_empty() || s.specifier == letter).last();
        setting.map(|s| decoder_named(&s.value)).transpose()
    };
    let found = host::open_input((context, job), spec, url, format, &options.format, (host, &clock.interrupt), policy)?;
    policy.check_named(url, format.filter(|_| found.is_none()))?;
    if dict.get("http_proxy").is_some_and(|proxy| !proxy.is_empty()) && policy.takes_no_proxy(url) {
        let text = "option http_proxy: with -mt_addresses public a proxy would dial what cannot be checked";
        return Err(Error::new(Code::UNSUPPORTED, text.into()).at("open input"));
    }
    policy.prepare(&mut dict, url, found.as_ref().map(|found| found.format).or(format));
    let (io, guessed, probe_score) = match found {
        Some(found) => {
            dict.set("protocol_whitelist", "none"); // what io_open does not refuse already (rule 37)
            (Some(found.io), Some(found.format), found.probe_score)
        }
        None => (None, None, 0),
    };
    let opening = Opening {
        url,
        format: guessed.or(format),
        probe_score,
        interrupt: Arc::clone(&clock.interrupt),
        log_slot: context.log_slot,
        is_bitexact: spec.flag("bitexact").unwrap_or(false),
        is_blocking: false,
        gate: InputGate::of(policy, url, format, host, context, options.format.get("http_proxy")),
        decoders: [typed("v")?, typed("a")?, typed("s")?],
        tls: tls.map(|tls| Arc::clone(&tls.peers)),
    };
    let most_streams = policy.most_streams(&options.format);
    let added = tls.filter(|tls| tls.peers.concerns(url)).map_or_else(Vec::new, |tls| tls.peers.prepare(&mut dict));
    let input = Input::open(&opening, io, &mut dict).map_err(|e| {
        policy
            .explain(e, most_streams)
            .unwrap_or_else(|| failed(e, "open input", Code::DEMUX, &format!("cannot open '{url}'")))
    })?;
    if policy.takes_no_proxy(url) {
        dict.remove("http_proxy"); // what is built on no HTTP did not take it
    }
    added.iter().for_each(|name| dict.remove(name)); // as above
    match options.unknown_in(&dict) {
        Some(key)
            if !["sample_rate", "video_size", "pixel_format", "framerate", "ch_layout"].contains(&key.as_str()) =>
        {
            Err(Error::option(format!("option {key} is not one of this input's format or protocol")).at("open input"))
        }
        Some(key) => Err(Error::option(format!("option {key} is not one of this input's format")).at("open input")),
        None => Ok(input),
    }
}

fn find_streams(
    context: &JobContext,
    input: &mut Input,
    options: &FileOptions,
    facts: &[StreamFacts],
    (url, policy): (&str, &Policy),
    known: Option<(usize, VideoFacts)>,
) -> Result<(), Error> {
    let dict = |i: usize| -> Dict {
        let mut dict = Dict::default();
        if options.has_codec_options() {
            let codec = input.describe(i).ok().and_then(|s| av::decoder_for(s.parameters.codec_id()));
            dict = options.for_codec(codec, facts[i].kind, facts, i);
        }
        policy.bound_decoder(&mut dict);
        dict
    };
    let mut dicts: Vec<Dict> = (0..facts.len()).map(dict).collect();
    let found = match &known {
        Some((index, facts)) => {
            let text = "the parameter sets say what the pictures are: none is decoded for it";
            context.observer.log(LEVEL_VERBOSE, "open input", None, text);
            input.find_stream_info_sparing(&mut dicts, (*index, facts))
        }
        None => input.find_stream_info(&mut dicts),
    };
    if let Err(error) = found {
        if input.stream_count() == 0 || context.is_cancelled() {
            return Err(failed(error, "probe", Code::DEMUX, &format!("cannot find the streams of '{url}'")));
        }
        context.warn("probe", None, &format!("{url}: could not find codec parameters"));
    }
    Ok(())
}

/// Where reading starts: what -ss (or -sseof) asks, and the time in the file that becomes zero.
fn seek(context: &JobContext, input: &mut Input, spec: &FileSpec) -> Result<(Option<i64>, i64), Error> {
    let mut start_us = spec.value("ss").and_then(parse_time_us);
    if let (None, Some(from_end)) = (start_us, spec.value("sseof").and_then(parse_time_us)) {
        if from_end >= 0 {
            return Err(Error::option("option sseof must be negative".into()));
        }
        start_us = input.duration_us().map(|duration| from_end + duration).filter(|start| *start >= 0);
        if start_us.is_none() {
            context.warn("open input", None, "-sseof is ignored: the duration is unknown, or shorter than that");
        }
    }
    let by_timestamp = spec.value("seek_timestamp").is_some_and(|value| value != "0");
    let mut timestamp_us = start_us.unwrap_or(0);
    if !by_timestamp {
        timestamp_us += input.start_time_us().unwrap_or(0);
    }
    if start_us.is_some() {
        // Frames are reordered: the key frame may lie after the one that is wanted (ffmpeg_opt.c: dts_heuristic).
        let is_reordered =
            (0..input.stream_count()).any(|i| input.describe(i).is_ok_and(|s| s.parameters.video_delay() > 0));
        let back_us = if !input.seeks_to_pts() && is_reordered { 3 * 1_000_000 / 23 } else { 0 };
        if input.seek(timestamp_us - back_us).is_err() {
            context.warn("open input", None, &format!("could not seek to position {:.3}", timestamp_us as f64 / 1e6));
        }
    }
    Ok((start_us, timestamp_us))
}

/// -t, or -to less -ss; -t wins.
pub fn duration_us(spec: &FileSpec, start_us: Option<i64>) -> Result<Option<i64>, Error> {
    if let Some(duration) = spec.value("t").and_then(parse_time_us) {
        return match duration < 0 {
            true => Err(Error::option("option t must not be negative".into())),
            false => Ok(Some(duration)),
        };
    }
    let Some(end) = spec.value("to").and_then(parse_time_us) else { return Ok(None) };
    let start = start_us.unwrap_or(0);
    if end <= start {
        return Err(Error::option("option to is not after option ss".into()));
    }
    Ok(Some(end - start))
}
