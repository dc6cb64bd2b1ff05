//! ffprobe: what is in an input. The collector is `av::probe`; here is what it is asked for, in which order packets and frames
//! are read for it, and the forms in which it is written. The library's JSON ([`run`], [`describe`]) and the program's output
//! ([`Report`]) are both made of it.

mod forms;
mod intervals;
mod json_line;
mod look;
mod open;
mod printer;
mod prober;
mod report;
mod selection;
mod shown;
mod token;

use super::context::JobContext;
use super::errors::failed;
use super::files::{OpenInput, open_input};
use crate::av::probe::{Sink, Subject, Wanted};
use crate::av::{Decoder, DecoderSettings, Input, Rational, set_log_slot};
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec};
use json_line::JsonLine;
use prober::Prober;
use shown::Shown;
use std::sync::Arc;

pub use crate::av::configure_log;
pub use crate::av::probe::{Hash, Section};
pub use intervals::ReadInterval;
pub(crate) use json_line::MAX_JSON_BYTES;
pub use look::{Look, OptionalFields};
pub use open::Source;
pub use prober::Request;
pub use report::{Report, ReportError, log_error};
pub use selection::{Selection, show_sections};

/// Options of probes say nothing to a job.
pub fn check_job(job: &JobSpec) -> Result<(), Error> {
    for (index, input) in job.inputs.iter().enumerate() {
        if let Some(option) = ["mt_show", "mt_read_intervals"].into_iter().find(|option| input.value(option).is_some())
        {
            let error = Error::option(format!("option {option} is for probes; a job reads its inputs as a whole"));
            return Err(error.on_input(index, &input.url));
        }
    }
    Ok(())
}

/// Format and streams of an input that is open, as the library's JSON, without opening any decoder for it.
pub fn describe(input: &Input) -> String {
    let mut out = JsonLine::new(Shown::default());
    let wanted = Wanted::default();
    let url = crate::secrets::mask_url(&input.url());
    let subject = Subject { input, decoders: None, selected: None, counts: &[], wanted: &wanted, url: Some(&url) };
    out.begin(Section::Root);
    // Neither can fail: tags are made UTF-8, and only packets and frames are many.
    let _ = subject.streams(&mut out);
    let _ = subject.format(&mut out);
    out.end();
    out.into_text()
}

/// Opens the one input of a job and says what is in it, as ffprobe's JSON.
pub fn run(context: &Arc<JobContext>, job: &JobSpec) -> Result<String, Error> {
    set_log_slot(context.log_slot);
    context.mark_thread("probe");
    let _entered = context.activity.enter("probe");
    let result = open_and_show(context, job);
    context.deadlines.close();
    context.unmark_thread();
    set_log_slot(0);
    result
}

fn open_and_show(context: &Arc<JobContext>, job: &JobSpec) -> Result<String, Error> {
    let job = &*super::low_latency::expand(job);
    let spec = job.inputs.first().ok_or_else(|| Error::invalid("there is nothing to probe".into()))?;
    let on_input = |error: Error| error.on_input(0, &spec.url);
    let (shown, intervals) = choice(spec).map_err(on_input)?;
    let request = Request { intervals, ..Request::default() };
    let mut open = open_input(context, job, 0)?;
    let decoders = (0..open.streams.len()).map(|index| decoder(context, &mut open, index)).collect();
    let url = crate::secrets::mask_url(&open.input.url());
    let reads = shown.wants(Section::Packets) || shown.wants(Section::Frames);
    let mut prober = Prober::new(open.input, decoders, &request);
    (prober.url, prober.context) = (Some(url.as_str()), Some(&**context));
    let mut out = JsonLine::new(shown);
    out.begin(Section::Root);
    let result = prober.show(&mut out);
    out.end();
    if out.is_full() {
        return Err(on_input(too_much(&url)));
    }
    if context.is_cancelled() {
        return Err(Error::cancelled());
    }
    // A host's stream that breaks off is no end; that a pipe's probe may look no further is one.
    if let Some(error) = open.host.error("probe").filter(|error| reads && error.code() != Code::LIMIT) {
        return Err(on_input(error));
    }
    result.map_err(|error| on_input(failed(error, "probe", Code::DEMUX, &format!("cannot read '{url}'"))))?;
    Ok(out.into_text())
}

fn too_much(url: &str) -> Error {
    let text = format!("what is to be shown of '{url}' is more than {MAX_JSON_BYTES} bytes of JSON");
    let hint = "Show less of it: mt_read_intervals=%+#100 reads a hundred packets.";
    Error::new(Code::LIMIT, text).at("probe").with_hint(hint)
}

/// What the options of the probe say.
fn choice(spec: &FileSpec) -> Result<(Shown, Vec<ReadInterval>), Error> {
    let shown = spec.value("mt_show").map(Shown::parse).transpose()?;
    let intervals = spec.value("mt_read_intervals").map(ReadInterval::parse_list).transpose();
    let wrong = |why: String| Error::option(format!("option mt_read_intervals: {}", why.replace('\n', "; ")));
    Ok((shown.unwrap_or_default(), intervals.map_err(wrong)?.unwrap_or_default()))
}

/// The decoder of a stream, open; None where there is none, or it refuses the stream. The stream is read again.
fn decoder(context: &JobContext, open: &mut OpenInput, index: usize) -> Option<Decoder> {
    let stream = &open.streams[index];
    open.input.set_discard(index, stream.info.discard);
    let (info, codec) = (&stream.info, stream.decoder?);
    let mut options = open.options.for_codec(Some(codec), info.kind(), &open.facts, index);
    let no_rate = Rational::new(0, 1);
    let settings = DecoderSettings {
        parameters: &info.parameters,
        time_base: info.time_base,
        frame_rate: no_rate,
        is_bitexact: false,
        log_slot: context.log_slot,
        device: None,
    };
    Decoder::open(codec, &settings, &mut options).ok()
}
