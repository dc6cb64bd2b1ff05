//! The global options that concern the process: applied in the order in which they stand, before any file is opened.

use crate::line::Quantisers;
use crate::messages::say;
use crate::report_file::{self, Begun};
use crate::{FATAL, WARNING, help};
use mt_transcode::error::Error;
use mt_transcode::job::{LogSettings, Url, find_argument, listing, log_settings, process, program_log};
use mt_transcode::options::{Effect, JobSpec, Setting, parse_integer, parse_time_us};
use mt_transcode::text::to_bytes;
use std::time::Duration;

/// What the command line says of the program itself.
pub struct Settings {
    /// None where nothing was said: then by the level of the log.
    pub stats: Option<bool>,
    pub stats_period: Duration,
    pub progress: Option<Url>,
    pub reads_keys: bool,
    pub benchmark: bool,
    /// -qphist.
    pub quantisers: Option<Quantisers>,
}

impl Settings {
    /// Somebody looks at how far the job is.
    pub fn is_watched(&self) -> bool {
        self.stats != Some(false) || self.progress.is_some()
    }
}

/// Why the program ends before it begins.
pub enum Ended {
    /// An option has printed what it prints.
    WellDone,
    /// What is wrong was said already.
    Wrong,
}

/// What holds before the command line is read: the log's level, the report, the banner.
pub fn early(args: &[String], program: &str) -> Result<bool, Ended> {
    set_log(LogSettings::of_program());
    let level = find_argument(args, "loglevel").or_else(|| find_argument(args, "v"));
    if let Some(text) = level.and_then(|at| args.get(at + 1)) {
        apply_level(text)?;
    }
    let variable = std::env::var("FFREPORT").ok();
    if variable.is_some() || find_argument(args, "report").is_some() {
        if report_file::begin(variable.as_deref().unwrap_or(""), program) == Begun::WrongLevel {
            return Err(Ended::Wrong);
        }
        if let Some(file) = crate::messages::report_file() {
            let words: Vec<String> = args.iter().map(|word| quoted(word)).collect();
            file.write(&format!("Command line:\n{program} {}\n", words.join(" ")));
        }
    }
    Ok(find_argument(args, "hide_banner").is_none() && find_argument(args, "version").is_none())
}

/// A word of the command line, for the report: without secrets, and quoted as ffmpeg does it.
fn quoted(word: &str) -> String {
    let word = mt_transcode::mask_text(word);
    let is_plain = |c: char| ('+'..=':').contains(&c) || ('@'..='Z').contains(&c) || c == '_' || c.is_ascii_lowercase();
    if word.chars().all(is_plain) {
        return word;
    }
    let inner: String = to_bytes(&word)
        .iter()
        .map(|byte| match byte {
            b'\\' | b'"' | b'$' | b'`' => format!("\\{}", char::from(*byte)),
            b' '..=b'~' => char::from(*byte).to_string(),
            other => format!("\\x{other:02x}"),
        })
        .collect();
    format!("\"{inner}\"")
}

fn set_log(settings: LogSettings) {
    program_log::set_flags(settings.flags);
    program_log::set_level(settings.level);
}

fn apply_level(text: &str) -> Result<(), Ended> {
    let before = LogSettings { level: program_log::level(), flags: program_log::flags() };
    match log_settings(text, before) {
        Ok(settings) => set_log(settings),
        Err(error) => return Err(wrong(&error)),
    }
    Ok(())
}

fn wrong(error: &Error) -> Ended {
    crate::report(error);
    Ended::Wrong
}

/// Applies the program's options of a parsed command line.
pub fn apply(spec: &JobSpec, program: &str) -> Result<Settings, Ended> {
    let mut settings = Settings {
        stats: None,
        stats_period: Duration::from_millis(500),
        progress: None,
        reads_keys: true,
        benchmark: false,
        quantisers: None,
    };
    for setting in &spec.global {
        if setting.definition.is_some_and(|definition| definition.effect == Effect::Print) {
            help::show(setting);
            return Err(Ended::WellDone);
        }
        one(setting, &mut settings, program)?;
    }
    // Who feeds an input through standard input does not press keys.
    let is_standard_input = |url: &str| url == "-" || url.starts_with("pipe:") || url == "/dev/stdin";
    settings.reads_keys &= !spec.inputs.iter().any(|input| is_standard_input(&input.url));
    Ok(settings)
}

fn one(setting: &Setting, settings: &mut Settings, program: &str) -> Result<(), Ended> {
    let (value, is_on) = (setting.value.as_str(), setting.value != "0");
    let integer = || parse_integer(value).unwrap_or_default().max(0) as u64;
    match setting.name.as_str() {
        "loglevel" => apply_level(value)?,
        "report" => drop(report_file::begin("", program)),
        "stats" => settings.stats = Some(is_on),
        "stats_period" => {
            settings.stats_period = Duration::from_micros(parse_time_us(value).unwrap_or(500_000).max(1) as u64);
        }
        "stdin" => settings.reads_keys = is_on,
        "qphist" => settings.quantisers = Quantisers::of(is_on),
        "benchmark" => settings.benchmark = is_on,
        "init_hw_device" if value == "list" => {
            crate::print(&listing::devices());
            return Err(Ended::WellDone);
        }
        "progress" => settings.progress = Some(progress(value)?),
        "timelimit" => {
            if let Err(error) = process::limit_cpu_seconds(integer()) {
                say(WARNING, &format!("setrlimit: {error}\n"));
            }
        }
        "max_alloc" => process::limit_allocation(integer() as usize),
        "cpuflags" => process::force_cpu_flags(value).map_err(|error| bad_value(setting, &error.words()))?,
        "cpucount" => match parse_integer(value).and_then(|count| i32::try_from(count).ok()) {
            Some(count) if count >= -1 => process::force_cpu_count(count),
            _ => return Err(bad_value(setting, "Numerical result out of range")),
        },
        _ => {}
    }
    Ok(())
}

fn bad_value(setting: &Setting, why: &str) -> Ended {
    say(FATAL, &format!("Failed to set value '{}' for option '{}': {why}\n", setting.value, setting.given));
    Ended::Wrong
}

fn progress(url: &str) -> Result<Url, Ended> {
    Url::open_for_writing(if url == "-" { "pipe:" } else { url }, None).map_err(|error| {
        let url = mt_transcode::mask_text(url);
        say(FATAL, &format!("Failed to open progress URL \"{url}\": {}\n", error.words()));
        Ended::Wrong
    })
}
