//! The declarations that build.rs made from the installed headers.
#![allow(
    non_upper_case_globals,
    non_snake_case,
    dead_code,
    clippy::all,
    unsafe_op_in_unsafe_fn,
    unnecessary_transmutes
)]

include!(concat!(env!("OUT_DIR"), "/ffmpeg.rs"));
