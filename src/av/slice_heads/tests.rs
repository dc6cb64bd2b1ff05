//! Two parsers are given the same packets, one of which has ours installed: all that FFmpeg lets be seen of them is the same, packet for packet.

use super::head::{
    Form, HEAD_BYTES, LEAST_PACKET_BYTES, LENGTH_BYTES, LONGEST_HEADER_BYTES, copy_prefixed, of_byte_stream,
};
use super::{Parsers, ffi, install};
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr;

const COMPLETE: i32 = ffi::PARSER_FLAG_COMPLETE_FRAMES as i32;

/// Behind what is parsed, so that what a damaged header reads beyond is the same for both.
const PADDING_BYTES: usize = 8192;

struct Parser {
    parser: *mut ffi::AVCodecParserContext,
    codec: *mut ffi::AVCodecContext,
}

impl Parser {
    fn new(parameters: *const ffi::AVCodecParameters, is_ours: bool) -> Parser {
        // SAFETY: valid parameters; what is made is ours.
        unsafe {
            let parser = ffi::av_parser_init(ffi::AV_CODEC_ID_H264 as i32);
            let codec = ffi::avcodec_alloc_context3(ptr::null());
            assert!(!parser.is_null() && ffi::avcodec_parameters_to_context(codec, parameters) >= 0);
            (*codec).log_level_offset = 100; // damaged packets are told of a thousand times
            (*parser).flags |= COMPLETE;
            if is_ours {
                install(parser);
            }
            Parser { parser, codec }
        }
    }

    /// All public fields afterwards, and what was said of the packet.
    fn parse(&mut self, padded: &[u8], pts: i64, dts: i64) -> String {
        let size = (padded.len() - PADDING_BYTES) as i32;
        let (mut out, mut out_size) = (ptr::null_mut(), 0);
        // SAFETY: padded data; both contexts are ours.
        unsafe {
            let (parser, codec) = (self.parser, self.codec);
            let index =
                ffi::av_parser_parse2(parser, codec, &mut out, &mut out_size, padded.as_ptr(), size, pts, dts, 7);
            assert!(ptr::eq(out, padded.as_ptr()) && out_size == size && index == size);
            let fields = ffi::AVCodecParserContext { priv_data: ptr::null_mut(), parser: ptr::null(), ..*parser };
            let codec = &*codec;
            let rates = (codec.framerate.num, codec.framerate.den, codec.time_base.num, codec.time_base.den);
            format!("{fields:?} {rates:?} {:?}", (codec.profile, codec.level, codec.field_order, codec.has_b_frames))
        }
    }

    /// In which form ours shows heads.
    fn form(&self) -> Option<Form> {
        let parsers = Parsers::get().expect("a parser of H.264");
        // SAFETY: valid while we own it.
        match unsafe { (*self.parser).parser } {
            parser if ptr::eq(parser, &parsers.prefixed) => Some(Form::Prefixed),
            parser if ptr::eq(parser, &parsers.byte_stream) => Some(Form::ByteStream),
            _ => None,
        }
    }
}

impl Drop for Parser {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe {
            ffi::av_parser_close(self.parser);
            ffi::avcodec_free_context(&mut self.codec);
        }
    }
}

/// A stream of H.264 as its demuxer gives it.
struct Media {
    context: *mut ffi::AVFormatContext,
    stream: usize,
    packets: Vec<(Vec<u8>, i64, i64)>,
}

impl Media {
    fn open(file: &Path) -> Option<Media> {
        let url = CString::new(file.display().to_string()).expect("a path");
        let mut context = ptr::null_mut();
        // SAFETY: a context that is ours, and its packets.
        unsafe {
            if ffi::avformat_open_input(&mut context, url.as_ptr(), ptr::null(), ptr::null_mut()) < 0 {
                return None;
            }
            (*context).flags |= ffi::AVFMT_FLAG_NOPARSE as i32;
            let (mut media, mut packet) = (Media { context, stream: 0, packets: Vec::new() }, ffi::av_packet_alloc());
            let is_h264 =
                |index: usize| (*(**(*context).streams.add(index)).codecpar).codec_id == ffi::AV_CODEC_ID_H264;
            while ffi::av_read_frame(context, packet) >= 0 {
                let (data, index) =
                    (std::slice::from_raw_parts((*packet).data, (*packet).size as usize), (*packet).stream_index);
                if media.packets.is_empty() {
                    media.stream = index as usize;
                }
                if is_h264(index as usize) && index as usize == media.stream && !data.is_empty() {
                    media.packets.push((data.to_vec(), (*packet).pts, (*packet).dts));
                }
                ffi::av_packet_unref(packet);
            }
            ffi::av_packet_free(&mut packet);
            Some(media).filter(|media| !media.packets.is_empty())
        }
    }

    fn parser(&self, is_ours: bool) -> Parser {
        // SAFETY: an open context, which has this stream.
        unsafe { Parser::new((**(*self.context).streams.add(self.stream)).codecpar, is_ours) }
    }

    /// Parses all packets, changed, from the first on or a later one. How many heads were shown.
    fn compare(&self, what: &str, from: usize, mut change: impl FnMut(&mut Vec<u8>)) -> usize {
        let (mut ours, mut theirs, mut shown) = (self.parser(true), self.parser(false), 0);
        for (number, (data, pts, dts)) in self.packets.iter().enumerate() {
            let mut data = data.clone();
            if number >= from {
                change(&mut data);
            }
            let is_shown = data.len() >= LEAST_PACKET_BYTES
                && match ours.form() {
                    Some(Form::Prefixed) => copy_prefixed(&data, &mut [0; HEAD_BYTES]).is_some(),
                    Some(Form::ByteStream) => of_byte_stream(&data).is_some(),
                    None => false,
                };
            shown += usize::from(is_shown);
            data.resize(data.len() + PADDING_BYTES, 0);
            let (own, other) = (ours.parse(&data, *pts, *dts), theirs.parse(&data, *pts, *dts));
            assert_eq!(own, other, "packet {number} of {what}");
        }
        shown
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { ffi::avformat_close_input(&mut self.context) };
    }
}

fn made(folder: &Path, options: &str, extension: &str) -> Media {
    let file = folder.join(format!("made.{extension}"));
    let source = "-v error -nostdin -y -f lavfi -i testsrc2=s=640x360:r=25:d=1.6,noise=alls=60:allf=t -pix_fmt yuv420p -c:v libx264 -preset veryfast -qp 24";
    let done = Command::new("ffmpeg").args(source.split(' ')).args(options.split(' ')).arg(&file).status();
    assert!(done.expect("the ffmpeg program is there (scripts/setup.sh installs it)").success(), "{options}");
    Media::open(&file).expect("packets")
}

const OPTIONS: [&str; 7] = [
    "-bf 3 -g 10 -x264-params open-gop=1:b-pyramid=normal:ref=4",
    "-flags +ildct+ilme -x264-params tff=1:pic-struct=1:weightp=2",
    "-x264-params slices=4:nal-hrd=vbr:vbv-maxrate=40000:vbv-bufsize=9000:aud=1",
    "-bf 0 -intra-refresh 1 -x264-params bframes=0:constrained-intra=1",
    "-g 5 -bsf:v h264_metadata=aud=insert:sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+message",
    "-profile:v high -x264-params cabac=0:fake-interlaced=1",
    "-g 8 -x264-params slices=150",
];

/// A number of a sequence that is the same each time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end.max(1)
    }
}

/// Damages what is large enough to be cut: bits, lengths, start codes, zeros, the end.
fn damage(data: &mut Vec<u8>, numbers: &mut Numbers) {
    if data.len() < LEAST_PACKET_BYTES || numbers.below(4) == 0 {
        return;
    }
    let near = [16, 64, 700, 1100, LONGEST_HEADER_BYTES + 80][numbers.below(5)];
    for _ in 0..1 + numbers.below(3) {
        let at = numbers.below(near);
        let into = data.get_mut(at..at + 5).expect("large");
        match numbers.below(8) {
            0..=2 => into[0] ^= 1 << numbers.below(8),
            3 => into.copy_from_slice(&[0, 0, 1, [1, 5, 0x65, 0x41, 6, 7, 8][numbers.below(7)], 0x88]),
            4 => into.copy_from_slice(&[0, 0, 0, numbers.below(256) as u8, [1, 0x65, 6, 0x67][numbers.below(4)]]),
            5 => into.copy_from_slice(&[0, 0, 3, 0, 0]),
            6 => data[at..at + near].fill(0),
            _ => data.truncate(LEAST_PACKET_BYTES + at),
        }
        if data.len() < LEAST_PACKET_BYTES + near + 5 {
            return;
        }
    }
}

#[test]
fn heads_say_what_packets_say() {
    let folder = tempfile::tempdir().expect("a folder");
    for options in OPTIONS {
        for (extension, form) in [("mp4", "prefixed"), ("mkv", "prefixed"), ("flv", "prefixed"), ("ts", "byte stream")]
        {
            let what = format!("{options} {extension} {form}");
            let media = made(folder.path(), options, extension);
            let large = media.packets.iter().filter(|(data, ..)| data.len() >= LEAST_PACKET_BYTES).count();
            let shown = media.compare(&what, 0, |_| {});
            assert!(large >= 10 && shown + 8 >= large, "{shown} of {large}: {what}");
            for seed in 1..12 {
                let mut numbers = Numbers(seed * 0x9e37_79b9);
                media.compare(&format!("{what}, damage {seed}"), seed as usize % 3, |data| damage(data, &mut numbers));
            }
        }
    }
}

/// Given what comes before slices is more than there is room for, then all is shown; and it may be as much as that.
#[test]
fn what_has_no_room_is_shown_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let media = made(folder.path(), "-bf 2", "mp4");
    let before = |bytes: usize| {
        move |data: &mut Vec<u8>| {
            let unit = [&(bytes as u32).to_be_bytes()[..], &[6], &vec![0x55; bytes - 1]].concat();
            data.splice(..0, unit);
        }
    };
    let most = HEAD_BYTES - LONGEST_HEADER_BYTES - 2 * LENGTH_BYTES;
    assert!(media.compare("a message", 5, before(most)) > 20);
    assert!(media.compare("a longer message", 5, before(most + 1)) <= 4);
}

/// Given packets of another form than what the parser was told at first, then nothing is cut; nor with lengths of other sizes.
#[test]
fn parsers_of_other_forms_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let media = made(folder.path(), "-bf 2", "mp4");
    // SAFETY: an open context, whose stream has an avcC: the length's size is in the fifth byte.
    let extradata = unsafe {
        let parameters = (**(*media.context).streams.add(media.stream)).codecpar;
        std::slice::from_raw_parts_mut((*parameters).extradata, (*parameters).extradata_size as usize)
    };
    let with_three = |data: &mut Vec<u8>| {
        let (mut rest, mut out) = (&data[..], Vec::new());
        while let Some((length, behind)) = rest.split_first_chunk::<LENGTH_BYTES>() {
            out.extend_from_slice(&length[1..]);
            let (unit, next) = behind.split_at(u32::from_be_bytes(*length) as usize);
            out.extend_from_slice(unit);
            rest = next;
        }
        *data = out;
    };
    extradata[4] = 0xfe;
    assert_eq!(media.compare("lengths of three bytes", 0, with_three), 0);
    assert_eq!(media.compare("lengths of four bytes, called three", 0, |_| {}), 0);
    extradata[4] = 0xff;
    assert_eq!(media.compare("lengths of three bytes, called four", 0, with_three), 0);
    assert!(media.compare("lengths of four bytes", 0, |_| {}) > 10);
    extradata[0] = 0;
    assert_eq!(media.compare("lengths of four bytes, called start codes", 0, |_| {}), 0);
    extradata[0] = 1;
}

fn corpus() -> Option<PathBuf> {
    let root = std::env::var_os("MT_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    root.join("MANIFEST.tsv").is_file().then_some(root)
}

#[test]
fn heads_of_every_file_of_the_corpus_say_what_packets_say() {
    let Some(root) = corpus() else { return println!("skipped: there is no corpus here") };
    let manifest = std::fs::read_to_string(root.join("MANIFEST.tsv")).expect("the manifest");
    let (mut files, mut large, mut shown) = (0, 0, 0);
    for line in manifest.lines().filter(|line| line.contains("h264")) {
        let file = line.split('\t').next().expect("a name");
        let Some(media) = Media::open(&root.join(file)) else { continue };
        files += 1;
        large += media.packets.iter().filter(|(data, ..)| data.len() >= LEAST_PACKET_BYTES).count();
        shown += media.compare(file, 0, |_| {});
        let mut numbers = Numbers(77);
        media.compare(&format!("{file}, damaged"), 1, |data| damage(data, &mut numbers));
    }
    println!("{files} files of the corpus have {large} large packets; of {shown} the head was shown");
    assert!(files > 0 && shown > 0);
}
