//! Outputs that come and go while a job runs. Packets pass a hub at each input, and at each output before its muxer; who joins takes part
//! there by a bounded queue of its own ([`feed`]), and writes on a thread of its own ([`joining`]), so that nobody holds up anybody.
//! Nothing here reads a source.

mod arrivals;
mod feed;
mod gop;
mod headers;
mod hub;
mod input;
mod joining;
mod registry;
mod settings;
mod viewer;

pub use feed::{Feed, FeedCounts};
pub use hub::Hub;
pub use joining::{check_joining, gone_before, join};
pub use registry::{Live, Place};
pub use settings::{gop_bytes, is_viewer, ordinary_outputs};
pub use viewer::{Viewer, ViewerState, ViewerStats};
