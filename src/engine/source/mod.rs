//! Inputs that may come and go: what their options say ([`settings`]), what each is at ([`state`]), when it is tried again ([`backoff`], [`breaker`]),
//! and the trying ([`connect`], on threads that can be left behind: [`aside`]; of several at once, in the beginning: [`together`]). How its packets go on after a gap is the demuxer's ([`resume`]), where those of
//! several stand, the job's ([`timeline`]). Outputs never learn of any of it.

mod aside;
mod backoff;
mod breaker;
mod connect;
mod forms;
mod resume;
mod settings;
mod state;
mod timeline;
mod together;

pub use aside::Attempt;
pub use breaker::{Answer as CircuitAnswer, Breakers, Circuits, Class as CircuitClass, Outcome};
pub use connect::Refused;
pub use resume::SourceInput;
pub use settings::{BreakerSettings, is_source};
pub use state::{Source, SourceState, SourceStatus};
pub use timeline::Timeline;
pub use together::Opening;
