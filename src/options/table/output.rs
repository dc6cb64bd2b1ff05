//! Options of outputs.

use super::types::{Argument::*, Group, OptionDef, Scope, def, flag};

const O: Scope = Scope::OUTPUT;
const LARGE: f64 = 9.0e18;

pub const GROUP: Group = Group { title: "Outputs", options: OPTIONS };

static OPTIONS: &[OptionDef] = &[
    def(
        "map",
        O,
        Text,
        "[-]input[:stream][?] or [label]",
        "take these streams; with - leave them out, with ? do not mind if there are none",
    ),
    def("map_metadata", O, Text, "input[:metadata]", "where metadata comes from; -1 is nowhere").each(),
    def("map_chapters", O, Integer, "input", "where chapters come from; -1 is nowhere"),
    def("map_channel", O, Text, "input.stream.channel", "take one channel of audio").until(7, 0, "-af pan"),
    def(
        "metadata",
        O,
        Text,
        "key=value",
        "set metadata of the file, or with a specifier of a stream (s:), chapter (c:) or program (p:)",
    )
    .each(),
    def(
        "disposition",
        O,
        Text,
        "flags",
        "what a stream is for: default, dub, forced, attached_pic and so on, with + and -",
    )
    .each(),
    def("program", O, Text, "description", "make a program of streams: title=T:program_num=N:st=STREAM"),
    def("stream_group", O, Text, "description", "make a group of streams, such as an IAMF audio element").since(7, 0),
    def("attach", O, Text, "file", "put a file into the output as an attachment"),
    def("fs", O, Long, "bytes", "stop when the file is this large; no limit where it is negative"),
    def("frames", O, Long, "number", "stop after so many frames of a stream").each(),
    def("dframes", O, Long, "number", "as -frames:d").means("frames", "d"),
    flag("shortest", O, "end with the shortest stream"),
    def("shortest_buf_duration", O, Number, "seconds", "how far -shortest may hold back the other streams")
        .within(0.0, LARGE)
        .since(6, 0),
    def("filter", O, Text, "graph", "the filters between decoder and encoder").each(),
    def("filter_script", O, Text, "file", "a file with a graph for -filter; -/filter does it too").each(),
    def("q", O, Number, "quality", "fixed quality, in the encoder's own scale").each(),
    def("qscale", O, Number, "quality", "as -q, and of video where no stream is named").means("q", ""),
    def("profile", O, Text, "profile", "the codec's profile, of video where no stream is named").codec(),
    def("target", O, Text, "kind", "settings for a disc or tape: [pal-|ntsc-|film-]vcd, svcd, dvd, dv, dv50"),
    def("timestamp", O, Text, "time", "time of recording"),
    flag("copyinkf", O, "when copying, keep what stands before the first key frame").each(),
    def(
        "copypriorss",
        O,
        Integer,
        "mode",
        "when copying, what stands before the start time: 1 keep, 0 drop, -1 as -copyts says",
    )
    .each()
    .within(-1.0, 1.0),
    def("streamid", O, Text, "stream:id", "the id of a stream, such as its PID in MPEG-TS"),
    def("muxdelay", O, Number, "seconds", "largest delay between demuxing and decoding").within(-2000.0, 2000.0),
    def("muxpreload", O, Number, "seconds", "delay at the start between demuxing and decoding").within(-2000.0, 2000.0),
    def("enc_time_base", O, Text, "ratio", "the encoder's time base; 0 by the frame or sample rate, -1 the source's")
        .each(),
    def(
        "bsf",
        O,
        Text,
        "filters",
        "bitstream filters between encoder and muxer; for inputs (FFmpeg 7.0) this version has none",
    )
    .each(),
    def("max_muxing_queue_size", O, Integer, "packets", "packets of a stream that may wait for the file's header")
        .each()
        .within(1.0, 1e9),
    def("muxing_queue_data_threshold", O, Integer, "bytes", "bytes that may wait before -max_muxing_queue_size counts")
        .each()
        .within(1.0, 2_147_483_647.0),
    def("bits_per_raw_sample", O, Integer, "bits", "what the stream says of its bits per sample").each(),
    def("stats_enc_pre", O, Text, "file", "write a line for each frame that goes into the encoder").each().since(6, 0),
    def("stats_enc_post", O, Text, "file", "write a line for each packet that comes from the encoder")
        .each()
        .since(6, 0),
    def("stats_mux_pre", O, Text, "file", "write a line for each packet that goes to the muxer").each().since(6, 0),
    def("stats_enc_pre_fmt", O, Text, "form", "the form of -stats_enc_pre's lines").each().since(6, 0),
    def("stats_enc_post_fmt", O, Text, "form", "the form of -stats_enc_post's lines").each().since(6, 0),
    def("stats_mux_pre_fmt", O, Text, "form", "the form of -stats_mux_pre's lines").each().since(6, 0),
];
