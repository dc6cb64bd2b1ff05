//! Inputs that may come and go: what their options say ([`settings`]), what each is at ([`state`]), when it is tried again ([`backoff`], [`breaker`]),
//! and the trying ([`connect`]). How its packets go on after a gap is the demuxer's ([`resume`]). Outputs never learn of any of it.

mod backoff;
mod breaker;
mod connect;
mod resume;
mod settings;
mod state;

pub use breaker::Breakers;
pub use connect::Refused;
pub use resume::SourceInput;
pub use settings::is_source;
pub use state::{Source, SourceState, SourceStatus};
