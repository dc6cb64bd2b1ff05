//! Chapters of a file.

use super::{AvError, Dict, Rational, ffi};

/// A chapter, start and end in its own time base.
#[derive(Clone)]
pub struct Chapter {
    pub id: i64,
    pub time_base: Rational,
    pub start: i64,
    pub end: i64,
    pub metadata: Dict,
}

/// # Safety
/// `context` is valid.
pub(super) unsafe fn of(context: *const ffi::AVFormatContext) -> Vec<Chapter> {
    // SAFETY: the context's array has nb_chapters valid entries.
    unsafe {
        (0..(*context).nb_chapters as usize)
            .map(|i| {
                let chapter = &**(*context).chapters.add(i);
                Chapter {
                    id: chapter.id as i64,
                    time_base: chapter.time_base.into(),
                    start: chapter.start,
                    end: chapter.end,
                    metadata: Dict::copy_of(chapter.metadata),
                }
            })
            .collect()
    }
}

/// Appends a chapter; the context owns it afterwards.
///
/// # Safety
/// `context` is a valid output context.
pub(super) unsafe fn append(context: *mut ffi::AVFormatContext, chapter: &Chapter) -> Result<(), AvError> {
    // SAFETY: the array is FFmpeg's own allocation and grows by one; all pieces come from its allocator, as its free needs.
    unsafe {
        let count = (*context).nb_chapters as usize;
        let size = std::mem::size_of::<*mut ffi::AVChapter>();
        let array = ffi::av_realloc_array((*context).chapters.cast(), count + 1, size).cast::<*mut ffi::AVChapter>();
        if array.is_null() {
            return Err(AvError::NO_MEMORY);
        }
        (*context).chapters = array;
        let new = ffi::av_mallocz(std::mem::size_of::<ffi::AVChapter>()).cast::<ffi::AVChapter>();
        if new.is_null() {
            return Err(AvError::NO_MEMORY);
        }
        (*new).id = chapter.id as _;
        (*new).time_base = chapter.time_base.into();
        (*new).start = chapter.start;
        (*new).end = chapter.end;
        ffi::av_dict_copy(&mut (*new).metadata, chapter.metadata.as_ptr(), 0);
        *array.add(count) = new;
        (*context).nb_chapters += 1;
    }
    Ok(())
}
