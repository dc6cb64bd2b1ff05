//! stub
use super::Input;
pub fn probe_json(input: &Input) -> String { format!("{{\"streams\":{}}}", input.stream_count()) }
