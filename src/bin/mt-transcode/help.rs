//! -h and the other options that print something and end the program.

use crate::{banner, print};
use mt_transcode::job::{ffmpeg_release, listing};
use mt_transcode::options::{Effect, GROUPS, OptionDef, Setting, Support};
use std::fmt::Write;

/// Prints what one of these options asks for.
pub fn show(setting: &Setting) {
    print(&text(&setting.name, &setting.value));
}

fn text(name: &str, value: &str) -> String {
    use listing::Formats;
    match name {
        "h" => help(value),
        "L" => banner::licence(),
        "version" => banner::version(),
        "buildconf" => banner::configuration(),
        "formats" => listing::formats(Formats::All),
        "muxers" => listing::formats(Formats::Muxers),
        "demuxers" => listing::formats(Formats::Demuxers),
        "devices" => listing::formats(Formats::Devices),
        "codecs" => listing::codecs(),
        "decoders" => listing::coder_list(false),
        "encoders" => listing::coder_list(true),
        "bsfs" => listing::bitstream_filters(),
        "protocols" => listing::protocols(),
        "filters" => listing::filters(),
        "pix_fmts" => listing::pixel_formats(),
        "layouts" => listing::layouts(),
        "sample_fmts" => listing::sample_formats(),
        "dispositions" => listing::dispositions(),
        "colors" => listing::colors(),
        "hwaccels" => listing::hardware(),
        "sources" => listing::sources(value),
        "sinks" => listing::sinks(value),
        _ => String::new(),
    }
}

/// Of one thing ("encoder=aac"): without a name FFmpeg's words differ from thing to thing.
fn help(topic: &str) -> String {
    let (kind, name) = topic.split_once('=').map_or((topic, None), |(kind, name)| (kind, Some(name)));
    let of = |what: &str, help: fn(&str) -> String| name.map_or_else(|| format!("No {what} name specified.\n"), help);
    match kind {
        "decoder" => of("codec", |name| listing::coder_help(name, false)),
        "encoder" => of("codec", |name| listing::coder_help(name, true)),
        "demuxer" => listing::demuxer_help(name.unwrap_or("(null)")),
        "muxer" => listing::muxer_help(name.unwrap_or("(null)")),
        "protocol" => of("protocol", listing::protocol_help),
        "filter" => of("filter", listing::filter_help),
        "bsf" => of("bitstream filter", listing::bitstream_filter_help),
        "" => options(false),
        "long" => options(true),
        "full" => options(true) + &listing::all_options(),
        other => format!("Unknown help option '{other}'.\n") + &options(false),
    }
}

fn options(shows_all: bool) -> String {
    let mut out = String::from(
        "usage: mt-transcode [options] [[infile options] -i infile]... {[outfile options] outfile}...\n\n\
         Getting help:\n    -h      -- print basic options\n    -h long -- print more options\n    \
         -h full -- print all options (including all format and codec specific options, very long)\n    \
         -h type=name -- print all options for the named decoder/encoder/demuxer/muxer/filter/bsf/protocol\n    \
         See docs/options.md and FFmpeg's manuals for what they mean.\n    \
         mt-transcode help -- the other commands: probe, symbolize, replay, doctor, diagnostics, version\n\n",
    );
    for group in GROUPS {
        let shown = |option: &&&OptionDef| is_shown(option, shows_all);
        let mut of_group = group.options.iter().filter(|option| shown(&option)).peekable();
        if of_group.peek().is_none() {
            continue;
        }
        let _ = writeln!(out, "{}:", group.title);
        for option in of_group {
            let name = format!("{} {}", option.name, option.value_name);
            let _ = writeln!(out, "-{:<17}  {}{}", name.trim_end(), option.help, remark(option));
        }
        out.push('\n');
    }
    out
}

/// What the program does not do is not shown as help; docs/options.md says why.
fn is_shown(option: &OptionDef, shows_all: bool) -> bool {
    let is_done = !matches!(option.support, Support::No(_));
    let is_there = option.is_everywhere || option.is_in(ffmpeg_release());
    is_done && is_there && (shows_all || option.is_basic() || option.effect == Effect::Print && option.name == "h")
}

fn remark(option: &OptionDef) -> String {
    match option.until {
        Some(until) if !option.is_everywhere => format!(" (gone from FFmpeg {until} on)"),
        _ => String::new(),
    }
}
