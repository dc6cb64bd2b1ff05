//! -map_channel: which input channels make up an encoded audio stream. Source: `opt_map_channel`, `new_audio_stream` of FFmpeg's
//! fftools/ffmpeg_opt.c and `configure_output_audio_filter` of ffmpeg_filter.c (5.1).

use super::files::OpenInput;
use crate::av::{self, ChannelLayout};
use crate::error::Error;
use crate::options::{FileSpec, MediaKind};

/// One -map_channel.
#[derive(Debug, PartialEq)]
struct Entry {
    /// Input, stream and channel; None is a silent channel.
    from: Option<(usize, usize, i32)>,
    /// Output and stream that it is for; None is any.
    to: Option<(i64, i64)>,
    may_miss: bool,
}

fn parse(text: &str) -> Option<Entry> {
    let (from, to) = text.split_once(':').map_or((text, None), |(from, to)| (from, Some(to)));
    let may_miss = text.contains('?');
    let to = match to {
        None => None,
        Some(to) => {
            let (output, stream) = to.split_once('.')?;
            Some((output.parse().ok()?, stream.parse().ok()?)).filter(|to| *to != (-1, -1))
        }
    };
    if from == "-1" {
        return Some(Entry { from: None, to, may_miss });
    }
    let mut numbers = from.trim_end_matches('?').split('.');
    let mut next = || numbers.next().and_then(|n| n.parse::<i32>().ok());
    let (input, stream, channel) = (next()?, next()?, next()?);
    let from = (usize::try_from(input).ok()?, usize::try_from(stream).ok()?, channel);
    numbers.next().is_none().then_some(Entry { from: Some(from), to, may_miss })
}

/// The arguments of the pan filter that maps the channels of stream `index` of output `output`, which comes from `source`; None
/// where nothing is mapped.
pub fn pan_of(
    spec: &FileSpec,
    inputs: &[OpenInput],
    output: usize,
    index: usize,
    source: Option<(usize, usize)>,
) -> Result<Option<String>, Error> {
    let mut channels = Vec::new();
    for setting in spec.all("map_channel") {
        let bad = |why: &str| Error::option(format!("option map_channel has the value '{}': {why}", setting.value));
        let entry =
            parse(&setting.value).ok_or_else(|| bad("it needs [INPUT.STREAM.CHANNEL|-1][?][:OUTPUT.STREAM]"))?;
        check(&entry, inputs).map_err(|why| bad(&why))?;
        let is_meant = entry.to.is_none_or(|(o, s)| (o < 0 || o == output as i64) && (s < 0 || s == index as i64));
        match entry.from {
            None if is_meant => channels.push(-1),
            Some((input, stream, channel)) if is_meant && source == Some((input, stream)) => channels.push(channel),
            _ => {}
        }
    }
    Ok(pan(&channels))
}

fn check(entry: &Entry, inputs: &[OpenInput]) -> Result<(), String> {
    let Some((input, stream, channel)) = entry.from else { return Ok(()) };
    let plan = inputs
        .get(input)
        .ok_or_else(|| format!("there is no input {input}"))?
        .streams
        .get(stream)
        .ok_or_else(|| format!("input {input} has no stream {stream}"))?;
    if plan.info.kind() != MediaKind::Audio {
        return Err(format!("stream {input}:{stream} is no audio stream"));
    }
    let is_there = (0..plan.info.parameters.channels()).contains(&channel) && plan.discard != av::DISCARD_ALL;
    match is_there || entry.may_miss {
        true => Ok(()),
        false => Err(format!("stream {input}:{stream} has no channel {channel}; a '?' behind it makes it optional")),
    }
}

/// "stereo|c0=c1|c1=c0"; a silent channel has no part of its own.
fn pan(channels: &[i32]) -> Option<String> {
    if channels.is_empty() {
        return None;
    }
    let count = channels.len() as i32;
    let mut text = ChannelLayout::of_channels(count).name().unwrap_or_else(|| format!("{count}C"));
    for (index, channel) in channels.iter().enumerate().filter(|(_, channel)| **channel >= 0) {
        text.push_str(&format!("|c{index}=c{channel}"));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_an_entry() {
        let entry = |from, to, may_miss| Some(Entry { from, to, may_miss });
        assert_eq!(parse("0.1.2"), entry(Some((0, 1, 2)), None, false));
        assert_eq!(parse("0.0.6?"), entry(Some((0, 0, 6)), None, true));
        assert_eq!(parse("0.1.2:1.0"), entry(Some((0, 1, 2)), Some((1, 0)), false));
        assert_eq!(parse("-1"), entry(None, None, false));
        assert_eq!(parse("-1:0.1"), entry(None, Some((0, 1)), false));
        for bad in ["", "0.1", "0.1.2.3", "a.b.c", "-1.0.0", "0.0.0:x"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn channels_become_a_pan_filter() {
        assert_eq!(pan(&[]), None);
        assert_eq!(pan(&[1, 0]).as_deref(), Some("stereo|c0=c1|c1=c0"));
        assert_eq!(pan(&[0, -1]).as_deref(), Some("stereo|c0=c0"));
        assert_eq!(pan(&[-1]).as_deref(), Some("mono"));
    }
}
