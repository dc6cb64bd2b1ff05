//! Filter graphs.

use super::params::ChannelLayout;
use super::{AvError, Colors, Frame, Rational, ffi};
use crate::options::MediaKind;
use std::ffi::{CStr, CString, c_void};
use std::ptr;

/// A filter graph: parsed, then its open ends connected, then configured.
pub struct Graph {
    graph: *mut ffi::AVFilterGraph,
    open_inputs: *mut ffi::AVFilterInOut,
    open_outputs: *mut ffi::AVFilterInOut,
    sources: Vec<*mut ffi::AVFilterContext>,
    sinks: Vec<*mut ffi::AVFilterContext>,
}

// SAFETY: used by one thread at a time, as every call that changes it needs `&mut`.
unsafe impl Send for Graph {}

/// An open end of a parsed graph.
#[derive(Clone, Debug)]
pub struct GraphPad {
    /// The label, without brackets: "0:v", "out".
    pub label: Option<String>,
    pub kind: MediaKind,
    /// The filter that it belongs to, for messages.
    pub filter: String,
}

/// A filter between the graph and a source or sink: the filter's name, its instance name and arguments.
pub struct Link {
    pub filter: &'static str,
    pub name: String,
    pub args: String,
}

fn c(text: &str) -> Result<CString, AvError> {
    crate::text::c_string(text).map_err(|_| AvError::INVALID)
}

/// Options of a graph as a whole.
#[derive(Default)]
pub struct GraphOptions<'a> {
    pub threads: Option<&'a str>,
    pub sws: String,
    pub swr: String,
    pub log_slot: usize,
    pub no_conversion: bool,
}

impl Graph {
    /// Parses a description. A filter that does not exist, or bad arguments, are errors here.
    pub fn parse(description: &str, options: &GraphOptions) -> Result<Graph, AvError> {
        let description = c(description)?;
        // SAFETY: the graph and the lists are ours from here on and freed by Drop.
        unsafe {
            let graph = ffi::avfilter_graph_alloc();
            if graph.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            let mut this = Graph {
                graph,
                open_inputs: ptr::null_mut(),
                open_outputs: ptr::null_mut(),
                sources: Vec::new(),
                sinks: Vec::new(),
            };
            (*graph).opaque = ptr::without_provenance_mut::<c_void>(options.log_slot);
            let set = |name: &CStr, value: &str| -> Result<i32, AvError> {
                AvError::check(ffi::av_opt_set(graph.cast(), name.as_ptr(), c(value)?.as_ptr(), 0))
            };
            if let Some(threads) = options.threads {
                set(c"threads", threads)?;
            }
            if !options.sws.is_empty() {
                set(c"scale_sws_opts", &options.sws)?;
            }
            if !options.swr.is_empty() {
                set(c"aresample_swr_opts", &options.swr)?;
            }
            if options.no_conversion {
                ffi::avfilter_graph_set_auto_convert(graph, ffi::AVFILTER_AUTO_CONVERT_NONE as u32);
            }
            AvError::check(ffi::avfilter_graph_parse2(
                graph,
                description.as_ptr(),
                &mut this.open_inputs,
                &mut this.open_outputs,
            ))?;
            Ok(this)
        }
    }

    /// The open inputs and outputs, in the order in which they are connected.
    pub fn pads(&self) -> (Vec<GraphPad>, Vec<GraphPad>) {
        // SAFETY: lists that we own; every entry has a filter with as many pads as its index says.
        unsafe {
            let list = |mut entry: *mut ffi::AVFilterInOut, is_input: bool| {
                let mut pads = Vec::new();
                while !entry.is_null() {
                    let filter = (*entry).filter_ctx;
                    let array = if is_input { (*filter).input_pads } else { (*filter).output_pads };
                    let text = |p: *const std::ffi::c_char| CStr::from_ptr(p).to_string_lossy().into_owned();
                    pads.push(GraphPad {
                        label: (!(*entry).name.is_null()).then(|| text((*entry).name)),
                        kind: super::params::media_kind(ffi::avfilter_pad_get_type(array, (*entry).pad_idx)),
                        filter: text((*(*filter).filter).name),
                    });
                    entry = (*entry).next;
                }
                pads
            };
            (list(self.open_inputs, true), list(self.open_outputs, false))
        }
    }

    /// # Safety
    /// The graph is not configured yet.
    unsafe fn create(&mut self, filter: &str, name: &str, args: &str) -> Result<*mut ffi::AVFilterContext, AvError> {
        let (filter, name, args) = (c(filter)?, c(name)?, c(args)?);
        let mut context = ptr::null_mut();
        // SAFETY: valid graph and terminated strings; the context belongs to the graph.
        unsafe {
            let definition = ffi::avfilter_get_by_name(filter.as_ptr());
            if definition.is_null() {
                return Err(AvError::FILTER_NOT_FOUND);
            }
            let args = if args.is_empty() { ptr::null() } else { args.as_ptr() };
            AvError::check(ffi::avfilter_graph_create_filter(
                &mut context,
                definition,
                name.as_ptr(),
                args,
                ptr::null_mut(),
                self.graph,
            ))?;
        }
        Ok(context)
    }

    /// Connects the next open input to a new source ("buffer" or "abuffer") through `links`.
    pub fn connect_source(&mut self, kind: MediaKind, name: &str, args: &str, links: &[Link]) -> Result<(), AvError> {
        let source = if kind == MediaKind::Video { "buffer" } else { "abuffer" };
        // SAFETY: connect is called once for each open input, in order; the entry is valid while the list is ours.
        unsafe {
            let mut entry = self.open_inputs;
            for _ in 0..self.sources.len() {
                entry = (*entry).next;
            }
            let context = self.create(source, name, args)?;
            self.sources.push(context);
            let mut last = context;
            for link in links {
                let next = self.create(link.filter, &link.name, &link.args)?;
                AvError::check(ffi::avfilter_link(last, 0, next, 0))?;
                last = next;
            }
            AvError::check(ffi::avfilter_link(last, 0, (*entry).filter_ctx, (*entry).pad_idx as u32)).map(drop)
        }
    }

    /// Connects the next open output through `links` to a new sink.
    pub fn connect_sink(&mut self, kind: MediaKind, name: &str, links: &[Link]) -> Result<(), AvError> {
        let sink = if kind == MediaKind::Video { "buffersink" } else { "abuffersink" };
        // SAFETY: as above, for the outputs.
        unsafe {
            let mut entry = self.open_outputs;
            for _ in 0..self.sinks.len() {
                entry = (*entry).next;
            }
            let context = self.create_sink(sink, name)?;
            self.sinks.push(context);
            let (mut last, mut pad) = ((*entry).filter_ctx, (*entry).pad_idx as u32);
            for link in links {
                let next = self.create(link.filter, &link.name, &link.args)?;
                AvError::check(ffi::avfilter_link(last, pad, next, 0))?;
                (last, pad) = (next, 0);
            }
            AvError::check(ffi::avfilter_link(last, pad, context, 0)).map(drop)
        }
    }

    /// # Safety
    /// The graph is not configured yet.
    unsafe fn create_sink(&mut self, sink: &str, name: &str) -> Result<*mut ffi::AVFilterContext, AvError> {
        // SAFETY: passed on; the option is an integer of audio sinks of FFmpeg before 7.
        unsafe {
            let context = self.create(sink, name, "")?;
            #[cfg(not(ffmpeg7_0))]
            if sink == "abuffersink" {
                let flags = ffi::AV_OPT_SEARCH_CHILDREN as i32;
                AvError::check(ffi::av_opt_set_int(context.cast(), c"all_channel_counts".as_ptr(), 1, flags))?;
            }
            Ok(context)
        }
    }

    /// Checks and prepares the whole graph; every open end must be connected.
    pub fn configure(&mut self) -> Result<(), AvError> {
        // SAFETY: valid graph; the lists are not needed any more.
        unsafe {
            ffi::avfilter_inout_free(&mut self.open_inputs);
            ffi::avfilter_inout_free(&mut self.open_outputs);
            AvError::check(ffi::avfilter_graph_config(self.graph, ptr::null_mut())).map(drop)
        }
    }

    /// Gives a source a frame; the frame keeps its own reference.
    pub fn send(&mut self, source: usize, frame: &Frame) -> Result<(), AvError> {
        let flags = (ffi::AV_BUFFERSRC_FLAG_KEEP_REF | ffi::AV_BUFFERSRC_FLAG_PUSH) as i32;
        // SAFETY: valid source and frame; with KEEP_REF the frame is only read.
        AvError::check(unsafe { ffi::av_buffersrc_add_frame_flags(self.sources[source], frame.as_ptr(), flags) })
            .map(drop)
    }

    /// Ends a source; `pts` in its time base.
    pub fn close_source(&mut self, source: usize, pts: i64) -> Result<(), AvError> {
        let flags = ffi::AV_BUFFERSRC_FLAG_PUSH as u32;
        // SAFETY: valid source.
        AvError::check(unsafe { ffi::av_buffersrc_close(self.sources[source], pts, flags) }).map(drop)
    }

    /// How often a source was asked for a frame and had none.
    pub fn failed_requests(&self, source: usize) -> u32 {
        // SAFETY: valid source.
        unsafe { ffi::av_buffersrc_get_nb_failed_requests(self.sources[source]) }
    }

    /// Asks for a frame on the sink that is furthest behind. `AGAIN`: a source must be fed; `EOF`: all is out.
    pub fn request_oldest(&mut self) -> Result<(), AvError> {
        // SAFETY: valid, configured graph.
        AvError::check(unsafe { ffi::avfilter_graph_request_oldest(self.graph) }).map(drop)
    }

    /// Takes a frame that is ready at a sink. `AGAIN`: none; `EOF`: none will come.
    pub fn receive(&mut self, sink: usize, frame: &mut Frame) -> Result<(), AvError> {
        let flags = ffi::AV_BUFFERSINK_FLAG_NO_REQUEST as i32;
        // SAFETY: valid sink and frame.
        AvError::check(unsafe { ffi::av_buffersink_get_frame_flags(self.sinks[sink], frame.as_ptr(), flags) }).map(drop)
    }

    pub fn set_frame_size(&mut self, sink: usize, samples: i32) {
        // SAFETY: valid sink.
        unsafe { ffi::av_buffersink_set_frame_size(self.sinks[sink], samples as u32) };
    }

    pub fn sink_format(&self, sink: usize) -> SinkFormat {
        let sink = self.sinks[sink];
        let mut layout = ChannelLayout::empty();
        // SAFETY: a configured sink; the layout is ours.
        unsafe {
            let is_audio = ffi::av_buffersink_get_type(sink) == ffi::AVMEDIA_TYPE_AUDIO;
            if is_audio {
                ffi::av_buffersink_get_ch_layout(sink, layout.as_mut());
            }
            SinkFormat {
                format: ffi::av_buffersink_get_format(sink),
                time_base: ffi::av_buffersink_get_time_base(sink).into(),
                width: ffi::av_buffersink_get_w(sink),
                height: ffi::av_buffersink_get_h(sink),
                sample_aspect_ratio: ffi::av_buffersink_get_sample_aspect_ratio(sink).into(),
                frame_rate: ffi::av_buffersink_get_frame_rate(sink).into(),
                sample_rate: if is_audio { ffi::av_buffersink_get_sample_rate(sink) } else { 0 },
                layout,
                colors: Colors::of_sink(sink),
            }
        }
    }

    /// Whether no filter changes the frames themselves (ffmpeg_filter.c: graph_is_meta).
    pub fn is_meta(&self) -> bool {
        // SAFETY: a valid graph with nb_filters filters.
        unsafe {
            (0..(*self.graph).nb_filters as usize).all(|i| {
                let context = *(*self.graph).filters.add(i);
                let filter = &*(*context).filter;
                let name = CStr::from_ptr(filter.name).to_bytes();
                filter.flags as u32 & ffi::AVFILTER_FLAG_METADATA_ONLY != 0
                    || (*context).nb_outputs == 0
                    || ((*context).nb_inputs == 0 && (name == b"buffer" || name == b"abuffer"))
            })
        }
    }
}

/// What comes out of a sink.
pub struct SinkFormat {
    pub format: i32,
    pub time_base: Rational,
    pub width: i32,
    pub height: i32,
    pub sample_aspect_ratio: Rational,
    pub frame_rate: Rational,
    pub sample_rate: i32,
    pub layout: ChannelLayout,
    pub colors: Colors,
}

/// Arguments of a video source (ffmpeg_filter.c: configure_input_video_filter).
pub fn video_source_args(
    size: (i32, i32),
    format: i32,
    time_base: Rational,
    aspect: Rational,
    frame_rate: Rational,
    colors: Colors,
) -> String {
    let aspect = if aspect.den == 0 { Rational::new(0, 1) } else { aspect };
    let mut args = format!(
        "video_size={}x{}:pix_fmt={}:time_base={}/{}:pixel_aspect={}/{}{}",
        size.0,
        size.1,
        format,
        time_base.num,
        time_base.den,
        aspect.num,
        aspect.den,
        colors.source_args()
    );
    if frame_rate.num != 0 && frame_rate.den != 0 {
        args.push_str(&format!(":frame_rate={}/{}", frame_rate.num, frame_rate.den));
    }
    args
}

/// Arguments of an audio source.
pub fn audio_source_args(sample_rate: i32, format: &str, layout: Option<&str>, channels: i32) -> String {
    let base = format!("time_base=1/{sample_rate}:sample_rate={sample_rate}:sample_fmt={format}");
    match layout {
        Some(layout) => format!("{base}:channel_layout={layout}"),
        None => format!("{base}:channels={channels}"),
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: all ours; freed once. Joins FFmpeg's filter threads.
        unsafe {
            ffi::avfilter_inout_free(&mut self.open_inputs);
            ffi::avfilter_inout_free(&mut self.open_outputs);
            ffi::avfilter_graph_free(&mut self.graph);
        }
    }
}
