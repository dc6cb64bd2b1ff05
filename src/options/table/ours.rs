//! What ffmpeg has no word for.

use super::types::{Argument::*, Group, OptionDef, Scope, def, flag};

const G: Scope = Scope::GLOBAL;
const LARGE: f64 = 9.0e18;

pub const GROUP: Group = Group { title: "Options of mt-transcode", options: OPTIONS };

static OPTIONS: &[OptionDef] = &[
    def(
        "mt_read_errors",
        G,
        Text,
        "fail or ignore",
        "an input that breaks off: the job fails (the library's default), or ends well with what was read (the program's, as ffmpeg's)",
    ),
    def("mt_memory", G, Long, "bytes", "native memory that the job is expected to need, for the engine's budget")
        .within(0.0, LARGE),
    flag("mt_strict", G, "a codec option that no stream used is an error and not a warning"),
    def(
        "mt_seek_buffer",
        Scope::INPUT,
        Long,
        "bytes",
        "what is kept of a stream whose index lies behind its media (32 MiB)",
    )
    .within(0.0, LARGE),
    def(
        "mt_show",
        Scope::INPUT,
        Text,
        "words",
        "what a probe shows: format,streams,chapters,programs,packets,frames; not for the inputs of jobs",
    ),
    def(
        "mt_read_intervals",
        Scope::INPUT,
        Text,
        "intervals",
        "what a probe reads of packets and frames, as ffprobe's -read_intervals; not for the inputs of jobs",
    ),
];
