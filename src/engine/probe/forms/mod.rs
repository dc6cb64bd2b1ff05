//! The forms of output: default, compact, csv, flat, ini, json, xml. A form writes bytes into a page; what is shown, and how
//! values look, is decided before. Source: the writers of FFmpeg's fftools/ffprobe.c.

mod compact;
mod default;
mod flat;
mod ini;
mod json;
mod options;
mod page;
mod xml;

use super::look::Look;
pub use json::escape as escape_json;
pub use options::{Form, FormName, Validation};
pub use page::Page;

/// Writes sections and fields.
pub trait Writer {
    /// The section on top of the page begins.
    fn begin(&mut self, page: &mut Page);

    /// It ends; it is already counted by the one that it stands in.
    fn end(&mut self, _page: &mut Page) {}

    fn integer(&mut self, page: &mut Page, key: &[u8], value: i64);

    fn text(&mut self, page: &mut Page, key: &[u8], value: &[u8]);

    /// Fields whose value is not known are written too, as "N/A" or "unknown".
    fn shows_unknown(&self) -> bool {
        true
    }

    /// Packets and frames stand in one section, in the order in which they came.
    fn joins_packets_and_frames(&self) -> bool {
        false
    }
}

/// What an xml=x=1 checks.
pub struct Circumstances {
    pub look: Look,
    pub shows_private: bool,
}
