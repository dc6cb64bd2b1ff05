//! What prints something and ends the program (fftools/opt_common.h: CMDUTILS_COMMON_OPTIONS).

use super::types::{Argument::Text, Group, OptionDef, Scope, def};

const fn print(name: &'static str, value_name: &'static str, help: &'static str) -> OptionDef {
    def(name, Scope::GLOBAL, Text, value_name, help).prints()
}

pub const GROUP: Group = Group { title: "Information", options: OPTIONS };

static OPTIONS: &[OptionDef] = &[
    print("L", "", "the licence of the linked FFmpeg"),
    print(
        "h",
        "topic",
        "help: long, full, or decoder=, encoder=, demuxer=, muxer=, filter=, bsf=, protocol= and a name",
    ),
    print("?", "topic", "help, as -h").means("h", ""),
    print("help", "topic", "help, as -h").means("h", ""),
    print("-help", "topic", "help, as -h").means("h", ""),
    print("version", "", "versions of the program and of FFmpeg's libraries"),
    print("buildconf", "", "how the linked FFmpeg was configured"),
    print("formats", "", "container formats and devices"),
    print("muxers", "", "formats that can be written"),
    print("demuxers", "", "formats that can be read"),
    print("devices", "", "input and output devices"),
    print("codecs", "", "codecs that FFmpeg knows, and what can decode and encode them"),
    print("decoders", "", "decoders"),
    print("encoders", "", "encoders"),
    print("bsfs", "", "bitstream filters"),
    print("protocols", "", "protocols for reading and for writing"),
    print("filters", "", "filters"),
    print("pix_fmts", "", "pixel formats"),
    print("layouts", "", "names of channels and standard channel layouts"),
    print("sample_fmts", "", "sample formats"),
    print("dispositions", "", "dispositions of streams"),
    print("colors", "", "names of colours"),
    print("sources", "device", "what an input device can read from"),
    print("sinks", "device", "what an output device can write to"),
    print("hwaccels", "", "kinds of hardware acceleration that FFmpeg was built with"),
];
