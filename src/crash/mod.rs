//! Crash reports: when a thread of a job dies by a fault, a record of where, for whom and how, before the host's own handling goes on.
//! The handlers allocate nothing and take no lock; all that they need is prepared when jobs start. x86-64 only: elsewhere a report
//! has no frames.
//!
//! The same unwinder tells the stacks of threads that live: `tasks` finds the threads of a job (/proc, and the slot in their masks), `live` asks
//! each by a signal for its own stack. `profile` tells a host's profiler the stack of the thread that it interrupted.

mod altstack;
mod forbidden;
mod handler;
mod live;
mod maps;
mod memory;
mod modules;
pub mod profile;
mod reader;
mod record;
mod slots;
mod targets;
mod tasks;
mod unwind;
mod writer;

pub use altstack::AltStack;
pub use forbidden::install as install_forbidden;
pub use handler::install;
pub use live::Stacks;
pub use modules::refresh as refresh_modules;
pub use reader::{ReportFrame, report_frame};
pub use slots::{JobFacts, JobSlot, STAGES, mark_thread};
pub use targets::Target;
pub use tasks::{Asleep, Task, thread_id};
