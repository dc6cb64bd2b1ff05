//! Bitmap subtitles as video for filter graphs: a picture lasts until the next one, and while none comes the graph is kept going.
//! Source: `sub2video_update`, `sub2video_heartbeat` and `sub2video_flush` of FFmpeg's fftools/ffmpeg.c (5.1).

use super::files::OpenInput;
use super::filter_build::SourceFormat;
use crate::av::{AvError, CANVAS_FORMAT, Colors, Decoder, Frame, Rational, Subtitle, TIME_BASE, rescale};
use crate::options::MediaKind;

pub struct Sub2Video {
    size: (i32, i32),
    /// What is shown, and since when.
    shown: Option<Frame>,
    last_pts: i64,
    /// When it goes away.
    end_pts: i64,
    /// How long the first subtitle is waited for, and since when.
    grace: i64,
    first_heartbeat: Option<i64>,
}

/// A subtitle may stand in the file behind packets of later times: a graph that begins waits this long for it. (ffmpeg drops what comes
/// before its graph is built, which takes as many packets as the video decoder keeps.)
const GRACE_US: i64 = 250_000;

/// The size of the canvas: what -canvas_size or the decoder says, or the largest video of the file (ffmpeg_filter.c:
/// sub2video_prepare).
pub fn canvas_size(file: &OpenInput, stream: usize, decoder: &Decoder) -> (i32, i32) {
    let (asked, own) = (file.streams[stream].canvas_size, decoder.size());
    if let Some(size) = asked.or((own.0 > 0 && own.1 > 0).then_some(own)) {
        return size;
    }
    let videos =
        file.streams.iter().filter(|plan| plan.info.kind() == MediaKind::Video).map(|plan| &plan.info.parameters);
    let largest = videos.fold((0, 0), |(w, h), video| (w.max(video.width()), h.max(video.height())));
    // DVB's size, where nothing is known.
    if largest.0 > 0 && largest.1 > 0 { largest } else { (largest.0.max(720), largest.1.max(576)) }
}

/// What a graph's source is told of such pictures.
pub fn source_format((width, height): (i32, i32)) -> SourceFormat {
    SourceFormat {
        format: CANVAS_FORMAT,
        width,
        height,
        aspect: Rational::new(0, 1),
        sample_rate: 0,
        layout: None,
        channels: 0,
        matrix: None,
        colors: Colors::unknown(),
        pool: None,
    }
}

/// A subtitle drawn on a canvas.
pub struct Drawn {
    /// With its time, in the stream's time base.
    pub canvas: Frame,
    pub end_pts: i64,
    /// Something of it is no picture, or lies outside.
    pub is_partial: bool,
}

pub fn draw(subtitle: &Subtitle, size: (i32, i32), time_base: Rational) -> Result<Drawn, AvError> {
    let pts_us = subtitle.pts_us().unwrap_or(0);
    let (start_ms, end_ms) = subtitle.display_ms();
    let at = |ms: u32| rescale(pts_us.saturating_add(i64::from(ms) * 1000), TIME_BASE, time_base);
    let mut canvas = Frame::canvas(size.0, size.1)?;
    let is_drawn = canvas.draw(subtitle);
    canvas.set_pts(at(start_ms));
    Ok(Drawn { canvas, end_pts: at(end_ms), is_partial: !is_drawn })
}

impl Sub2Video {
    pub fn new(size: (i32, i32), time_base: Rational) -> Sub2Video {
        let grace = rescale(GRACE_US, TIME_BASE, time_base);
        Sub2Video { size, shown: None, last_pts: i64::MIN, end_pts: i64::MIN, grace, first_heartbeat: None }
    }

    fn show(&mut self, canvas: Frame, pts: i64) -> Result<Frame, AvError> {
        self.shown = Some(canvas);
        self.repeat(pts)
    }

    /// The picture once more, at `pts`.
    fn repeat(&mut self, pts: i64) -> Result<Frame, AvError> {
        let mut frame = match &self.shown {
            Some(shown) => shown.reference()?,
            None => Frame::canvas(self.size.0, self.size.1)?,
        };
        frame.set_pts(pts);
        self.last_pts = pts;
        Ok(frame)
    }

    /// A picture that lasts until `end_pts`, or the next one.
    pub fn picture(&mut self, canvas: Frame, end_pts: i64) -> Result<Frame, AvError> {
        self.end_pts = end_pts;
        let pts = canvas.pts();
        self.show(canvas, pts)
    }

    /// The file has come as far as `pts`: frames for a graph that may be waiting (`is_wanted`).
    pub fn heartbeat(&mut self, pts: i64, is_wanted: bool) -> Result<Vec<Frame>, AvError> {
        let mut frames = Vec::new();
        if pts <= self.last_pts {
            return Ok(frames);
        }
        if self.shown.is_none() {
            let first = *self.first_heartbeat.get_or_insert(pts);
            if pts.saturating_sub(first) < self.grace {
                return Ok(frames);
            }
            frames.push(self.blank(first)?);
        } else if pts >= self.end_pts {
            frames.push(self.blank(pts)?);
        }
        if is_wanted && pts > self.last_pts {
            frames.push(self.repeat(pts)?);
        }
        Ok(frames)
    }

    /// Nothing is shown any more, since the last picture ended; before the first one, since `pts`.
    fn blank(&mut self, pts: i64) -> Result<Frame, AvError> {
        let since = if self.shown.is_none() { pts } else { self.end_pts };
        self.end_pts = i64::MAX;
        let canvas = Frame::canvas(self.size.0, self.size.1)?;
        self.show(canvas, since)
    }

    /// The stream has ended: what is left to show.
    pub fn end(&mut self) -> Result<Option<Frame>, AvError> {
        if self.end_pts == i64::MAX {
            return Ok(None);
        }
        self.blank(i64::MAX).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_is_kept_going_while_nothing_is_shown() {
        // Given no subtitle for a while, when the file goes on, then one blank picture comes, and another one each time the graph waits.
        let mut source = Sub2Video::new((16, 16), Rational::new(1, 1000));
        let pts = |frames: Vec<Frame>| frames.iter().map(Frame::pts).collect::<Vec<_>>();
        assert_eq!(pts(source.heartbeat(10, true).unwrap()), [0; 0]);
        assert_eq!(pts(source.heartbeat(260, false).unwrap()), [10]);
        assert_eq!(pts(source.heartbeat(270, false).unwrap()), [0; 0]);
        assert_eq!(pts(source.heartbeat(300, true).unwrap()), [300]);
        assert_eq!(pts(source.heartbeat(300, true).unwrap()), [0; 0]);
        assert!(source.end().unwrap().is_none());
    }
}
