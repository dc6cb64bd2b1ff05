//! How long the result will be: for per cent and time left.

use super::files::OpenInput;
use super::plan::OpenOutput;

/// Microseconds that the longest output will have, as far as can be told from the inputs; None where it cannot.
pub fn expected_duration_us(inputs: &[OpenInput], outputs: &[OpenOutput]) -> Option<i64> {
    outputs.iter().map(|output| of_output(inputs, output)).max().flatten()
}

fn of_output(inputs: &[OpenInput], output: &OpenOutput) -> Option<i64> {
    let mut used: Vec<usize> =
        output.streams.iter().filter_map(|stream| stream.source.map(|(input, _)| input)).collect();
    if used.is_empty() || output.streams.iter().any(|stream| stream.source.is_none()) {
        used = (0..inputs.len()).collect(); // fed by a complex graph: any input may matter
    }
    let natural = used.into_iter().map(|input| of_input(&inputs[input])).max().flatten();
    let natural = natural.map(|us| us - output.start_us.unwrap_or(0));
    let by_frames = output.streams.iter().filter_map(|stream| by_frames(inputs, stream)).min();
    let limits = [natural, output.duration_us, by_frames];
    limits.into_iter().flatten().min().filter(|us| *us > 0)
}

fn by_frames(inputs: &[OpenInput], stream: &super::plan::OutStream) -> Option<i64> {
    let count = stream.max_frames;
    let (input, index) = stream.source?;
    let rate = inputs[input].streams[index].info.guessed_frame_rate;
    (count != i64::MAX && rate.is_positive()).then(|| (count as f64 * 1e6 / rate.to_f64()) as i64)
}

fn of_input(input: &OpenInput) -> Option<i64> {
    let whole = input.input.duration_us().map(|us| us - input.start_us.unwrap_or(0));
    match (whole, input.duration_us) {
        (Some(whole), Some(limit)) => Some(whole.min(limit)),
        (whole, limit) => limit.or(whole),
    }
}
