//! How the TLS connections of one input or output are opened, those too that FFmpeg opens by itself: segments, keys, what a redirect leads to.

use super::{AvError, Dict, ffi};
use parking_lot::Mutex;
use std::ffi::{CStr, CString};
use std::ptr;

/// What uses TLS, or may be redirected to it.
const SCHEMES: [&str; 6] = ["https", "http", "tls", "rtmps", "gophers", "mmsts"];

pub struct TlsPeers {
    /// Options of FFmpeg's protocol tls.
    settings: Vec<(CString, CString)>,
    /// The last URL that could not be opened.
    failed: Mutex<Option<String>>,
}

impl TlsPeers {
    /// `settings`: names and values without NUL, else they are left out.
    pub fn new(settings: &[(&str, String)]) -> TlsPeers {
        let text = |(name, value): &(&str, String)| {
            Some((crate::text::c_string(name).ok()?, crate::text::c_string(value).ok()?))
        };
        TlsPeers { settings: settings.iter().filter_map(text).collect(), failed: Mutex::default() }
    }

    /// Puts the settings where the user set none. Returns the names that were put.
    pub fn prepare(&self, options: &mut Dict) -> Vec<String> {
        let mut added = Vec::new();
        for (name, value) in &self.settings {
            let (name, value) = (name.to_string_lossy(), crate::text::from_bytes(value.to_bytes()));
            if options.get(&name).is_none() {
                options.set(&name, &value);
                added.push(name.into_owned());
            }
        }
        added
    }

    /// Puts the settings where none are, runs `open` with them, and takes back what it left: some muxers refuse what their protocol did
    /// not take (img2enc.c: write_packet).
    ///
    /// # Safety
    /// `options` points to a valid dictionary or NULL.
    pub(super) unsafe fn with(&self, options: *mut *mut ffi::AVDictionary, open: impl FnOnce() -> i32) -> i32 {
        // SAFETY: by contract, and terminated strings.
        unsafe {
            let is_absent =
                |name: &&(CString, CString)| ffi::av_dict_get(*options, name.0.as_ptr(), ptr::null(), 0).is_null();
            let absent: Vec<_> = self.settings.iter().filter(is_absent).collect();
            for (name, value) in &absent {
                ffi::av_dict_set(options, name.as_ptr(), value.as_ptr(), 0);
            }
            let code = open();
            for (name, _) in &absent {
                ffi::av_dict_set(options, name.as_ptr(), ptr::null(), 0);
            }
            code
        }
    }

    /// Whether a URL may lead to TLS.
    pub fn concerns(&self, url: &str) -> bool {
        let inner = url.strip_prefix("crypto+").or_else(|| url.strip_prefix("crypto:")).unwrap_or(url);
        inner.split_once(':').is_some_and(|(scheme, _)| SCHEMES.contains(&scheme))
    }

    pub(super) fn note(&self, url: &CStr, error: AvError) {
        if error != AvError::EXIT {
            *self.failed.lock() = Some(crate::text::from_bytes(url.to_bytes()));
        }
    }

    /// The last URL that FFmpeg could not open by itself.
    pub fn failed(&self) -> Option<String> {
        self.failed.lock().clone()
    }
}
