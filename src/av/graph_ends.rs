//! The sources and sinks of filter graphs.

use super::graph::c;
use super::{AvError, Colors, FramePool, Graph, Rational, ffi};
use crate::options::MediaKind;
use std::ptr;

/// A filter between the graph and a source or sink: the filter's name, its instance name and arguments.
pub struct Link {
    pub filter: &'static str,
    pub name: String,
    pub args: String,
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

impl Graph {
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

    /// Makes a source, whose frames are of `pool` where they lie on a device.
    ///
    /// # Safety
    /// The graph is not configured yet.
    unsafe fn create_source(
        &mut self,
        source: &str,
        name: &str,
        args: &str,
        pool: Option<&FramePool>,
    ) -> Result<*mut ffi::AVFilterContext, AvError> {
        // SAFETY: passed on, or: valid graph and terminated strings, and the context belongs to the graph; the parameters are ours.
        unsafe {
            let Some(pool) = pool else { return self.create(source, name, args) };
            let (source, name, args) = (c(source)?, c(name)?, c(args)?);
            let definition = ffi::avfilter_get_by_name(source.as_ptr());
            let context = ffi::avfilter_graph_alloc_filter(self.graph, definition, name.as_ptr());
            let parameters = ffi::av_buffersrc_parameters_alloc();
            if context.is_null() || parameters.is_null() {
                ffi::av_free(parameters.cast());
                return Err(AvError::NO_MEMORY);
            }
            // From 7.0 on a source asks for its pool when it is initialised.
            (*parameters).hw_frames_ctx = pool.as_ptr();
            let set = AvError::check(ffi::av_buffersrc_parameters_set(context, parameters));
            ffi::av_free(parameters.cast());
            set?;
            AvError::check(ffi::avfilter_init_str(context, args.as_ptr()))?;
            Ok(context)
        }
    }

    /// Connects the next open input to a new source ("buffer" or "abuffer") through `links`. `pool`: of frames on a device.
    pub fn connect_source(
        &mut self,
        kind: MediaKind,
        name: &str,
        args: &str,
        pool: Option<&FramePool>,
        links: &[Link],
    ) -> Result<(), AvError> {
        let source = if kind == MediaKind::Video { "buffer" } else { "abuffer" };
        // SAFETY: connect is called once for each open input, in order; the entry is valid while the list is ours.
        unsafe {
            let mut entry = self.open_inputs;
            for _ in 0..self.sources.len() {
                entry = (*entry).next;
            }
            let context = self.create_source(source, name, args, pool)?;
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
}
