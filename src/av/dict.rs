//! FFmpeg's dictionaries: metadata, options.

use super::{AvError, ffi};
use std::ffi::CStr;
use std::ptr;

/// An owned AVDictionary. Bytes pass through unchanged: metadata need not be UTF-8.
pub struct Dict(*mut ffi::AVDictionary);

// SAFETY: an AVDictionary is plain memory without ties to a thread; all changes need `&mut`.
unsafe impl Send for Dict {}
// SAFETY: reading it (`&self`) changes nothing.
unsafe impl Sync for Dict {}

impl Default for Dict {
    fn default() -> Self {
        Dict(ptr::null_mut())
    }
}

impl Dict {
    /// A copy of a dictionary of FFmpeg's.
    ///
    /// # Safety
    /// `source` is NULL or a valid dictionary.
    pub(super) unsafe fn copy_of(source: *const ffi::AVDictionary) -> Dict {
        let mut copy = Dict::default();
        // SAFETY: both are valid (NULL is an empty dictionary).
        unsafe { ffi::av_dict_copy(&mut copy.0, source, 0) };
        copy
    }

    pub(super) fn as_ptr(&self) -> *const ffi::AVDictionary {
        self.0
    }

    /// For functions that take options and leave those they did not use.
    pub(super) fn as_mut(&mut self) -> &mut *mut ffi::AVDictionary {
        &mut self.0
    }

    /// "key=value,key=value", with FFmpeg's quotes and escapes.
    pub fn parse_list(text: &str) -> Result<Dict, AvError> {
        let text = crate::text::c_string(text).map_err(|_| AvError::INVALID)?;
        let mut dict = Dict::default();
        // SAFETY: a valid dictionary and terminated strings.
        AvError::check(unsafe {
            ffi::av_dict_parse_string(&mut dict.0, text.as_ptr(), c"=".as_ptr(), c",".as_ptr(), 0)
        })?;
        Ok(dict)
    }

    fn set_flags(&mut self, key: &str, value: Option<&str>, flags: i32) {
        let (Ok(key), Ok(value)) = (crate::text::c_string(key), value.map(crate::text::c_string).transpose()) else {
            return; // A NUL inside cannot be said to FFmpeg; capi's strings have none.
        };
        let value = value.as_ref().map_or(ptr::null(), |v| v.as_ptr());
        // SAFETY: terminated strings, which av_dict_set copies.
        unsafe { ffi::av_dict_set(&mut self.0, key.as_ptr(), value, flags) };
    }

    pub fn set(&mut self, key: &str, value: &str) {
        self.set_flags(key, Some(value), 0);
    }

    pub fn set_if_absent(&mut self, key: &str, value: &str) {
        self.set_flags(key, Some(value), ffi::AV_DICT_DONT_OVERWRITE as i32);
    }

    /// Appends to the value that is there: for flags such as "+pass1".
    pub fn append(&mut self, key: &str, value: &str) {
        self.set_flags(key, Some(value), ffi::AV_DICT_APPEND as i32);
    }

    pub fn remove(&mut self, key: &str) {
        self.set_flags(key, None, 0);
    }

    /// Takes what `other` has and this one lacks.
    pub fn add_missing(&mut self, other: &Dict) {
        // SAFETY: both valid.
        unsafe { ffi::av_dict_copy(&mut self.0, other.0, ffi::AV_DICT_DONT_OVERWRITE as i32) };
    }

    pub fn get(&self, key: &str) -> Option<String> {
        let key = crate::text::c_string(key).ok()?;
        // SAFETY: a valid dictionary and key; the entry lives as long as the dictionary is not changed.
        unsafe {
            let entry = ffi::av_dict_get(self.0, key.as_ptr(), ptr::null(), 0);
            (!entry.is_null()).then(|| crate::text::from_bytes(CStr::from_ptr((*entry).value).to_bytes()))
        }
    }

    pub fn entries(&self) -> Vec<(String, String)> {
        let mut entries = Vec::new();
        let mut entry = ptr::null();
        loop {
            // SAFETY: as in `get`; the empty key with this flag goes through all entries.
            unsafe {
                entry = ffi::av_dict_get(self.0, c"".as_ptr(), entry, ffi::AV_DICT_IGNORE_SUFFIX as i32);
                if entry.is_null() {
                    return entries;
                }
                let text = |p| crate::text::from_bytes(CStr::from_ptr(p).to_bytes());
                entries.push((text((*entry).key), text((*entry).value)));
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        // SAFETY: a valid dictionary or NULL.
        unsafe { ffi::av_dict_count(self.0) == 0 }
    }

    /// "key=value:key=value", as filters' options are written.
    pub fn to_filter_options(&self) -> String {
        self.entries().iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(":")
    }
}

impl Clone for Dict {
    fn clone(&self) -> Self {
        // SAFETY: ours, so valid.
        unsafe { Dict::copy_of(self.0) }
    }
}

impl Drop for Dict {
    fn drop(&mut self) {
        // SAFETY: ours; freed once.
        unsafe { ffi::av_dict_free(&mut self.0) };
    }
}
