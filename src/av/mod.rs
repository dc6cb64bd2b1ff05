//! RAII over FFmpeg's libraries: every allocation has an owner, every call a safe signature. Nothing here knows threads,
//! channels, jobs or options. Enums are plain integers (see build.rs): a value that the headers do not know is just a number.

// What bindgen makes of a C type differs between FFmpeg's versions: a cast that does nothing here is needed there.
#![allow(clippy::unnecessary_cast)]

mod access;
mod bsf;
mod chapters;
mod codec;
mod decoder;
mod dict;
mod encoder;
mod error;
mod ffi;
mod frame;
mod graph;
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
pub mod probe;
mod rational;
mod ring;
mod sidedata;
mod url_writer;
mod utf8;
mod versions;

pub use access::Files;
pub use bsf::BitstreamFilters;
pub use chapters::Chapter;
pub use codec::{Codec, decoder_for, find_decoder, find_encoder};
pub use decoder::Decoder;
pub use dict::Dict;
pub use encoder::{AudioSettings, CommonSettings, Encoder, MediaSettings, VideoSettings};
pub use error::AvError;
pub use frame::Frame;
pub use frame::PictureProperties;
pub use graph::{Graph, GraphOptions, GraphPad, Link, SinkFormat, audio_source_args, video_source_args};
pub use input::{Input, InputStream, Opening};
pub use interrupt::Interrupt;
pub use io::{ByteStream, Io, StreamError};
pub use log::{
    LogContext, LogSink, configure as configure_log, forward as forward_log, install as install_log,
    thread_slot as set_log_slot, write as write_log,
};
pub use names::*;
pub use options::*;
pub use output::{FormatFlags, Output, guess_muxer, has_number_pattern};
pub use packet::Packet;
pub use params::{ChannelLayout, Parameters};
pub(crate) use rational::NOPTS;
pub use rational::{Rational, TIME_BASE, compare, rescale, rescale_delta, rescale_rnd_minmax};
pub use ring::{ReadRegion, Ring, RingPool, WriteRegion};
pub use sidedata::{SideData, rotation};
pub use url_writer::UrlWriter;
pub use utf8::utf8_step;
pub use versions::*;
