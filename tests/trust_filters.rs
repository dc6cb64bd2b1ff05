//! Attacks on the trust profiles: filters that open files.

mod common;

use common::attacks::*;
use common::memory::*;
use common::*;
use mt_transcode::error::Code;

#[test]
fn filters_of_jobs_with_untrusted_inputs_read_no_file() {
    let (engine, folder) = prepared();
    let secret = folder.path().join("secret.srt").display().to_string();
    for filter in [
        format!("subtitles={secret}"),
        format!("drawtext=textfile={secret}"),
        format!("movie={secret}"),
        format!("lut3d={secret}"),
        format!("metadata=print:file={secret}"),
        "sendcmd=c='0 drawtext reinit textfile=x'".to_owned(),
    ] {
        let args = |option: &str| {
            let line = format!("-mt_trust untrusted -i {}/clip.mp4 {option} FILTER -f null -", folder.path().display());
            words(&line)
                .into_iter()
                .map(|word| if word == "FILTER" { filter.clone() } else { word })
                .collect::<Vec<_>>()
        };
        for option in ["-vf", "-filter_complex"] {
            let error = bounded(|| run(&engine, &args(option))).unwrap_err();
            assert_eq!(error.code(), Code::EACCES, "{option} {filter}: {error}");
            assert!(error.message().contains("opens files"), "{error}");
        }
    }
    assert!(read(&folder.path().join("secret.srt")).starts_with(b"1\n"), "nor written to");
    run_in(&engine, folder.path(), "-mt_trust untrusted -i {}/clip.mp4 -vf scale=64:64 -f null -").unwrap();
    is_quiet(&engine);
}

/// Options that look like a file and are none.
const HARMLESS: [(&str, &str); 2] = [("xfade_opencl", "kernel"), ("ssim360", "heatmap_str")];

#[test]
fn every_option_of_a_filter_that_looks_like_a_file_was_looked_at() {
    let looks_like_a_file = |text: &str| {
        let text = text.to_lowercase();
        ["file", "path", "url", "model", "directory", "plugin", "library"].iter().any(|word| text.contains(word))
    };
    let mut unseen = Vec::new();
    for (filter, options) in mt_transcode::av::all_filters() {
        let (is_refused, files) = mt_transcode::engine::file_options(&filter);
        for option in options.iter().filter(|option| option.is_text && !is_refused) {
            let is_listed =
                files.contains(&option.name.as_str()) || HARMLESS.contains(&(filter.as_str(), option.name.as_str()));
            if !is_listed && (looks_like_a_file(&option.name) || looks_like_a_file(&option.help)) {
                unseen.push(format!("{filter}: {} ({})", option.name, option.help));
            }
        }
    }
    assert!(unseen.is_empty(), "refuse these in untrusted, or list them as harmless:\n{}", unseen.join("\n"));
}

#[test]
fn no_bitstream_filter_has_a_file_among_its_options() {
    // They are refused in no profile: none of them opens anything. This says so of the FFmpeg that is linked.
    let filters = mt_transcode::av::all_bitstream_filters();
    assert!(filters.len() > 20);
    for (filter, options) in filters {
        for option in options.iter().filter(|option| option.is_text) {
            let text = format!("{} {}", option.name, option.help).to_lowercase();
            let is_file = ["file", "path", "url", "directory", "plugin"].iter().any(|word| text.contains(word));
            assert!(!is_file, "{filter}: {} ({})", option.name, option.help);
        }
    }
}
