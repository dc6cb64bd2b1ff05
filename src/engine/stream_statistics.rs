//! -stats_enc_pre, -stats_enc_post, -stats_mux_pre: a line of the user's own form for each frame or packet. FFmpeg 6.0 and later.
//! Source: `enc_stats_init` of FFmpeg's fftools/ffmpeg_mux_init.c and `enc_stats_write` of ffmpeg_enc.c (7.1).

use super::context::JobContext;
use super::errors::failed;
use super::statistics::StatisticsFile;
use crate::av::{Frame, Origin, Packet, Rational, general_text};
use crate::error::{Code, Error};
use parking_lot::Mutex;
use std::sync::Arc;

const DEFAULT_FORM: &str = "{fidx} {sidx} {n} {t}";

/// Before or behind the encoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    Frames,
    Packets,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Directive(&'static str),
}

/// Directives, and where they have a meaning; None: everywhere.
const DIRECTIVES: [(&str, Option<Place>); 18] = [
    ("fidx", None),
    ("sidx", None),
    ("n", None),
    ("ni", None),
    ("tb", None),
    ("tbi", None),
    ("pts", None),
    ("t", None),
    ("ptsi", None),
    ("ti", None),
    ("dts", Some(Place::Packets)),
    ("dt", Some(Place::Packets)),
    ("sn", Some(Place::Frames)),
    ("samp", Some(Place::Frames)),
    ("size", Some(Place::Packets)),
    ("br", Some(Place::Packets)),
    ("abr", Some(Place::Packets)),
    ("key", Some(Place::Packets)),
];

/// Text up to a letter that no backslash stands before, and what follows from that letter on.
fn up_to(text: &str, end: char) -> (String, &str) {
    let (mut out, mut letters) = (String::new(), text.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => out.push(letters.next().map_or('\\', |(_, next)| next)),
            _ if letter == end => return (out, &text[at..]),
            _ => out.push(letter),
        }
    }
    (out, "")
}

fn parse(form: &str, place: Place) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut rest) = (Vec::new(), form);
    while !rest.is_empty() {
        let (text, behind) = up_to(rest, '{');
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        let Some(inner) = behind.strip_prefix('{') else { break };
        let (name, behind) = up_to(inner, '}');
        if name.is_empty() {
            return Err("there is nothing between its braces".into());
        }
        rest = behind.strip_prefix('}').ok_or("a brace is not closed")?;
        let found = DIRECTIVES.iter().find(|(directive, _)| *directive == name);
        let (directive, only) = found.ok_or_else(|| format!("{{{name}}} is unknown"))?;
        if only.is_some_and(|only| only != place) {
            let word = if place == Place::Frames { "behind" } else { "before" };
            return Err(format!("{{{name}}} has a meaning {word} the encoder only"));
        }
        pieces.push(Piece::Directive(directive));
    }
    Ok(pieces)
}

/// The lines of one stream at one place.
pub struct StreamStatistics {
    pieces: Vec<Piece>,
    file: Arc<StatisticsFile>,
    option: &'static str,
    output: usize,
    stream: usize,
    /// Frames or packets, and the samples of the frames.
    count: u64,
    samples: u64,
    bytes: u64,
}

impl std::fmt::Debug for StreamStatistics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.option, self.pieces)
    }
}

/// Before and behind an encoder.
#[derive(Debug, Default)]
pub struct EncoderStatistics {
    pub frames: Option<Mutex<StreamStatistics>>,
    pub packets: Option<Mutex<StreamStatistics>>,
}

/// What stands behind the directives that frames and packets share.
struct Facts {
    pts: i64,
    time_base: Rational,
    origin: Option<Origin>,
}

impl StreamStatistics {
    /// Opens the file, which several streams may share.
    pub fn open(
        context: &JobContext,
        option: &'static str,
        place: Place,
        (output, stream): (usize, usize),
        url: &str,
        form: Option<&str>,
    ) -> Result<StreamStatistics, Error> {
        let form = form.unwrap_or(DEFAULT_FORM);
        let pieces = parse(form, place)
            .map_err(|why| Error::option(format!("option {option}_fmt has the value '{form}': {why}")))?;
        let file = context.statistics.open(url, &context.interrupt).map_err(|e| {
            let url = crate::secrets::mask_url(url);
            failed(e, "open output", Code::EIO, &format!("option {option}: cannot write '{url}'"))
        })?;
        Ok(StreamStatistics { pieces, file, option, output, stream, count: 0, samples: 0, bytes: 0 })
    }

    /// A frame that goes into the encoder.
    pub fn frame(&mut self, frame: &Frame, time_base: Rational) -> Result<(), Error> {
        let facts = Facts { pts: frame.pts(), time_base, origin: frame.origin() };
        self.write(&facts, |name| match name {
            "sn" => Some(self.samples.to_string()),
            "samp" => Some(frame.samples().to_string()),
            _ => None,
        })?;
        self.count += 1;
        self.samples += frame.samples().max(0) as u64;
        Ok(())
    }

    /// A packet that comes from the encoder or goes to the muxer.
    pub fn packet(&mut self, packet: &Packet, time_base: Rational) -> Result<(), Error> {
        let facts = Facts { pts: packet.pts(), time_base, origin: packet.origin() };
        let tick = time_base.to_f64();
        let end = packet.dts() as f64 * tick;
        self.write(&facts, |name| {
            Some(match name {
                "dts" => packet.dts().to_string(),
                "dt" => general_text(end, 6),
                "size" => packet.size().to_string(),
                "key" => if packet.is_key() { "K" } else { "N" }.to_owned(),
                "br" => general_text(8.0 * packet.size() as f64 / (packet.duration().max(1) as f64 * tick), 6),
                "abr" => general_text(if end > 0.0 { 8.0 * self.bytes as f64 / end } else { -1.0 }, 6),
                _ => return None,
            })
        })?;
        self.count += 1;
        self.bytes += packet.size() as u64;
        Ok(())
    }

    fn write(&self, facts: &Facts, own: impl Fn(&str) -> Option<String>) -> Result<(), Error> {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Directive(name) => own(name).unwrap_or_else(|| self.shared(name, facts)),
        };
        let line: String = self.pieces.iter().map(text).chain(["\n".to_owned()]).collect();
        self.file.write(&line).map_err(|e| {
            failed(e, "encode", Code::EIO, &format!("option {}: cannot write the statistics", self.option))
        })
    }

    fn shared(&self, name: &str, facts: &Facts) -> String {
        let ratio = |q: Rational| format!("{}/{}", q.num, q.den);
        let origin = facts.origin.unwrap_or(Origin::UNKNOWN);
        match name {
            "fidx" => self.output.to_string(),
            "sidx" => self.stream.to_string(),
            "n" => self.count.to_string(),
            "ni" => origin.number.to_string(),
            "tb" => ratio(facts.time_base),
            "tbi" => ratio(origin.time_base),
            "pts" => facts.pts.to_string(),
            "ptsi" => origin.pts.to_string(),
            "t" => general_text(facts.pts as f64 * facts.time_base.to_f64(), 6),
            _ => general_text(origin.pts as f64 * origin.time_base.to_f64(), 6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_text_and_directives() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let pieces = vec![text("a{"), Piece::Directive("n"), text(" b}"), Piece::Directive("t")];
        assert_eq!(parse(r"a\{{n} b\}{t}", Place::Frames), Ok(pieces));
        assert_eq!(parse("", Place::Frames), Ok(Vec::new()));
        for wrong in ["{}", "{n", "{nosuch}", "{size}"] {
            assert!(parse(wrong, Place::Frames).is_err(), "{wrong}");
        }
        assert!(parse("{samp}", Place::Packets).is_err());
    }
}
