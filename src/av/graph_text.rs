//! What a filter graph's text says, read without making a filter: some open files as soon as they are made. Grammar: parse_filter and
//! avfilter_graph_parse2 of libavfilter/graphparser.c.

use super::ffi;
use std::ffi::{CStr, c_char};
use std::ptr;

/// An option of a filter.
#[derive(Clone, Debug)]
pub struct FilterOption {
    pub name: String,
    pub help: String,
    pub is_text: bool,
    /// Its place among values without a name; options that are two names of one have the same.
    pub place: usize,
}

/// A filter as a graph names it.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterUse {
    pub name: String,
    /// Key, or None for a value that stands by its place.
    pub arguments: Vec<(Option<String>, String)>,
}

fn text(pointer: *const c_char) -> String {
    // SAFETY: NULL or a terminated string.
    if pointer.is_null() { String::new() } else { unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned() }
}

/// A place in a terminated string.
struct Reader<'a> {
    at: *const c_char,
    _text: &'a CStr,
}

impl<'a> Reader<'a> {
    fn new(text: &'a CStr) -> Reader<'a> {
        Reader { at: text.as_ptr(), _text: text }
    }

    fn peek(&self) -> u8 {
        // SAFETY: within the terminated string.
        unsafe { *self.at as u8 }
    }

    fn skip(&mut self) {
        if self.peek() != 0 {
            // SAFETY: not at the end.
            self.at = unsafe { self.at.add(1) };
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\t' | b'\r') {
            self.skip();
        }
    }

    /// Up to one of the characters, without quotes and escapes.
    fn token(&mut self, end: &CStr) -> Option<String> {
        // SAFETY: terminated strings; the result is ours to free.
        unsafe {
            let token = ffi::av_get_token(&raw mut self.at, end.as_ptr());
            if token.is_null() {
                return None;
            }
            let result = text(token);
            ffi::av_free(token.cast());
            Some(result)
        }
    }

    /// "[label]", as many as there are.
    fn labels(&mut self) -> Option<()> {
        self.skip_space();
        while self.peek() == b'[' {
            self.skip();
            self.token(c"]")?;
            if self.peek() != b']' {
                return None;
            }
            self.skip();
            self.skip_space();
        }
        Some(())
    }
}

/// The filters of a graph's text, in order. None where it is no graph.
pub fn filters_of(description: &str) -> Option<Vec<FilterUse>> {
    let description = crate::text::c_string(description).ok()?;
    let mut reader = Reader::new(&description);
    let mut filters = Vec::new();
    reader.skip_space();
    if reader._text.to_bytes().trim_ascii_start().starts_with(b"sws_flags=") {
        reader.token(c";")?;
        reader.skip();
    }
    loop {
        reader.labels()?;
        let name = reader.token(c"=,;[")?;
        let arguments = match reader.peek() {
            b'=' => {
                reader.skip();
                reader.token(c"[],;")?
            }
            _ => String::new(),
        };
        let name = name.split('@').next().unwrap_or_default().trim().to_owned();
        filters.push(FilterUse { name, arguments: arguments_of(&arguments)? });
        reader.labels()?;
        match reader.peek() {
            0 => return Some(filters),
            b',' | b';' => reader.skip(),
            _ => return None,
        }
        reader.skip_space();
        if reader.peek() == 0 {
            return Some(filters);
        }
    }
}

fn arguments_of(text: &str) -> Option<Vec<(Option<String>, String)>> {
    let text = crate::text::c_string(text).ok()?;
    let mut reader = Reader::new(&text);
    let mut arguments = Vec::new();
    while reader.peek() != 0 {
        let start = reader.at;
        reader.skip_space();
        let mut key = String::new();
        // As libavutil/opt.c: is_key_char; "/" in front means that the value stands in a file (FFmpeg 7).
        while reader.peek().is_ascii_alphanumeric() || matches!(reader.peek(), b'-' | b'_' | b'/' | b'.') {
            key.push(char::from(reader.peek()));
            reader.skip();
        }
        reader.skip_space();
        let key = if reader.peek() == b'=' && !key.is_empty() {
            reader.skip();
            Some(key)
        } else {
            reader.at = start;
            None
        };
        arguments.push((key, reader.token(c":")?));
        reader.skip();
    }
    Some(arguments)
}

/// Every filter's name and options.
pub fn all_filters() -> Vec<(String, Vec<FilterOption>)> {
    let mut state = ptr::null_mut();
    let mut all = Vec::new();
    // SAFETY: the state is FFmpeg's place in its list; filters are static.
    unsafe {
        loop {
            let filter = ffi::av_filter_iterate(&raw mut state);
            if filter.is_null() {
                return all;
            }
            all.push((text((*filter).name), options_of(filter)));
        }
    }
}

/// Every bitstream filter's name and options.
pub fn all_bitstream_filters() -> Vec<(String, Vec<FilterOption>)> {
    let mut state = ptr::null_mut();
    let mut all = Vec::new();
    // SAFETY: the state is FFmpeg's place in its list; filters are static.
    unsafe {
        loop {
            let filter = ffi::av_bsf_iterate(&raw mut state);
            if filter.is_null() {
                return all;
            }
            all.push((text((*filter).name), options_of_class((*filter).priv_class)));
        }
    }
}

/// The options of a filter; None where there is no such filter.
pub fn filter_options(name: &str) -> Option<Vec<FilterOption>> {
    let name = crate::text::c_string(name).ok()?;
    // SAFETY: a terminated string; filters are static.
    unsafe {
        let filter = ffi::avfilter_get_by_name(name.as_ptr());
        (!filter.is_null()).then(|| options_of(filter))
    }
}

/// # Safety
/// A filter of FFmpeg's.
unsafe fn options_of(filter: *const ffi::AVFilter) -> Vec<FilterOption> {
    // SAFETY: by contract.
    unsafe { options_of_class((*filter).priv_class) }
}

/// # Safety
/// A class of FFmpeg's, or NULL.
unsafe fn options_of_class(class: *const ffi::AVClass) -> Vec<FilterOption> {
    let mut options: Vec<FilterOption> = Vec::new();
    // SAFETY: classes and options are static; the class stands for an object of it.
    unsafe {
        if class.is_null() {
            return options;
        }
        let (mut option, mut offset, mut place) = (ptr::null(), -1, 0usize);
        loop {
            option = ffi::av_opt_next((&raw const class).cast(), option);
            if option.is_null() {
                return options;
            }
            let entry = &*option;
            if entry.type_ == ffi::AV_OPT_TYPE_CONST {
                continue;
            }
            if entry.offset != offset && offset != -1 {
                place += 1;
            }
            offset = entry.offset;
            let is_text = entry.type_ == ffi::AV_OPT_TYPE_STRING;
            options.push(FilterOption { name: text(entry.name), help: text(entry.help), is_text, place });
        }
    }
}
