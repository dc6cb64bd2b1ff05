//! Putting an output together: its streams, and what is to be done for each. Source: `open_output_file`,
//! `new_output_stream` and its like in FFmpeg's fftools/ffmpeg_opt.c.

use super::activity::Doing;
use super::context::JobContext;
use super::deadlines::Clock;
use super::encode_plan::muxers_mode;
use super::errors::{failed, unless_cancelled};
use super::files::{OpenInput, duration_us};
use super::host::{self, Failure};
use super::plan::{FrameRateMode, GraphPlan, GraphSink, GraphSource, OpenOutput, Work, use_stream};
use super::select::{Disabled, Source, UnknownStreams, select};
use super::stream_setup::FileOptions;
use super::{channel_map, metadata, scripts};
use crate::av::{self, Muxer, Output};
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec, MediaKind, Release, is_live, parse_float, parse_integer, parse_time_us};
use std::sync::Arc;

pub fn open_output(
    context: &Arc<JobContext>,
    job: &JobSpec,
    index: usize,
    streams_before: usize,
    inputs: &mut [OpenInput],
    graphs: &mut Vec<GraphPlan>,
) -> Result<OpenOutput, Error> {
    let spec = &job.outputs[index];
    let host = Arc::new(Failure::default());
    let _opening = Doing::Peer.begin(super::dump::output_name(context, index, &spec.url));
    let clock = Clock::of_output(context, job, index);
    let builder =
        Builder { context, job, spec, index, streams_before, host: Arc::clone(&host), clock: Arc::clone(&clock) };
    builder.build(inputs, graphs).map_err(|error| {
        let error = clock.error("open output").or_else(|| host.error("open output")).unwrap_or(error);
        let error = if error.output().is_none() { error.on_output(index, &spec.url) } else { error };
        unless_cancelled(context, error)
    })
}

pub(super) struct Builder<'a> {
    pub(super) context: &'a Arc<JobContext>,
    pub(super) job: &'a JobSpec,
    pub(super) spec: &'a FileSpec,
    pub(super) index: usize,
    /// Streams of the outputs before this one.
    pub(super) streams_before: usize,
    host: Arc<Failure>,
    pub(super) clock: Arc<Clock>,
}

impl Builder<'_> {
    fn build(&self, inputs: &mut [OpenInput], graphs: &mut Vec<GraphPlan>) -> Result<OpenOutput, Error> {
        let spec = self.spec;
        let mut open = self.make()?;
        let mut disabled = Disabled::of(spec);
        self.take_unlabelled(&mut open, graphs, &mut disabled)?;
        let unknown = UnknownStreams {
            ignore: self.job.global_flag("ignore_unknown"),
            copy: self.job.global_flag("copy_unknown"),
        };
        for source in select(spec, inputs, &open.output, disabled, unknown)? {
            match source {
                Source::Stream { input, stream } => self.add_from_input(&mut open, inputs, graphs, input, stream)?,
                Source::Label(label) => self.add_from_label(&mut open, graphs, &label)?,
            }
        }
        self.attach_files(&mut open)?;
        if open.streams.is_empty() && !open.output.flags().allows_no_streams() {
            return Err(Error::option(
                "the output would have no stream: none of the inputs' streams was chosen".into(),
            )
            .at("open output"));
        }
        open.options.check_unused(
            self.context,
            self.job.global_flag("mt_strict"),
            &format!("output {} ('{}')", self.index, crate::secrets::mask_url(&spec.url)),
        )?;
        super::advice::on_output(self.context, spec, &open);
        self.prepare_file(&mut open, inputs)?;
        #[cfg(ffmpeg7_0)]
        self.add_stream_groups(&mut open)?;
        self.add_programs(&mut open)?;
        metadata::apply(spec, &mut open, inputs)?;
        Ok(open)
    }

    fn make(&self) -> Result<OpenOutput, Error> {
        let spec = self.spec;
        let url = if spec.url == "-" { "pipe:" } else { &spec.url };
        let format = spec.value("f");
        let muxer = Muxer::find(format, url).ok_or_else(|| match format {
            Some(name) => Error::option(format!("output format '{name}' (option f) is unknown")).at("open output"),
            None => Error::option(format!("no format fits the output name '{url}'"))
                .at("open output")
                .with_hint("Give the name a known ending such as .mp4, or name the format with -f."),
        })?;
        let options = FileOptions::sort(spec, true);
        let files = host::files_of(self.context, &self.clock.interrupt, &self.host, muxer);
        let alias = host::alias_of(url, muxer, &options.format)?;
        let inner_url = alias.as_deref().unwrap_or(url);
        let mut output = Output::new(inner_url, muxer, &self.clock.interrupt, files, self.context.log_slot)
            .map_err(|e| failed(e, "open output", Code::ENOMEM, &format!("cannot set up an output for '{url}'")))?;
        if spec.flag("bitexact").unwrap_or(false) {
            output.set_bitexact();
        }
        let start_us = spec.value("ss").and_then(parse_time_us);
        let duration = duration_us(spec, start_us)?;
        if let Some(duration) = duration {
            output.set_duration_us(duration);
        }
        Ok(OpenOutput {
            index: self.index,
            url: url.to_owned(),
            header_options: options.format.clone(),
            options,
            output,
            streams: Vec::new(),
            start_us,
            duration_us: duration,
            limit_bytes: spec.value("fs").and_then(parse_integer).map(|bytes| bytes as u64),
            is_closed: false,
            is_shortest: spec.flag("shortest").unwrap_or(false),
            sync_buffer_us: sync_buffer_us(spec),
            is_strict: self.job.global_flag("mt_strict"),
            skips_refused: is_live(self.job, spec) || self.context.live.has_sources(),
            aborts_on_empty_stream: super::run::aborts_on(self.job, "empty_output_stream")?,
            sdp: None,
            chapters_us: Vec::new(),
            host: Arc::clone(&self.host),
            clock: Arc::clone(&self.clock),
        })
    }

    /// Outputs of complex graphs without a label go to the first output file.
    fn take_unlabelled(
        &self,
        open: &mut OpenOutput,
        graphs: &mut [GraphPlan],
        disabled: &mut Disabled,
    ) -> Result<(), Error> {
        for graph in graphs.iter_mut() {
            for sink in graph.sinks.iter_mut().filter(|sink| sink.target.is_none() && sink.label.is_none()) {
                match sink.kind {
                    MediaKind::Video => disabled.video = true,
                    MediaKind::Audio => disabled.audio = true,
                    _ => {}
                }
                self.connect_sink(open, sink)?;
            }
        }
        Ok(())
    }

    fn add_from_label(&self, open: &mut OpenOutput, graphs: &mut [GraphPlan], label: &str) -> Result<(), Error> {
        let sink =
            graphs.iter_mut().flat_map(|graph| &mut graph.sinks).find(|sink| sink.label.as_deref() == Some(label));
        match sink {
            Some(sink) if sink.target.is_none() => self.connect_sink(open, sink),
            Some(_) => Err(Error::option(format!("option map: the graph's output [{label}] is used twice"))
                .with_hint("Use the split or asplit filter to send one output to several files.")),
            None => Err(Error::option(format!("option map: no filter graph has an output [{label}]"))),
        }
    }

    fn connect_sink(&self, open: &mut OpenOutput, sink: &mut GraphSink) -> Result<(), Error> {
        let stream = self.add_stream(open, sink.kind, None)?;
        if matches!(open.streams[stream].work, Work::Copy { .. }) {
            return Err(Error::option(format!(
                "stream {stream} comes from a filter graph, so its codec cannot be copy"
            )));
        }
        let facts = open.facts();
        if ["filter", "filter_script"].iter().any(|name| self.spec.for_stream(name, &facts, stream).is_some()) {
            return Err(Error::option(format!(
                "stream {stream} comes from -filter_complex, so -filter cannot be used for it"
            )));
        }
        sink.target = Some((self.index, stream));
        Ok(())
    }

    fn add_from_input(
        &self,
        open: &mut OpenOutput,
        inputs: &mut [OpenInput],
        graphs: &mut Vec<GraphPlan>,
        input: usize,
        stream: usize,
    ) -> Result<(), Error> {
        let kind = inputs[input].streams[stream].info.kind();
        let index = self.add_stream(open, kind, Some((input, stream)))?;
        if let Work::Encode(plan) = &mut open.streams[index].work
            && kind == MediaKind::Audio
        {
            let source = Some((input, stream));
            plan.audio.pan = channel_map::pan_of(self.spec, inputs, self.index, index, source)?;
        }
        let is_encoded = matches!(open.streams[index].work, Work::Encode(_));
        use_stream(inputs, input, stream, is_encoded);
        let filter = self.filter_of(open, index)?;
        if let Some(filter) = &filter {
            super::trust::check_graph(&self.context.trust, filter)?;
        }
        if !is_encoded {
            return match filter {
                Some(filter) => Err(Error::option(format!(
                    "option filter '{filter}' cannot be used for stream {index}, which is copied"
                ))),
                None => Ok(()),
            };
        }
        if inputs[input].streams[stream].decoder.is_none() {
            let codec = av::codec_name(inputs[input].streams[stream].info.parameters.codec_id());
            return Err(Error::new(
                Code::UNSUPPORTED,
                format!("there is no decoder for {codec} (stream {input}:{stream})"),
            )
            .at("decode")
            .on_stream(stream));
        }
        if kind != MediaKind::Subtitle {
            self.add_simple_graph(
                open,
                inputs,
                graphs,
                index,
                filter,
                GraphSource { kind, input, stream, is_subtitle: false },
            );
        }
        Ok(())
    }

    /// -filter, or the text that -filter_script names.
    fn filter_of(&self, open: &OpenOutput, index: usize) -> Result<Option<String>, Error> {
        let facts = open.facts();
        let value = |name| self.spec.for_stream(name, &facts, index);
        match (value("filter"), value("filter_script")) {
            (Some(_), Some(_)) => Err(Error::option(format!(
                "only one of the options filter and filter_script can be set for stream {index}"
            ))),
            (Some(filter), None) => Ok(Some(filter.to_owned())),
            (None, Some(path)) => scripts::read("filter_script", path).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn add_simple_graph(
        &self,
        open: &mut OpenOutput,
        inputs: &[OpenInput],
        graphs: &mut Vec<GraphPlan>,
        index: usize,
        filter: Option<String>,
        source: GraphSource,
    ) {
        let kind = source.kind;
        let has_complex = graphs.iter().any(|graph| !graph.is_simple);
        let mode = self.frame_rate_mode_default(open, inputs, source.input);
        let Work::Encode(encode) = &mut open.streams[index].work else { return };
        encode.video.is_unfiltered = filter.is_none() && !has_complex;
        encode.video.mode = encode.video.mode.or(mode);
        let mut swr = open.options.resampler.clone();
        if av::exact_bits_per_sample(encode.codec.id()) == 24 {
            swr.set("output_sample_bits", "24");
        }
        let said = self.job.global("filter_threads").map(str::to_owned).or_else(|| encode.options.get("threads"));
        let threads = said.or_else(|| self.context.codec_threads.of_graph());
        let graph = GraphPlan {
            description: filter.unwrap_or_else(|| if kind == MediaKind::Video { "null" } else { "anull" }.to_owned()),
            is_simple: true,
            sources: vec![source],
            sinks: vec![GraphSink { kind, label: None, filter: String::new(), target: Some((self.index, index)) }],
            threads: threads.filter(|threads| threads != "auto"),
            most_frames: self.job.global("filter_buffered_frames").filter(|most| *most != "0").map(str::to_owned),
            sws: open.options.scaler.to_filter_options(),
            swr: swr.to_filter_options(),
            no_conversion: self.job.global("auto_conversion_filters") == Some("0"),
            fills_gaps: false,
            fills_from_zero: false,
        };
        graphs.push(graph.with_gaps());
    }

    /// An input with one stream only keeps an initial gap (ffmpeg_opt.c: VSYNC_VSCFR).
    fn frame_rate_mode_default(&self, open: &OpenOutput, inputs: &[OpenInput], input: usize) -> Option<FrameRateMode> {
        let mode = muxers_mode(&open.output, self.job.global_flag("copyts"));
        let is_single = inputs[input].streams.len() == 1 && inputs[input].user_offset_us == 0;
        Some(if mode == FrameRateMode::Cfr && is_single { FrameRateMode::Vscfr } else { mode })
    }
}

/// -shortest_buf_duration: 10 s where nothing is said. Before FFmpeg 6.0 any length may wait.
fn sync_buffer_us(spec: &FileSpec) -> Option<i64> {
    let seconds = spec.value("shortest_buf_duration").and_then(parse_float).unwrap_or(10.0);
    (av::loaded_release() >= Release(6, 0)).then_some((seconds * 1e6) as i64)
}
