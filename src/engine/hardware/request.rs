//! What the options of an input ask of the hardware for a stream (fftools/ffmpeg_opt.c: add_input_streams).

use crate::av::{self, AvError, Codec, DecoderDevice, Device, DeviceKind, Frame};
use crate::engine::context::JobContext;
use crate::error::Error;
use std::sync::Arc;

/// What -hwaccel and the options beside it ask for a stream.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    /// A name, or what a device of the method's kind is opened with.
    pub device: Option<String>,
    /// The pixel format that frames are to have after decoding; -1: in memory, as the device likes.
    pub output_format: i32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    #[default]
    None,
    /// The first that works, or none.
    Auto,
    Kind(DeviceKind),
}

/// How a decoder works with a device.
pub struct DecoderHardware {
    pub decoder: DecoderDevice,
    /// What its frames on the device look like; empty where they are left where they are.
    formats: Vec<i32>,
    output_format: i32,
}

impl DecoderHardware {
    pub fn new(device: Arc<Device>, request: &Request, codec: Codec) -> DecoderHardware {
        let is_for_frames = request.method != Method::None;
        let kind = Some(device.kind());
        let configs = codec.hardware_configs().into_iter();
        let formats = configs.filter(|c| is_for_frames && c.takes_device && c.kind == kind).map(|c| c.format).collect();
        let decoder = DecoderDevice { device, is_for_frames };
        DecoderHardware { decoder, formats, output_format: request.output_format }
    }

    /// Whether frames stay on the device. The links between decoder and encoder hold some of them then.
    pub fn keeps_frames(&self) -> bool {
        self.formats.contains(&self.output_format)
    }

    /// Brings a decoded frame to where it is wanted. May block.
    pub fn fetch(&self, frame: &mut Frame) -> Result<(), AvError> {
        match self.formats.contains(&frame.format()) && frame.format() != self.output_format {
            true => frame.download(self.output_format),
            false => Ok(()),
        }
    }
}

impl Request {
    /// `value` gives the value of an option for the stream.
    pub fn of<'a>(context: &JobContext, value: impl Fn(&'static str) -> Option<&'a str>) -> Result<Request, Error> {
        let asked = value("hwaccel");
        let method = match asked {
            None | Some("none") => Method::None,
            Some("auto") => Method::Auto,
            // Their frames are CUDA's.
            Some("nvdec" | "cuvid") => Method::Kind(kind("cuda")?),
            Some(name) => Method::Kind(kind(name)?),
        };
        let format = match (value("hwaccel_output_format"), asked) {
            (Some(name), _) => {
                let format = av::pixel_format(name);
                if format.is_none() {
                    let text = format!("option hwaccel_output_format has the unknown value '{name}' and is not used");
                    context.warn("open input", None, &text);
                }
                format
            }
            // As ffmpeg, for command lines of old.
            (None, Some("cuvid")) => av::pixel_format("cuda"),
            (None, Some(name @ ("qsv" | "mediacodec"))) => av::pixel_format(name),
            _ => None,
        };
        Ok(Request { method, device: value("hwaccel_device").map(str::to_owned), output_format: format.unwrap_or(-1) })
    }

    /// For a stream that is no video.
    pub fn none() -> Request {
        Request { method: Method::None, device: None, output_format: -1 }
    }

    /// The decoder of a stream, where the user names none: from 6.1 on the first that can use the kind of device that is asked for
    /// (ffmpeg_demux.c: choose_decoder).
    pub fn decoder(&self, codec_id: i32) -> Option<Codec> {
        let Method::Kind(kind) = self.method else { return None };
        let uses = |codec: &Codec| codec.hardware_configs().iter().any(|config| config.kind == Some(kind));
        cfg!(ffmpeg6_1).then(|| av::decoders_of(codec_id).into_iter().find(uses)).flatten()
    }
}

fn kind(name: &str) -> Result<DeviceKind, Error> {
    DeviceKind::find(name).ok_or_else(|| {
        let known = super::device_kinds().join(", ");
        Error::option(format!("option hwaccel has the unknown value '{name}'; it takes none, auto, {known}"))
            .at("open input")
    })
}
