//! The text of -init_hw_device (fftools/ffmpeg_hw.c: hw_device_init_from_string).

/// "kind[=name]", and behind it nothing, ":device[,key=value...]", ",key=value..." or "@source".
#[derive(Debug, PartialEq)]
pub struct DeviceText<'a> {
    pub kind: &'a str,
    pub name: Option<&'a str>,
    /// What the device is opened with; None is the default one.
    pub device: Option<&'a str>,
    pub options: Option<&'a str>,
    /// The device that it is derived from.
    pub source: Option<&'a str>,
}

fn split_at_any<'a>(text: &'a str, ends: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

impl<'a> DeviceText<'a> {
    /// The error says what is wrong.
    pub fn parse(text: &'a str) -> Result<DeviceText<'a>, &'static str> {
        let (kind, rest) = split_at_any(text, &[':', '=', '@']);
        let (name, rest) = match rest.strip_prefix('=') {
            Some(rest) => {
                let (name, rest) = split_at_any(rest, &[':', '@', ',']);
                (Some(name), rest)
            }
            None => (None, rest),
        };
        let mut parsed = DeviceText { kind, name, device: None, options: None, source: None };
        let mut letters = rest.chars();
        let first = letters.next();
        let rest = letters.as_str();
        match first {
            None => {}
            Some(':') => {
                let (device, options) = rest.split_once(',').map_or((rest, None), |(d, o)| (d, Some(o)));
                parsed.device = Some(device).filter(|device| !device.is_empty());
                parsed.options = options;
            }
            Some('@') => parsed.source = Some(rest),
            Some(',') => parsed.options = Some(rest),
            Some(_) => return Err("it is not kind[=name][:device[,key=value...]]"),
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> [Option<&str>; 5] {
        let text = DeviceText::parse(text).expect(text);
        [Some(text.kind), text.name, text.device, text.options, text.source]
    }

    #[test]
    fn every_form_of_a_device() {
        for (text, expected) in [
            ("vulkan", [Some("vulkan"), None, None, None, None]),
            ("vulkan=vk", [Some("vulkan"), Some("vk"), None, None, None]),
            ("vaapi:/dev/dri/renderD128", [Some("vaapi"), None, Some("/dev/dri/renderD128"), None, None]),
            ("vulkan=vk:1,debug=1", [Some("vulkan"), Some("vk"), Some("1"), Some("debug=1"), None]),
            ("vulkan:,debug=1", [Some("vulkan"), None, None, Some("debug=1"), None]),
            ("vulkan=vk,debug=1", [Some("vulkan"), Some("vk"), None, Some("debug=1"), None]),
            ("opencl=o@va", [Some("opencl"), Some("o"), None, None, Some("va")]),
            ("opencl@va", [Some("opencl"), None, None, None, Some("va")]),
            ("opencl:0.1", [Some("opencl"), None, Some("0.1"), None, None]),
            // As ffmpeg: without a name, a comma belongs to the kind, which is then unknown.
            ("vulkan,debug=1", [Some("vulkan,debug"), Some("1"), None, None, None]),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }
}
