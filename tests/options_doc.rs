//! docs/options.md is what the option table says; it drifts only by `UPDATE_OPTIONS=1 cargo test --test options_doc`.

use mt_transcode::options::{Argument, Effect, GROUPS, OptionDef, Support, find};
use std::fmt::Write;

const INTRODUCTION: &str = "# Options

Written from the table in `src/options/table/` by `UPDATE_OPTIONS=1 cargo test --test options_doc`.

Names, meaning and grammar are those of the ffmpeg program, from FFmpeg 5.1 to 8.1. Options before `-i URL` belong to that input,
options before a plain word to that output, and options of the whole job may stand anywhere. Beside those listed here every AVOption of
FFmpeg's codecs, formats, protocols, scaler and resampler is taken by its own name (`-crf`, `-movflags`, `-rtsp_transport`);
`mt-transcode -h full`, or `-h encoder=NAME` and so on, lists them.

- `[:stream]` is a stream specifier: `v`, `a:1`, `#0x101`, `p:1:v`, `m:language:eng`, `u`.
- A flag is turned off with `no` before its name: `-noautorotate`.
- `-/name file` takes the value from a file.
- `--` makes the next word an output file, whatever it looks like.
- Numbers may have SI prefixes (`64k`, `1.5M`, `4Ki`), times are seconds or `HH:MM:SS.m`, with `s`, `ms` or `us` behind them.

**FFmpeg** says which releases of the ffmpeg program have an option. Where the linked FFmpeg is another release, the option is refused
by its name, unless it says \"all\": then mt-transcode does it whatever is linked.

**done** says what mt-transcode makes of it. *yes*: in the library and the program. *program*: the program does it; a job of a host is
refused with the reason. *terminal*: it concerns the program's terminal; a job of a host takes it and does nothing. What is not done is
refused by its name, with the reason that stands there.
";

fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    for group in GROUPS {
        let _ = write!(
            text,
            "\n## {}\n\n| option | for | FFmpeg | done | what it says |\n|---|---|---|---|---|\n",
            group.title
        );
        for option in group.options {
            let cells = [usage(option), option.scope.words().into(), releases(option), done(option), what(option)];
            let _ = writeln!(text, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
        }
    }
    text
}

fn usage(option: &OptionDef) -> String {
    let stream = if find(option.canonical.0).is_some_and(|of| of.per_stream) { "[:stream]" } else { "" };
    let value = match option.value_name {
        "" => String::new(),
        name if option.effect == Effect::Print => format!(" [{name}]"),
        name => format!(" {name}"),
    };
    format!("`-{}{stream}{value}`", option.name)
}

fn releases(option: &OptionDef) -> String {
    let range = match (option.since, option.until) {
        (None, None) => return if option.name.starts_with("mt_") { "none".into() } else { String::new() },
        (Some(since), None) => format!("from {since}"),
        (None, Some(until)) => format!("before {until}"),
        (Some(since), Some(until)) => format!("{since}, before {until}"),
    };
    if option.is_everywhere { format!("{range}; all") } else { range }
}

fn done(option: &OptionDef) -> String {
    match option.support {
        Support::Yes => "yes".into(),
        Support::Terminal => "terminal".into(),
        Support::Program(why) => format!("program: {why}"),
        Support::No(why) => format!("no: {why}"),
    }
}

fn what(option: &OptionDef) -> String {
    let mut text = option.help.to_owned();
    if option.takes_value_before_7 {
        text.push_str(" (before FFmpeg 7.0 with a value, 0 or 1)");
    }
    if let (Argument::Integer | Argument::Long | Argument::Number, Some((low, high))) = (option.argument, option.range)
    {
        match high < 1e9 {
            true => write!(text, " ({low} to {high})"),
            false => write!(text, " (from {low})"),
        }
        .expect("a string takes it");
    }
    if !option.instead.is_empty() {
        let _ = write!(text, "; later: {}", option.instead);
    }
    text
}

#[test]
fn the_page_of_options_is_that_of_the_table() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/options.md");
    let made = document();
    if std::env::var_os("UPDATE_OPTIONS").is_some() {
        std::fs::write(&path, &made).expect("the page is writable");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "docs/options.md is not what the table says: UPDATE_OPTIONS=1 cargo test --test options_doc"
    );
}
