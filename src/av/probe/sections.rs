//! The sections of ffprobe's output: names, kinds, and which may stand in which. Source: `sections` of FFmpeg's
//! fftools/ffprobe.c (5.1).

/// A section; the order is that of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Section {
    Chapters,
    Chapter,
    ChapterTags,
    Error,
    Format,
    FormatTags,
    Frames,
    Frame,
    FrameTags,
    FrameSideDataList,
    FrameSideData,
    TimecodeList,
    Timecode,
    ComponentList,
    Component,
    PieceList,
    Piece,
    FrameLogs,
    FrameLog,
    LibraryVersions,
    LibraryVersion,
    Packets,
    PacketsAndFrames,
    Packet,
    PacketTags,
    PacketSideDataList,
    PacketSideData,
    PixelFormats,
    PixelFormat,
    PixelFormatFlags,
    PixelFormatComponents,
    PixelFormatComponent,
    ProgramStreamDisposition,
    ProgramStreamTags,
    Program,
    ProgramStreams,
    ProgramStream,
    ProgramTags,
    ProgramVersion,
    Programs,
    Root,
    Streams,
    Stream,
    StreamDisposition,
    StreamTags,
    StreamSideDataList,
    StreamSideData,
    Subtitle,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SectionKind {
    Fields,
    /// Only other sections, no fields.
    Wrapper,
    /// Elements of the same type.
    Array,
    /// Fields whose keys come from the media: tags.
    Tags,
}

pub struct SectionInfo {
    pub section: Section,
    pub name: &'static str,
    pub kind: SectionKind,
    pub children: &'static [Section],
    /// What one element is called, for tags and arrays.
    pub element: Option<&'static str>,
    /// Where several sections have the name.
    pub unique_name: Option<&'static str>,
}

impl SectionInfo {
    /// Contains other sections only.
    pub fn is_container(&self) -> bool {
        matches!(self.kind, SectionKind::Wrapper | SectionKind::Array)
    }

    pub fn is_array(&self) -> bool {
        self.kind == SectionKind::Array
    }

    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.unique_name == Some(name)
    }
}

impl Section {
    pub fn info(self) -> &'static SectionInfo {
        &SECTIONS[self as usize]
    }

    pub fn all() -> impl Iterator<Item = Section> {
        SECTIONS.iter().map(|info| info.section)
    }
}

pub const SECTION_COUNT: usize = SECTIONS.len();

const fn fields(section: Section, name: &'static str, children: &'static [Section]) -> SectionInfo {
    SectionInfo { section, name, kind: SectionKind::Fields, children, element: None, unique_name: None }
}

const fn array(section: Section, name: &'static str, children: &'static [Section]) -> SectionInfo {
    SectionInfo { kind: SectionKind::Array, ..fields(section, name, children) }
}

const fn tags(section: Section, unique_name: &'static str) -> SectionInfo {
    let plain = fields(section, "tags", &[]);
    SectionInfo { kind: SectionKind::Tags, element: Some("tag"), unique_name: Some(unique_name), ..plain }
}

const fn side_data_list(section: Section, unique_name: &'static str, children: &'static [Section]) -> SectionInfo {
    let plain = array(section, "side_data_list", children);
    SectionInfo { element: Some("side_data"), unique_name: Some(unique_name), ..plain }
}

impl SectionInfo {
    const fn uniquely(mut self, name: &'static str) -> SectionInfo {
        self.unique_name = Some(name);
        self
    }
}

use Section::*;

static SECTIONS: [SectionInfo; 48] = [
    array(Chapters, "chapters", &[Chapter]),
    fields(Chapter, "chapter", &[ChapterTags]),
    tags(ChapterTags, "chapter_tags"),
    fields(Error, "error", &[]),
    fields(Format, "format", &[FormatTags]),
    tags(FormatTags, "format_tags"),
    array(Frames, "frames", &[Frame, Subtitle]),
    fields(Frame, "frame", &[FrameTags, FrameSideDataList, FrameLogs]),
    tags(FrameTags, "frame_tags"),
    side_data_list(FrameSideDataList, "frame_side_data_list", &[FrameSideData]),
    fields(FrameSideData, "side_data", &[TimecodeList, ComponentList]).uniquely("frame_side_data"),
    array(TimecodeList, "timecodes", &[Timecode]),
    fields(Timecode, "timecode", &[]),
    array(ComponentList, "components", &[Component]),
    fields(Component, "component", &[PieceList]),
    array(PieceList, "pieces", &[Piece]),
    fields(Piece, "section", &[]),
    array(FrameLogs, "logs", &[FrameLog]),
    fields(FrameLog, "log", &[]),
    array(LibraryVersions, "library_versions", &[LibraryVersion]),
    fields(LibraryVersion, "library_version", &[]),
    array(Packets, "packets", &[Packet]),
    array(PacketsAndFrames, "packets_and_frames", &[Packet]),
    fields(Packet, "packet", &[PacketTags, PacketSideDataList]),
    tags(PacketTags, "packet_tags"),
    side_data_list(PacketSideDataList, "packet_side_data_list", &[PacketSideData]),
    fields(PacketSideData, "side_data", &[]).uniquely("packet_side_data"),
    array(PixelFormats, "pixel_formats", &[PixelFormat]),
    fields(PixelFormat, "pixel_format", &[PixelFormatFlags, PixelFormatComponents]),
    fields(PixelFormatFlags, "flags", &[]).uniquely("pixel_format_flags"),
    array(PixelFormatComponents, "components", &[PixelFormatComponent]).uniquely("pixel_format_components"),
    fields(PixelFormatComponent, "component", &[]),
    fields(ProgramStreamDisposition, "disposition", &[]).uniquely("program_stream_disposition"),
    tags(ProgramStreamTags, "program_stream_tags"),
    fields(Program, "program", &[ProgramTags, ProgramStreams]),
    array(ProgramStreams, "streams", &[ProgramStream]).uniquely("program_streams"),
    fields(ProgramStream, "stream", &[ProgramStreamDisposition, ProgramStreamTags]).uniquely("program_stream"),
    tags(ProgramTags, "program_tags"),
    fields(ProgramVersion, "program_version", &[]),
    array(Programs, "programs", &[Program]),
    SectionInfo {
        kind: SectionKind::Wrapper,
        ..fields(
            Root,
            "root",
            &[
                Chapters,
                Format,
                Frames,
                Programs,
                Streams,
                Packets,
                Error,
                ProgramVersion,
                LibraryVersions,
                PixelFormats,
            ],
        )
    },
    array(Streams, "streams", &[Stream]),
    fields(Stream, "stream", &[StreamDisposition, StreamTags, StreamSideDataList]),
    fields(StreamDisposition, "disposition", &[]).uniquely("stream_disposition"),
    tags(StreamTags, "stream_tags"),
    side_data_list(StreamSideDataList, "stream_side_data_list", &[StreamSideData]),
    fields(StreamSideData, "side_data", &[]).uniquely("stream_side_data"),
    fields(Subtitle, "subtitle", &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_sections() {
        for (index, info) in SECTIONS.iter().enumerate() {
            assert_eq!(info.section as usize, index, "{}", info.name);
        }
    }
}
