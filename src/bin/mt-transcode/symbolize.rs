//! `mt-transcode symbolize`: the frames of crash reports as functions, files and lines. A report holds places in files with their build
//! ids; here they are looked up in the very same files, or in their debug information wherever it was kept.

use addr2line::Loader;
use mt_transcode::{ReportFrame, report_frame};
use object::{Object, ObjectSection};
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

pub const USAGE: &str = "usage: mt-transcode symbolize [--debug-dir DIR]... [REPORT]

Prints a crash report with the functions, files and lines of its frames. REPORT is a file with reports; without it, or as -, they are read from standard input.
  --debug-dir DIR   look for debug information in DIR/.build-id/xx/yyyy.debug (before /usr/lib/debug), and for files by their names in DIR
";

pub fn run(args: &[String]) -> Result<(), String> {
    let (mut folders, mut report) = (Vec::new(), None);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-h" | "--help" => {
                super::print(USAGE);
                return Ok(());
            }
            "--debug-dir" => folders.push(PathBuf::from(words.next().ok_or("--debug-dir needs a folder")?)),
            _ if report.is_none() => report = Some(word),
            other => return Err(format!("'{other}' is one argument too many\n{USAGE}")),
        }
    }
    let text = match report.map(String::as_str) {
        None | Some("-") => {
            let mut text = Vec::new();
            std::io::stdin().read_to_end(&mut text).map_err(|e| format!("cannot read the report: {e}"))?;
            text
        }
        Some(path) => std::fs::read(path).map_err(|e| format!("cannot read the report '{path}': {e}"))?,
    };
    let text = String::from_utf8_lossy(&text);
    let is_report = |line: &str| line.starts_with("mt-transcode crash report") || line.starts_with("mt-transcode dump");
    if !text.lines().any(is_report) {
        return Err(
            "there is no report in it: one begins with 'mt-transcode crash report' or 'mt-transcode dump'".into()
        );
    }
    let mut symbols = Symbols { folders, files: HashMap::new() };
    for line in text.lines().filter(|line| !line.starts_with('{')) {
        super::print(&format!("{line}\n"));
        if let Some(place) = report_frame(line) {
            symbols.of(&place).iter().for_each(|name| super::print(&format!("    {name}\n")));
        }
    }
    Ok(())
}

struct Symbols {
    folders: Vec<PathBuf>,
    files: HashMap<String, Result<Loader, String>>,
}

impl Symbols {
    /// The function, and those that were inlined into it, innermost first.
    fn of(&mut self, place: &ReportFrame) -> Vec<String> {
        let folders = &self.folders;
        let key = format!("{} {}", place.module, place.build_id);
        let loader = match self.files.entry(key).or_insert_with(|| open(place, folders)) {
            Ok(loader) => loader,
            Err(why) => return vec![format!("? ({why})")],
        };
        // A return address is behind its call, which may be the last of its function.
        let address = place.offset - u64::from(place.is_call && place.offset > 0);
        let mut names = Vec::new();
        if let Ok(mut frames) = loader.find_frames(address) {
            while let Ok(Some(frame)) = frames.next() {
                let function = frame.function.and_then(|name| name.demangle().map(|name| name.into_owned()).ok());
                let at = frame.location.and_then(|at| Some(format!(" at {}:{}", at.file?, at.line.unwrap_or(0))));
                if function.is_some() || at.is_some() {
                    names.push(format!("{}{}", function.unwrap_or_else(|| "?".into()), at.unwrap_or_default()));
                }
            }
        }
        if names.is_empty() {
            let symbol = loader.find_symbol_info(address);
            names.push(symbol.map_or_else(
                || "? (no symbol: install the debug package of this file, or name a folder with --debug-dir)".into(),
                |symbol| {
                    format!(
                        "{}+{:#x}",
                        addr2line::demangle_auto(symbol.name().into(), None),
                        address - symbol.address()
                    )
                },
            ));
        }
        names
    }
}

/// The file with the most to tell: debug information by build id, else the file itself.
fn open(place: &ReportFrame, folders: &[PathBuf]) -> Result<Loader, String> {
    let system = PathBuf::from("/usr/lib/debug");
    let by_id = folders.iter().chain([&system]).filter_map(|folder| debug_file(folder, place.build_id));
    let name = Path::new(place.module).file_name().unwrap_or_default();
    let by_name = folders.iter().flat_map(|folder| {
        let mut debug = name.to_owned();
        debug.push(".debug");
        [folder.join(debug), folder.join(name)]
    });
    let candidates: Vec<PathBuf> =
        by_id.chain(by_name).chain([PathBuf::from(place.module)]).filter(|p| p.is_file()).collect();
    let of_build = |path: &&PathBuf| place.build_id == "-" || build_id(path).is_some_and(|id| id == place.build_id);
    let fitting: Vec<&PathBuf> = candidates.iter().filter(of_build).collect();
    let best = fitting.iter().find(|path| has_debug_info(path)).or(fitting.first());
    match best {
        Some(path) => Loader::new(path).map_err(|e| format!("cannot read '{}': {e}", path.display())),
        None if candidates.is_empty() => Err(format!("'{}' is not here", place.module)),
        None => Err(format!("'{}' is another build than the one that crashed, {}", place.module, place.build_id)),
    }
}

fn debug_file(folder: &Path, build_id: &str) -> Option<PathBuf> {
    let (first, rest) = build_id.split_at_checked(2)?;
    Some(folder.join(".build-id").join(first).join(format!("{rest}.debug")))
}

fn build_id(path: &Path) -> Option<String> {
    let content = std::fs::read(path).ok()?;
    let file = object::File::parse(&*content).ok()?;
    Some(file.build_id().ok()??.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn has_debug_info(path: &Path) -> bool {
    let Ok(content) = std::fs::read(path) else { return false };
    object::File::parse(&*content)
        .is_ok_and(|file| file.section_by_name(".debug_info").is_some_and(|section| section.size() > 0))
}
