//! What is done with audio before it is filtered (FFmpeg 5.1).

use crate::av::Link;
use crate::options::{JobSpec, parse_float, parse_integer};

/// -async, -adrift_threshold and -vol, which FFmpeg has up to 5.1: filters behind a source of audio
/// (ffmpeg_filter.c: configure_input_audio_filter).
#[derive(Clone, Default)]
pub struct AudioSource {
    /// Samples a second; 0 and less is no filter.
    pub stretch: i64,
    pub drift_threshold_s: Option<f64>,
    /// 1 leaves it as it is.
    pub volume: Option<f64>,
}

impl AudioSource {
    pub fn of(job: &JobSpec) -> AudioSource {
        let volume = job.global("vol").and_then(parse_integer).filter(|volume| *volume != 256);
        AudioSource {
            stretch: job.global("async").and_then(parse_integer).unwrap_or(0),
            drift_threshold_s: job.global("adrift_threshold").and_then(parse_float),
            volume: volume.map(|volume| volume as f64 / 256.0),
        }
    }

    /// `is_first`: the graph was not built before.
    pub fn links(&self, is_first: bool) -> Vec<Link> {
        let link = |filter, args| Link { filter, name: format!("mt_in_{filter}"), args };
        let mut links = Vec::new();
        if self.stretch > 0 {
            let threshold = self.drift_threshold_s.map_or(String::new(), |s| format!(":min_hard_comp={s:.6}"));
            let start = if is_first { ":first_pts=0" } else { "" };
            links.push(link("aresample", format!("async={}{threshold}{start}", self.stretch)));
        }
        links.extend(self.volume.map(|volume| link("volume", format!("{volume:.6}"))));
        links
    }
}
