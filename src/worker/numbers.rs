//! The numbers of a job in a worker, on their way to the host.

use crate::engine::{Counters, Differences, OutputNumbers, StreamNumbers};
use crate::options::MediaKind;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

fn unsigned(counters: &Counters) -> [(&'static str, &AtomicU64); 19] {
    [
        ("packets_read", &counters.packets_read),
        ("packets_written", &counters.packets_written),
        ("packets_corrupt", &counters.packets_corrupt),
        ("decode_errors", &counters.decode_errors),
        ("encode_errors", &counters.encode_errors),
        ("packets_skipped", &counters.packets_skipped),
        ("frames_decoded", &counters.frames_decoded),
        ("frames", &counters.frames),
        ("frames_duplicated", &counters.frames_duplicated),
        ("frames_dropped", &counters.frames_dropped),
        ("timestamps_repaired", &counters.timestamps_repaired),
        ("size_bytes", &counters.size_bytes),
        ("link_bytes_peak", &counters.link_bytes_peak),
        ("threads", &counters.threads),
        ("payload_bytes", &counters.payload_bytes),
        ("packets_spared", &counters.packets_spared),
        ("link_bytes", &counters.link_bytes),
        ("waits", &counters.waits),
        // Of URLs: `mt:` streams the host counts itself.
        ("bytes_read", &counters.bytes_read),
    ]
}

fn signed(counters: &Counters) -> [(&'static str, &AtomicI64); 4] {
    [
        ("position_us", &counters.position_us),
        ("duration_us", &counters.duration_us),
        ("open_us", &counters.open_us),
        ("first_output_us", &counters.first_output_us),
    ]
}

pub fn numbers_to_json(counters: &Counters) -> Value {
    let mut numbers = serde_json::Map::new();
    for (name, counter) in unsigned(counters) {
        numbers.insert(name.to_owned(), counter.load(Relaxed).into());
    }
    for (name, counter) in signed(counters) {
        numbers.insert(name.to_owned(), counter.load(Relaxed).into());
    }
    numbers.insert("outputs".into(), counters.outputs.lock().iter().map(|output| output_to_json(output)).collect());
    Value::Object(numbers)
}

pub fn take_numbers(value: &Value, counters: &Counters) {
    for (name, counter) in unsigned(counters) {
        if let Some(number) = value[name].as_u64() {
            counter.store(number, Relaxed);
        }
    }
    for (name, counter) in signed(counters) {
        if let Some(number) = value[name].as_i64() {
            counter.store(number, Relaxed);
        }
    }
    take_outputs(value["outputs"].as_array().map_or(&[][..], Vec::as_slice), counters);
}

/// The worker is gone: nothing waits or runs there any more, whatever it said last.
pub fn settle_numbers(counters: &Counters) {
    for gone in [&counters.threads, &counters.link_bytes, &counters.waits] {
        gone.store(0, Relaxed);
    }
}

const KINDS: [MediaKind; 6] = [
    MediaKind::Video,
    MediaKind::Audio,
    MediaKind::Subtitle,
    MediaKind::Data,
    MediaKind::Attachment,
    MediaKind::Unknown,
];

fn output_to_json(output: &OutputNumbers) -> Value {
    json!({
        "size_bytes": output.size_bytes.load(Relaxed), "is_begun": output.is_begun.load(Relaxed),
        "streams": output.streams.iter().map(stream_to_json).collect::<Vec<_>>(),
    })
}

fn stream_to_json(stream: &StreamNumbers) -> Value {
    let differences = stream.differences.lock().map(
        |known| json!({"pixels": known.pixels, "is_typed": known.is_typed, "last": known.last, "total": known.total}),
    );
    json!({
        "kind": stream.kind.word(), "is_copy": stream.is_copy, "packets": stream.packets.load(Relaxed),
        "bytes": stream.bytes.load(Relaxed), "header_bytes": stream.header_bytes.load(Relaxed),
        "end_us": stream.end_us.load(Relaxed), "quality": stream.quality().to_bits(), "differences": differences,
    })
}

/// The host's outputs become those of the worker.
fn take_outputs(values: &[Value], counters: &Counters) {
    let mut outputs = counters.outputs.lock();
    outputs.truncate(values.len());
    for (index, value) in values.iter().enumerate() {
        let streams = value["streams"].as_array().map_or(&[][..], Vec::as_slice);
        if outputs.get(index).is_none_or(|output| output.streams.len() != streams.len()) {
            let output = Arc::new(OutputNumbers::new(streams.iter().map(new_stream).collect()));
            outputs.truncate(index);
            outputs.push(output);
        }
        let output = &outputs[index];
        output.size_bytes.store(value["size_bytes"].as_i64().unwrap_or(-1), Relaxed);
        for (stream, value) in output.streams.iter().zip(streams) {
            take_stream(stream, value);
        }
        output.is_begun.store(value["is_begun"].as_bool().unwrap_or(false), Relaxed);
    }
}

fn new_stream(value: &Value) -> StreamNumbers {
    let kind = KINDS.into_iter().find(|kind| value["kind"] == kind.word()).unwrap_or(MediaKind::Unknown);
    StreamNumbers::new(kind, value["is_copy"].as_bool().unwrap_or(false))
}

fn take_stream(stream: &StreamNumbers, value: &Value) {
    for (name, counter) in
        [("packets", &stream.packets), ("bytes", &stream.bytes), ("header_bytes", &stream.header_bytes)]
    {
        counter.store(value[name].as_u64().unwrap_or(0), Relaxed);
    }
    stream.end_us.store(value["end_us"].as_i64().unwrap_or(i64::MIN), Relaxed);
    stream.set_quality(f32::from_bits(value["quality"].as_u64().unwrap_or(0) as u32));
    let known = &value["differences"];
    *stream.differences.lock() = (!known.is_null()).then(|| Differences {
        pixels: known["pixels"].as_i64().unwrap_or(0),
        is_typed: known["is_typed"].as_bool().unwrap_or(false),
        last: [0, 1, 2].map(|plane| known["last"][plane].as_i64().unwrap_or(-1)),
        total: [0, 1, 2].map(|plane| known["total"][plane].as_u64().unwrap_or(0)),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_worker() -> Counters {
        let counters = Counters::default();
        let streams = KINDS.map(|kind| StreamNumbers::new(kind, kind == MediaKind::Audio));
        streams[0].packets.store(50, Relaxed);
        streams[0].end_us.store(2_000_000, Relaxed);
        streams[0].set_quality(2.5);
        let differences = Differences { pixels: 3, is_typed: true, last: [1, -1, 2], total: [4, 5, u64::MAX] };
        *streams[0].differences.lock() = Some(differences);
        let output = OutputNumbers::new(streams.into());
        output.size_bytes.store(i64::MAX, Relaxed);
        output.is_begun.store(true, Relaxed);
        *counters.outputs.lock() = vec![Arc::new(output), Arc::new(OutputNumbers::new(Vec::new()))];
        counters.packets_spared.store(7, Relaxed);
        counters
    }

    #[test]
    fn the_host_has_the_numbers_of_the_worker_whatever_it_had_before() {
        let worker = of_worker();
        let (host, said) = (Counters::default(), numbers_to_json(&worker));
        take_numbers(&said, &host);
        assert_eq!(numbers_to_json(&host), said);
        worker.outputs.lock()[0].streams[0].packets.store(51, Relaxed);
        take_numbers(&numbers_to_json(&worker), &host);
        assert_eq!(host.outputs.lock()[0].streams[0].packets.load(Relaxed), 51);
        worker.outputs.lock().remove(0);
        take_numbers(&numbers_to_json(&worker), &host);
        assert_eq!(numbers_to_json(&host), numbers_to_json(&worker));
    }

    #[test]
    fn nonsense_of_a_worker_is_no_panic() {
        let host = Counters::default();
        for nonsense in [json!(7), json!({"outputs": [1, {"streams": [null, {"quality": -1, "differences": []}]}]})] {
            take_numbers(&nonsense, &host);
        }
    }
}
