//! A command line from its words to the exit code.

use crate::keys::Keys;
use crate::messages::{self, say};
use crate::settings::{self, Ended, Settings};
use crate::{ERROR, FATAL, INFO, WARNING, banner, line, overwrite, report};
use mt_transcode::error::{Code, Error};
use mt_transcode::job::{
    AlsoEnds, Engine, EventKind, Job, Report, State, ffmpeg_release, parse_program_args, process, program_log, terminal,
};
use mt_transcode::options::{JobSpec, Release};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// ffmpeg's exit codes beside 0 and 1.
const TOO_MANY_ERRORS: u8 = 69;
const HARD_EXIT: i32 = 123;
const BY_SIGNAL: u8 = 255;

/// How many times the user or a supervisor asked for the end, and by which signal last.
static SIGNALS: AtomicU32 = AtomicU32::new(0);
static LAST_SIGNAL: AtomicI32 = AtomicI32::new(0);

pub fn run(args: &[String]) -> u8 {
    messages::install();
    let code = prepare(args).unwrap_or_else(|ended| match ended {
        Ended::WellDone => 0,
        Ended::Wrong => 1,
    });
    if SIGNALS.load(Relaxed) > 0 {
        say(INFO, &format!("Exiting normally, received signal {}.\n", LAST_SIGNAL.load(Relaxed)));
    }
    terminal::restore();
    code
}

fn prepare(args: &[String]) -> Result<u8, Ended> {
    let program = banner::program_name();
    if settings::early(args, &program)? {
        banner::show();
    }
    let said = |error: Error| {
        report(&error);
        Ended::Wrong
    };
    let mut spec = parse_program_args(args).map_err(said)?;
    let settings = settings::apply(&spec, &program)?;
    if spec.inputs.is_empty() && spec.outputs.is_empty() {
        say(INFO, crate::USAGE);
        say(WARNING, "Use -h to get help\n");
        return Err(Ended::Wrong);
    }
    let engine = crate::engine().map_err(said)?;
    if spec.outputs.is_empty() {
        engine.open_inputs(&spec).map_err(said)?;
        say(FATAL, "At least one output file must be specified\n");
        return Err(Ended::Wrong);
    }
    if !overwrite::may_write(&spec, settings.reads_keys) {
        return Err(Ended::Wrong);
    }
    program_defaults(&mut spec).map_err(said)?;
    let job = Job::new(&engine).map_err(said)?;
    job.set_spec(spec).map_err(said)?;
    job.set_level(messages::wanted_level());
    job.watch();
    Ok(transcode(&engine, &job, settings))
}

/// Where the library's defaults are not ffmpeg's.
fn program_defaults(spec: &mut JobSpec) -> Result<(), Error> {
    if spec.global("mt_read_errors").is_none() {
        spec.global.push(mt_transcode::job::program_setting("mt_read_errors", "ignore")?);
    }
    if spec.global("mt_trust").is_none() {
        spec.global.push(mt_transcode::job::program_setting("mt_trust", "trusted")?);
    }
    Ok(())
}

/// The first signal ends the files in good order, the second one at once; the fourth ends the program, whatever it does.
fn on_signal(job: &Arc<Job>, signal: i32) {
    LAST_SIGNAL.store(signal, Relaxed);
    match SIGNALS.fetch_add(1, Relaxed) {
        0 => drop(job.stop_opening()),
        1 | 2 => job.cancel(),
        _ => {
            terminal::restore();
            eprintln!("Received > 3 system signals, hard exiting");
            std::process::exit(HARD_EXIT);
        }
    }
}

fn transcode(engine: &Arc<Engine>, job: &Arc<Job>, mut settings: Settings) -> u8 {
    let asked = Arc::clone(job);
    if let Err(error) = engine
        .on_termination(AlsoEnds { quit: settings.reads_keys, hangup: false }, move |signal| on_signal(&asked, signal))
    {
        say(WARNING, &format!("signals end the program at once: {error}\n"));
    }
    let (began, (user, system, _)) = (Instant::now(), process::usage());
    if let Err(error) = job.start() {
        report(&error);
        return 1;
    }
    let mut watch = Watch { keys: None, next: Instant::now(), was_shown: false, has_run: false, asked: None };
    let error = watch.follow(job, &mut settings);
    let has_run = watch.has_run;
    drop(watch);
    if has_run {
        finish(job, &mut settings);
    }
    let code = exit_code(error, has_run);
    if settings.benchmark {
        let (user_end, system_end, largest) = process::usage();
        let seconds = |us: i64| us as f64 / 1e6;
        let (user, system, real) =
            (seconds(user_end - user), seconds(system_end - system), began.elapsed().as_secs_f64());
        say(INFO, &format!("bench: utime={user:.3}s stime={system:.3}s rtime={real:.3}s\nbench: maxrss={largest}kB\n"));
    }
    code
}

struct Watch {
    keys: Option<Keys>,
    /// When the next line of progress is due.
    next: Instant,
    was_shown: bool,
    /// Files were open, and media flowed.
    has_run: bool,
    /// When a signal was first seen while files were opened.
    asked: Option<Instant>,
}

impl Watch {
    /// Pulls the job's events until it is done.
    fn follow(&mut self, job: &Arc<Job>, settings: &mut Settings) -> Option<Error> {
        loop {
            let until = self.keys.as_ref().map_or(self.next, |keys| keys.next().min(self.next));
            let wait = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            match job.next_event(Some(wait)) {
                Ok(Some(event)) => match event.kind {
                    EventKind::Log { level, stage, text, repeated, .. } => log(level, &stage, &text, repeated),
                    EventKind::State(State::Running) => self.begin(settings),
                    EventKind::Done { error } => {
                        self.show_first(job, settings);
                        return error;
                    }
                    _ => {}
                },
                Ok(None) => {}
                Err(error) => return Some(error),
            }
            show_sdp(job);
            if let Some(keys) = &mut self.keys {
                keys.check(job);
            }
            self.give_up(job);
            if Instant::now() >= self.next {
                self.next = Instant::now() + self.show(job, settings);
            }
        }
    }

    /// After a signal while files are opened, a call that does not return (a pipe that nobody writes) is not waited for much longer.
    fn give_up(&mut self, job: &Arc<Job>) {
        const PATIENCE: Duration = Duration::from_millis(500);
        if self.has_run || SIGNALS.load(Relaxed) == 0 {
            return;
        }
        match self.asked {
            Some(asked) if asked.elapsed() >= PATIENCE => job.cancel(),
            Some(_) => {}
            None => self.asked = Some(Instant::now()),
        }
    }

    fn begin(&mut self, settings: &Settings) {
        self.has_run = true;
        if settings.reads_keys {
            say(INFO, "Press [q] to stop, [?] for help\n");
            self.keys = Some(Keys::new());
        }
    }

    /// Shows progress, as soon as all outputs are begun. Returns when to ask again.
    fn show(&mut self, job: &Arc<Job>, settings: &mut Settings) -> Duration {
        if !settings.is_watched() || !self.has_run || !(self.was_shown || job.report().is_begun()) {
            return Duration::from_millis(20).min(settings.stats_period);
        }
        // The first is of the moment when outputs were begun, also where this thread comes later.
        let first = job.first_report().filter(|_| !self.was_shown).cloned();
        self.was_shown = true;
        show_report(settings, &first.unwrap_or_else(|| job.report()));
        settings.stats_period
    }

    /// ffmpeg shows the first progress when its outputs are begun, however soon the job ends after that.
    fn show_first(&mut self, job: &Arc<Job>, settings: &mut Settings) {
        if settings.is_watched() && self.has_run && !self.was_shown {
            job.first_report().iter().for_each(|report| show_report(settings, report));
        }
    }
}

fn show_report(settings: &mut Settings, report: &Report) {
    let (line, block) = line::progress(report, settings.quantisers.as_mut(), false);
    if settings.stats != Some(false) {
        show_line(settings, &line, '\r');
    }
    if let Some(url) = &mut settings.progress {
        let _ = url.send(format!("{block}progress=continue\n").as_bytes());
    }
}

/// On standard output, as ffmpeg.
fn show_sdp(job: &Job) {
    if let Some(text) = job.take_sdp() {
        println!("SDP:\n{text}");
    }
}

/// As ffmpeg: with -stats also where the log is quieter.
fn show_line(settings: &Settings, line: &str, end: char) {
    if settings.stats == Some(true) && program_log::level() < INFO {
        eprint!("{line}    {end}");
    } else {
        say(INFO, &format!("{line}    {end}"));
    }
}

fn log(level: i32, stage: &str, text: &str, repeated: u32) {
    let again = if repeated > 0 { format!(" (and {repeated} times more)") } else { String::new() };
    say(level, &format!("[{stage}] {text}{again}\n"));
}

/// The last line of progress, and the summary.
fn finish(job: &Arc<Job>, settings: &mut Settings) {
    show_sdp(job);
    let report = job.report();
    let (line, block) = line::progress(&report, settings.quantisers.as_mut(), true);
    show_line(settings, &line, '\n');
    if let Some(mut url) = settings.progress.take() {
        let closed = url.send(format!("{block}progress=end\n").as_bytes()).and_then(|()| url.close());
        if let Err(error) = closed {
            let words = error.words();
            say(ERROR, &format!("Error closing progress log, loss of information possible: {words}\n"));
        }
    }
    say(INFO, &line::summary(&report));
    if line::is_empty(&report) {
        say(WARNING, "Output file is empty, nothing was encoded (check -ss / -t / -frames parameters if used)\n");
    }
}

fn exit_code(error: Option<Error>, has_run: bool) -> u8 {
    let is_stopped = SIGNALS.load(Relaxed) > 0;
    if let Some(error) = &error {
        if !is_stopped || error.code() != Code::ECANCELED {
            report(error);
        }
        if has_run && !is_stopped && !is_forgiven(error) {
            say(INFO, "Conversion failed!\n");
        }
    }
    match error {
        _ if is_stopped && has_run => BY_SIGNAL,
        None => 0,
        Some(error) if error.stage() == "error rate" => TOO_MANY_ERRORS,
        Some(error) if is_forgiven(&error) => 0,
        Some(_) => 1,
    }
}

/// Up to 6.0 ffmpeg says that the end of a file could not be written, and succeeds.
fn is_forgiven(error: &Error) -> bool {
    ffmpeg_release() < Release(6, 1) && matches!(error.stage(), "trailer" | "close output")
}
