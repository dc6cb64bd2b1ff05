//! Texts that options name by a file: -filter_script, -filter_complex_script (`read_file` of FFmpeg's fftools/ffmpeg_opt.c).

use crate::error::{Code, Error};
use crate::options::JobSpec;

/// The text of a file of the user's.
pub fn read(option: &str, path: &str) -> Result<String, Error> {
    let bytes = std::fs::read(crate::text::to_path(path)).map_err(|error| {
        let code = error.raw_os_error().map_or(Code::EIO, |errno| Code::from_c(-errno));
        Error::new(code, format!("option {option}: cannot read '{path}': {error}")).at("options")
    })?;
    String::from_utf8(bytes).map_err(|_| Error::option(format!("option {option}: '{path}' is no text in UTF-8")))
}

/// The complex graphs of a job, in the order in which they were given.
pub fn complex_graphs(job: &JobSpec) -> Result<Vec<String>, Error> {
    let of = |setting: &crate::options::Setting| match (setting.definition.is_some(), setting.name.as_str()) {
        (true, "filter_complex") => Some(Ok(setting.value.clone())),
        (true, "filter_complex_script") => Some(read("filter_complex_script", &setting.value)),
        _ => None,
    };
    job.global.iter().filter_map(of).collect()
}
