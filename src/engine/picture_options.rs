//! What an input's options say of how its pictures lie and where they end (fftools/ffmpeg_demux.c of 7.1: add_display_matrix_to_stream,
//! ist_add and ist_filter_add).

use crate::av::{Crop, SideData};
use crate::error::Error;
use crate::options::parse_float;

/// The display matrix of -display_rotation, -display_hflip and -display_vflip, which goes before the file's.
pub fn display_matrix<'a>(value: impl Fn(&'static str) -> Option<&'a str>) -> Option<SideData> {
    let [rotation, hflip, vflip] = ["display_rotation", "display_hflip", "display_vflip"].map(value);
    rotation.or(hflip).or(vflip)?;
    let degrees = rotation.and_then(parse_float).unwrap_or(0.0);
    let is_on = |flag: Option<&str>| flag.is_some_and(|flag| flag != "0");
    // Counter-clockwise.
    Some(SideData::turned(-degrees, is_on(hflip), is_on(vflip)))
}

/// Which cropping is carried out, from FFmpeg 7.1 on. Before, decoders do what is theirs, and containers do not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cropping {
    pub of_codec: bool,
    pub of_container: bool,
}

impl Cropping {
    /// -apply_cropping.
    pub fn parse(text: Option<&str>) -> Result<Cropping, Error> {
        let (of_codec, of_container) = match text {
            None | Some("all" | "1") => (true, true),
            Some("none" | "0") => (false, false),
            Some("codec" | "2") => (true, false),
            Some("container" | "3") => (false, true),
            Some(other) => return Err(unknown(other)),
        };
        Ok(Cropping { of_codec, of_container })
    }

    /// What a container's cropping is, if it has one and that is wanted.
    pub fn of_stream(self, side_data: &[SideData]) -> Option<Crop> {
        side_data.iter().find_map(SideData::crop).filter(|_| self.of_container)
    }
}

fn unknown(text: &str) -> Error {
    let text = format!("option apply_cropping has the unknown value '{text}'; it takes none, all, codec or container");
    Error::option(text).at("open input")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::av::rotation;

    fn turned(
        rotation: Option<&'static str>,
        hflip: Option<&'static str>,
        vflip: Option<&'static str>,
    ) -> Option<[i32; 9]> {
        let value = |name| match name {
            "display_rotation" => rotation,
            "display_hflip" => hflip,
            _ => vflip,
        };
        display_matrix(value).and_then(|side| side.matrix())
    }

    #[test]
    fn pictures_are_turned_counter_clockwise_and_flipped() {
        assert_eq!(turned(None, None, None), None);
        let quarter = turned(Some("90"), None, None).unwrap();
        assert_eq!(rotation(&quarter).round(), 90.0);
        let one = 1 << 16;
        assert_eq!(turned(None, Some("1"), None).unwrap()[..5], [-one, 0, 0, 0, one]);
        assert_eq!(turned(None, None, Some("1")).unwrap()[..5], [one, 0, 0, 0, -one]);
        assert_eq!(
            turned(None, Some("0"), None).unwrap()[..5],
            [one, 0, 0, 0, one],
            "off is upright, whatever the file says"
        );
    }

    #[test]
    fn cropping_is_named_or_numbered() {
        for (text, expected) in [
            (None, (true, true)),
            (Some("none"), (false, false)),
            (Some("2"), (true, false)),
            (Some("container"), (false, true)),
        ] {
            let cropping = Cropping::parse(text).unwrap();
            assert_eq!((cropping.of_codec, cropping.of_container), expected, "{text:?}");
        }
        assert!(Cropping::parse(Some("some")).is_err());
    }
}
