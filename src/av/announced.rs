//! What the head of an FLV announces, for finding its streams.

use super::Input;
use super::ffi;

impl Input {
    /// How many streams the head announces that have had no packet yet. None where the format does not say. (flvdec.c: missing_streams, which
    /// avformat_find_stream_info reads, too.)
    pub fn missing_streams(&self) -> Option<u32> {
        let object = self.get().priv_data;
        let mut bits = 0;
        // SAFETY: a demuxer's private context begins with its class where it has one, and only what has one is asked; reading an option writes to `bits` only.
        let result = unsafe {
            match object.is_null() || (*self.get().iformat).priv_class.is_null() {
                true => return None,
                false => ffi::av_opt_get_int(object, c"missing_streams".as_ptr(), 0, &mut bits),
            }
        };
        (result >= 0).then(|| bits.count_ones())
    }

    /// How much media is looked at, at most, to find the streams.
    pub fn set_analysis_us(&mut self, most_us: i64) {
        // SAFETY: a valid context, which nobody else uses.
        unsafe { (*self.as_ptr()).max_analyze_duration = most_us };
    }
}
