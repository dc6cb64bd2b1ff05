//! Options of subtitle streams.

use super::types::{Argument::*, Group, OptionDef, Scope, def, flag};

const I: Scope = Scope::INPUT;
const O: Scope = Scope::OUTPUT;
const IO: Scope = Scope::FILE;

pub const GROUP: Group = Group { title: "Subtitles", options: OPTIONS };

static OPTIONS: &[OptionDef] = &[
    flag("sn", IO, "no subtitles"),
    def("scodec", IO, Text, "codec", "as -c:s").means("c", "s"),
    def("stag", O, Text, "fourcc", "as -tag:s").means("tag", "s"),
    def("spre", O, Text, "preset", "as -pre:s"),
    flag("fix_sub_duration", I, "end each subtitle where the next one begins").each(),
    flag("fix_sub_duration_heartbeat", O, "end subtitles that wait for their end at key frames of this video")
        .each()
        .since(6, 1),
    def("canvas_size", I, Text, "size", "size of the canvas of bitmap subtitles").each(),
];
