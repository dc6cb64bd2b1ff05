//! Side data of streams: in the stream until FFmpeg 6.0, in its codec parameters since 6.1.

use super::{AvError, ffi};

/// A copy of one piece: its AVPacketSideDataType and bytes.
#[derive(Clone, Debug)]
pub struct SideData {
    pub kind: i32,
    pub data: Vec<u8>,
}

/// Lines and columns of a picture that are not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    pub top: u32,
    pub bottom: u32,
    pub left: u32,
    pub right: u32,
}

impl SideData {
    pub const DISPLAY_MATRIX: i32 = ffi::AV_PKT_DATA_DISPLAYMATRIX as i32;
    pub const CPB_PROPERTIES: i32 = ffi::AV_PKT_DATA_CPB_PROPERTIES as i32;
    #[cfg(ffmpeg7_1)]
    const FRAME_CROPPING: i32 = ffi::AV_PKT_DATA_FRAME_CROPPING as i32;

    /// The nine numbers of a display matrix.
    pub fn matrix(&self) -> Option<[i32; 9]> {
        if self.kind != SideData::DISPLAY_MATRIX || self.data.len() < 36 {
            return None;
        }
        let mut matrix = [0; 9];
        for (number, bytes) in matrix.iter_mut().zip(self.data.chunks_exact(4)) {
            *number = i32::from_ne_bytes(bytes.try_into().unwrap_or_default());
        }
        Some(matrix)
    }

    /// What a container cuts off its pictures; None where it is nothing. Known from FFmpeg 7.1 on.
    pub fn crop(&self) -> Option<Crop> {
        #[cfg(ffmpeg7_1)]
        if self.kind == SideData::FRAME_CROPPING && self.data.len() >= 16 {
            let number = |at: usize| self.data[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
            let crop = Crop { top: number(0), bottom: number(4), left: number(8), right: number(12) };
            return (crop.top | crop.bottom | crop.left | crop.right != 0).then_some(crop);
        }
        None
    }

    /// A matrix that rotates nothing.
    pub fn upright() -> SideData {
        SideData::rotated(0.0)
    }

    /// A matrix that rotates by `degrees` clockwise.
    pub fn rotated(degrees: f64) -> SideData {
        SideData::turned(degrees, false, false)
    }

    /// As `rotated`, and then mirrored.
    pub fn turned(degrees: f64, hflip: bool, vflip: bool) -> SideData {
        let mut matrix = [0i32; 9];
        // SAFETY: nine integers, as the functions ask.
        unsafe {
            ffi::av_display_rotation_set(matrix.as_mut_ptr(), degrees);
            ffi::av_display_matrix_flip(matrix.as_mut_ptr(), i32::from(hflip), i32::from(vflip));
        }
        SideData { kind: SideData::DISPLAY_MATRIX, data: matrix.iter().flat_map(|n| n.to_ne_bytes()).collect() }
    }
}

/// Counter-clockwise degrees of a display matrix, from -180 to 180; NaN where it is singular.
pub fn rotation(matrix: &[i32; 9]) -> f64 {
    // SAFETY: nine integers, as the function asks.
    unsafe { ffi::av_display_rotation_get(matrix.as_ptr()) }
}

/// # Safety
/// `pointer` points to `count` valid entries.
unsafe fn copied(pointer: *const ffi::AVPacketSideData, count: i32) -> Vec<SideData> {
    (0..usize::try_from(count).unwrap_or(0))
        .map(|i| {
            // SAFETY: within the array; data has `size` bytes.
            unsafe {
                let entry = &*pointer.add(i);
                let data = match entry.data.is_null() {
                    true => Vec::new(),
                    false => std::slice::from_raw_parts(entry.data, entry.size).to_vec(),
                };
                SideData { kind: entry.type_ as i32, data }
            }
        })
        .collect()
}

/// # Safety
/// `stream` is valid.
pub(super) unsafe fn of_stream(stream: *const ffi::AVStream) -> Vec<SideData> {
    // SAFETY: a valid stream; the arrays belong to it.
    unsafe {
        #[cfg(ffmpeg6_1)]
        {
            let par = (*stream).codecpar;
            copied((*par).coded_side_data, (*par).nb_coded_side_data)
        }
        #[cfg(not(ffmpeg6_1))]
        {
            copied((*stream).side_data, (*stream).nb_side_data)
        }
    }
}

/// # Safety
/// `context` is a valid encoder.
pub(super) unsafe fn of_encoder(context: *const ffi::AVCodecContext) -> Vec<SideData> {
    // SAFETY: a valid context; the array belongs to it.
    unsafe { copied((*context).coded_side_data, (*context).nb_coded_side_data) }
}

/// Adds or replaces side data of an output stream.
///
/// # Safety
/// `stream` is valid.
pub(super) unsafe fn add_to_stream(stream: *mut ffi::AVStream, side: &SideData) -> Result<(), AvError> {
    // SAFETY: a valid stream; the new data has the size that we asked for, or is NULL.
    unsafe {
        #[cfg(ffmpeg6_1)]
        let target = {
            let par = (*stream).codecpar;
            let entry = ffi::av_packet_side_data_new(
                &mut (*par).coded_side_data,
                &mut (*par).nb_coded_side_data,
                side.kind as _,
                side.data.len(),
                0,
            );
            if entry.is_null() { std::ptr::null_mut() } else { (*entry).data }
        };
        #[cfg(not(ffmpeg6_1))]
        let target = ffi::av_stream_new_side_data(stream, side.kind as _, side.data.len());
        if target.is_null() {
            return Err(AvError::NO_MEMORY);
        }
        std::ptr::copy_nonoverlapping(side.data.as_ptr(), target, side.data.len());
    }
    Ok(())
}
