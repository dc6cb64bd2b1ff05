//! Options of inputs.

use super::types::{Argument::*, Group, OptionDef, Scope, def, flag};

const I: Scope = Scope::INPUT;

pub const GROUP: Group = Group { title: "Inputs", options: OPTIONS };

static OPTIONS: &[OptionDef] = &[
    def("sseof", I, Time, "time", "start this long before the end: a negative time"),
    def(
        "seek_timestamp",
        I,
        Integer,
        "0 or 1",
        "with 1, -ss is a timestamp of the file and not counted from its start",
    )
    .within(0.0, 1.0),
    flag("accurate_seek", I, "decode from the key frame before -ss on, and drop what comes before the time"),
    def("isync", I, Integer, "input", "shift this input so that it begins with another one"),
    def("itsoffset", I, Time, "time", "add this to the timestamps"),
    def("itsscale", I, Number, "factor", "multiply the timestamps by this").each(),
    flag("re", I, "read as fast as the media plays: -readrate 1"),
    def("readrate", I, Number, "speed", "read at this multiple of the media's own speed").within(0.0, 1e6),
    def("readrate_initial_burst", I, Number, "seconds", "media that is read at once before -readrate holds")
        .within(0.0, 1e9)
        .since(6, 1),
    def("readrate_catchup", I, Number, "speed", "speed at which an input that fell behind -readrate catches up")
        .within(0.0, 1e6)
        .since(8, 0),
    def("stream_loop", I, Integer, "times", "read the input again this often; -1 without end"),
    def("discard", I, Text, "what", "packets that the demuxer throws away: none, default, noref, bidir, nokey, all")
        .each(),
    flag("find_stream_info", I, "read ahead to learn what the streams are"),
    def("dump_attachment", I, Text, "file", "write an attachment of the input to a file").each(),
];
