//! What an encoder is told of its quantisers: -rc_override, -intra_matrix and their like. Source: `new_video_stream` and
//! `parse_matrix_coeffs` of FFmpeg's fftools/ffmpeg_opt.c.

use crate::av::{Matrix, RateOverride};
use crate::error::Error;

/// 64 numbers between commas.
pub fn matrix(option: &str, text: &str) -> Result<Matrix, Error> {
    let bad = || Error::option(format!("option {option} has the value '{text}'; it needs 64 numbers between commas"));
    let numbers: Vec<u16> = text.split(',').map(|n| n.trim().parse()).collect::<Result<_, _>>().map_err(|_| bad())?;
    numbers.try_into().map_err(|_| bad())
}

/// "0,100,4/101,200,-50": first frame, last frame, and a quantiser, or minus the per cent of quality.
pub fn overrides(text: &str) -> Result<Vec<RateOverride>, Error> {
    let one = |part: &str| {
        let numbers: Vec<i32> = part.split(',').map(|n| n.trim().parse().ok()).collect::<Option<_>>()?;
        let [first, last, quality] = numbers[..] else { return None };
        let (quantiser, factor) = if quality > 0 { (quality, 1.0) } else { (0, -quality as f32 / 100.0) };
        Some(RateOverride { first_frame: first, last_frame: last, quantiser, factor })
    };
    text.split('/').map(one).collect::<Option<_>>().ok_or_else(|| {
        Error::option(format!(
            "option rc_override has the value '{text}'; it needs START,END,QUALITY[/START,END,QUALITY...]"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_has_64_numbers() {
        let text = (1..=64).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        assert_eq!(matrix("intra_matrix", &text).unwrap()[63], 64);
        for bad in ["", "1,2,3", "a"] {
            assert!(matrix("intra_matrix", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn overrides_are_quantisers_or_factors() {
        let list = overrides("0,10,4/11,20,-50").unwrap();
        assert_eq!((list[0].first_frame, list[0].last_frame, list[0].quantiser, list[0].factor), (0, 10, 4, 1.0));
        assert_eq!((list[1].quantiser, list[1].factor), (0, 0.5));
        assert!(overrides("1,2").is_err());
    }
}
