//! Crash reports: when a thread of a job dies by a fault, a record of where, for whom and how, before the host's own handling goes on.
//! The handlers allocate nothing and take no lock; all that they need is prepared when jobs start. x86-64 only: elsewhere a report
//! has no frames.

mod altstack;
mod forbidden;
mod handler;
mod maps;
mod memory;
mod modules;
mod record;
mod slots;
mod targets;
mod unwind;
mod writer;

pub use altstack::AltStack;
pub use forbidden::install as install_forbidden;
pub use handler::{install, is_installed};
pub use modules::refresh as refresh_modules;
pub use slots::{JobFacts, JobSlot, STAGES, mark_thread};
pub use targets::Target;
