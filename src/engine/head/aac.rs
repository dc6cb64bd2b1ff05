//! What AAC is, by its AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1). None where a decoder would have to look at the frames.

use super::bits::Bits;
use crate::av::AudioFacts;

const SAMPLE_RATES: [i32; 13] =
    [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/// Below this rate of samples per second SBR is usual that no header tells of: the decoder finds it in the first frame.
const HIDDEN_SBR_BELOW: i32 = 32000;

/// Source: ff_aac's decode_audio_specific_config, and avpriv_mpeg4audio_get_config2 for the extension behind it.
pub fn facts(config: &[u8]) -> Option<AudioFacts> {
    const LOW_COMPLEXITY: u32 = 2;
    let mut bits = Bits::plain(config);
    let object = bits.bits(5)?;
    let sample_rate = *SAMPLE_RATES.get(bits.bits(4)? as usize)?;
    let channels = match bits.bits(4)? {
        count @ (1 | 2) => count as i32,
        _ => return None,
    };
    let (has_short_frames, depends, is_extended) = (bits.bit()?, bits.bit()?, bits.bit()?);
    if object != LOW_COMPLEXITY || sample_rate < HIDDEN_SBR_BELOW || has_short_frames || depends || is_extended {
        return None;
    }
    if bits.left() >= 16 {
        // The extension's mark, SBR as the kind, and that there is none.
        let says_no_sbr = bits.bits(11)? == 0x2b7 && bits.bits(5)? == 5 && !bits.bit()?;
        if !says_no_sbr {
            return None;
        }
    }
    Some(AudioFacts { sample_rate, channels, profile: 1, frame_samples: 1024 })
}
