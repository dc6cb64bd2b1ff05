//! What outputs get beside media: attached files (-attach) and programs (-program); and attachments of inputs written to files
//! (-dump_attachment). Source: `open_output_file` and `dump_attachment` of FFmpeg's fftools/ffmpeg_opt.c.

use super::context::JobContext;
use super::errors::failed;
use super::files::OpenInput;
use super::outputs::Builder;
use super::plan::{OpenOutput, OutStream, Work, out_facts};
use crate::av::{self, Parameters};
use crate::error::{Code, Error};
use crate::options::{FileSpec, MediaKind, Selector, parse_integer};

/// The name of a file without its folders.
fn base_name(url: &str) -> &str {
    url.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(url)
}

impl Builder<'_> {
    pub(super) fn attach_files(&self, open: &mut OpenOutput) -> Result<(), Error> {
        for setting in self.spec.all("attach") {
            let bad =
                |e| failed(e, "open output", Code::EIO, &format!("option attach: cannot read '{}'", setting.value));
            let most = i32::MAX as u64 - 64;
            let content = av::read_whole(&setting.value, most, &self.context.interrupt).map_err(bad)?;
            let parameters = Parameters::of_attachment(&content).map_err(bad)?;
            let index = open.output.add_stream(MediaKind::Attachment).map_err(bad)?;
            open.output.set_parameters(index, &parameters).map_err(bad)?;
            let mut metadata = open.output.stream_metadata(index);
            metadata.set_if_absent("filename", base_name(&setting.value));
            open.output.set_stream_metadata(index, &metadata);
            let mut facts = open.facts();
            facts.push(out_facts(MediaKind::Attachment));
            open.streams.push(OutStream {
                disposition: self.spec.for_stream("disposition", &facts, index).map(str::to_owned),
                ..OutStream::new(MediaKind::Attachment, Work::Attach)
            });
        }
        Ok(())
    }

    /// "title=News:program_num=2:st=0:st=1".
    pub(super) fn add_programs(&self, open: &mut OpenOutput) -> Result<(), Error> {
        for (number, setting) in self.spec.all("program").enumerate() {
            let bad = |why: &str| Error::option(format!("option program has the value '{}': {why}", setting.value));
            let mut id = number as i32 + 1;
            let (mut title, mut streams) = (None, Vec::new());
            for (key, value) in
                av::key_values(&setting.value, ':').ok_or_else(|| bad("it needs key=value:key=value"))?
            {
                let number = || parse_integer(&value).ok_or_else(|| bad(&format!("'{value}' is no number")));
                match key.as_str() {
                    "title" => title = Some(value),
                    "program_num" => id = number()? as i32,
                    "st" => streams.push(number()? as u32),
                    _ => return Err(bad(&format!("it has no key '{key}', but title, program_num and st"))),
                }
            }
            if let Some(stream) = streams.iter().find(|stream| **stream as usize >= open.streams.len()) {
                return Err(bad(&format!("the output has no stream {stream}")));
            }
            let added = open.output.add_program(id, title.as_deref());
            added.map_err(|e| failed(e, "open output", Code::ENOMEM, "cannot add a program"))?;
            streams.into_iter().for_each(|stream| open.output.add_to_program(id, stream));
        }
        Ok(())
    }
}

/// Writes attachments of an input to files: to the name that is given, or the one that the attachment has.
pub fn dump(context: &JobContext, spec: &FileSpec, input: &OpenInput, may_overwrite: bool) -> Result<(), Error> {
    for setting in spec.all("dump_attachment") {
        let selector = Selector::parse(&setting.specifier)
            .ok_or_else(|| Error::option(format!("'{}' is no stream specifier", setting.specifier)))?;
        for (index, plan) in input.streams.iter().enumerate().filter(|(i, _)| selector.matches(&input.facts, *i)) {
            let content = plan.info.parameters.extradata();
            if content.is_empty() {
                context.warn("open input", Some(index), "the stream has no attachment to write to a file");
                continue;
            }
            // A name in the file is only a name: it does not lead to other folders.
            let own = plan.info.metadata.get("filename").unwrap_or_default();
            let name = if setting.value.is_empty() { base_name(&own) } else { &setting.value };
            if name.is_empty() || name == "." || name == ".." {
                return Err(Error::option(format!(
                    "option dump_attachment: stream {index} has no name of its own; give one"
                )));
            }
            if !may_overwrite && crate::text::to_path(name).exists() {
                return Err(Error::new(Code::EEXIST, format!("'{name}' exists, and -n forbids to overwrite it")));
            }
            av::write_whole(name, content, &context.interrupt)
                .map_err(|e| failed(e, "open input", Code::EIO, &format!("cannot write the attachment '{name}'")))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_file_leads_to_no_other_folder() {
        assert_eq!(base_name("../../etc/passwd"), "passwd");
        assert_eq!(base_name("font.ttf"), "font.ttf");
    }
}
