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
    flag(
        "mt_full_probe",
        Scope::INPUT,
        "decode to learn what the streams are, also where the head of an MP4 or the parameter sets of an MPEG-TS say all that a copy needs",
    ),
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
    def(
        "mt_trust",
        Scope::JOB_OR_INPUT,
        Text,
        "profile",
        "how far inputs are trusted: trusted, standard or untrusted; on a command line it holds for the whole job",
    ),
    def("mt_input_trust", Scope::INPUT, Text, "profile", "as -mt_trust, for one input; it goes before -mt_trust")
        .means("mt_trust", ""),
    def(
        "mt_allow_read",
        G,
        Text,
        "list",
        "files and folders that a worker may read beside what the job names, with colons between",
    ),
    def(
        "mt_allow_write",
        G,
        Text,
        "list",
        "folders that a worker may write to beside those of the outputs, with colons between",
    ),
    def(
        "mt_live",
        Scope::JOB_OR_FILE,
        Integer,
        "0 or 1",
        "low latency, and deadlines of 10 s; on a command line it holds for the whole job",
    )
    .within(0.0, 1.0),
    def("mt_input_live", Scope::INPUT, Integer, "0 or 1", "as -mt_live, for one input; it goes before -mt_live")
        .within(0.0, 1.0)
        .means("mt_live", ""),
    def("mt_output_live", Scope::OUTPUT, Integer, "0 or 1", "as -mt_live, for one output; it goes before -mt_live")
        .within(0.0, 1.0)
        .means("mt_live", ""),
    def(
        "mt_gather_ms",
        Scope::INPUT,
        Long,
        "milliseconds",
        "a live input from a pipe of the host's is read once in so many, or when half of the pipe is full: less CPU, and as much more latency (0; at most 60000)",
    )
    .within(0.0, 60_000.0),
    def(
        "mt_wait_timeout_ms",
        Scope::FILE,
        Long,
        "milliseconds",
        "until the first packet of an input is there, or somebody has connected to an output; 0 is none",
    )
    .within(0.0, LARGE),
    def(
        "mt_open_timeout_ms",
        Scope::FILE,
        Long,
        "milliseconds",
        "for opening an input and finding its streams, or opening an output and writing its header; 0 is none",
    )
    .within(0.0, LARGE),
    def(
        "mt_read_timeout_ms",
        Scope::INPUT,
        Long,
        "milliseconds",
        "until the next whole packet is read, however many bytes come; 0 is none",
    )
    .within(0.0, LARGE),
    def("mt_write_timeout_ms", Scope::OUTPUT, Long, "milliseconds", "for writing a packet, or the trailer; 0 is none")
        .within(0.0, LARGE),
    def(
        "mt_idle_timeout_ms",
        Scope::FILE,
        Long,
        "milliseconds",
        "without a packet of each video and audio stream of an input that is used, or of any stream of an output; 0 is none",
    )
    .within(0.0, LARGE),
    def(
        "mt_total_timeout_ms",
        Scope::FILE,
        Long,
        "milliseconds",
        "from opening an input or output to its end; 0 is none",
    )
    .within(0.0, LARGE),
    def(
        "mt_ca_file",
        G,
        Text,
        "file",
        "certificate authorities for TLS peers, as PEM; else SSL_CERT_FILE, SSL_CERT_DIR, or the system's",
    ),
    def("mt_formats", G, Text, "list", "formats that inputs may have, with commas between"),
    def("mt_codecs", G, Text, "list", "decoders that may be used, with commas between"),
    def("mt_protocols", G, Text, "list", "protocols that inputs may use, with commas between"),
    def("mt_output_protocols", G, Text, "list", "protocols that outputs may use, with commas between"),
    def(
        "mt_addresses",
        G,
        Text,
        "any or public",
        "addresses that inputs may dial; public (the default of untrusted inputs) takes literal public addresses only, and no redirects",
    ),
    def(
        "mt_max_open_bytes",
        G,
        Long,
        "bytes",
        "limit of what is read before an input is open, and between two packets; 0 is none",
    )
    .within(0.0, LARGE),
    def("mt_max_pixels", G, Long, "pixels", "limit of a picture that is decoded; 0 is none").within(0.0, LARGE),
    def("mt_max_repeat", G, Long, "frames", "limit of what is made of one input frame; 0 is none").within(0.0, LARGE),
    def("mt_max_output_bytes", G, Long, "bytes", "limit of what all outputs together get; 0 is none")
        .within(0.0, LARGE),
    def("mt_max_time", G, Number, "seconds", "limit of the time that a job runs; 0 is none").within(0.0, LARGE),
    def(
        "mt_idle_timeout",
        G,
        Number,
        "seconds",
        "limit of the time without progress, but for waiting for the host (its pipes and callbacks); 0 is none",
    )
    .within(0.0, LARGE),
    def("mt_source", Scope::INPUT, Integer, "0 or 1", "the input may come and go: it is opened again when it breaks off or ends, and the outputs stay open").within(0.0, 1.0),
    def("mt_alternate", Scope::INPUT, Text, "url", "a URL that a source is read from while the ones before it cannot be opened; more than once"),
    def("mt_retry_ms", Scope::INPUT, Long, "milliseconds", "time before a source is tried again (500); doubled each time, a quarter more or less")
        .within(0.0, LARGE),
    def("mt_retry_most_ms", Scope::INPUT, Long, "milliseconds", "the longest such time (30000)").within(0.0, LARGE),
    def("mt_retry_attempts", Scope::INPUT, Integer, "count", "how often in a row a source may fail before it is an error; 0 is without end")
        .within(0.0, 1e9),
    def("mt_silence_ms", Scope::INPUT, Long, "milliseconds", "how long a source may be gone before that is an error, with which the outputs end; 0 is without end")
        .within(0.0, LARGE),
    def("mt_on_demand", Scope::INPUT, Integer, "0 or 1", "a source is opened with the first output that joins the job, and closed some time after the last").within(0.0, 1.0),
    def("mt_linger_ms", Scope::INPUT, Long, "milliseconds", "how long after the last (5000)").within(0.0, LARGE),
    def("mt_return_ms", Scope::INPUT, Long, "milliseconds", "how often a source's first URL is tried while an alternate is read (5000)")
        .within(0.0, LARGE),
    def("mt_gap", Scope::INPUT, Text, "close or keep", "whether the time that a source was gone is a gap in its timestamps (where nothing is said: if another source was there meanwhile)"),
    def("mt_slate", Scope::INPUT, Text, "none, black or last", "what streams of a source that are encoded show while it is away: nothing, black, or the last picture; sound is silent then"),
    def("mt_slate_after_ms", Scope::INPUT, Long, "milliseconds", "how long a source must be away before that is shown (500)").within(0.0, LARGE),
    def(
        "mt_breaker",
        Scope::INPUT,
        Text,
        "certificates=3:handshakes=5:window_ms=60000:open_ms=60000",
        "when a source's host is left alone: so many bad certificates in a row, or failed handshakes within a time, and for how long",
    ),
    def("mt_degrade", Scope::OUTPUT, Text, "fail, drop or copy", "what becomes of a stream whose decoder, graph or encoder fails time after time, or whose packets the muxer refuses; without it, ffmpeg's way")
        .each(),
    def("mt_degrade_after", Scope::OUTPUT, Integer, "count", "how many failures in a row that takes (25)").within(1.0, 1e9).each(),
    def(
        "mt_from",
        Scope::OUTPUT,
        Integer,
        "output",
        "takes the packets of an output that stands before it, with -c copy: encoded once, for many",
    )
    .within(0.0, 1e6),
    def(
        "mt_slow",
        Scope::OUTPUT,
        Text,
        "wait, skip or end",
        "what happens when more waits for this output than may: the job waits, it goes on with the next key frame, or it ends",
    ),
    def(
        "mt_queue_bytes",
        Scope::OUTPUT,
        Long,
        "bytes",
        "how much may wait for an output that joined a job, or has -mt_slow skip or end (8 MiB)",
    )
    .within(0.0, LARGE),
    def(
        "mt_queue_ms",
        Scope::OUTPUT,
        Long,
        "milliseconds",
        "how much time may wait there (5000; without end with -mt_slow wait)",
    )
    .within(0.0, LARGE),
    def(
        "mt_gop_bytes",
        Scope::FILE,
        Long,
        "bytes",
        "how much of the last group of pictures is kept of an input, or of an output, for outputs that join (16 MiB with -mt_live 1, else nothing)",
    )
    .within(0.0, LARGE),
    def(
        "mt_hang_timeout_ms",
        G,
        Long,
        "milliseconds",
        "time without progress, waiting for nobody outside, after which the job hangs and is ended; goes before the engine's; 0 is never",
    )
    .within(0.0, LARGE),
];
