//! What the table says of an option.

/// Where an option may stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scope(u8);

impl Scope {
    pub const GLOBAL: Scope = Scope(1);
    pub const INPUT: Scope = Scope(2);
    pub const OUTPUT: Scope = Scope(4);
    pub const FILE: Scope = Scope(6);
    /// On a command line it is the whole job's.
    pub const JOB_OR_INPUT: Scope = Scope(3);
    /// On a command line it is the whole job's.
    pub const JOB_OR_FILE: Scope = Scope(7);

    pub fn contains(self, other: Scope) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn words(self) -> &'static str {
        match self {
            Scope::GLOBAL => "the whole job",
            Scope::INPUT => "inputs",
            Scope::OUTPUT => "outputs",
            Scope::JOB_OR_INPUT => "the whole job, an input",
            Scope::JOB_OR_FILE => "the whole job, an input, an output",
            _ => "inputs, outputs",
        }
    }
}

/// What stands behind an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Argument {
    /// Nothing; "no" before the name turns it off.
    Flag,
    Text,
    /// A whole number of 32 bits.
    Integer,
    /// A whole number of 64 bits.
    Long,
    Number,
    Time,
}

/// What an option does when it is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Says something about the job.
    Set,
    /// Prints something and ends the program. A word behind it is its argument, if there is one.
    Print,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Support {
    Yes,
    /// It concerns the program's terminal: the library takes it and does nothing.
    Terminal,
    /// The program does it; the library refuses it, and this is why.
    Program(&'static str),
    /// Why not.
    No(&'static str),
}

/// A release of FFmpeg: major and minor number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Release(pub u32, pub u32);

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Options that are shown together.
pub struct Group {
    pub title: &'static str,
    pub options: &'static [OptionDef],
}

#[derive(Clone, Copy, Debug)]
pub struct OptionDef {
    pub name: &'static str,
    /// The name and specifier that it means: `-vcodec` is `c` with "v".
    pub canonical: (&'static str, &'static str),
    pub scope: Scope,
    pub argument: Argument,
    /// What the help calls its argument.
    pub value_name: &'static str,
    pub effect: Effect,
    /// Takes a stream specifier.
    pub per_stream: bool,
    /// Smallest and largest number.
    pub range: Option<(f64, f64)>,
    pub support: Support,
    /// The first release of the ffmpeg program that has it; None: 5.1 or older.
    pub since: Option<Release>,
    /// The first release of the ffmpeg program that does not have it any more.
    pub until: Option<Release>,
    /// What to use where it is gone.
    pub instead: &'static str,
    /// We do it whatever FFmpeg is linked.
    pub is_everywhere: bool,
    /// A flag that takes a value up to FFmpeg 6.1 (`-autorotate 0`), none from 7.0 on.
    pub takes_value_before_7: bool,
    /// Stands for an AVOption of a codec ("ab" for "b:a").
    pub is_codec_option: bool,
    pub help: &'static str,
}

/// What a short help shows.
const BASIC: &[&str] = &[
    "L",
    "h",
    "version",
    "buildconf",
    "formats",
    "codecs",
    "decoders",
    "encoders",
    "filters",
    "pix_fmts",
    "layouts",
    "sample_fmts",
    "protocols",
    "devices",
    "bsfs",
    "muxers",
    "demuxers",
    "y",
    "n",
    "loglevel",
    "v",
    "stats",
    "hide_banner",
    "f",
    "c",
    "t",
    "to",
    "ss",
    "map",
    "metadata",
    "r",
    "s",
    "aspect",
    "vn",
    "vcodec",
    "vf",
    "b",
    "pix_fmt",
    "ar",
    "ac",
    "an",
    "acodec",
    "af",
    "ab",
    "sn",
    "scodec",
    "filter_complex",
    "frames",
    "shortest",
    "q",
    "stream_loop",
];

pub(super) const fn def(
    name: &'static str,
    scope: Scope,
    argument: Argument,
    value_name: &'static str,
    help: &'static str,
) -> OptionDef {
    OptionDef {
        name,
        canonical: (name, ""),
        scope,
        argument,
        value_name,
        effect: Effect::Set,
        per_stream: false,
        range: None,
        support: Support::Yes,
        since: None,
        until: None,
        instead: "",
        is_everywhere: false,
        takes_value_before_7: false,
        is_codec_option: false,
        help,
    }
}

pub(super) const fn flag(name: &'static str, scope: Scope, help: &'static str) -> OptionDef {
    def(name, scope, Argument::Flag, "", help)
}

impl OptionDef {
    pub(super) const fn each(mut self) -> OptionDef {
        self.per_stream = true;
        self
    }
    pub(super) const fn means(mut self, name: &'static str, specifier: &'static str) -> OptionDef {
        self.canonical = (name, specifier);
        self
    }
    pub(super) const fn codec(mut self) -> OptionDef {
        self.is_codec_option = true;
        self
    }
    pub(super) const fn within(mut self, low: f64, high: f64) -> OptionDef {
        self.range = Some((low, high));
        self
    }
    pub(super) const fn prints(mut self) -> OptionDef {
        self.effect = Effect::Print;
        self.program("it prints something and ends the program")
    }
    pub(super) const fn refused(mut self, why: &'static str) -> OptionDef {
        self.support = Support::No(why);
        self
    }
    pub(super) const fn terminal(mut self) -> OptionDef {
        self.support = Support::Terminal;
        self
    }
    pub(super) const fn program(mut self, why: &'static str) -> OptionDef {
        self.support = Support::Program(why);
        self
    }
    pub(super) const fn since(mut self, major: u32, minor: u32) -> OptionDef {
        self.since = Some(Release(major, minor));
        self
    }
    pub(super) const fn until(mut self, major: u32, minor: u32, instead: &'static str) -> OptionDef {
        self.until = Some(Release(major, minor));
        self.instead = instead;
        self
    }
    pub(super) const fn everywhere(mut self) -> OptionDef {
        self.is_everywhere = true;
        self
    }
    pub(super) const fn value_before_7(mut self) -> OptionDef {
        self.takes_value_before_7 = true;
        self
    }

    /// Whether a short help shows it.
    pub fn is_basic(&self) -> bool {
        BASIC.contains(&self.name)
    }

    /// Whether the ffmpeg program of this release has it.
    pub fn is_in(&self, release: Release) -> bool {
        self.since.is_none_or(|since| release >= since) && self.until.is_none_or(|until| release < until)
    }

    /// Whether a word behind it belongs to it.
    pub fn takes_value(&self, release: Release) -> bool {
        match self.argument {
            Argument::Flag => self.takes_value_before_7 && release < Release(7, 0),
            _ => true,
        }
    }
}
