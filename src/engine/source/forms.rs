//! A source's packets stay laid out as those of its first connection, whatever container it comes back in: the job's muxers and decoders were set up for
//! that. Start codes are what all muxers could take, but then a source that is only ever FLV would be rewritten packet by packet for nothing.

use crate::av::{AvError, Packet, Parameters};
use crate::engine::files::OpenInput;
use crate::engine::packet_form::PacketForm;

pub struct Forms {
    /// By stream of the job: as it was described when it was opened first.
    first: Vec<Option<Parameters>>,
    /// What its packets must go through now.
    now: Vec<Option<PacketForm>>,
}

impl Forms {
    pub fn none() -> Forms {
        Forms { first: Vec::new(), now: Vec::new() }
    }

    pub fn of(file: &OpenInput) -> Forms {
        let first: Vec<_> = file.streams.iter().map(|plan| plan.info.parameters.duplicate().ok()).collect();
        Forms { now: first.iter().map(|_| None).collect(), first }
    }

    /// A stream comes with these parameters from now on. Returns the extradata that goes with its packets, in the first form; empty where none does.
    pub fn adopt(&mut self, stream: usize, given: &Parameters) -> Result<Vec<u8>, AvError> {
        let wanted = self.first.get(stream).and_then(Option::as_ref);
        let form = wanted.map_or(Ok(None), |wanted| PacketForm::between(wanted, given))?;
        let (form, extradata) = match form {
            Some((form, extradata)) => (Some(form), extradata),
            None => (None, given.extradata().to_vec()),
        };
        self.now[stream] = form;
        Ok(extradata)
    }

    /// Gives a packet the first form; an error where it is broken.
    pub fn apply(&mut self, stream: usize, packet: &mut Packet) -> Result<(), AvError> {
        if let Some(Some(form)) = self.now.get_mut(stream) {
            *packet = form.apply(packet.take()?)?;
        }
        Ok(())
    }
}
