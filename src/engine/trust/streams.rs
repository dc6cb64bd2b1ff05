//! The limits on what an input holds: streams, and the size of pictures.

use super::limits::default_of;
use super::pictures::picture_size;
use super::profile::{Policy, Trust};
use crate::av::{AvError, Dict, Input, Packet};
use crate::error::{Code, Error};
use crate::options::{MediaKind, parse_integer};

impl Policy {
    /// How many streams an input may have, by its options or else the profile. None: as many as FFmpeg's own limit.
    pub fn most_streams(&self, options: &Dict) -> Option<i64> {
        let by_hand = options.get("max_streams").as_deref().and_then(parse_integer);
        let most = by_hand.or(default_of("max_streams").map(|most| most as i64));
        most.filter(|_| self.trust != Trust::Trusted)
    }

    /// After the streams were found: whether they are within the limits. `most_streams` is as above.
    pub fn check_streams(&self, input: &mut Input, most_streams: Option<i64>) -> Result<(), Error> {
        self.check_pixels(input)?;
        self.check_unsized(input)?;
        match most_streams {
            Some(most) if input.stream_count() as i64 > most => Err(too_many_streams(most, "")),
            _ => Ok(()),
        }
    }

    /// A picture by itself that says its size is refused by its decoder, which then forgets the size: the picture's own word is looked at.
    fn check_unsized(&self, input: &mut Input) -> Result<(), Error> {
        let Some(limit) = self.limits.pixels else { return Ok(()) };
        // Reading on would change what is known of other streams.
        let is_unsized = input.stream_count() == 1
            && input.describe(0).is_ok_and(|stream| {
                stream.kind() == MediaKind::Video && stream.parameters.width() == 0 && !stream.is_attached_picture()
            });
        if !is_unsized {
            return Ok(());
        }
        let Ok(mut packet) = Packet::new() else { return Ok(()) };
        if input.read(&mut packet).is_err() {
            return Ok(());
        }
        if let Some((width, height)) = picture_size(packet.data())
            && u64::from(width) * u64::from(height) > limit
        {
            let text = format!("a picture has {width}x{height} pixels: the limit is {limit} (-mt_max_pixels)");
            return Err(Error::new(Code::LIMIT, text).at("open input"));
        }
        // Where it can be, the packet is read again.
        let start_us = input.start_time_us().unwrap_or(0);
        let _ = input.seek(start_us);
        Ok(())
    }

    /// Also before what probes is opened: a decoder that refuses a size forgets it.
    pub fn check_pixels(&self, input: &Input) -> Result<(), Error> {
        let Some(limit) = self.limits.pixels else { return Ok(()) };
        for index in 0..input.stream_count() {
            let Ok(stream) = input.describe(index) else { continue };
            let (width, height) = (stream.parameters.width(), stream.parameters.height());
            let pixels = i64::from(width).saturating_mul(i64::from(height)).unsigned_abs();
            if pixels > limit {
                let text = format!("stream {index} has {width}x{height} pixels: the limit is {limit} (-mt_max_pixels)");
                return Err(Error::new(Code::LIMIT, text).at("open input").on_stream(index));
            }
        }
        Ok(())
    }

    /// Whether decoders may have pictures of this size, with what is cropped of whole blocks.
    pub fn allows_pixels(&self, width: i32, height: i32) -> bool {
        let whole = |size: i32| u64::from(size.unsigned_abs()).next_multiple_of(64);
        self.limits.pixels.is_none_or(|limit| whole(width).saturating_mul(whole(height)) <= limit)
    }

    /// What stands behind an error of FFmpeg's. It has one code for a stream too many and for a lack of memory.
    pub fn explain(&self, error: AvError, most_streams: Option<i64>) -> Option<Error> {
        let most = most_streams.filter(|_| error == AvError::NO_MEMORY)?;
        Some(too_many_streams(most, "; or there was no memory for them").with_ffmpeg(error.0, error.words()))
    }
}

fn too_many_streams(most: i64, or: &str) -> Error {
    let text = format!("the input has more than {most} streams: the limit is {most} (-max_streams){or}");
    Error::new(Code::LIMIT, text).at("open input")
}
