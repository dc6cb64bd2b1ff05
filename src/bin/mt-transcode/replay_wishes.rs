//! The command line of `mt-transcode replay`.

use mt_transcode::text::to_path;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub const USAGE: &str = "usage: mt-transcode replay [OPTION]... CAPTURE

Runs the job of a capture once more, in a worker, and says whether it ends as it did. CAPTURE is a folder that a failed job left (see docs/capture.md).
  --set NAME=VALUE    what stood there before it was masked: input0, word7
  --output FOLDER     keep what the job writes, in FOLDER; without it, it is thrown away
  --isolation thread  run in this process and not in a worker
  --timeout SECONDS   cancel it after that time
  --print             print the ffmpeg command line instead

The status is 0 where code and stage are the same, 1 where they are not, 2 where the capture cannot be replayed.
";

/// What the command line says.
#[derive(Default)]
pub struct Wishes {
    pub folder: PathBuf,
    pub set: Vec<(String, String)>,
    pub output: Option<PathBuf>,
    pub on_threads: bool,
    pub timeout: Option<Duration>,
    pub prints: bool,
}

pub fn wishes(args: &[String]) -> Result<Wishes, String> {
    let mut wishes = Wishes::default();
    let mut folder = None;
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value\n{USAGE}"));
        match word.as_str() {
            "--set" => {
                let (name, text) = value()?.split_once('=').ok_or("--set takes NAME=VALUE")?;
                wishes.set.push((name.to_owned(), text.to_owned()));
            }
            "--output" => wishes.output = Some(absolute(&to_path(value()?))?),
            "--isolation" => {
                wishes.on_threads = match value()?.as_str() {
                    "thread" => true,
                    "process" => false,
                    other => return Err(format!("--isolation is '{other}'; it takes thread or process")),
                }
            }
            "--timeout" => {
                let seconds: f64 = value()?.parse().map_err(|_| "--timeout takes a number of seconds")?;
                wishes.timeout = Some(Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())?);
            }
            "--print" => wishes.prints = true,
            _ if folder.is_none() && !word.starts_with("--") => folder = Some(absolute(&to_path(word))?),
            other => return Err(format!("'{other}' is one argument too many\n{USAGE}")),
        }
    }
    wishes.folder = folder.ok_or(format!("which capture?\n{USAGE}"))?;
    Ok(wishes)
}

/// The job's working folder becomes ours.
fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("'{}': {error}", path.display()))
}
