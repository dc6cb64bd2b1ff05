//! `mt-transcode probe`: ffprobe's command lines. With input options only it prints the library's JSON.

mod args;
mod help;
mod loglevel;
mod options;

use args::Args;
use mt_transcode::error::Error;
use mt_transcode::job::probing::{Report, Source, configure_log, log_error};
use std::process::ExitCode;

pub fn run(args: &[String]) -> ExitCode {
    let mut parsed = Args::default();
    let result = parsed.parse(args);
    configure_log(parsed.log.level, parsed.log.flags);
    match result {
        Ok(()) if parsed.is_over => ExitCode::SUCCESS,
        Ok(()) if parsed.is_report => exit(report(parsed)),
        Ok(()) => exit(json(parsed)),
        Err(text) => exit(Err(text)),
    }
}

/// What is wrong is logged as ffprobe does; an empty text was logged before.
fn exit(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(text) if text.is_empty() => {}
        Err(text) => log_error(&text),
    }
    ExitCode::FAILURE
}

/// What ffprobe prints.
fn report(args: Args) -> Result<(), String> {
    // What is wrong with the options is said also where there is nothing to open.
    let source = source(&args, args.input.as_deref().unwrap_or_default())?;
    let report = Report {
        source: args.input.is_some().then_some(source),
        shown_url: args.shown_url,
        target: args.output,
        form: args.form.unwrap_or_else(|| "default".into()),
        selection: args.selection,
        look: args.look,
        request: args.request,
        log_level: args.shown_log_level,
    };
    report.print().map_err(|_| String::new())
}

fn source(args: &Args, url: &str) -> Result<Source, String> {
    let mut source = Source::new(url, args.format.as_deref(), &args.options)?;
    source.decoders = args.decoders.clone();
    source.finds_stream_info = args.finds_stream_info;
    source.is_single_threaded = args.shown_log_level.is_some();
    Ok(source)
}

/// What `Engine::probe` says, whose options may be those of the library's inputs too.
fn json(args: Args) -> Result<(), String> {
    let Some(url) = args.input else {
        return Err("You have to specify one input file.\nmt-transcode probe -h lists the options.".into());
    };
    let mut options = args.options;
    options.extend(args.format.map(|format| ("f".to_owned(), format)));
    if !args.finds_stream_info {
        options.push(("find_stream_info".into(), "0".into()));
    }
    for (letter, name) in ["v", "a", "s"].iter().zip(args.decoders) {
        options.extend(name.map(|name| (format!("c:{letter}"), name)));
    }
    if !options.iter().any(|(name, _)| name == "mt_trust") {
        options.push(("mt_trust".into(), "trusted".into())); // as ffprobe
    }
    let told = |error: Error| {
        super::report(&error);
        String::new()
    };
    println!("{}", super::engine().and_then(|engine| engine.probe(&url, &options, None)).map_err(told)?);
    Ok(())
}
