//! Frames that an encoder refuses: without -mt_degrade the job fails, as ffmpeg's does; with it they are left out and counted, up to so many in a row.

use super::counters::add;
use super::degrade::is_its_own;
use super::encode::{EncodeStage, Running, Wanted};
use crate::error::Error;

impl EncodeStage {
    pub(super) fn is_given_up(&self) -> bool {
        self.degrade.as_ref().is_some_and(|degrade| degrade.is_given_up())
    }

    /// The encoder failed at a frame, or (`is_frame` is false) at what it held back.
    pub(super) fn refused(&self, running: &mut Running, error: Error, is_frame: bool) -> Result<Wanted, Error> {
        let Some(degrade) = self.degrade.as_ref().filter(|_| is_its_own(&error)) else { return Err(error) };
        if !is_frame {
            return Ok(false);
        }
        add(&self.context.counters.encode_errors, 1);
        running.failures += 1;
        self.context.warn("encode", Some(self.index), &format!("{}: a frame was left out", error.message()));
        if running.failures < degrade.after {
            return Ok(true);
        }
        degrade.give_up("encode", &error, running.failures)?;
        Ok(false)
    }

    /// Nothing more comes of the encoder. Whether packets of its source come in its place.
    pub(super) fn is_copied_instead(&self) -> bool {
        !self.context.is_cancelled() && self.degrade.as_ref().is_some_and(|degrade| degrade.settle(&self.mux))
    }
}
