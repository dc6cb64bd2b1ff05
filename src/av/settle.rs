//! Streams that a file's head says all of: what avformat_find_stream_info would find by decoding, put in its place without.
//! Everything here holds for FFmpeg's mov demuxer and leaves the context as that function does.

use super::rational::{NOPTS, TIME_BASE, rescale};
use super::{Input, Rational, decoder_for, ffi};

/// What an H.264 decoder would say of 8-bit 4:2:0 frames.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VideoFacts {
    pub width: i32,
    pub height: i32,
    /// FFmpeg's number of it, with its flags.
    pub profile: i32,
    pub level: i32,
    /// Unknown where its terms are 0.
    pub sample_aspect_ratio: Rational,
    pub has_limited_range: bool,
    /// Primaries, transfer, matrix.
    pub colors: Option<[i32; 3]>,
    /// An AVChromaLocation.
    pub chroma_location: i32,
    /// Frames that wait for earlier ones.
    pub delay_frames: i32,
    /// Ticks in a second and the ticks of a field.
    pub ticks: Option<(u32, u32)>,
}

/// What an AAC decoder would say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AudioFacts {
    pub sample_rate: i32,
    pub channels: i32,
    pub profile: i32,
    pub frame_samples: i32,
}

/// What is known of a stream beyond its container.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StreamHead {
    Video(VideoFacts),
    Audio(AudioFacts),
}

impl StreamHead {
    fn decoder(&self) -> (&'static str, u32) {
        match self {
            StreamHead::Video(_) => ("h264", u32::from_le_bytes(*b"avc1")),
            StreamHead::Audio(_) => ("aac", u32::from_le_bytes(*b"mp4a")),
        }
    }
}

impl Input {
    /// Takes `heads`, one for each stream, for what the streams are. False, and nothing changed, where the container says otherwise,
    /// leaves something open, or is a file cut off before the first packets: then only reading tells. What a stream will give is believed.
    pub fn settle(&mut self, heads: &[StreamHead]) -> bool {
        let size = self.size();
        if !self.says_all(size)
            || heads.len() != self.stream_count()
            || !heads.iter().enumerate().all(|(index, head)| self.agrees(index, head, size))
        {
            return false;
        }
        for (index, head) in heads.iter().enumerate() {
            self.settle_stream(index, head);
        }
        self.settle_times(size);
        true
    }

    /// In bytes. None of a stream.
    fn size(&self) -> Option<i64> {
        let pb = self.get().pb;
        // SAFETY: the open context's reader.
        (!pb.is_null()).then(|| unsafe { ffi::avio_size(pb) }).filter(|size| *size > 0)
    }

    /// Whether it has all its streams now, and says how long they are.
    fn says_all(&self, size: Option<i64>) -> bool {
        let context = self.get();
        let is_whole = context.ctx_flags as u32 & ffi::AVFMTCTX_NOHEADER == 0 && context.nb_programs == 0;
        let says_duration = || context.duration == NOPTS && size.is_some_and(|size| self.ends_at(size));
        is_whole && !context.pb.is_null() && (context.duration > 0 || says_duration())
    }

    /// Whether nothing follows what the index knows, as fragments would: since 7.0 the demuxer gives no file a duration, which it takes
    /// back where it sees fragments. So the index has been read at the very end, or the last media are there.
    fn ends_at(&self, size: i64) -> bool {
        let end_of_media = |index: usize| {
            let pointer = self.stream(index);
            // SAFETY: a valid stream, and the last entry of its index or NULL.
            let last = unsafe {
                ffi::avformat_index_get_entry(pointer, ffi::avformat_index_get_entries_count(pointer) - 1).as_ref()
            };
            last.map_or(0, |entry| entry.pos.saturating_add(i64::from(entry.size())))
        };
        self.position() == size || (0..self.stream_count()).map(end_of_media).max() == Some(size)
    }

    /// Where its reader, which there is, stands.
    fn position(&self) -> i64 {
        // SAFETY: the open context's reader, which is asked only.
        unsafe { ffi::avio_seek(self.get().pb, 0, libc::SEEK_CUR) }
    }

    fn agrees(&self, index: usize, head: &StreamHead, size: Option<i64>) -> bool {
        let pointer = self.stream(index);
        // SAFETY: a valid stream with its parameters; no Rust enum in them (build.rs).
        let (stream, par) = unsafe { (&*pointer, &*(*pointer).codecpar) };
        let (decoder, tag) = head.decoder();
        // SAFETY: an entry of the valid stream's index, or NULL.
        let first = unsafe { ffi::avformat_index_get_entry(pointer, 0).as_ref() };
        let is_ahead = |entry: &ffi::AVIndexEntry| match size {
            Some(size) => entry.pos.saturating_add(i64::from(entry.size())) <= size,
            None => entry.pos >= self.position(), // a stream does not go back
        };
        let is_there = first.is_some_and(|entry| entry.size() > 0 && is_ahead(entry));
        let is_timed = stream.start_time != NOPTS && stream.duration > 0 && stream.nb_frames > 0;
        let is_decoded_as_usual = decoder_for(par.codec_id as i32).is_some_and(|codec| codec.name() == decoder);
        let is_same = match head {
            StreamHead::Video(video) => {
                let rate = Rational::from(stream.r_frame_rate);
                let is_constant = rate.is_positive() && stream.avg_frame_rate.num > 0;
                let is_rate = video.ticks.is_none_or(|ticks| {
                    i64::from(ticks.0) * i64::from(rate.den) == 2 * i64::from(ticks.1) * i64::from(rate.num)
                });
                let is_size = (par.width, par.height) == (video.width, video.height);
                is_constant && is_rate && is_size && par.video_delay == video.delay_frames
            }
            StreamHead::Audio(audio) => {
                (par.sample_rate, par.ch_layout.nb_channels) == (audio.sample_rate, audio.channels)
            }
        };
        par.codec_tag == tag && is_there && is_timed && is_decoded_as_usual && is_same
    }

    fn settle_stream(&mut self, index: usize, head: &StreamHead) {
        let pointer = self.stream(index);
        // SAFETY: a valid stream with its parameters, which are ours to change through `&mut self`.
        let par = unsafe {
            (*pointer).event_flags |= ffi::AVSTREAM_EVENT_FLAG_NEW_PACKETS as i32;
            &mut *(*pointer).codecpar
        };
        match head {
            StreamHead::Video(video) => video.put(par),
            StreamHead::Audio(audio) => audio.put(par),
        }
    }

    /// As update_stream_timings of libavformat/demux.c.
    fn settle_times(&mut self, size: Option<i64>) {
        let times = (0..self.stream_count()).map(|index| {
            // SAFETY: a valid stream.
            let stream = unsafe { &*self.stream(index) };
            [stream.start_time, stream.duration].map(|time| rescale(time, stream.time_base.into(), TIME_BASE))
        });
        let start = times.clone().map(|[start, _]| start).min().unwrap_or(0);
        let end = times.clone().map(|[start, duration]| start.saturating_add(duration)).max().unwrap_or(0);
        let longest = times.map(|[_, duration]| duration).max().unwrap_or(0).max(end.saturating_sub(start));
        // SAFETY: the valid context, which is ours to change through `&mut self`.
        let context = unsafe { &mut *self.as_ptr() };
        context.start_time = start;
        if context.duration == NOPTS {
            context.duration = longest;
        }
        if let Some(size) = size {
            context.bit_rate = (size as f64 * 8.0 * f64::from(ffi::AV_TIME_BASE) / context.duration as f64) as i64;
        }
        context.duration_estimation_method = ffi::AVFMT_DURATION_FROM_STREAM;
    }
}

impl VideoFacts {
    pub(super) fn put(&self, par: &mut ffi::AVCodecParameters) {
        par.format = ffi::AV_PIX_FMT_YUV420P as i32;
        par.bits_per_raw_sample = 8;
        (par.profile, par.level) = (self.profile, self.level);
        let ratio = if self.sample_aspect_ratio.is_positive() {
            self.sample_aspect_ratio.reduced()
        } else {
            Rational::new(0, 1)
        };
        par.sample_aspect_ratio = ratio.into();
        par.field_order = ffi::AV_FIELD_PROGRESSIVE;
        par.chroma_location = self.chroma_location as _;
        if self.has_limited_range {
            par.color_range = ffi::AVCOL_RANGE_MPEG;
        }
        if let Some([primaries, transfer, matrix]) = self.colors {
            const UNSPECIFIED: i32 = 2;
            let or_unspecified = |value, is_known: bool| if is_known { value } else { UNSPECIFIED };
            // SAFETY: these take any number.
            let names = unsafe {
                [
                    ffi::av_color_primaries_name(primaries as _),
                    ffi::av_color_transfer_name(transfer as _),
                    ffi::av_color_space_name(matrix as _),
                ]
            };
            par.color_primaries = or_unspecified(primaries, !names[0].is_null()) as _;
            par.color_trc = or_unspecified(transfer, !names[1].is_null()) as _;
            par.color_space = or_unspecified(matrix, !names[2].is_null()) as _;
        }
        #[cfg(ffmpeg6_1)]
        if let Some((scale, tick)) = self.ticks {
            let mut rate = ffi::AVRational { num: 0, den: 1 };
            // SAFETY: plain arithmetic on values.
            unsafe {
                ffi::av_reduce(&raw mut rate.den, &raw mut rate.num, 2 * i64::from(tick), i64::from(scale), 1 << 30)
            };
            par.framerate = rate;
        }
    }
}

impl AudioFacts {
    fn put(&self, par: &mut ffi::AVCodecParameters) {
        par.format = ffi::AV_SAMPLE_FMT_FLTP as i32;
        par.profile = self.profile;
        par.frame_size = self.frame_samples;
        // SAFETY: a valid layout of the parameters.
        unsafe { ffi::av_channel_layout_default(&raw mut par.ch_layout, self.channels) };
    }
}
