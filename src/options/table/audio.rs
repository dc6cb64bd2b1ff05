//! Options of audio streams.

use super::types::{Argument::*, Group, OptionDef, Scope, def, flag};

const O: Scope = Scope::OUTPUT;
const IO: Scope = Scope::FILE;

pub const GROUP: Group = Group { title: "Audio", options: OPTIONS };

static OPTIONS: &[OptionDef] = &[
    flag("an", IO, "no audio"),
    def("acodec", IO, Text, "codec", "as -c:a").means("c", "a"),
    def("ar", IO, Integer, "Hz", "samples a second").each().within(0.0, 2_147_483_647.0),
    def("ac", IO, Integer, "number", "number of channels").each().within(0.0, 1024.0),
    def("ch_layout", IO, Text, "layout", "channel layout: stereo, 5.1 and so on").each(),
    def("channel_layout", IO, Text, "layout", "as -ch_layout").means("ch_layout", ""),
    def("sample_fmt", IO, Text, "format", "sample format").each(),
    def("aframes", O, Long, "number", "as -frames:a").means("frames", "a"),
    def("af", O, Text, "graph", "as -filter:a").means("filter", "a"),
    def("aq", O, Number, "quality", "as -q:a").means("q", "a"),
    def("ab", O, Text, "rate", "as -b:a").means("b", "a").codec(),
    def("atag", O, Text, "fourcc", "as -tag:a").means("tag", "a"),
    def("absf", O, Text, "filters", "as -bsf:a").means("bsf", "a").until(7, 0, "-bsf:a").everywhere(),
    def("apre", O, Text, "preset", "as -pre:a"),
    def("apad", O, Text, "options", "pad audio with silence, by the filter apad").each(),
    def(
        "guess_layout_max",
        Scope::INPUT,
        Integer,
        "channels",
        "guess a layout that the file does not name up to so many channels",
    )
    .each(),
];
