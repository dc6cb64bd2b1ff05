//! Process isolation: a job runs in a worker, and its host lives whatever becomes of it.
//!
//! `host` starts a forkserver (`server`: the program mt-transcode, its libraries loaded) and asks it for a worker a job. The worker (`process`) gets the
//! job as an argument vector over a socket, and tells over it what happens; `wire` holds frames and descriptors, `message` what they say. What the
//! host has bound to a job is served on a thread for each stream that is open (`stream`). The forkserver stays with one thread, reaps workers,
//! watches their memory, and says how each ended (`ending`).

mod ending;
mod find;
mod host;
mod message;
mod process;
mod relay;
mod server;
mod stream;
mod wire;

pub use find::WORKER_ENVIRONMENT;
pub use host::{ForkServer, Limits, run_isolated};
pub use server::serve;
