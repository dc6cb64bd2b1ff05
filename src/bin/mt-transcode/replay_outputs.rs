//! Where a replay writes: never where the job did.

use mt_transcode::options::JobSpec;
use mt_transcode::text::{from_bytes, to_path};
use std::fs::DirBuilder;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where outputs go.
pub struct Outputs {
    pub folder: PathBuf,
    is_kept: bool,
}

impl Outputs {
    pub fn new(wanted: Option<&Path>) -> Result<Outputs, String> {
        let folder = match wanted {
            Some(folder) => folder.to_owned(),
            None => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
                std::env::temp_dir().join(format!("mt-replay-{}-{now}", std::process::id()))
            }
        };
        let made = match wanted {
            Some(_) => std::fs::create_dir_all(&folder),
            // Nobody else's, and not there before.
            None => DirBuilder::new().mode(0o700).create(&folder),
        };
        made.map_err(|error| format!("'{}': {error}", folder.display()))?;
        Ok(Outputs { folder, is_kept: wanted.is_some() })
    }

    pub fn size_bytes(&self) -> u64 {
        size_of(&self.folder)
    }

    pub fn words(&self) -> String {
        if self.is_kept { format!("'{}'", self.folder.display()) } else { "all, thrown away".into() }
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn size_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(about) if about.is_dir() => size_of(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// Nothing of what the job wrote is written over.
pub fn redirect(spec: &mut JobSpec, outputs: &Path) {
    let moved = |url: &str| {
        let name = url.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("output");
        from_bytes(outputs.join(to_path(name)).as_os_str().as_bytes())
    };
    for (index, output) in spec.outputs.iter_mut().enumerate() {
        if !output.url.starts_with("mt:") && output.value("f") != Some("null") {
            output.url = match output.url.contains("://") {
                true => moved(&format!("output{index}")),
                false => moved(&output.url),
            };
        }
        for setting in
            output.settings.iter_mut().filter(|s| ["hls_segment_filename", "segment_list"].contains(&s.name.as_str()))
        {
            if !setting.value.starts_with("mt:") {
                setting.value = moved(&setting.value);
            }
        }
    }
}
