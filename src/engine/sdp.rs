//! -sdp_file: the session description of RTP outputs, when all outputs have their headers. Where all outputs are RTP it is told
//! without the option too. Source: `print_sdp` of FFmpeg's fftools/ffmpeg_mux.c.

use super::context::JobContext;
use super::errors::failed;
use super::plan::OpenOutput;
use crate::av::{Output, SdpPart, Url};
use crate::error::{Code, Error};
use crate::options::JobSpec;
use parking_lot::Mutex;
use std::sync::Arc;

pub struct Sdp {
    /// None: who watches the job is told.
    url: Option<String>,
    /// By output, once it has its header; None of one that is not RTP.
    parts: Mutex<Vec<Option<Option<SdpPart>>>>,
}

fn is_rtp(output: &Output) -> bool {
    output.format_name() == "rtp"
}

impl Sdp {
    /// Of a job that has something to describe.
    pub fn of(job: &JobSpec, outputs: &[OpenOutput]) -> Option<Arc<Sdp>> {
        let url = job.global("sdp_file").map(str::to_owned);
        if url.is_none() && !outputs.iter().all(|open| is_rtp(&open.output)) {
            return None;
        }
        Some(Arc::new(Sdp { url, parts: Mutex::new(outputs.iter().map(|_| None).collect()) }))
    }

    /// An output has its header. With the last one the description is written.
    pub fn begun(&self, context: &JobContext, index: usize, output: &Output) -> Result<(), Error> {
        let bad = |e| failed(e, "write header", Code::MUX, "cannot describe the RTP outputs");
        let part = if is_rtp(output) { Some(output.sdp_part().map_err(bad)?) } else { None };
        let mut parts = self.parts.lock();
        parts[index] = Some(part);
        if parts.iter().any(Option::is_none) {
            return Ok(());
        }
        let rtp: Vec<&SdpPart> = parts.iter().flatten().flatten().collect();
        if rtp.is_empty() {
            let text = "option sdp_file describes RTP outputs, and the job has none".to_owned();
            return Err(Error::new(Code::EINVAL, text).at("write header"));
        }
        let text = SdpPart::describe(&rtp).map_err(bad)?;
        match &self.url {
            None => context.observer.sdp(&crate::text::shown(text)),
            Some(url) => Url::open_for_writing(url, Some(&context.interrupt))
                .and_then(|mut file| file.send(&crate::text::to_bytes(&text)).and_then(|()| file.close()))
                .map_err(|e| {
                    let url = crate::secrets::mask_url(url);
                    failed(e, "write header", Code::EIO, &format!("option sdp_file: cannot write '{url}'"))
                })?,
        }
        Ok(())
    }
}
