//! Filter graphs.

use super::params::ChannelLayout;
use super::{AvError, Colors, Device, Frame, FramePool, Rational, ffi};
use crate::options::MediaKind;
use std::ffi::{CStr, CString, c_void};
use std::ptr;

/// A filter graph: parsed, then its open ends connected, then configured.
pub struct Graph {
    pub(super) graph: *mut ffi::AVFilterGraph,
    pub(super) open_inputs: *mut ffi::AVFilterInOut,
    pub(super) open_outputs: *mut ffi::AVFilterInOut,
    pub(super) sources: Vec<*mut ffi::AVFilterContext>,
    pub(super) sinks: Vec<*mut ffi::AVFilterContext>,
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

pub(super) fn c(text: &str) -> Result<CString, AvError> {
    crate::text::c_string(text).map_err(|_| AvError::INVALID)
}

/// Options of a graph as a whole.
#[derive(Default)]
pub struct GraphOptions<'a> {
    pub threads: Option<&'a str>,
    /// Frames that it may hold (FFmpeg 8.0).
    pub most_frames: Option<&'a str>,
    pub sws: String,
    pub swr: String,
    pub log_slot: usize,
    pub no_conversion: bool,
    /// For filters that work on a device.
    pub device: Option<&'a Device>,
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
            if let Some(most) = options.most_frames {
                set(c"max_buffered_frames", most)?;
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
            this.parse_text(&description, options.device)?;
            Ok(this)
        }
    }

    /// Makes the filters, which get the device before they are initialised (ffmpeg_filter.c of 7.1: graph_parse).
    ///
    /// # Safety
    /// A valid graph without filters.
    #[cfg(ffmpeg6)]
    unsafe fn parse_text(&mut self, description: &CStr, device: Option<&Device>) -> Result<(), AvError> {
        // SAFETY: by contract; the segment is ours, and freed whatever becomes of it.
        unsafe {
            let mut segment = ptr::null_mut();
            AvError::check(ffi::avfilter_graph_segment_parse(self.graph, description.as_ptr(), 0, &mut segment))?;
            let made = AvError::check(ffi::avfilter_graph_segment_create_filters(segment, 0))
                .and_then(|_| self.attach(device))
                .and_then(|()| {
                    let (inputs, outputs) = (&mut self.open_inputs, &mut self.open_outputs);
                    AvError::check(ffi::avfilter_graph_segment_apply(segment, 0, inputs, outputs))
                });
            ffi::avfilter_graph_segment_free(&mut segment);
            made.map(drop)
        }
    }

    /// Makes the filters, which get the device after they are initialised (ffmpeg_filter.c of 5.1: configure_filtergraph).
    ///
    /// # Safety
    /// A valid graph without filters.
    #[cfg(not(ffmpeg6))]
    unsafe fn parse_text(&mut self, description: &CStr, device: Option<&Device>) -> Result<(), AvError> {
        let (inputs, outputs) = (&mut self.open_inputs, &mut self.open_outputs);
        // SAFETY: by contract.
        unsafe {
            AvError::check(ffi::avfilter_graph_parse2(self.graph, description.as_ptr(), inputs, outputs))?;
            self.attach(device)
        }
    }

    /// Gives a device to every filter that is there.
    ///
    /// # Safety
    /// A valid graph.
    unsafe fn attach(&self, device: Option<&Device>) -> Result<(), AvError> {
        let Some(device) = device else { return Ok(()) };
        // SAFETY: by contract, with nb_filters filters, which give their references back.
        unsafe {
            for index in 0..(*self.graph).nb_filters as usize {
                let context = *(*self.graph).filters.add(index);
                (*context).hw_device_ctx = device.reference()?;
            }
        }
        Ok(())
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

    /// The pool of the frames that come out of a sink, where they lie on a device.
    pub fn sink_pool(&self, sink: usize) -> Result<Option<FramePool>, AvError> {
        // SAFETY: a configured sink.
        unsafe { FramePool::of(ffi::av_buffersink_get_hw_frames_ctx(self.sinks[sink])) }
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
