//! The hardware devices of one job: opened as its options say, on the job's thread, and lent to its decoders, graphs and encoders.
//! Source: FFmpeg's fftools/ffmpeg_hw.c (5.1), and hw_device_setup_for_decode of ffmpeg_dec.c (7.1).

mod request;
mod text;

pub use request::{DecoderHardware, Method, Request};

use super::context::JobContext;
use super::errors::failed;
use super::observer::{LEVEL_INFO, LEVEL_VERBOSE};
use super::trust::Trust;
use crate::av::{AvError, Codec, Device, DeviceKind, Dict, EncoderHardware, FramePool};
use crate::error::{Code, Error};
use crate::options::JobSpec;
use parking_lot::Mutex;
use std::sync::Arc;
use text::DeviceText;

/// The device that -qsv_device opens (ffmpeg_opt.c: opt_qsv_device).
const QSV_NAME: &str = "__qsv_device";

/// An open device and its name.
#[derive(Clone)]
pub struct Named {
    pub name: String,
    pub device: Arc<Device>,
}

/// All of a job's, in the order in which they were opened. Opened by the job's thread only; read by all.
#[derive(Default)]
pub struct Devices {
    open: Mutex<Vec<Named>>,
    /// -filter_hw_device.
    for_filters: Mutex<Option<Named>>,
}

/// The kinds of devices that FFmpeg was built with, by their names.
pub fn device_kinds() -> Vec<&'static str> {
    DeviceKind::all().into_iter().map(DeviceKind::name).collect()
}

fn wrong(text: String) -> Error {
    Error::option(text).at("open device")
}

impl Devices {
    /// What the options of the whole job ask for, in their order. Blocks for as long as drivers like.
    pub fn open_all(&self, context: &JobContext, job: &JobSpec) -> Result<(), Error> {
        for setting in job.global.iter().filter(|setting| setting.definition.is_some()) {
            let value = setting.value.as_str();
            let text = match setting.name.as_str() {
                "init_hw_device" => value.to_owned(),
                "vaapi_device" => format!("vaapi:{value}"),
                "qsv_device" => format!("qsv={QSV_NAME}:hw_any,child_device={value}"),
                "filter_hw_device" => {
                    self.choose_for_filters(value)?;
                    continue;
                }
                _ => continue,
            };
            refuse_untrusted(context.trust.trust, &setting.given)?;
            if text == "list" {
                let text = "option init_hw_device with the value list is one of the program mt-transcode: it prints";
                return Err(Error::new(Code::UNSUPPORTED, text.into()).at("options"));
            }
            self.open_text(context, &text)?;
        }
        Ok(())
    }

    /// Gives the job's own references back: what uses a device has one of its own.
    pub fn close(&self) {
        *self.for_filters.lock() = None;
        let devices = std::mem::take(&mut *self.open.lock());
        drop(devices); // outside the lock: a driver may take its time
    }

    fn choose_for_filters(&self, name: &str) -> Result<(), Error> {
        let mut chosen = self.for_filters.lock();
        if chosen.is_some() {
            return Err(wrong("option filter_hw_device was given twice: only one device can be the filters'".into()));
        }
        let device = self.by_name(name);
        *chosen = Some(device.ok_or_else(|| {
            wrong(format!("option filter_hw_device names '{name}', which no -init_hw_device before it has opened"))
        })?);
        Ok(())
    }

    fn by_name(&self, name: &str) -> Option<Named> {
        self.open.lock().iter().find(|named| named.name == name).cloned()
    }

    /// The only one of its kind.
    fn by_kind(&self, kind: DeviceKind) -> Option<Named> {
        let open = self.open.lock();
        let mut fitting = open.iter().filter(|named| named.device.kind() == kind);
        fitting.next().filter(|_| fitting.next().is_none()).cloned()
    }

    /// "cuda0" and so on.
    fn new_name(&self, kind: DeviceKind) -> Option<String> {
        (0..1000).map(|number| format!("{}{number}", kind.name())).find(|name| self.by_name(name).is_none())
    }

    fn open_text(&self, context: &JobContext, text: &str) -> Result<(), Error> {
        let invalid = |why: &str| wrong(format!("the device '{text}' cannot be understood: {why}"));
        let parsed = DeviceText::parse(text).map_err(invalid)?;
        let kind = DeviceKind::find(parsed.kind).ok_or_else(|| invalid("unknown kind of device"))?;
        let name = match parsed.name {
            Some(name) if self.by_name(name).is_some() => return Err(invalid("another device has this name")),
            Some(name) => name.to_owned(),
            None => self.new_name(kind).ok_or_else(|| invalid("there are too many devices"))?,
        };
        let options = parsed.options.map_or_else(|| Ok(Dict::default()), Dict::parse_list);
        let options = options.map_err(|_| invalid("its options are not key=value,key=value"))?;
        let device = match parsed.source {
            Some(source) => {
                let source = self.by_name(source).ok_or_else(|| invalid("no device has the name behind @"))?;
                Device::derive(kind, &source.device)
            }
            None => Device::open(kind, parsed.device, &options),
        };
        let device = device.map_err(|e| cannot_open(e, kind, &format!(" '{text}'")))?;
        self.add(context, name, device);
        Ok(())
    }

    fn open_kind(&self, context: &JobContext, kind: DeviceKind, device: Option<&str>) -> Result<Named, Error> {
        let name = self.new_name(kind).ok_or_else(|| wrong("there are too many devices".into()))?;
        let opened = Device::open(kind, device, &Dict::default());
        let opened =
            opened.map_err(|e| cannot_open(e, kind, &device.map_or(String::new(), |device| format!(" '{device}'"))))?;
        Ok(self.add(context, name, opened))
    }

    fn add(&self, context: &JobContext, name: String, device: Device) -> Named {
        let named = Named { name, device: Arc::new(device) };
        note(context, LEVEL_VERBOSE, &format!("device {} of kind {} is open", named.name, named.device.kind().name()));
        self.open.lock().push(named.clone());
        named
    }

    /// The device of all filters: the one that was chosen, or the last that was opened (hw_device_setup_for_filter).
    pub fn for_filters(&self, context: &JobContext) -> Option<Arc<Device>> {
        if let Some(chosen) = &*self.for_filters.lock() {
            return Some(Arc::clone(&chosen.device));
        }
        let open = self.open.lock();
        let last = open.last()?;
        if open.len() > 1 {
            let (count, name, kind) = (open.len(), &last.name, last.device.kind().name());
            let text = format!(
                "there are {count} devices: filters get the last one, {name} of kind {kind}, as -filter_hw_device names none"
            );
            context.warn("filter", None, &text);
        }
        Some(Arc::clone(&last.device))
    }

    /// What an encoder is given: the pool of the frames that come, or a device of its kind (hw_device_setup_for_encode).
    pub fn for_encoder(&self, codec: Codec, pixel_format: i32, pool: Option<FramePool>) -> Option<EncoderHardware> {
        let pool = pool.filter(|pool| pool.format() == pixel_format).map(Arc::new);
        let mut device = None;
        for config in codec.hardware_configs() {
            let fits = config.format == -1 || config.format == pixel_format;
            if let Some(pool) = pool.as_ref().filter(|_| config.takes_frames && fits) {
                return Some(EncoderHardware::Frames(Arc::clone(pool)));
            }
            if device.is_none() && config.takes_device {
                device = config.kind.and_then(|kind| self.by_kind(kind));
            }
        }
        device.map(|named| EncoderHardware::Device(named.device))
    }

    /// What a decoder is given, by what its stream asks for. Opens a device where that is needed, which may block.
    pub fn for_decoder(
        &self,
        context: &JobContext,
        trust: Trust,
        request: &Request,
        codec: Codec,
    ) -> Result<Option<DecoderHardware>, Error> {
        let named = match (request.method, request.device.as_deref()) {
            (Method::None, None) => self.matching(codec),
            (Method::None, Some(name)) => match self.by_name(name) {
                Some(named) => return Err(unfit(&named, "none")),
                None => None,
            },
            (Method::Auto, name) => match name.and_then(|name| self.by_name(name)) {
                Some(named) => Some(named),
                None => self.find_any(context, trust, name, codec),
            },
            (Method::Kind(kind), name) => Some(self.of_kind(context, trust, kind, name)?),
        };
        Ok(named.map(|named| DecoderHardware::new(named.device, request, codec)))
    }

    /// A device that the codec has a use for, though nobody asked for one.
    fn matching(&self, codec: Codec) -> Option<Named> {
        if self.open.lock().is_empty() {
            return None;
        }
        let configs = codec.hardware_configs().into_iter();
        configs.filter(|config| config.takes_device).find_map(|config| self.by_kind(config.kind?))
    }

    fn of_kind(
        &self,
        context: &JobContext,
        trust: Trust,
        kind: DeviceKind,
        name: Option<&str>,
    ) -> Result<Named, Error> {
        refuse_untrusted(trust, "hwaccel")?;
        let found = match name {
            Some(name) => self.by_name(name),
            // There may be another one of this kind beside it.
            None => self.by_kind(kind).or_else(|| self.by_name(QSV_NAME).filter(|_| kind.name() == "qsv")),
        };
        match found {
            Some(named) if named.device.kind() != kind => Err(unfit(&named, kind.name())),
            Some(named) => Ok(named),
            None => self.open_kind(context, kind, name),
        }
    }

    /// The first kind that the codec can use and this machine has. None: it works in memory.
    fn find_any(&self, context: &JobContext, trust: Trust, name: Option<&str>, codec: Codec) -> Option<Named> {
        let configs = codec.hardware_configs();
        if configs.is_empty() {
            return None;
        }
        let kinds = || configs.iter().filter_map(|config| config.kind);
        let mut found = kinds().find_map(|kind| self.by_kind(kind));
        if found.is_none() && trust == Trust::Trusted {
            found = kinds().find_map(|kind| self.open_kind(context, kind, name).ok());
        }
        let text = match &found {
            Some(named) => {
                format!("-hwaccel auto takes device {} of kind {}", named.name, named.device.kind().name())
            }
            None if trust != Trust::Trusted => {
                format!("-hwaccel auto opens no device for {} inputs: decoding in memory", trust.word())
            }
            None => "-hwaccel auto finds no device: decoding in memory".to_owned(),
        };
        note(context, LEVEL_INFO, &text);
        found
    }
}

fn note(context: &JobContext, level: i32, text: &str) {
    context.observer.log(level, "device", None, text);
}

fn cannot_open(error: AvError, kind: DeviceKind, what: &str) -> Error {
    failed(error, "open device", Code::UNSUPPORTED, &format!("cannot open the {} device{what}", kind.name()))
        .with_hint("Check that the device is there, its driver installed, and that this user may use it.")
}

fn unfit(named: &Named, asked: &str) -> Error {
    let (name, kind) = (&named.name, named.device.kind().name());
    wrong(format!("option hwaccel_device names {name} of kind {kind}, which -hwaccel {asked} cannot use"))
}

fn refuse_untrusted(trust: Trust, option: &str) -> Result<(), Error> {
    if trust == Trust::Trusted {
        return Ok(());
    }
    let text =
        format!("option {option} opens a device of this machine, which jobs with {} inputs may not", trust.word());
    Err(Error::new(Code::EACCES, text)
        .at("open device")
        .with_hint("Give the job -mt_trust trusted if you know where its inputs come from."))
}
