//! Whether outputs may be written, as ffmpeg asks it (fftools/ffmpeg_opt.c: assert_file_overwrite).

use crate::FATAL;
use crate::messages::say;
use mt_transcode::job::{file_exists, is_written_file, terminal};
use mt_transcode::options::JobSpec;
use mt_transcode::text::to_bytes;
use std::io::Write;

/// False where one may not: why was said. Asks on standard input where somebody can answer.
pub fn may_write(spec: &JobSpec, can_ask: bool) -> bool {
    let (overwrites, refuses) = (spec.global_flag("y"), spec.global_flag("n"));
    if overwrites && refuses {
        eprintln!("Error, both -y and -n supplied. Exiting.");
        return false;
    }
    overwrites
        || spec
            .outputs
            .iter()
            .filter(|output| is_written_file(&output.url, output.value("f")) && file_exists(&output.url))
            .all(|output| asked(&output.url, can_ask && !refuses))
}

fn asked(url: &str, can_ask: bool) -> bool {
    if !can_ask {
        say(FATAL, &format!("File '{url}' already exists. Exiting.\n"));
        return false;
    }
    let question = format!("File '{url}' already exists. Overwrite? [y/N] ");
    let mut out = std::io::stderr();
    let _ = out.write_all(&to_bytes(&question)).and_then(|()| out.flush());
    let may = terminal::line().starts_with(['y', 'Y']);
    if !may {
        say(FATAL, "Not overwriting - exiting\n");
    }
    may
}
