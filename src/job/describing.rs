//! Describing a job before it starts: by a command line, or piece by piece.

use super::handle::{Direction, Inner, Job, State};
use super::level;
use crate::engine::Classes;
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec, Scope, parse_args, refuse_program_options, setting};

const LABEL_BYTES: usize = 128;

impl Job {
    /// The inner state, where the job may still be described.
    pub(super) fn describe<T>(&self, change: impl FnOnce(&mut Inner) -> Result<T, Error>) -> Result<T, Error> {
        let mut inner = self.inner.lock();
        match inner.state {
            State::New => change(&mut inner),
            state => {
                Err(Error::new(Code::EBUSY, format!("the job is {}: it cannot be changed any more", state.word())))
            }
        }
    }

    pub fn set_args(&self, args: &[String]) -> Result<(), Error> {
        let spec = parse_args(args, &Classes)?;
        refuse_program_options(&spec)?;
        self.set_spec(spec)
    }

    /// The whole description at once, with what only a program may ask for.
    pub fn set_spec(&self, spec: JobSpec) -> Result<(), Error> {
        let level = spec.global("loglevel").map(level::of_job).transpose()?;
        self.describe(|inner| {
            inner.spec = spec;
            Ok(())
        })?;
        if let Some(level) = level {
            self.set_level(level);
        }
        Ok(())
    }

    pub fn set_option(&self, key: &str, value: Option<&str>) -> Result<(), Error> {
        let setting = setting(key, value, Scope::GLOBAL, &Classes)?;
        let level = (setting.name == "loglevel").then(|| level::of_job(&setting.value)).transpose()?;
        self.describe(|inner| {
            inner.spec.global.push(setting);
            Ok(())
        })?;
        if let Some(level) = level {
            self.set_level(level);
        }
        Ok(())
    }

    /// Where the host starts the job from: for crash reports.
    pub fn set_call_site(&self, call_site: &str) -> Result<(), Error> {
        self.describe(|inner| {
            inner.call_site = call_site.to_owned();
            Ok(())
        })
    }

    pub fn set_label(&self, label: &str) -> Result<(), Error> {
        if label.len() > LABEL_BYTES {
            return Err(Error::invalid(format!("the label has {} bytes; {LABEL_BYTES} are allowed", label.len())));
        }
        self.describe(|inner| {
            inner.label = label.to_owned();
            Ok(())
        })
    }

    /// Adds an input or output and returns its number.
    pub fn add_file(&self, direction: Direction, url: &str) -> Result<usize, Error> {
        if direction == Direction::Output && self.state() != State::New {
            return self.add_late(url);
        }
        self.describe(|inner| {
            let files = inner.files(direction);
            files.push(FileSpec::new(url));
            Ok(files.len() - 1)
        })
    }

    pub fn set_file_option(
        &self,
        direction: Direction,
        index: usize,
        key: &str,
        value: Option<&str>,
    ) -> Result<(), Error> {
        let late = (direction == Direction::Output).then(|| self.set_late_option(index, key, value)).flatten();
        if let Some(result) = late {
            return result;
        }
        self.describe(|inner| {
            let file = inner.file(direction, index)?;
            if file.is_committed {
                return Err(Error::new(Code::EBUSY, "it was committed: its options are final".into()));
            }
            let setting = setting(key, value, direction.scope(), &Classes).map_err(|error| match direction {
                Direction::Input => error.on_input(index, &file.url),
                Direction::Output => error.on_output(index, &file.url),
            })?;
            file.settings.push(setting);
            Ok(())
        })
    }

    pub fn commit_file(&self, direction: Direction, index: usize) -> Result<(), Error> {
        let late = (direction == Direction::Output).then(|| self.commit_late(index)).flatten();
        if let Some(result) = late {
            return result;
        }
        let mut inner = self.inner.lock();
        let is_started = inner.state != State::New;
        let file = inner.file(direction, index)?;
        if is_started || std::mem::replace(&mut file.is_committed, true) {
            return Err(Error::new(Code::EALREADY, "it was committed before".into()));
        }
        Ok(())
    }
}

impl Inner {
    pub(super) fn files(&mut self, direction: Direction) -> &mut Vec<FileSpec> {
        match direction {
            Direction::Input => &mut self.spec.inputs,
            Direction::Output => &mut self.spec.outputs,
        }
    }

    pub(super) fn file(&mut self, direction: Direction, index: usize) -> Result<&mut FileSpec, Error> {
        // set_args replaces all files: an older handle may name one that is gone.
        let gone =
            || Error::new(Code::EBADF, "the job was described anew; this file is not part of it any more".into());
        self.files(direction).get_mut(index).ok_or_else(gone)
    }
}
