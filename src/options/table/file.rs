//! Options of inputs and of outputs.

use super::types::{Argument::*, Group, OptionDef, Scope, def, flag};

const IO: Scope = Scope::FILE;

pub const GROUP: Group = Group { title: "Inputs and outputs", options: OPTIONS };

static OPTIONS: &[OptionDef] = &[
    def("f", IO, Text, "format", "the container format, where it is not to be guessed"),
    def(
        "c",
        IO,
        Text,
        "codec",
        "the decoder of an input's streams, the encoder of an output's; 'copy' does not code at all",
    )
    .each(),
    def("codec", IO, Text, "codec", "as -c").means("c", ""),
    def("dcodec", IO, Text, "codec", "as -c:d, for data").means("c", "d"),
    def("t", IO, Time, "duration", "read or write only this long"),
    def("to", IO, Time, "time", "read or write up to this time; -t has precedence"),
    def("ss", IO, Time, "time", "start here: an input is sought, of an output what comes before is dropped"),
    flag("bitexact", IO, "leave out what differs between versions and runs"),
    def("tag", IO, Text, "fourcc", "the codec tag: four characters or a number").each(),
    flag("dn", IO, "no data streams"),
    def("thread_queue_size", Scope::INPUT, Integer, "packets", "packets that may wait between reading and decoding")
        .within(0.0, 1e9),
    def("top", IO, Integer, "mode", "field order: 1 top first, 0 bottom first, -1 automatic").each(),
    def("time_base", Scope::OUTPUT, Text, "ratio", "the time base that the muxer is asked for").each(),
    def("pre", Scope::OUTPUT, Text, "preset", "options of the encoder from the file preset.avpreset").each(),
    def("fpre", Scope::OUTPUT, Text, "file", "a preset file of ffmpeg by its path"),
];
