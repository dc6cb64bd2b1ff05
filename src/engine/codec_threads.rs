//! How many threads codecs and filter graphs get where the command line does not say it. Left alone, FFmpeg and its codecs count the processors
//! of the affinity; where a cgroup allows less, each gets what it would take on a machine that has only so many.

use crate::av::{Codec, Dict, Threading, cpus};

/// FFmpeg takes no more by itself (MAX_AUTO_THREADS).
const MOST_BY_ITSELF: u32 = 16;
/// Encoders of FFmpeg's refuse more (frame_thread_encoder.c: MAX_THREADS).
const MOST: u32 = 64;

/// The rule of an engine. 0 in both: everything is as FFmpeg does it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct CodecThreads {
    /// Of each codec and each graph.
    pub per_job: u32,
    /// The processors that may be used, where FFmpeg would count more.
    pub cpus: u32,
}

impl CodecThreads {
    /// What may be asked for.
    pub const fn most() -> u32 {
        MOST
    }

    /// `per_job`: 0 where nobody chose it.
    pub fn of_process(per_job: u32) -> CodecThreads {
        let usable = cpus::usable();
        CodecThreads { per_job, cpus: if usable < cpus::counted_by_ffmpeg() { usable } else { 0 } }
    }

    /// Adds what the options of a decoder do not say. `height`: of the picture, 0 where it is not known.
    pub fn add_to_decoder(self, codec: Codec, height: i32, options: &mut Dict) {
        let threads = self.threads(codec.threading(), height, |cpus| shared(cpus, MOST_BY_ITSELF));
        options.set_if_absent("threads", &word(threads));
    }

    /// As [`Self::add_to_decoder`]. `has_quality`: it encodes for a quality (-q), not a bit rate.
    pub fn add_to_encoder(self, codec: Codec, height: i32, has_quality: bool, options: &mut Dict) {
        if options.get("threads").is_some() {
            return;
        }
        let threads = match codec.name() {
            // Its own threads are frames at once, which it derives from the size of its pool.
            "libx265" => {
                self.limit_pools(options);
                None
            }
            // FFmpeg gives it one of its own accord, because pictures that are made at once break its rate control.
            "mjpeg" if !has_quality => None,
            "libx264" | "libx264rgb" => self.of_x264(height, has_slices(options)),
            _ => self.threads(codec.threading(), height, |cpus| cpus.min(MOST)),
        };
        options.set("threads", &word(threads));
    }

    /// Of a filter graph; None leaves it to FFmpeg (slicethread.c: avpriv_slicethread_create).
    pub fn of_graph(self) -> Option<String> {
        self.threads(Some(Threading::Slices), 0, |_| 1).map(|threads| threads.to_string())
    }

    /// None: as FFmpeg does it. `of_frames`: where pictures are worked on at once (frame_thread_encoder.c has as many threads as processors,
    /// pthread_frame.c one more).
    fn threads(self, kind: Option<Threading>, height: i32, of_frames: impl Fn(u32) -> u32) -> Option<u32> {
        match (self.per_job, self.cpus, kind?) {
            (0, 0, _) => None,
            (0, cpus, Threading::Own) => Some(cpus.min(MOST)),
            (0, cpus, Threading::Frames) => Some(of_frames(cpus)),
            // pthread_slice.c: no more than the picture has rows of macroblocks.
            (0, cpus, Threading::Slices) => Some(shared(cpus.min(rows(height).unwrap_or(cpus)), MOST_BY_ITSELF)),
            (per_job, ..) => Some(per_job),
        }
    }

    /// As x264 chooses (encoder.c: validate_parameters). With one thread it has none beside its caller's, for its lookahead neither.
    fn of_x264(self, height: i32, has_slices: bool) -> Option<u32> {
        match (self.per_job, self.cpus) {
            (0, 0) => None,
            (0, cpus) => {
                let wanted = if has_slices { cpus } else { cpus.saturating_mul(3) / 2 };
                Some(wanted.min(rows(height).map_or(u32::MAX, |rows| (rows / 2).max(1))))
            }
            (per_job, _) => Some(per_job),
        }
    }

    /// x265 takes all of the machine's processors, whatever the affinity and -threads say, if its pool is not limited.
    fn limit_pools(self, options: &mut Dict) {
        let size = match (self.per_job, self.cpus) {
            (0, 0) => return,
            (0, cpus) => cpus,
            (per_job, _) => per_job,
        };
        let before = options.get("x265-params").unwrap_or_default();
        if !is_set(&before, &["pools", "numa-pools"]) {
            let between = if before.is_empty() { "" } else { ":" };
            options.set("x265-params", &format!("{before}{between}pools={size}"));
        }
    }
}

/// One beside each processor, and one that waits; a single one needs no other.
fn shared(cpus: u32, most: u32) -> u32 {
    if cpus > 1 { cpus.saturating_add(1).min(most) } else { 1 }
}

fn rows(height: i32) -> Option<u32> {
    (height > 0).then(|| (height as u32).div_ceil(16))
}

fn word(threads: Option<u32>) -> String {
    threads.map_or_else(|| "auto".to_owned(), |threads| threads.to_string())
}

/// Whether x264 cuts pictures in slices, one for each thread.
fn has_slices(options: &Dict) -> bool {
    match options.get("thread_type") {
        Some(kind) => kind == "slice",
        None => options.get("tune").is_some_and(|tune| tune.split(',').any(|word| word == "zerolatency")),
    }
}

/// Whether one of `names` stands in "name=value:name=value".
fn is_set(text: &str, names: &[&str]) -> bool {
    text.split(':').any(|pair| names.contains(&pair.split('=').next().unwrap_or_default().trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::av::{find_decoder, find_encoder};

    fn encoder(name: &str, rule: CodecThreads, height: i32, options: &str) -> Dict {
        let mut dict = Dict::default();
        for (key, value) in options.split_whitespace().filter_map(|word| word.split_once('=')) {
            dict.set(key, value);
        }
        if let Some(codec) = find_encoder(name) {
            rule.add_to_encoder(codec, height, false, &mut dict);
        }
        dict
    }

    fn cpus(cpus: u32) -> CodecThreads {
        CodecThreads { per_job: 0, cpus }
    }

    #[test]
    fn encoders_get_what_they_would_take_on_a_machine_of_so_many_processors() {
        let threads = |name, rule, height, options| encoder(name, rule, height, options).get("threads");
        let is = |name, rule, height, options, wanted: &str| {
            assert_eq!(
                threads(name, rule, height, options).as_deref(),
                Some(wanted),
                "{name} {rule:?} {height} {options}"
            )
        };
        is("libx264", CodecThreads::default(), 720, "", "auto");
        is("libx264", cpus(1), 720, "", "1");
        is("libx264", cpus(4), 720, "", "6");
        is("libx264", cpus(64), 720, "", "22");
        is("libx264", cpus(64), 16, "", "1");
        is("libx264", cpus(4), 720, "tune=zerolatency", "4");
        is("libx264", cpus(4), 720, "tune=zerolatency thread_type=frame", "6");
        is("libx264", cpus(1), 720, "threads=5", "5");
        is("libx264", cpus(1), 720, "threads=auto", "auto");
        is("mjpeg", cpus(4), 720, "", "auto");
        is("ffv1", cpus(4), 720, "", "5");
        is("ffv1", cpus(1), 720, "", "1");
        is("pcm_s16le", cpus(1), 0, "", "auto");
        is("libx264", CodecThreads { per_job: 3, cpus: 1 }, 720, "", "3");
    }

    #[test]
    fn x265_gets_a_pool() {
        let pools = |rule, options| encoder("libx265", rule, 720, options).get("x265-params");
        if find_encoder("libx265").is_none() {
            println!("skipped: this FFmpeg has no libx265");
            return;
        }
        assert_eq!(pools(CodecThreads::default(), ""), None);
        assert_eq!(pools(cpus(2), "").as_deref(), Some("pools=2"));
        assert_eq!(pools(cpus(2), "x265-params=log-level=none").as_deref(), Some("log-level=none:pools=2"));
        assert_eq!(pools(cpus(2), "x265-params=pools=5").as_deref(), Some("pools=5"));
        assert_eq!(pools(cpus(2), "threads=5"), None);
    }

    #[test]
    fn decoders_and_graphs_get_one_more_than_there_are_processors() {
        let threads = |rule: CodecThreads| {
            let mut options = Dict::default();
            let codec = find_decoder("h264").expect("a decoder");
            rule.add_to_decoder(codec, 720, &mut options);
            options.get("threads").unwrap_or_default()
        };
        assert_eq!([CodecThreads::default(), cpus(1), cpus(2), cpus(64)].map(threads), ["auto", "1", "3", "16"]);
        assert_eq!(
            [cpus(1), cpus(2), cpus(64)].map(CodecThreads::of_graph),
            ["1", "3", "16"].map(|n| Some(n.to_owned()))
        );
        assert_eq!(CodecThreads::default().of_graph(), None);
    }
}
