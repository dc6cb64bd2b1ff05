//! Process isolation: a job runs in a worker, and its host lives whatever becomes of it.
//!
//! `forkserver` starts the program mt-transcode as one (`server`: its libraries are loaded; `inherited`: and nothing else of the host's; `library_data`: where a fork costs least) and asks it for a worker a job, which it forked before (`spare`), and which `host` attends to. The worker (`process`) gets the
//! job as an argument vector over a socket, and tells over it what happens; `wire` holds frames and descriptors, `message` what they say. What the
//! host has bound to a job the worker opens (`remote`), and it is served on a thread for each stream that is open (`stream`). The forkserver stays with one thread, reaps workers,
//! watches their memory (`usage`), and says how each ended (`ending`, `kills`). A worker looks itself whether its job hangs (`watch`), and says so, or that it lives; `desk` is where the host asks
//! it what it does, and gives it orders (`order`: outputs that join and leave, inputs that end), which it hears (`listen`); what those outputs are at comes back
//! by `viewers`. The circuits of hosts are the engine's: a worker asks for them (`circuits`).

mod anything;
mod bell;
mod circuits;
mod desk;
mod ending;
mod find;
mod forkserver;
mod heard;
mod host;
mod inherited;
mod kills;
mod library_data;
mod listen;
mod message;
mod numbers;
mod order;
mod outbox;
mod probed;
mod process;
mod relay;
mod remote;
mod sandbox;
mod server;
mod spare;
mod stream;
mod usage;
mod viewers;
mod watch;
mod wire;

pub use anything::hear_anything;
pub use desk::{Desk, Question};
pub use find::{WORKER_ENVIRONMENT, find};
pub use forkserver::{ForkServer, Limits};
pub use host::{check_reachable, probe_isolated, run_isolated};
pub use message::error_to_json;
pub use order::Order;
pub use sandbox::{Sandbox, diagnostics as sandbox_diagnostics};
pub use server::serve;
