//! Options of the whole job.

use super::types::{Argument::*, Group, OptionDef, Scope, def, flag};

const G: Scope = Scope::GLOBAL;
const LARGE: f64 = 9.0e18;
const PROCESS: &str = "it would change the host's process";
const GRAPHS: &str = "this version does not describe the graphs that it builds";
const EVENTS: &str = "a host has the job's events and numbers";

pub const GROUP: Group = Group { title: "The whole job", options: OPTIONS };

static OPTIONS: &[OptionDef] = &[
    flag("y", G, "overwrite existing output files without a question; a library always does, but for -n"),
    flag("n", G, "never overwrite an existing output file: the job fails instead"),
    def(
        "loglevel",
        G,
        Text,
        "level",
        "least important lines of the log that come: quiet, panic, fatal, error, warning, info, verbose, debug, trace or a number; 'repeat+', 'level+' in front for the terminal",
    ),
    def("v", G, Text, "level", "short for -loglevel").means("loglevel", ""),
    flag("hide_banner", G, "do not print versions first").terminal(),
    flag("stats", G, "print a line of progress while the job runs").terminal(),
    def("stats_period", G, Time, "time", "how often -stats and -progress come").within(1e-6, LARGE).terminal(),
    flag("stdin", G, "read keys from standard input; -nostdin leaves it alone").terminal(),
    flag("report", G, "write the whole log to a file program-date-time.log").program(EVENTS),
    def("progress", G, Text, "URL", "write progress as lines key=value to a file or URL").program(EVENTS),
    flag("benchmark", G, "print time and memory used at the end").program(EVENTS),
    flag("benchmark_all", G, "log the time that each step of a decoder or encoder took on its thread"),
    def("timelimit", G, Long, "seconds", "end the process after this much CPU time")
        .within(0.0, 2_147_483_647.0)
        .program(PROCESS),
    def("max_alloc", G, Long, "bytes", "largest block of memory that FFmpeg may allocate")
        .within(0.0, LARGE)
        .program(PROCESS),
    def("cpuflags", G, Text, "flags", "CPU features that FFmpeg may use").program(PROCESS),
    def("cpucount", G, Text, "count", "number of CPUs that FFmpeg takes as there").program(PROCESS),
    flag("copyts", G, "leave the timestamps of inputs as they are"),
    flag("start_at_zero", G, "with -copyts, let each input begin at 0"),
    def("copytb", G, Integer, "mode", "time base of copied streams: 1 the demuxer's, 0 the decoder's, -1 chosen"),
    def("dts_delta_threshold", G, Number, "seconds", "a jump of timestamps beyond this is a discontinuity")
        .within(0.0, LARGE),
    def("dts_error_threshold", G, Number, "seconds", "timestamps that are off by more than this are dropped")
        .within(0.0, LARGE),
    def("filter_complex", G, Text, "graph", "a filter graph of several inputs or outputs"),
    def("lavfi", G, Text, "graph", "as -filter_complex").means("filter_complex", ""),
    def(
        "filter_complex_script",
        G,
        Text,
        "file",
        "a file with a graph for -filter_complex; from FFmpeg 7.0 on -/filter_complex does it too",
    ),
    def("filter_threads", G, Integer, "number", "threads of each simple filter graph").within(0.0, 1024.0),
    def("filter_complex_threads", G, Integer, "number", "threads of each complex filter graph").within(0.0, 1024.0),
    def("filter_buffered_frames", G, Integer, "number", "frames that a filter graph may hold; 0 is no limit")
        .within(0.0, 2_147_483_647.0)
        .since(8, 0),
    flag("auto_conversion_filters", G, "insert conversions of pixel and sample formats where a graph needs them"),
    flag("print_graphs", G, "print the filter graphs that were built").since(8, 0).refused(GRAPHS),
    def("print_graphs_file", G, Text, "file", "where to print the filter graphs").since(8, 0).refused(GRAPHS),
    def("print_graphs_format", G, Text, "format", "how to print the filter graphs").since(8, 0).refused(GRAPHS),
    flag("ignore_unknown", G, "leave out streams of unknown kind instead of failing on them"),
    flag("copy_unknown", G, "copy streams of unknown kind"),
    flag("recast_media", G, "allow a decoder of another kind of media than the stream's"),
    flag("xerror", G, "end the job at the first error"),
    def("max_error_rate", G, Number, "share", "share of what could not be decoded, 0 to 1, above which the job fails")
        .within(0.0, 1.0),
    def("abort_on", G, Text, "flags", "fail on: empty_output, empty_output_stream"),
    def("vsync", G, Text, "mode", "frame-rate mode of all outputs; -fps_mode is its successor"),
    def("frame_drop_threshold", G, Number, "frames", "how many frames late a frame may be before it is dropped"),
    def(
        "async",
        G,
        Integer,
        "samples",
        "stretch audio to its timestamps by so many samples a second; negative: count the samples instead",
    )
    .until(6, 0, "-af aresample=async=N"),
    def(
        "adrift_threshold",
        G,
        Number,
        "seconds",
        "how far audio may drift with -async; from FFmpeg 6.0 on it has no effect",
    ),
    def("vol", G, Integer, "volume", "volume of audio, 256 is unchanged").until(6, 0, "-af volume=N/256"),
    flag("psnr", G, "have encoders report the PSNR of their frames").until(7, 0, "-flags +psnr"),
    flag("vstats", G, "write statistics of each encoded video frame to a file named by the time"),
    def("vstats_file", G, Text, "file", "as -vstats, with the file's name"),
    def("vstats_version", G, Integer, "version", "the form of -vstats: 1, or 2 with output and stream"),
    flag("qphist", G, "with -stats, print how often each quantiser was used; from FFmpeg 6.1 on it has no effect")
        .terminal(),
    flag("debug_ts", G, "log the timestamps at every step"),
    flag("dump", G, "log each packet that is read"),
    flag("hex", G, "with -dump, log the payload too"),
    def("sdp_file", G, Text, "file", "write the SDP of RTP outputs to a file"),
    def(
        "init_hw_device",
        G,
        Text,
        "device",
        "open a hardware device: type[=name][:device[,key=value...]], or type[=name]@source to derive it; list prints the types",
    ),
    def("filter_hw_device", G, Text, "name", "the hardware device of filters: one that was opened before"),
    def("vaapi_device", G, Text, "device", "as -init_hw_device vaapi:device"),
    def("qsv_device", G, Text, "device", "open the QSV device that decoders and encoders take by themselves"),
    def("dec", G, Text, "stream", "decode an encoded output stream again (a loopback decoder)")
        .since(7, 0)
        .refused("this version decodes inputs only, and not what it has encoded"),
];
