//! The container: format, programs, chapters. Source: `show_format`, `show_program`, `show_chapters` of FFmpeg's
//! fftools/ffprobe.c.

use super::sink::bytes;
use super::{Section, Sink, Subject, Unit, tags};
use crate::av::{AvError, TIME_BASE, ffi};

impl Subject<'_> {
    pub fn format(&self, out: &mut dyn Sink) -> Result<(), AvError> {
        // SAFETY: a valid, open context with a format.
        let (context, format) = unsafe { (&*self.input.as_ptr(), &*(*self.input.as_ptr()).iformat) };
        out.begin(Section::Format);
        // SAFETY: terminated strings; those of formats are static, the URL lives as long as the context.
        let (own, name, long_name) = unsafe { (bytes(context.url), bytes(format.name), bytes(format.long_name)) };
        let url = self.url.map_or(own.unwrap_or_default(), str::as_bytes);
        let _ = out.tag(b"filename", url); // ffprobe goes on when it is no UTF-8
        out.int("nb_streams", context.nb_streams);
        out.int("nb_programs", context.nb_programs);
        out.text("format_name", name.unwrap_or_default());
        if !self.wanted.is_bitexact {
            out.text_or("format_long_name", long_name, "unknown");
        }
        out.seconds("start_time", context.start_time, TIME_BASE);
        out.seconds("duration", context.duration, TIME_BASE);
        // SAFETY: a valid AVIOContext.
        let size = if context.pb.is_null() { -1 } else { unsafe { ffi::avio_size(context.pb) } };
        out.amount("size", size, Unit::Byte, 0);
        out.amount("bit_rate", context.bit_rate, Unit::BitPerSecond, 1);
        out.int("probe_score", context.probe_score);
        let mut result = Ok(());
        if out.wants(Section::FormatTags) {
            // SAFETY: NULL or a valid dictionary.
            result = unsafe { tags(out, Section::FormatTags, context.metadata) };
        }
        out.end();
        result.and(out.flush())
    }

    pub fn programs(&self, out: &mut dyn Sink) -> Result<(), AvError> {
        // SAFETY: a valid context; the array has as many valid entries as its count says.
        let programs = unsafe {
            let context = &*self.input.as_ptr();
            (0..context.nb_programs as usize).map(|i| &**context.programs.add(i))
        };
        out.begin(Section::Programs);
        let result = programs.into_iter().try_for_each(|program| self.program(program, out));
        out.end();
        result
    }

    fn program(&self, program: &ffi::AVProgram, out: &mut dyn Sink) -> Result<(), AvError> {
        out.begin(Section::Program);
        out.int("program_id", program.id);
        out.int("program_num", program.program_num);
        out.int("nb_streams", program.nb_stream_indexes);
        out.int("pmt_pid", program.pmt_pid);
        out.int("pcr_pid", program.pcr_pid);
        let mut result = Ok(());
        if out.wants(Section::ProgramTags) {
            // SAFETY: NULL or a valid dictionary.
            result = unsafe { tags(out, Section::ProgramTags, program.metadata) };
        }
        if result.is_ok() {
            out.begin(Section::ProgramStreams);
            // SAFETY: the array has as many entries as its count says.
            let index = |i: usize| unsafe { *program.stream_index.add(i) } as usize;
            result = (0..program.nb_stream_indexes as usize).try_for_each(|i| self.stream(index(i), true, out));
            out.end();
        }
        out.end();
        result
    }

    pub fn chapters(&self, out: &mut dyn Sink) -> Result<(), AvError> {
        out.begin(Section::Chapters);
        let mut result = Ok(());
        // SAFETY: a valid context; the array has as many valid entries as its count says.
        let chapters = unsafe {
            let context = &*self.input.as_ptr();
            (0..context.nb_chapters as usize).map(|i| &**context.chapters.add(i))
        };
        for chapter in chapters {
            out.begin(Section::Chapter);
            out.int("id", chapter.id as i64);
            out.ratio("time_base", chapter.time_base, '/');
            out.int("start", chapter.start);
            out.seconds("start_time", chapter.start, chapter.time_base);
            out.int("end", chapter.end);
            out.seconds("end_time", chapter.end, chapter.time_base);
            if out.wants(Section::ChapterTags) {
                // The last one's counts, as in ffprobe. SAFETY: NULL or a valid dictionary.
                result = unsafe { tags(out, Section::ChapterTags, chapter.metadata) };
            }
            out.end();
        }
        out.end();
        result
    }
}
