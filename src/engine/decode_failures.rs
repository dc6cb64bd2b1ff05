//! Failures of one decoder in a row, and the streams that do not put up with so many (-mt_degrade).

use super::context::JobContext;
use super::counters::add;
use super::decode::{FrameItem, FrameTarget};
use super::degrade::Degrade;
use crate::error::{Code, Error};
use std::sync::Arc;

/// Of a graph: what becomes of each stream that it makes; None for those without a choice.
pub type Choices = Vec<Option<Arc<Degrade>>>;

#[derive(Default)]
pub struct DecodeFailures {
    in_row: u32,
    /// For each of the decoder's targets.
    choices: Vec<Choices>,
    /// Nobody waits for its frames any more.
    pub are_final: bool,
}

impl DecodeFailures {
    pub fn new(choices: Vec<Choices>) -> DecodeFailures {
        DecodeFailures { choices, ..DecodeFailures::default() }
    }

    /// A frame came.
    pub fn ended(&mut self) {
        self.in_row = 0;
    }

    /// A target wants no more.
    pub fn left(&mut self, target: usize) {
        if target < self.choices.len() {
            self.choices.remove(target);
        }
    }

    /// A packet could not be decoded. Graphs all of whose streams have had enough are told the end, at `end_us`, and are no targets any more.
    pub fn another(
        &mut self,
        context: &JobContext,
        text: &str,
        end_us: i64,
        targets: &mut Vec<FrameTarget>,
    ) -> Result<(), Error> {
        self.in_row += 1;
        let has_enough = |choice: &&Arc<Degrade>| choice.after == self.in_row;
        let enough: Vec<_> = self.choices.iter().flatten().flatten().filter(has_enough).collect();
        if enough.is_empty() || targets.is_empty() {
            return Ok(());
        }
        add(&context.counters.decode_errors_excused, u64::from(self.in_row));
        let error = Error::new(Code::DECODE, text.to_owned()).at("decode");
        enough.into_iter().try_for_each(|choice| choice.give_up("decode", &error, self.in_row))?;
        for index in (0..targets.len()).rev() {
            let is_over = self.choices.get(index).is_some_and(|choices| {
                choices.iter().all(|choice| choice.as_ref().is_some_and(|choice| choice.is_given_up()))
            });
            if is_over {
                let (inbox, queue) = targets.remove(index);
                self.choices.remove(index);
                inbox.send_last(queue, FrameItem::End(end_us));
            }
        }
        self.are_final = targets.is_empty();
        Ok(())
    }
}
