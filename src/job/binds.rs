//! Whether what a job is bound to, and what its URLs say, are the same.

use crate::engine::{Binds, Side, check_format_known, name_of};
use crate::error::Error;
use crate::options::{FileSpec, JobSpec};

/// Before the start: each `mt:` URL is bound, for its direction, and each bind is used.
pub(super) fn check(spec: &JobSpec, binds: &Binds) -> Result<(), Error> {
    for (index, file) in spec.inputs.iter().enumerate() {
        binds.check(&file.url, Side::Read).map_err(|error| error.on_input(index, &file.url))?;
    }
    for (index, file) in spec.outputs.iter().enumerate() {
        binds
            .check(&file.url, Side::Write)
            .and_then(|()| check_format_known(file))
            .map_err(|error| error.on_output(index, &file.url))?;
    }
    for files in [&spec.inputs, &spec.outputs] {
        for (index, file) in files.iter().enumerate() {
            let is_again = name_of(&file.url).is_some_and(|(_, rest)| rest.is_empty())
                && files[..index].iter().any(|before| before.url == file.url);
            if is_again {
                return Err(Error::option(format!("'{}' is used twice: each stream can be opened once", file.url)));
            }
        }
    }
    for name in binds.names() {
        if !spec.inputs.iter().chain(&spec.outputs).any(|file| mentions(file, &name)) {
            return Err(Error::option(format!("mt:{name} is bound, but no input or output of the job uses it")));
        }
    }
    Ok(())
}

/// Names stand in URLs, and in values of options such as hls_segment_filename.
pub(super) fn mentions(file: &FileSpec, name: &str) -> bool {
    let is_in = |text: &str| {
        text.match_indices("mt:").any(|(at, scheme)| {
            let rest = text[at + scheme.len()..].strip_prefix(name);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "._-".contains(c)))
        })
    };
    is_in(&file.url) || file.settings.iter().any(|setting| is_in(&setting.value))
}
