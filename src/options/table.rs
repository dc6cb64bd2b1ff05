//! The one table of options: name, where it applies, what it takes, whether we do it, help. Parsing, printing, help and docs
//! all read it. What is not here is an AVOption of FFmpeg's, or unknown. Names and meaning are those of the ffmpeg program
//! (fftools/ffmpeg_opt.c, 5.1 to newest).

/// Where an option may stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scope(u8);

impl Scope {
    pub const GLOBAL: Scope = Scope(1);
    pub const INPUT: Scope = Scope(2);
    pub const OUTPUT: Scope = Scope(4);
    pub const FILE: Scope = Scope(6);

    pub fn contains(self, other: Scope) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What stands behind an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Argument {
    /// Nothing; "no" before the name turns it off.
    Flag,
    Text,
    Integer,
    Number,
    Time,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Support {
    Yes,
    /// Why not.
    No(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub struct OptionDef {
    pub name: &'static str,
    /// The name and specifier that it means: `-vcodec` is `c` with "v".
    pub canonical: (&'static str, &'static str),
    pub scope: Scope,
    pub argument: Argument,
    /// Takes a stream specifier.
    pub per_stream: bool,
    /// Smallest and largest number.
    pub range: Option<(f64, f64)>,
    pub support: Support,
    /// Stands for an AVOption of a codec ("ab" for "b:a").
    pub is_codec_option: bool,
    pub help: &'static str,
}

const fn def(name: &'static str, scope: Scope, argument: Argument, help: &'static str) -> OptionDef {
    OptionDef {
        name,
        canonical: (name, ""),
        scope,
        argument,
        per_stream: false,
        range: None,
        support: Support::Yes,
        is_codec_option: false,
        help,
    }
}

impl OptionDef {
    const fn each(mut self) -> OptionDef {
        self.per_stream = true;
        self
    }
    const fn means(mut self, name: &'static str, specifier: &'static str) -> OptionDef {
        self.canonical = (name, specifier);
        self.per_stream = true;
        self
    }
    const fn codec(mut self) -> OptionDef {
        self.is_codec_option = true;
        self
    }
    const fn within(mut self, low: f64, high: f64) -> OptionDef {
        self.range = Some((low, high));
        self
    }
    const fn refused(mut self, why: &'static str) -> OptionDef {
        self.support = Support::No(why);
        self
    }
}

use Argument::{Flag, Integer, Number, Text, Time};
const G: Scope = Scope::GLOBAL;
const I: Scope = Scope::INPUT;
const O: Scope = Scope::OUTPUT;
const IO: Scope = Scope::FILE;
const LARGE: f64 = 9.0e18;
const LATER: &str = "this version does not do it yet";
const PROGRAM: &str = "it belongs to the interactive program, not to a job";
const HARDWARE: &str = "hardware devices are not set up by this version";

/// Finds an option by its name without dash and specifier.
pub fn find(name: &str) -> Option<&'static OptionDef> {
    OPTIONS.iter().find(|option| option.name == name)
}

/// "nofoo" where "foo" is a flag.
pub fn negated(name: &str) -> Option<&'static OptionDef> {
    find(name.strip_prefix("no")?).filter(|option| option.argument == Flag)
}

pub static OPTIONS: &[OptionDef] = &[
    // The whole job.
    def("y", G, Flag, "overwrite output files"),
    def("n", G, Flag, "never overwrite output files"),
    def("hide_banner", G, Flag, "do not print a banner"),
    def("nostdin", G, Flag, "do not read from standard input"),
    def("stdin", G, Flag, "read from standard input").refused(PROGRAM),
    def("stats", G, Flag, "print progress"),
    def("stats_period", G, Number, "seconds between progress reports").within(0.0, 1e9),
    def("v", G, Text, "level of the log").means("loglevel", ""),
    def("loglevel", G, Text, "level of the log"),
    def("report", G, Flag, "write a report").refused(PROGRAM),
    def("progress", G, Text, "URL for progress").refused(PROGRAM),
    def("copyts", G, Flag, "copy timestamps"),
    def("start_at_zero", G, Flag, "shift timestamps to start at 0 with copyts"),
    def("copytb", G, Integer, "time base when copying: -1, 0, 1").within(-1.0, 1.0),
    def("dts_delta_threshold", G, Number, "jump of timestamps in seconds that is a discontinuity").within(0.0, LARGE),
    def("dts_error_threshold", G, Number, "jump of timestamps in seconds that is an error").within(0.0, LARGE),
    def("filter_complex", G, Text, "filter graph of several inputs or outputs"),
    def("lavfi", G, Text, "filter graph of several inputs or outputs").means("filter_complex", ""),
    def("filter_complex_script", G, Text, "file with a filter graph").refused(LATER),
    def("filter_threads", G, Integer, "threads of a simple filter graph").within(0.0, 1024.0),
    def("filter_complex_threads", G, Integer, "threads of a complex filter graph").within(0.0, 1024.0),
    def("auto_conversion_filters", G, Flag, "insert conversion filters where needed"),
    def("ignore_unknown", G, Flag, "ignore streams of unknown kind"),
    def("copy_unknown", G, Flag, "copy streams of unknown kind"),
    def("recast_media", G, Flag, "decode with a decoder of another media type").refused(LATER),
    def("xerror", G, Flag, "end the job at the first error"),
    def("mt_read_errors", G, Text, "fail (the library's default) or ignore (ffmpeg's) an input that breaks off"),
    def("mt_seek_buffer", I, Integer, "bytes kept of a stream whose index lies behind its media (32 MiB)")
        .within(0.0, LARGE),
    def("mt_show", I, Text, "what a probe shows: format,streams,chapters,programs,packets,frames"),
    def("mt_read_intervals", I, Text, "what a probe reads of packets and frames, as ffprobe's -read_intervals"),
    def("mt_memory", G, Integer, "bytes of native memory that the job is expected to need").within(0.0, LARGE),
    def("mt_strict", G, Flag, "an option that no stream used is an error"),
    def("max_error_rate", G, Number, "share of decoding errors that fails the job").within(0.0, 1.0),
    def("abort_on", G, Text, "conditions that abort").refused(LATER),
    def("vsync", G, Text, "frame-rate mode of all outputs"),
    def("frame_drop_threshold", G, Number, "frames late before one is dropped"),
    def("async", G, Integer, "audio sync method").refused("use -af aresample=async=N"),
    def("adrift_threshold", G, Number, "audio drift threshold").refused("use -af aresample"),
    def("vol", G, Integer, "audio volume").refused("use -af volume"),
    def("psnr", G, Flag, "print PSNR").refused(LATER),
    def("vstats", G, Flag, "write statistics of video coding").refused(LATER),
    def("vstats_file", G, Text, "file for statistics of video coding").refused(LATER),
    def("vstats_version", G, Integer, "version of that file").refused(LATER),
    def("qphist", G, Flag, "print a QP histogram").refused(LATER),
    def("benchmark", G, Flag, "print timings").refused(PROGRAM),
    def("benchmark_all", G, Flag, "print timings of each task").refused(PROGRAM),
    def("timelimit", G, Integer, "CPU time limit of the process").refused("it would limit the host's process"),
    def("cpuflags", G, Text, "CPU flags").refused("it would change the host's process"),
    def("max_alloc", G, Integer, "largest allocation").refused("it would change the host's process"),
    def("debug_ts", G, Flag, "print timestamps").refused(LATER),
    def("dump", G, Flag, "print each packet").refused(LATER),
    def("hex", G, Flag, "print payloads").refused(LATER),
    def("sdp_file", G, Text, "file for SDP").refused(LATER),
    def("init_hw_device", G, Text, "hardware device").refused(HARDWARE),
    def("filter_hw_device", G, Text, "hardware device of filters").refused(HARDWARE),
    // Inputs.
    def("sseof", I, Time, "start time relative to the end"),
    def("seek_timestamp", I, Integer, "seek by timestamp with -ss").within(0.0, 1.0),
    def("accurate_seek", I, Flag, "decode from the key frame before -ss and drop until it"),
    def("isync", I, Integer, "input to synchronise with").refused(LATER),
    def("itsoffset", I, Time, "offset of the timestamps"),
    def("itsscale", I, Number, "scale of the timestamps").each(),
    def("re", I, Flag, "read at native speed"),
    def("readrate", I, Number, "read at this speed").within(0.0, 1e6),
    def("stream_loop", I, Integer, "times to loop; -1 without end").refused(LATER),
    def("thread_queue_size", I, Integer, "packets between reading and decoding").within(1.0, 1e9),
    def("discard", I, Text, "packets to discard").each(),
    def("find_stream_info", I, Flag, "read ahead to learn the streams"),
    def("guess_layout_max", I, Integer, "channels up to which a layout is guessed").each(),
    def("reinit_filter", I, Integer, "rebuild the graph when frames change").each(),
    def("autorotate", I, Flag, "rotate by the display matrix").each(),
    def("dump_attachment", I, Text, "write an attachment to a file").refused(LATER),
    def("fix_sub_duration", I, Flag, "fix durations of subtitles").refused(LATER),
    def("canvas_size", I, Text, "size of the canvas of subtitles").refused(LATER),
    def("hwaccel", I, Text, "hardware decoding").refused(HARDWARE),
    def("hwaccel_device", I, Text, "device for hardware decoding").refused(HARDWARE),
    def("hwaccel_output_format", I, Text, "format of hardware decoding").refused(HARDWARE),
    // Inputs and outputs.
    def("f", IO, Text, "format"),
    def("c", IO, Text, "codec, or copy").each(),
    def("codec", IO, Text, "codec, or copy").means("c", ""),
    def("vcodec", IO, Text, "video codec").means("c", "v"),
    def("acodec", IO, Text, "audio codec").means("c", "a"),
    def("scodec", IO, Text, "subtitle codec").means("c", "s"),
    def("dcodec", IO, Text, "data codec").means("c", "d"),
    def("t", IO, Time, "duration"),
    def("to", IO, Time, "end time"),
    def("ss", IO, Time, "start time"),
    def("bitexact", IO, Flag, "leave out what differs between versions and runs"),
    def("tag", IO, Text, "codec tag").each(),
    def("vtag", IO, Text, "video codec tag").means("tag", "v"),
    def("atag", IO, Text, "audio codec tag").means("tag", "a"),
    def("stag", IO, Text, "subtitle codec tag").means("tag", "s"),
    def("r", IO, Text, "frame rate").each(),
    def("s", IO, Text, "frame size").each(),
    def("pix_fmt", IO, Text, "pixel format").each(),
    def("ar", IO, Integer, "sample rate").each().within(0.0, 2_147_483_647.0),
    def("ac", IO, Integer, "number of channels").each().within(0.0, 1024.0),
    def("ch_layout", IO, Text, "channel layout").each(),
    def("channel_layout", IO, Text, "channel layout").means("ch_layout", ""),
    def("sample_fmt", IO, Text, "sample format").each(),
    def("vn", IO, Flag, "no video"),
    def("an", IO, Flag, "no audio"),
    def("sn", IO, Flag, "no subtitles"),
    def("dn", IO, Flag, "no data"),
    def("top", IO, Integer, "top field first").refused(LATER),
    // Outputs.
    def("map", O, Text, "choose a stream"),
    def("map_metadata", O, Text, "where metadata comes from").each(),
    def("map_chapters", O, Integer, "where chapters come from"),
    def("map_channel", O, Text, "map an audio channel").refused("use -af pan"),
    def("metadata", O, Text, "metadata").each(),
    def("disposition", O, Text, "disposition").each(),
    def("program", O, Text, "program").refused(LATER),
    def("stream_group", O, Text, "stream group").refused(LATER),
    def("attach", O, Text, "attach a file").refused(LATER),
    def("fs", O, Integer, "largest file size in bytes").within(0.0, LARGE),
    def("frames", O, Integer, "number of frames").each().within(0.0, LARGE),
    def("vframes", O, Integer, "number of video frames").means("frames", "v").within(0.0, LARGE),
    def("aframes", O, Integer, "number of audio frames").means("frames", "a").within(0.0, LARGE),
    def("dframes", O, Integer, "number of data packets").means("frames", "d").within(0.0, LARGE),
    def("shortest", O, Flag, "end with the shortest stream"),
    def("shortest_buf_duration", O, Number, "buffer for -shortest").refused(LATER),
    def("filter", O, Text, "filter graph").each(),
    def("vf", O, Text, "video filter graph").means("filter", "v"),
    def("af", O, Text, "audio filter graph").means("filter", "a"),
    def("filter_script", O, Text, "file with a filter graph").refused(LATER),
    def("bsf", O, Text, "bitstream filters").each(),
    def("vbsf", O, Text, "video bitstream filters").means("bsf", "v"),
    def("absf", O, Text, "audio bitstream filters").means("bsf", "a"),
    def("q", O, Number, "quality").each(),
    def("qscale", O, Number, "quality").means("q", ""),
    def("aq", O, Number, "audio quality").means("q", "a"),
    def("b", O, Text, "bit rate").codec(),
    def("ab", O, Text, "audio bit rate").means("b", "a").codec(),
    def("profile", O, Text, "profile").codec(),
    def("fpsmax", O, Text, "largest frame rate").each(),
    def("aspect", O, Text, "aspect ratio").each(),
    def("fps_mode", O, Text, "frame-rate mode").each(),
    def("force_fps", O, Flag, "keep the frame rate that was asked for").each(),
    def("force_key_frames", O, Text, "where key frames must be").each(),
    def("pass", O, Integer, "pass of two-pass encoding").refused(LATER),
    def("passlogfile", O, Text, "file of two-pass encoding").refused(LATER),
    def("rc_override", O, Text, "rate control override").refused(LATER),
    def("intra_matrix", O, Text, "quantisation matrix").refused(LATER),
    def("inter_matrix", O, Text, "quantisation matrix").refused(LATER),
    def("chroma_intra_matrix", O, Text, "quantisation matrix").refused(LATER),
    def("bits_per_raw_sample", O, Integer, "bits per raw sample").each(),
    def("autoscale", O, Flag, "keep the first frame's size").each(),
    def("apad", O, Text, "pad audio with silence").each(),
    def("copyinkf", O, Flag, "copy what stands before the first key frame").each(),
    def("copypriorss", O, Integer, "copy what stands before the start time").each().within(-1.0, 1.0),
    def("streamid", O, Text, "id of an output stream"),
    def("muxdelay", O, Number, "largest delay of the muxer in seconds").within(0.0, 2000.0),
    def("muxpreload", O, Number, "initial delay of the muxer in seconds").within(0.0, 2000.0),
    def("time_base", O, Text, "time base hint of the stream").each(),
    def("enc_time_base", O, Text, "time base of the encoder").each(),
    def("max_muxing_queue_size", O, Integer, "packets that may wait for the header").each().within(1.0, 1e9),
    def("muxing_queue_data_threshold", O, Integer, "bytes that may wait before that counts").each().within(1.0, 1e18),
    def("timecode", O, Text, "first time code").refused("use -metadata timecode=..."),
    def("timestamp", O, Text, "time of recording").refused("use -metadata creation_time=..."),
    def("target", O, Text, "kind of target").refused(LATER),
    def("pre", O, Text, "preset file").refused(LATER),
    def("vpre", O, Text, "preset file").refused(LATER),
    def("apre", O, Text, "preset file").refused(LATER),
    def("spre", O, Text, "preset file").refused(LATER),
    def("fpre", O, Text, "preset file").refused(LATER),
    def("enc_stats_pre", O, Text, "statistics").refused(LATER),
    def("enc_stats_post", O, Text, "statistics").refused(LATER),
    def("mux_stats", O, Text, "statistics").refused(LATER),
    def("display_rotation", I, Number, "rotation of the display").refused(LATER),
    def("display_hflip", I, Flag, "flip of the display").refused(LATER),
    def("display_vflip", I, Flag, "flip of the display").refused(LATER),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_once_and_aliases_lead_somewhere() {
        for (index, option) in OPTIONS.iter().enumerate() {
            assert!(OPTIONS[..index].iter().all(|other| other.name != option.name), "{} stands twice", option.name);
            assert!(!option.help.is_empty());
            let canonical = find(option.canonical.0).expect(option.name);
            assert_eq!(canonical.argument, option.argument, "{}", option.name);
        }
    }
}
