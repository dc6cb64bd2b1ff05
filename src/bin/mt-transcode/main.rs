//! The program: ffmpeg's command lines, run by the library in this process. As ffmpeg it has the process to itself, so what a library
//! leaves alone (the log, the terminal, signals, limits) is done here, through functions of the job layer.
#![forbid(unsafe_code)]

mod banner;
mod doctor;
mod doctor_about;
mod doctor_files;
mod doctor_limits;
mod doctor_process;
mod help;
mod keys;
mod line;
mod messages;
mod overwrite;
mod probe;
mod replay;
mod replay_outputs;
mod replay_streams;
mod replay_wishes;
mod report_file;
mod run;
mod settings;
mod symbolize;

use messages::say;
use mt_transcode::error::Error;
use mt_transcode::job::{Engine, EngineConfig, Isolation, LogMode, diagnostics};
use mt_transcode::text::from_bytes;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

/// FFmpeg's levels.
const FATAL: i32 = 8;
const ERROR: i32 = 16;
const WARNING: i32 = 24;
const INFO: i32 = 32;

const USAGE: &str = "usage: mt-transcode FFMPEG-ARGUMENTS...
       mt-transcode probe FFPROBE-ARGUMENTS...
       mt-transcode symbolize [--debug-dir DIR] [REPORT]
       mt-transcode replay [--print] CAPTURE
       mt-transcode doctor [PID]
       mt-transcode diagnostics
       mt-transcode version

The arguments are those of the ffmpeg program: mt-transcode -i in.mp4 -c copy out.mkv
mt-transcode -h lists the options. One that is not supported is refused by its name.
";

fn main() -> ExitCode {
    // Names of files need not be UTF-8.
    let args: Vec<String> = std::env::args_os().skip(1).map(|arg| from_bytes(arg.as_bytes())).collect();
    let code = command(&args);
    match UNPRINTED.get() {
        None => code,
        Some(why) => {
            eprintln!("mt-transcode: cannot write to standard output: {why}");
            // 1 is something that these two found.
            let has_findings = matches!(args.first().map(String::as_str), Some("doctor" | "replay"));
            if has_findings { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

fn command(args: &[String]) -> ExitCode {
    let result = match args.first().map(String::as_str) {
        None => {
            eprint!("{USAGE}");
            return ExitCode::FAILURE;
        }
        Some("help") => {
            print(USAGE);
            Ok(())
        }
        Some("version") => {
            print(&format!("mt-transcode {}\n", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
        Some("diagnostics") => {
            print(&format!("{}\n", diagnostics()));
            Ok(())
        }
        Some("symbolize") => {
            return match symbolize::run(&args[1..]) {
                Ok(()) => ExitCode::SUCCESS,
                Err(why) => {
                    eprintln!("mt-transcode symbolize: {why}");
                    ExitCode::FAILURE
                }
            };
        }
        Some("doctor") => return ExitCode::from(doctor::run(&args[1..])),
        Some("replay") => return ExitCode::from(replay::run(&args[1..])),
        // What engines start for jobs in processes of their own; the host's socket is standard input.
        Some("--mt-forkserver") => {
            return ExitCode::from(mt_transcode::worker::serve(args.get(1).map(String::as_str)) as u8);
        }
        Some("probe") => return probe::run(&args[1..]),
        Some(_) => return ExitCode::from(run::run(args)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in words(&error) {
                eprint!("{line}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Why standard output could not be written.
static UNPRINTED: OnceLock<std::io::Error> = OnceLock::new();

/// To standard output; who reads it may have had enough. Any other error is the program's, at its end.
fn print(text: &str) {
    let mut out = std::io::stdout();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        let _ = UNPRINTED.set(error);
    }
}

/// What failed, and what more there is to say, in lines.
fn words(error: &Error) -> Vec<String> {
    let mut lines = vec![format!("mt-transcode: {error}\n")];
    for (name, text) in
        [("stage", error.stage()), ("url", error.url()), ("ffmpeg", error.ffmpeg_text()), ("hint", error.hint())]
    {
        if !text.is_empty() {
            lines.push(format!("  {name}: {text}\n"));
        }
    }
    lines
}

/// An error that ends the program, in the log.
fn report(error: &Error) {
    for (index, line) in words(error).iter().enumerate() {
        say(if index == 0 { FATAL } else { ERROR }, line);
    }
}

fn engine() -> Result<Arc<Engine>, Error> {
    let here = Isolation { stays_here: true, ..Isolation::default() };
    Engine::new(EngineConfig::new(1, None, false, LogMode::Leave, 0).with_isolation(here))
}
