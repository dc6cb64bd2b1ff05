//! RAII over FFmpeg's libraries: every allocation has an owner, every call a safe signature. Nothing here knows threads,
//! channels, jobs or options. Enums are plain integers (see build.rs): a value that the headers do not know is just a number.

// What bindgen makes of a C type differs between FFmpeg's versions: a cast that does nothing here is needed there.
#![allow(clippy::unnecessary_cast)]

mod access;
mod announced;
mod avcc;
mod bsf;
mod byte_stream;
mod canvas;
pub mod cgroup;
mod chapters;
mod codec;
mod colors;
pub mod cpus;
mod decoder;
mod dict;
mod encoder;
mod error;
mod ffi;
mod formats;
mod frame;
mod graph;
mod graph_ends;
mod graph_text;
mod guarded;
mod hardware;
mod input;
mod input_facts;
mod interrupt;
mod io;
mod left_out;
mod length_prefixed;
mod list;
mod list_audio;
mod list_codecs;
mod list_devices;
mod list_help;
mod list_supported;
mod log;
mod log_terminal;
mod nal_units;
mod names;
pub mod niceness;
mod number_text;
mod options;
mod origin;
pub mod os;
mod outline;
mod output;
mod output_file;
mod packet;
mod params;
mod plain_file;
pub mod probe;
pub mod process;
pub(crate) mod pulse;
mod rational;
mod report;
pub mod resources;
mod ring;
mod sdp;
mod seekback;
mod settle;
mod sidedata;
#[cfg(not(ffmpeg8_0))] // where parsers have become private
mod slice_heads;
mod spared;
pub mod stacks;
#[cfg(ffmpeg7_0)]
mod stream_groups;
mod subtitle;
pub mod terminal;
mod tls;
mod url;
mod utf8;
mod versions;
mod whole_file;
mod whole_pictures;

pub use access::{Files, Gate};
pub use bsf::BitstreamFilters;
pub use byte_stream::{ByteStream, StreamError};
pub use canvas::CANVAS_FORMAT;
pub use chapters::Chapter;
pub use codec::{Codec, Threading, decoder_for, decoders_of, find_decoder, find_encoder};
pub use colors::{ColorChoice, Colors};
pub use decoder::{Decoder, DecoderSettings};
pub use dict::Dict;
pub use encoder::{
    AudioSettings, CommonSettings, Encoder, Matrix, MediaSettings, QuantiserSettings, RateOverride, VideoSettings,
};
pub use error::AvError;
pub use formats::{Demuxer, Muxer};
pub use frame::Frame;
pub use frame::PictureProperties;
pub use graph::{Graph, GraphOptions, GraphPad, SinkFormat};
pub use graph_ends::{Link, audio_source_args, video_source_args};
pub use graph_text::{FilterOption, FilterUse, all_bitstream_filters, all_filters, filter_options, filters_of};
pub use hardware::{DecoderDevice, Device, DeviceKind, EncoderHardware, FramePool, HardwareConfig, is_hardware_format};

pub use input::{Input, Opening};
pub use input_facts::InputStream;
pub use interrupt::Interrupt;
pub use io::Io;
pub use log::{
    LogContext, LogSink, configure as configure_log, forward as forward_log, install as install_log,
    thread_slot as set_log_slot, write as write_log,
};
pub use log_terminal::{LogPrinter, install_printer};
pub use names::*;
pub use number_text::{general_text, seconds_text, timestamp_text};
pub use options::*;
pub use origin::Origin;
pub use output::{FormatFlags, Output, has_number_pattern};
pub use packet::Packet;
pub use params::{ChannelLayout, Parameters};
pub use plain_file::{file_exists, is_regular_file, is_written_file};
pub(crate) use rational::NOPTS;
pub use rational::{Rational, TIME_BASE, compare, rescale, rescale_delta, rescale_rnd_minmax};
pub use report::PictureQuality;
pub use ring::{ReadRegion, Ring, RingPool, WriteRegion};
pub use sdp::SdpPart;
pub use settle::{AudioFacts, StreamHead, VideoFacts};
pub use sidedata::{Crop, SideData, rotation};
#[cfg(ffmpeg7_0)]
pub use stream_groups::{ElementPart, GroupKind};
pub use subtitle::{Subtitle, SubtitleSettings};
pub use tls::TlsPeers;
pub use url::Url;
pub use utf8::utf8_step;
pub use versions::*;
pub use whole_file::{read_whole, write_whole};

/// The process's own log, for a program that called [`install_printer`].
pub mod program_log {
    pub use super::log_terminal::{flags, level, message, set_flags, set_level, skips_repeated, wants};
}

/// Lists of what FFmpeg has, as text in the form of the ffmpeg program.
pub mod listing {
    pub use super::list::{
        Formats, bitstream_filters, colors, devices, dispositions, filters, formats, hardware, pixel_formats,
        protocol_names, protocols,
    };
    pub use super::list_audio::{layouts, sample_formats};
    pub use super::list_codecs::{codecs, coder_help, coder_list};
    pub use super::list_devices::{sinks, sources};
    pub use super::list_help::{
        all_options, bitstream_filter_help, demuxer_help, filter_help, muxer_help, protocol_help,
    };
    pub use super::versions::{Library, configuration, libraries, licence, release};
}
