//! What a worker says of a probe, piece by piece.

use crate::engine::probe::MAX_JSON_BYTES;
use crate::error::{Code, Error};

#[derive(Default)]
pub(super) struct Probed(Vec<u8>);

impl Probed {
    /// False where it is more than any probe gives: the worker is none of ours any more.
    pub fn add(&mut self, piece: &[u8]) -> bool {
        let fits = self.0.len() + piece.len() <= MAX_JSON_BYTES;
        if fits {
            self.0.extend_from_slice(piece);
        }
        fits
    }

    /// All of it; empty of a job.
    pub fn text(self) -> Result<String, Error> {
        let wrong = || Error::new(Code::INTERNAL, "what the worker said of the probe is no text".into());
        String::from_utf8(self.0).map_err(|_| wrong().at("probe"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_a_text_and_a_worker_that_does_not_end_is_cut_off() {
        let mut probed = Probed::default();
        // A character may stand in two pieces.
        assert!(probed.add(b"{\"title\":\"\xc3") && probed.add(b"\xa4\"}"));
        assert_eq!(probed.text().unwrap(), "{\"title\":\"ä\"}");
        let mut endless = Probed::default();
        let piece = vec![b' '; 1 << 20];
        let taken = (0..100).take_while(|_| endless.add(&piece)).count();
        assert_eq!(taken, MAX_JSON_BYTES >> 20);
        assert!(Probed(vec![0xff]).text().is_err());
    }
}
