//! RAII over FFmpeg's libraries: every allocation has an owner, every call a safe signature. Nothing here knows threads,
//! channels, jobs or options. Enums are plain integers (see build.rs): a value that the headers do not know is just a number.

// What bindgen makes of a C type differs between FFmpeg's versions: a cast that does nothing here is needed there.
#![allow(clippy::unnecessary_cast)]

mod access;
mod bsf;
mod canvas;
mod chapters;
mod codec;
mod decoder;
mod dict;
mod encoder;
mod error;
mod ffi;
mod formats;
mod frame;
mod graph;
mod graph_text;
mod guarded;
mod input;
mod interrupt;
mod io;
mod log;
mod names;
mod options;
pub mod os;
mod output;
mod output_file;
mod packet;
mod params;
mod probe;
mod probe_side_data;
mod rational;
mod ring;
mod sidedata;
mod subtitle;
mod url;
mod versions;
mod whole_file;

pub use access::{Files, Gate};
pub use bsf::BitstreamFilters;
pub use canvas::CANVAS_FORMAT;
pub use chapters::Chapter;
pub use codec::{Codec, decoder_for, find_decoder, find_encoder};
pub use decoder::Decoder;
pub use dict::Dict;
pub use encoder::{
    AudioSettings, CommonSettings, Encoder, Matrix, MediaSettings, QuantiserSettings, RateOverride, VideoSettings,
};
pub use error::AvError;
pub use formats::{Demuxer, Muxer};
pub use frame::Frame;
pub use frame::PictureProperties;
pub use graph::{Graph, GraphOptions, GraphPad, Link, SinkFormat, audio_source_args, video_source_args};
pub use graph_text::{FilterOption, FilterUse, all_filters, filter_options, filters_of};
pub use input::{Input, InputStream, Opening};
pub use interrupt::Interrupt;
pub use io::{ByteStream, Io, StreamError};
pub use log::{LogContext, LogSink, forward as forward_log, install as install_log, thread_slot as set_log_slot};
pub use names::*;
pub use options::*;
pub use output::{FormatFlags, Output, has_number_pattern};
pub use packet::Packet;
pub use params::{ChannelLayout, Parameters};
pub use probe::probe_json;
pub(crate) use rational::NOPTS;
pub use rational::{Rational, TIME_BASE, compare, rescale, rescale_delta, rescale_rnd_minmax};
pub use ring::{ReadRegion, Ring, RingPool, WriteRegion};
pub use sidedata::{SideData, rotation};
pub use subtitle::{Subtitle, SubtitleSettings};
pub use url::Url;
pub use versions::*;
pub use whole_file::{read_whole, write_whole};
