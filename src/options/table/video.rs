//! Options of video streams.

use super::types::{Argument::*, Group, OptionDef, Scope, def, flag};

const I: Scope = Scope::INPUT;
const O: Scope = Scope::OUTPUT;
const IO: Scope = Scope::FILE;

pub const GROUP: Group = Group { title: "Video", options: OPTIONS };

static OPTIONS: &[OptionDef] = &[
    flag("vn", IO, "no video"),
    def("vcodec", IO, Text, "codec", "as -c:v").means("c", "v"),
    def("r", IO, Text, "rate", "frame rate: of an input it is what is assumed, of an output what is made").each(),
    def("fpsmax", O, Text, "rate", "the largest frame rate").each(),
    def("s", IO, Text, "size", "frame size: WxH or a name such as hd720").each(),
    def("aspect", O, Text, "ratio", "display aspect ratio: 16:9 or 1.7777").each(),
    def("pix_fmt", IO, Text, "format", "pixel format; with + in front it is this one or an error").each(),
    def("vframes", O, Long, "number", "as -frames:v").means("frames", "v"),
    def("vf", O, Text, "graph", "as -filter:v").means("filter", "v"),
    def("b", O, Text, "rate", "bits a second, of video where no stream is named").codec(),
    def("vtag", IO, Text, "fourcc", "as -tag:v").means("tag", "v"),
    def("vbsf", O, Text, "filters", "as -bsf:v").means("bsf", "v").until(7, 0, "-bsf:v").everywhere(),
    def("vpre", O, Text, "preset", "as -pre:v"),
    def("fps_mode", O, Text, "mode", "what becomes of frame times: passthrough, cfr, vfr, drop, auto").each(),
    flag("force_fps", O, "take the frame rate that was asked for, also where the encoder has better ones").each(),
    def("force_key_frames", O, Text, "times", "where key frames must be: times, chapters, expr:EXPRESSION or source")
        .each(),
    def("pass", O, Integer, "number", "1 or 2: the pass of two-pass encoding").each(),
    def("passlogfile", O, Text, "prefix", "the beginning of the names of two-pass files").each(),
    def("rc_override", O, Text, "list", "quality of parts: start,end,quality, with / between them").each(),
    def("intra_matrix", O, Text, "list", "64 coefficients of the intra quantisation matrix").each(),
    def("inter_matrix", O, Text, "list", "64 coefficients of the inter quantisation matrix").each(),
    def("chroma_intra_matrix", O, Text, "list", "64 coefficients of the intra matrix for chroma").each(),
    def("timecode", O, Text, "hh:mm:ss:ff", "the first time code"),
    flag("autorotate", I, "turn the picture as the file says").each().value_before_7(),
    flag("autoscale", O, "scale every frame to the size of the first").each().value_before_7(),
    def("reinit_filter", I, Integer, "0 or 1", "build the filters anew when the frames change").each(),
    def("drop_changed", I, Integer, "0 or 1", "drop frames that changed instead of building the filters anew")
        .each()
        .since(8, 0),
    def("apply_cropping", I, Text, "what", "which cropping is applied: none, all, codec, container").each().since(7, 1),
    def("display_rotation", I, Number, "degrees", "say that the picture is turned by this, counter-clockwise")
        .each()
        .since(6, 0),
    flag("display_hflip", I, "say that the picture is mirrored left to right").each().since(6, 0),
    flag("display_vflip", I, "say that the picture is upside down").each().since(6, 0),
    def("hwaccel", I, Text, "kind", "decode on hardware: a kind of device, auto for the first that works, or none")
        .each(),
    def(
        "hwaccel_device",
        I,
        Text,
        "device",
        "the device to decode on: a name, or what one of that kind is opened with",
    )
    .each(),
    def(
        "hwaccel_output_format",
        I,
        Text,
        "format",
        "pixel format of frames that were decoded on hardware; the device's own format leaves them there",
    )
    .each(),
];
