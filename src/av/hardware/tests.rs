//! Frames on a device between two graphs, as they lie between a decoder on hardware and a graph. Without a decoder for it: Mesa's Vulkan
//! driver for processors (lavapipe) is all that is needed.

use super::super::graph_ends::video_source_args;
use super::*;
use crate::av::{Colors, Graph, GraphOptions, Rational, pixel_format};
use crate::options::MediaKind;
use std::sync::Arc;

fn device() -> Option<Arc<Device>> {
    let found = DeviceKind::find("vulkan").and_then(|kind| Device::open(kind, None, &Dict::default()).ok());
    if found.is_none() {
        println!("skipped: no Vulkan device is here (mesa-vulkan-drivers has one that needs no hardware)");
    }
    found.map(Arc::new)
}

fn options(device: &Device) -> GraphOptions<'_> {
    GraphOptions { device: Some(device), ..GraphOptions::default() }
}

/// The next frame of a graph with one sink.
fn next(graph: &mut Graph) -> Frame {
    let mut frame = Frame::new().unwrap();
    while let Err(error) = graph.receive(0, &mut frame) {
        assert_eq!(error, AvError::AGAIN);
        graph.request_oldest().unwrap();
    }
    frame
}

/// Pictures on the device, of a source without an input.
fn uploading(device: &Device) -> Graph {
    let mut graph = Graph::parse("testsrc2=s=64x48:d=1,format=yuv420p,hwupload", &options(device)).unwrap();
    graph.connect_sink(MediaKind::Video, "sink", &[]).unwrap();
    graph.configure().unwrap();
    graph
}

/// The lines of a picture in memory.
fn lines(frame: &Frame) -> Vec<u8> {
    // SAFETY: a yuv420p picture in memory, whose first plane has `height` lines of `width` bytes.
    unsafe {
        let raw = &*frame.as_ptr();
        (0..raw.height as usize)
            .flat_map(|y| {
                std::slice::from_raw_parts(raw.data[0].add(y * raw.linesize[0] as usize), raw.width as usize).to_vec()
            })
            .collect()
    }
}

fn in_memory() -> Frame {
    let mut graph = Graph::parse("testsrc2=s=64x48:d=1,format=yuv420p", &GraphOptions::default()).unwrap();
    graph.connect_sink(MediaKind::Video, "sink", &[]).unwrap();
    graph.configure().unwrap();
    next(&mut graph)
}

#[test]
fn a_picture_comes_back_from_its_device() {
    let Some(device) = device() else { return };
    let mut graph = uploading(&device);
    assert_eq!(graph.sink_pool(0).unwrap().map(|pool| pool.format()), pixel_format("vulkan"));
    let mut frame = next(&mut graph);
    assert!(is_hardware_format(frame.format()) && frame.pool().unwrap().is_some());
    let pts = frame.pts();
    frame.download(-1).unwrap();
    assert_eq!((frame.format(), frame.pts()), (pixel_format("yuv420p").unwrap(), pts));
    assert!(lines(&frame) == lines(&in_memory()));
    assert!(frame.pool().unwrap().is_none());
}

#[test]
fn a_graph_takes_pictures_that_lie_on_a_device() {
    // Given a picture on a device, when a graph of its own takes it there and brings it back, then it is the same picture.
    let Some(device) = device() else { return };
    // It lives on: FFmpeg 5.1 uploads in the background, out of memory that it does not hold itself.
    let mut uploading = uploading(&device);
    let frame = next(&mut uploading);
    let mut graph = Graph::parse("null,hwdownload,format=yuv420p", &options(&device)).unwrap();
    let tick = Rational::new(1, 25);
    let args = video_source_args((64, 48), frame.format(), tick, Rational::new(1, 1), tick, Colors::of_frame(&frame));
    let pool = frame.pool().unwrap();
    graph.connect_source(MediaKind::Video, "source", &args, pool.as_ref(), &[]).unwrap();
    graph.connect_sink(MediaKind::Video, "sink", &[]).unwrap();
    graph.configure().unwrap();
    graph.send(0, &frame).unwrap();
    assert!(lines(&next(&mut graph)) == lines(&in_memory()));
}

#[test]
fn pools_are_equal_when_they_are_one() {
    let Some(device) = device() else { return };
    let (mut one, mut other) = (uploading(&device), uploading(&device));
    let pool = |graph: &mut Graph| next(graph).pool().unwrap();
    let (first, second, third) = (pool(&mut one), pool(&mut one), pool(&mut other));
    assert!(first.is_some() && first == second && first != third);
}
