//! How long one input or output may take: waiting for its peer, opening, reading or writing a packet, idle, in all.
//!
//! [`Limits`] is what the options say, a [`Clock`] holds one file to it, and [`Watcher`] looks after those whose thread is in a call that asks
//! nobody whether to give up.

mod clock;
mod limits;
mod watcher;

pub use clock::{Clock, ClosingBegins, ClosingEnds};
pub use limits::{Kind, Limits};
pub use watcher::Watcher;
