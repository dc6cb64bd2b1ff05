//! The table of ffprobe's own options. Source: `real_options` of FFmpeg's fftools/ffprobe.c (5.1). What is not here is an
//! AVOption, or unknown.

use super::args::Args;
use super::help;
use mt_transcode::job::probing::{Hash, OptionalFields, ReadInterval, Section, parse_integer, show_sections};

#[derive(Clone, Copy)]
pub enum Kind {
    /// "no" before the name turns it off.
    Flag(fn(&mut Args, bool)),
    Word(fn(&mut Args)),
    /// Takes the name as it was given, and the value; an error's text where it makes no sense.
    Value(fn(&mut Args, &str, &str) -> Result<(), String>),
}

pub struct Known {
    pub name: &'static str,
    pub kind: Kind,
    /// What the value is; "" for none.
    pub argument: &'static str,
    pub help: &'static str,
    /// Says how the input is read, not what is printed.
    pub is_of_input: bool,
}

const fn flag(name: &'static str, set: fn(&mut Args, bool), help: &'static str) -> Known {
    Known { name, kind: Kind::Flag(set), argument: "", help, is_of_input: false }
}

const fn word(name: &'static str, set: fn(&mut Args), help: &'static str) -> Known {
    Known { name, kind: Kind::Word(set), argument: "", help, is_of_input: false }
}

type Set = fn(&mut Args, &str, &str) -> Result<(), String>;
const fn value(name: &'static str, argument: &'static str, set: Set, help: &'static str) -> Known {
    Known { name, kind: Kind::Value(set), argument, help, is_of_input: false }
}

impl Known {
    const fn of_input(mut self) -> Known {
        self.is_of_input = true;
        self
    }
}

/// Finds an option by its name, without the dash; what follows a colon is no part of it.
pub fn find(name: &str) -> Option<&'static Known> {
    let base = name.split(':').next().unwrap_or(name);
    OPTIONS.iter().find(|option| option.name == base)
}

/// What ffprobe has in common with ffmpeg, and a probe has no use for.
pub const UNSUPPORTED: [&str; 25] = [
    "L",
    "version",
    "buildconf",
    "formats",
    "muxers",
    "demuxers",
    "devices",
    "codecs",
    "decoders",
    "encoders",
    "bsfs",
    "protocols",
    "filters",
    "pix_fmts",
    "layouts",
    "sample_fmts",
    "dispositions",
    "colors",
    "report",
    "max_alloc",
    "cpuflags",
    "cpucount",
    "sources",
    "sinks",
    "d",
];

pub static OPTIONS: &[Known] = &[
    word("h", help::print, "show help"),
    word("?", help::print, "show help"),
    word("help", help::print, "show help"),
    word("-help", help::print, "show help"),
    value("loglevel", "loglevel", |args, _, text| args.log.set(text), "set logging level").of_input(),
    value("v", "loglevel", |args, _, text| args.log.set(text), "set logging level").of_input(),
    flag("hide_banner", |_, _| {}, "there is no banner").of_input(),
    value("f", "format", set_format, "force format").of_input(),
    value("c", "decoder_name", set_decoder, "force decoder of v, a or s").of_input(),
    value("codec", "decoder_name", set_decoder, "force decoder of v, a or s").of_input(),
    flag("unit", |args, on| args.look.shows_units = on, "show unit of the displayed values"),
    flag("prefix", |args, on| args.look.has_prefixes = on, "use SI prefixes for the displayed values"),
    flag("byte_binary_prefix", |args, on| args.look.has_binary_prefixes = on, "use binary prefixes for byte units"),
    flag("sexagesimal", |args, on| args.look.is_sexagesimal = on, "use HOURS:MM:SS.MICROSECONDS for time units"),
    word("pretty", |args| args.look.prettify(), "prettify the format of displayed values"),
    value("print_format", "format", set_form, "set the output format (default, compact, csv, flat, ini, json, xml)"),
    value("of", "format", set_form, "alias for -print_format"),
    value("select_streams", "stream_specifier", set_streams, "select the specified streams"),
    word("sections", print_sections, "print sections structure and section information, and exit"),
    flag("show_data", |args, on| args.request.wanted.shows_data = on, "show packets data"),
    value("show_data_hash", "algorithm", set_hash, "show packets data hash"),
    word("show_error", |args| args.selection.show(Section::Error), "show probing error"),
    word("show_format", |args| args.selection.show(Section::Format), "show format/container info"),
    word("show_frames", |args| args.selection.show(Section::Frames), "show frames info"),
    value("show_entries", "entry_list", |args, _, text| args.selection.show_entries(text), "show these entries"),
    value("show_log", "loglevel", set_shown_log, "show log"),
    word("show_packets", |args| args.selection.show(Section::Packets), "show packets info"),
    word("show_programs", |args| args.selection.show(Section::Programs), "show programs info"),
    word("show_streams", |args| args.selection.show(Section::Streams), "show streams info"),
    word("show_chapters", |args| args.selection.show(Section::Chapters), "show chapters info"),
    flag("count_frames", |args, on| args.request.counts_frames = on, "count the number of frames per stream"),
    flag("count_packets", |args, on| args.request.counts_packets = on, "count the number of packets per stream"),
    word("show_program_version", |args| args.selection.show(Section::ProgramVersion), "show FFmpeg's version"),
    word("show_library_versions", |args| args.selection.show(Section::LibraryVersions), "show library versions"),
    word("show_versions", show_versions, "show FFmpeg's and library versions"),
    word("show_pixel_formats", |args| args.selection.show(Section::PixelFormats), "show pixel format descriptions"),
    value("show_optional_fields", "when", set_optional_fields, "show optional fields: always, never, auto"),
    flag("show_private_data", |args, on| args.request.wanted.shows_private = on, "show private data"),
    flag("private", |args, on| args.request.wanted.shows_private = on, "same as show_private_data"),
    flag("bitexact", |args, on| args.request.wanted.is_bitexact = on, "force bitexact output"),
    value("read_intervals", "read_intervals", set_intervals, "set read intervals"),
    value("i", "input_file", |args, _, url| args.set_input(url), "read specified file").of_input(),
    value("o", "output_file", |args, _, url| args.set_output(url), "write to specified output"),
    value("print_filename", "print_file", set_shown_url, "override the printed input filename"),
    flag("find_stream_info", |args, on| args.finds_stream_info = on, "read and decode to fill missing information")
        .of_input(),
];

fn set_format(args: &mut Args, _: &str, text: &str) -> Result<(), String> {
    args.format = Some(text.to_owned());
    Ok(())
}

/// -c:v NAME, as ffprobe of FFmpeg 7.1 and newer has it.
fn set_decoder(args: &mut Args, name: &str, text: &str) -> Result<(), String> {
    let kind = name.split_once(':').map(|(_, kind)| kind);
    let place = kind.and_then(|kind| ["v", "a", "s"].iter().position(|letter| *letter == kind));
    let place = place.ok_or_else(|| format!("Invalid media specifier in option '{name}': it takes v, a or s"))?;
    args.decoders[place] = Some(text.to_owned());
    Ok(())
}

fn set_form(args: &mut Args, _: &str, text: &str) -> Result<(), String> {
    args.form = Some(text.to_owned());
    Ok(())
}

fn set_streams(args: &mut Args, _: &str, text: &str) -> Result<(), String> {
    args.request.streams = Some(text.to_owned());
    Ok(())
}

fn set_shown_url(args: &mut Args, _: &str, text: &str) -> Result<(), String> {
    args.shown_url = Some(text.to_owned());
    Ok(())
}

fn set_hash(args: &mut Args, _: &str, text: &str) -> Result<(), String> {
    let unknown = |_| format!("Unknown hash algorithm '{text}'\nKnown algorithms: {}", Hash::names().join(" "));
    args.request.wanted.hash = Some(Hash::new(text).map_err(unknown)?);
    Ok(())
}

fn set_intervals(args: &mut Args, _: &str, text: &str) -> Result<(), String> {
    args.request.intervals = ReadInterval::parse_list(text)?;
    Ok(())
}

fn set_shown_log(args: &mut Args, name: &str, text: &str) -> Result<(), String> {
    let level = number(name, text)?;
    args.shown_log_level = (level != 0).then_some(level);
    Ok(())
}

fn set_optional_fields(args: &mut Args, name: &str, text: &str) -> Result<(), String> {
    args.look.optional_fields = match text.to_ascii_lowercase().as_str() {
        "always" => OptionalFields::Always,
        "never" => OptionalFields::Never,
        "auto" => OptionalFields::Auto,
        _ => match number(name, text)? {
            -1 => OptionalFields::Auto,
            0 => OptionalFields::Never,
            1 => OptionalFields::Always,
            _ => return Err(format!("The value for {name} was {text} which is not within -1 - 1")),
        },
    };
    Ok(())
}

fn number(name: &str, text: &str) -> Result<i32, String> {
    let number = parse_integer(text).and_then(|number| i32::try_from(number).ok());
    number.ok_or_else(|| format!("Expected int for {name} but found {text}"))
}

fn show_versions(args: &mut Args) {
    args.selection.show(Section::ProgramVersion);
    args.selection.show(Section::LibraryVersion);
}

fn print_sections(args: &mut Args) {
    print!("{}", show_sections());
    args.is_over = true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_once() {
        for (index, option) in OPTIONS.iter().enumerate() {
            assert!(OPTIONS[..index].iter().all(|other| other.name != option.name), "{} stands twice", option.name);
            assert!(!UNSUPPORTED.contains(&option.name), "{}", option.name);
        }
    }
}
