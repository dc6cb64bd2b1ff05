//! Real media: every file of the corpus (where it is present) is probed, decoded whole, and copied into each container that its
//! manifest lists, in this one process. Nothing may crash or hang; what the manifest says works must work.
//! `make compatibility` writes docs/compatibility.md from the same run.

mod common;

use common::*;
use mt_transcode::job::Engine;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

struct Entry {
    file: String,
    format: String,
    containers: Vec<String>,
    decodes: bool,
}

fn manifest(root: &Path) -> Vec<Entry> {
    let text = std::fs::read_to_string(root.join("MANIFEST.tsv")).expect("the manifest");
    let entry = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        Entry {
            file: fields[0].to_owned(),
            format: fields[2].split(',').next().unwrap_or_default().to_owned(),
            containers: fields[4].split(',').filter(|c| !c.is_empty() && *c != "-").map(str::to_owned).collect(),
            decodes: fields[5] == "yes",
        }
    };
    text.lines().skip(1).map(entry).collect()
}

/// What ffmpeg manages (by the manifest), and what we manage of it.
#[derive(Default, Clone)]
struct Tally {
    theirs: usize,
    ours: usize,
    both: usize,
}

impl Tally {
    fn add(&mut self, theirs: bool, ours: bool) {
        self.theirs += usize::from(theirs);
        self.ours += usize::from(ours);
        self.both += usize::from(theirs && ours);
    }
}

fn succeeds(engine: &Arc<Engine>, line: String) -> bool {
    run(engine, &words(&line)).is_ok()
}

fn copies(path: &str, container: &str, out: &Path) -> bool {
    ffmpeg(&words(&format!("-i {path} -map 0 -c copy -f {container} {}", out.display())))
}

fn measure(root: &Path) -> (BTreeMap<String, Tally>, Vec<String>) {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let mut table: BTreeMap<String, Tally> = BTreeMap::new();
    let mut lost = Vec::new();
    let mut note = |what: &str, entry: &Entry, theirs: bool, ours: bool| {
        table.entry(what.to_owned()).or_default().add(theirs, ours);
        if theirs && !ours {
            lost.push(format!("{what}: {} ({})", entry.file, entry.format));
        }
    };
    for entry in manifest(root) {
        let path = root.join(&entry.file).display().to_string();
        note("probe", &entry, true, engine.probe(&path, &[], Some(LONG)).is_ok());
        note("decode", &entry, entry.decodes, succeeds(&engine, format!("-mt_read_errors ignore -i {path} -f null -")));
        for container in ["mp4", "mpegts", "matroska", "flv"] {
            let theirs = entry.containers.iter().any(|c| c == container);
            let out = folder.path().join("out");
            let ours = succeeds(
                &engine,
                format!("-mt_read_errors ignore -i {path} -map 0 -c copy -f {container} {}", out.display()),
            );
            // The manifest is of 5.1; a later muxer may refuse what that one wrote.
            let theirs = theirs && (ours || is_5_1() || copies(&path, container, &out));
            note(&format!("copy to {container}"), &entry, theirs, ours);
        }
    }
    let stats = engine.stats();
    assert_eq!((stats.jobs, stats.jobs_running, stats.threads, stats.queued_bytes, stats.detached), (0, 0, 0, 0, 0));
    (table, lost)
}

fn page(files: usize, table: &BTreeMap<String, Tally>, lost: &[String]) -> String {
    let mut page = format!(
        "# Compatibility\n\nReal media, {files} files of public projects' test data: each is probed, decoded whole, and copied (`-map 0 -c copy`) into \
         four containers, all in one process, beside what the ffmpeg program of FFmpeg 5.1.9 does with them (the corpus's manifest; it counts a \
         decode or copy as managed when ffmpeg printed no error, so a file that ffmpeg copies with complaints is in our column only). Written by \
         `make compatibility`, which needs the corpus: `make compatibility MT_CORPUS=folder`.\n\n\
         | work | ffmpeg | mt-transcode | of ffmpeg's |\n|---|---|---|---|\n"
    );
    for (what, tally) in table {
        page.push_str(&format!("| {what} | {} | {} | {} |\n", tally.theirs, tally.ours, tally.both));
    }
    page.push_str("\nNo crash, no hang; afterwards the engine has no job, thread, or queued byte left.\n");
    if !lost.is_empty() {
        page.push_str("\nWhat ffmpeg manages and we do not:\n\n");
        lost.iter().for_each(|line| page.push_str(&format!("- {line}\n")));
    }
    page
}

#[test]
fn every_file_of_the_corpus() {
    let Some(root) = corpus() else {
        println!("the corpus is not here (MT_CORPUS): nothing to do");
        return;
    };
    let (table, lost) = measure(&root);
    let page = page(manifest(&root).len(), &table, &lost);
    println!("{page}");
    if std::env::var_os("UPDATE_COMPATIBILITY").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md");
        std::fs::write(path, &page).expect("the page is writable");
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn probes_are_those_of_ffprobe() {
    // Every tenth file: the same JSON as `ffprobe -show_format -show_streams -of json`, fields in the same order.
    let Some(root) = corpus() else {
        println!("the corpus is not here (MT_CORPUS): nothing to do");
        return;
    };
    if !is_ffprobe_5_1() {
        return;
    }
    let engine = engine();
    for entry in manifest(&root).iter().step_by(10) {
        let path = root.join(&entry.file);
        let args = ["-v", "quiet", "-show_format", "-show_streams", "-of", "json"];
        let theirs = std::process::Command::new("ffprobe").args(args).arg(&path).output().expect("ffprobe");
        let theirs: serde_json::Value = serde_json::from_slice(&theirs.stdout).expect("JSON");
        let ours = probe(&engine, &path);
        assert_eq!(ours["streams"].to_string(), theirs["streams"].to_string(), "{}", entry.file);
        assert_eq!(ours["format"].to_string(), theirs["format"].to_string(), "{}", entry.file);
    }
}
