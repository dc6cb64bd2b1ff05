//! The program: ffmpeg's command lines, run by the library in this process.
#![forbid(unsafe_code)]

use mt_transcode::job::{Engine, EngineConfig, EventKind, Job, LogMode, diagnostics};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

const USAGE: &str = "usage: mt-transcode FFMPEG-ARGUMENTS...
       mt-transcode probe [-OPTION VALUE]... URL
       mt-transcode diagnostics
       mt-transcode version

The arguments are those of the ffmpeg program: mt-transcode -i in.mp4 -c copy out.mkv
An option that is not supported is refused by its name.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let result = match args.first().map(String::as_str) {
        None | Some("-h" | "-help" | "--help" | "help") => {
            println!("{USAGE}");
            return ExitCode::from(u8::from(args.is_empty()));
        }
        Some("version" | "-version" | "--version") => {
            println!("mt-transcode {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Some("diagnostics") => {
            println!("{}", diagnostics());
            Ok(())
        }
        Some("probe") => probe(&args[1..]),
        Some(_) => transcode(&args),
    };
    match result {
        // As the ffmpeg program: 255 after a signal.
        _ if SIGNALS.load(Relaxed) > 0 => ExitCode::from(255),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn report(error: &mt_transcode::error::Error) {
    eprintln!("mt-transcode: {error}");
    for (name, text) in
        [("stage", error.stage()), ("url", error.url()), ("ffmpeg", error.ffmpeg_text()), ("hint", error.hint())]
    {
        if !text.is_empty() {
            eprintln!("  {name}: {text}");
        }
    }
}

fn engine() -> Result<Arc<Engine>, mt_transcode::error::Error> {
    Engine::new(EngineConfig::new(1, None, false, LogMode::Take, 0))
}

fn probe(args: &[String]) -> Result<(), mt_transcode::error::Error> {
    let (url, options) =
        args.split_last().ok_or_else(|| mt_transcode::error::Error::invalid("probe needs a URL".into()))?;
    let pairs: Vec<(String, String)> = options
        .chunks(2)
        .map(|pair| (pair[0].trim_start_matches('-').to_owned(), pair.get(1).cloned().unwrap_or_default()))
        .collect();
    let mut pairs = pairs;
    if !pairs.iter().any(|(name, _)| name == "mt_trust") {
        pairs.push(("mt_trust".to_owned(), "trusted".to_owned()));
    }
    println!("{}", engine()?.probe(url, &pairs, None)?);
    Ok(())
}

/// How many times the user or a supervisor asked for the end.
static SIGNALS: AtomicU32 = AtomicU32::new(0);

fn transcode(args: &[String]) -> Result<(), mt_transcode::error::Error> {
    let engine = engine()?;
    let job = Job::new(&engine)?;
    let asked = Arc::clone(&job);
    // The first signal ends the files in good order, a second one at once.
    let on_signal = move || match SIGNALS.fetch_add(1, Relaxed) {
        0 => drop(asked.stop()),
        _ => asked.cancel(),
    };
    if let Err(error) = engine.on_termination(on_signal) {
        eprintln!("mt-transcode: signals end the program at once: {error}");
    }
    job.set_args(args)?;
    if !args.iter().any(|arg| arg == "-mt_read_errors") {
        job.set_option("mt_read_errors", Some("ignore"))?; // as the ffmpeg program does
    }
    if !args.iter().any(|arg| arg == "-mt_trust") {
        job.set_option("mt_trust", Some("trusted"))?; // what ffmpeg does
    }
    job.start()?;
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    while let Ok(event) = job.next_event(Some(Duration::from_secs(3600))) {
        match event.map(|event| event.kind) {
            Some(EventKind::Log { stage, text, repeated, .. }) => {
                let again = if repeated > 0 { format!(" (and {repeated} times more)") } else { String::new() };
                eprintln!("[{stage}] {text}{again}");
            }
            Some(EventKind::Progress(progress)) if is_terminal => {
                let percent = progress.percent().map_or(String::new(), |p| format!("{p:5.1} % "));
                let _ = write!(
                    std::io::stderr(),
                    "\r{percent}frame={} size={} time={:.2} speed={:.2}x ",
                    progress.frames,
                    progress.size_bytes,
                    progress.position_us as f64 / 1e6,
                    progress.speed()
                );
            }
            Some(EventKind::Done { error }) => {
                if is_terminal {
                    eprintln!();
                }
                return error.map_or(Ok(()), Err);
            }
            _ => {}
        }
    }
    Ok(())
}
