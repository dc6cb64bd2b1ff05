//! A hub as an input of a viewer's.

use super::feed::Feed;
use crate::av::Input;
use crate::engine::context::JobContext;
use crate::engine::deadlines::{Clock, ClosingBegins, ClosingEnds};
use crate::engine::errors::failed;
use crate::engine::files::OpenInput;
use crate::engine::host::Failure;
use crate::engine::input_stream::{facts_of, plan_stream};
use crate::engine::stream_setup::FileOptions;
use crate::engine::trust::Policy;
use crate::error::{Code, Error};
use crate::options::JobSpec;
use std::sync::Arc;

pub fn open_hub(
    context: &JobContext,
    job: &JobSpec,
    index: usize,
    mut input: Input,
    feed: Arc<Feed>,
) -> Result<OpenInput, Error> {
    let spec = &job.inputs[index];
    let facts = (0..input.stream_count())
        .map(|stream| input.describe(stream).map(|stream| facts_of(&stream)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| failed(e, "open output", Code::DEMUX, "cannot read the streams"))?;
    let streams = (0..input.stream_count())
        .map(|stream| plan_stream(context, &mut input, job, spec, &facts, stream))
        .collect::<Result<Vec<_>, _>>()?;
    let clock = Clock::of_input(context, job, index);
    let name = format!("feed {index} of '{}'", crate::secrets::mask_url(&spec.url));
    Ok(OpenInput {
        index,
        activity: context.activity.name(&name),
        url: spec.url.clone(),
        _closing: ClosingBegins(Arc::clone(&clock)),
        input,
        _closed: ClosingEnds(Arc::clone(&clock)),
        streams,
        streams_before: 0,
        facts,
        options: FileOptions::sort(spec, false),
        policy: Policy::of(job, spec)?,
        start_us: None,
        duration_us: None,
        is_seek_accurate: true,
        offset_us: 0, // until the first packet
        user_offset_us: 0,
        loops: 0,
        pace: None,
        is_bitexact: false,
        queue_packets: None,
        host: Arc::new(Failure::default()),
        clock,
        source: None,
        feed: Some(feed),
    })
}
