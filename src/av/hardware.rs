//! Hardware devices, the frames on them, and which codecs use them (libavutil/hwcontext.h).

use super::{AvError, Codec, Dict, Frame, ffi};
use std::ffi::CStr;
use std::fmt;
use std::ptr::{self, NonNull};

/// One reference to a counted buffer of FFmpeg's.
struct BufferRef(NonNull<ffi::AVBufferRef>);

// SAFETY: the count is atomic; what the buffers of this module hold is not changed after it was made, or guards itself.
unsafe impl Send for BufferRef {}
// SAFETY: as above.
unsafe impl Sync for BufferRef {}

impl BufferRef {
    /// # Safety
    /// `pointer` is NULL or a reference that is the caller's to give away.
    unsafe fn owned(pointer: *mut ffi::AVBufferRef) -> Result<BufferRef, AvError> {
        NonNull::new(pointer).map(BufferRef).ok_or(AvError::NO_MEMORY)
    }

    /// One reference more, whose owner is who takes the pointer.
    fn reference(&self) -> Result<*mut ffi::AVBufferRef, AvError> {
        // SAFETY: valid while we own it.
        let pointer = unsafe { ffi::av_buffer_ref(self.0.as_ptr()) };
        if pointer.is_null() { Err(AvError::NO_MEMORY) } else { Ok(pointer) }
    }

    fn data(&self) -> *mut u8 {
        // SAFETY: valid while we own it.
        unsafe { self.0.as_ref().data }
    }
}

impl Drop for BufferRef {
    fn drop(&mut self) {
        let mut pointer = self.0.as_ptr();
        // SAFETY: our own reference, given back once.
        unsafe { ffi::av_buffer_unref(&mut pointer) };
    }
}

/// A kind of hardware device: an AVHWDeviceType that FFmpeg has a name for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceKind(ffi::AVHWDeviceType);

impl DeviceKind {
    /// None: no such kind. One that FFmpeg knows need not be built in.
    pub fn find(name: &str) -> Option<DeviceKind> {
        let name = crate::text::c_string(name).ok()?;
        // SAFETY: a terminated string.
        let kind = unsafe { ffi::av_hwdevice_find_type_by_name(name.as_ptr()) };
        (kind != ffi::AV_HWDEVICE_TYPE_NONE).then_some(DeviceKind(kind))
    }

    /// The kinds that FFmpeg was built with.
    pub fn all() -> Vec<DeviceKind> {
        let mut kinds = Vec::new();
        let mut kind = ffi::AV_HWDEVICE_TYPE_NONE;
        loop {
            // SAFETY: any number may be given.
            kind = unsafe { ffi::av_hwdevice_iterate_types(kind) };
            if kind == ffi::AV_HWDEVICE_TYPE_NONE {
                return kinds;
            }
            kinds.push(DeviceKind(kind));
        }
    }

    pub fn name(self) -> &'static str {
        // SAFETY: any number may be asked for; names are static.
        unsafe {
            let name = ffi::av_hwdevice_get_type_name(self.0);
            if name.is_null() { "?" } else { CStr::from_ptr(name).to_str().unwrap_or("?") }
        }
    }
}

/// An open device, closed with its last reference: codecs, filters and frames hold references of their own.
pub struct Device(BufferRef);

impl Device {
    /// Opens a device. May block for as long as its driver likes.
    pub fn open(kind: DeviceKind, device: Option<&str>, options: &Dict) -> Result<Device, AvError> {
        let device = device.map(crate::text::c_string).transpose().map_err(|_| AvError::INVALID)?;
        let device = device.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        let mut pointer = ptr::null_mut();
        // SAFETY: terminated strings, and options that are only read; the reference is ours.
        unsafe {
            AvError::check(ffi::av_hwdevice_ctx_create(&mut pointer, kind.0, device, options.as_ptr().cast_mut(), 0))?;
            BufferRef::owned(pointer).map(Device)
        }
    }

    /// A device of another kind on the same hardware. May block.
    pub fn derive(kind: DeviceKind, source: &Device) -> Result<Device, AvError> {
        let mut pointer = ptr::null_mut();
        // SAFETY: a valid device; the new reference is ours.
        unsafe {
            AvError::check(ffi::av_hwdevice_ctx_create_derived(&mut pointer, kind.0, source.0.0.as_ptr(), 0))?;
            BufferRef::owned(pointer).map(Device)
        }
    }

    pub fn kind(&self) -> DeviceKind {
        // SAFETY: the data of a device's buffer.
        DeviceKind(unsafe { (*self.0.data().cast::<ffi::AVHWDeviceContext>()).type_ })
    }

    /// A reference for a structure of FFmpeg's, which gives it back.
    pub(super) fn reference(&self) -> Result<*mut ffi::AVBufferRef, AvError> {
        self.0.reference()
    }
}

/// Where frames on a device come from: an AVHWFramesContext.
pub struct FramePool(BufferRef);

impl FramePool {
    /// # Safety
    /// `pointer` is NULL (then there is none) or a valid frames context, which stays the caller's.
    pub(super) unsafe fn of(pointer: *mut ffi::AVBufferRef) -> Result<Option<FramePool>, AvError> {
        if pointer.is_null() {
            return Ok(None);
        }
        // SAFETY: valid by contract; the new reference is ours.
        unsafe { BufferRef::owned(ffi::av_buffer_ref(pointer)) }.map(|buffer| Some(FramePool(buffer)))
    }

    /// The pixel format of its frames.
    pub fn format(&self) -> i32 {
        // SAFETY: the data of a pool's buffer.
        unsafe { (*self.0.data().cast::<ffi::AVHWFramesContext>()).format as i32 }
    }

    pub(super) fn reference(&self) -> Result<*mut ffi::AVBufferRef, AvError> {
        self.0.reference()
    }

    /// For who makes a reference of its own.
    pub(super) fn as_ptr(&self) -> *mut ffi::AVBufferRef {
        self.0.0.as_ptr()
    }
}

/// Two references are equal when they are to the same pool.
impl PartialEq for FramePool {
    fn eq(&self, other: &FramePool) -> bool {
        self.0.data() == other.0.data()
    }
}

impl fmt::Debug for FramePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FramePool(format {})", self.format())
    }
}

/// A way in which a codec uses hardware (AVCodecHWConfig).
#[derive(Clone, Copy, Debug)]
pub struct HardwareConfig {
    /// None where it needs no device of ours.
    pub kind: Option<DeviceKind>,
    /// The pixel format; -1 is any.
    pub format: i32,
    pub takes_device: bool,
    pub takes_frames: bool,
}

impl Codec {
    pub fn hardware_configs(self) -> Vec<HardwareConfig> {
        // SAFETY: a static codec; an index past the end gives NULL, and what is there is static.
        let config = |index| unsafe { ffi::avcodec_get_hw_config(self.as_ptr(), index).as_ref() };
        let has = |config: &ffi::AVCodecHWConfig, method: u32| config.methods as u32 & method != 0;
        (0..)
            .map_while(config)
            .map(|config| HardwareConfig {
                kind: (config.device_type != ffi::AV_HWDEVICE_TYPE_NONE).then_some(DeviceKind(config.device_type)),
                format: config.pix_fmt as i32,
                takes_device: has(config, ffi::AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX as u32),
                takes_frames: has(config, ffi::AV_CODEC_HW_CONFIG_METHOD_HW_FRAMES_CTX as u32),
            })
            .collect()
    }
}

/// Whether frames of a pixel format lie on a device.
pub fn is_hardware_format(format: i32) -> bool {
    // SAFETY: any number may be asked for; descriptors are static.
    unsafe {
        let descriptor = ffi::av_pix_fmt_desc_get(format as _);
        !descriptor.is_null() && (*descriptor).flags & u64::from(ffi::AV_PIX_FMT_FLAG_HWACCEL) != 0
    }
}

/// What a decoder does with a device.
pub struct DecoderDevice {
    pub device: std::sync::Arc<Device>,
    /// The device is for frames, where the codec can (-hwaccel); otherwise for the decoder's own use.
    pub is_for_frames: bool,
}

impl DecoderDevice {
    /// # Safety
    /// A valid decoder that is not open yet.
    pub(super) unsafe fn attach(&self, context: *mut ffi::AVCodecContext) -> Result<(), AvError> {
        // SAFETY: by contract; the context gives the reference back.
        unsafe {
            (*context).hw_device_ctx = self.device.reference()?;
            (*context).get_format = Some(if self.is_for_frames { choose_hardware } else { choose_software });
            // Up to 5.1 a callback runs on the caller's thread otherwise, and frame threads wait for it.
            #[cfg(not(ffmpeg6))]
            {
                (*context).thread_safe_callbacks = 1;
            }
        }
        Ok(())
    }
}

/// The first format of the list that the decoder's device has, or else the first in memory (ffmpeg.c: get_format).
unsafe extern "C" fn choose_hardware(
    context: *mut ffi::AVCodecContext,
    formats: *const ffi::AVPixelFormat,
) -> ffi::AVPixelFormat {
    // SAFETY: called by an open decoder with a list that ends with AV_PIX_FMT_NONE; attach set the device.
    unsafe {
        let device = (*context).hw_device_ctx;
        let codec = (*context).codec;
        if device.is_null() || codec.is_null() {
            return choose_software(context, formats);
        }
        let kind = (*(*device).data.cast::<ffi::AVHWDeviceContext>()).type_;
        choose(formats, |format| {
            // Only the first way of this format counts, as in ffmpeg.
            (0..)
                .map_while(|index| ffi::avcodec_get_hw_config(codec, index).as_ref())
                .find(|config| {
                    config.methods as u32 & ffi::AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX as u32 != 0
                        && config.pix_fmt == format
                })
                .is_some_and(|config| config.device_type == kind)
        })
    }
}

unsafe extern "C" fn choose_software(
    _context: *mut ffi::AVCodecContext,
    formats: *const ffi::AVPixelFormat,
) -> ffi::AVPixelFormat {
    // SAFETY: as above.
    unsafe { choose(formats, |_| false) }
}

/// # Safety
/// `formats` ends with AV_PIX_FMT_NONE.
unsafe fn choose(formats: *const ffi::AVPixelFormat, takes: impl Fn(ffi::AVPixelFormat) -> bool) -> ffi::AVPixelFormat {
    let mut place = formats;
    // SAFETY: by contract; not past the end.
    unsafe {
        while *place != ffi::AV_PIX_FMT_NONE && is_hardware_format(*place as i32) && !takes(*place) {
            place = place.add(1);
        }
        *place
    }
}

/// What an encoder gets of the hardware.
pub enum EncoderHardware {
    Frames(std::sync::Arc<FramePool>),
    Device(std::sync::Arc<Device>),
}

impl EncoderHardware {
    /// # Safety
    /// A valid encoder that is not open yet.
    pub(super) unsafe fn attach(&self, context: *mut ffi::AVCodecContext) -> Result<(), AvError> {
        // SAFETY: by contract; the context gives the reference back.
        unsafe {
            match self {
                EncoderHardware::Frames(pool) => (*context).hw_frames_ctx = pool.reference()?,
                EncoderHardware::Device(device) => (*context).hw_device_ctx = device.reference()?,
            }
        }
        Ok(())
    }
}

impl Frame {
    /// The pool that the frame is of, where it lies on a device.
    pub fn pool(&self) -> Result<Option<FramePool>, AvError> {
        // SAFETY: NULL or a valid reference of a frame that we own.
        unsafe { FramePool::of((*self.as_ptr()).hw_frames_ctx) }
    }

    /// Moves the picture off its device, into `format` or, for -1, the one that the device likes best. May block
    /// (ffmpeg_hw.c: hwaccel_retrieve_data).
    pub fn download(&mut self, format: i32) -> Result<(), AvError> {
        let mut copy = Frame::new()?;
        // SAFETY: two valid frames.
        unsafe {
            (*copy.as_ptr()).format = format;
            AvError::check(ffi::av_hwframe_transfer_data(copy.as_ptr(), self.as_ptr(), 0))?;
            AvError::check(ffi::av_frame_copy_props(copy.as_ptr(), self.as_ptr()))?;
        }
        std::mem::swap(self, &mut copy);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
