//! Outputs of many files in a store of the host's.

mod common;

use common::memory::*;
use common::*;
use mt_transcode::error::Code;

#[test]
fn what_cannot_be_read_back_is_refused_by_name() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let clip = clip(&engine, folder.path());
    let line = format!("-i {} -c copy -movflags +faststart mt:store/out.mp4", clip.display());
    let (store, error) = to_store(&engine, &line);
    let error = error.unwrap();
    assert!(error.code() == Code::UNSUPPORTED && error.hint().contains("frag_keyframe"), "a store of streams: {error}");
    assert_eq!(store.broken.lock().unwrap().len(), 1, "the file was opened, and given up");
    is_quiet(&engine);
}

#[test]
fn muxers_that_would_go_past_a_store_are_refused() {
    let engine = engine();
    let source = "-f lavfi -i testsrc2=s=64x64:r=10:d=2 -c:v libx264 -preset ultrafast";
    for line in [
        "-f hls -hls_enc 1 -hls_enc_key 0123456789abcdef mt:store/a.m3u8",
        "-f hls -hls_flags single_file mt:store/a.m3u8",
        "-f hls -hls_key_info_file nowhere mt:store/a.m3u8",
        "-f dash -single_file 1 mt:store/a.mpd",
        "-f dash -single_file_name x.mp4 mt:store/a.mpd",
        "-f dash -http_persistent 1 mt:store/a.mpd",
        "-f smoothstreaming mt:store/a",
        "-map 0 -f tee [f=hls:hls_enc=1:hls_enc_key=0123456789abcdef]mt:store/a.m3u8",
    ] {
        let (store, error) = to_store(&engine, &format!("{source} {line}"));
        let error = error.unwrap_or_else(|| panic!("{line}"));
        assert_eq!(error.code(), Code::UNSUPPORTED, "{line}: {error}");
        assert!(store.files.lock().unwrap().is_empty(), "{line}");
    }
    is_quiet(&engine);
}

#[test]
fn hls_in_a_store_loses_its_old_segments_there() {
    let (engine, cwd) = (engine(), entries("."));
    let line = "-f lavfi -i testsrc2=s=64x64:r=10:d=8 -c:v libx264 -preset ultrafast -g 10 -f hls -hls_time 1 \
                -hls_list_size 2 -hls_delete_threshold 1 -hls_flags delete_segments mt:store/live/index.m3u8";
    let (store, error) = to_store(&engine, line);
    assert!(error.is_none(), "{error:?}");
    let (files, removed) = (store.files.lock().unwrap(), store.removed.lock().unwrap());
    assert!(removed.contains(&"live/index0.ts".to_owned()), "{removed:?}");
    assert!(!files.contains_key("live/index0.ts") && files.contains_key("live/index7.ts"), "{:?}", files.keys());
    let list = String::from_utf8(files["live/index.m3u8"].data.lock().unwrap().clone()).unwrap();
    assert!(list.contains("index7.ts") && list.contains("#EXT-X-ENDLIST") && !list.contains("mt:"), "{list}");
    assert_eq!(entries("."), cwd, "nothing was written beside the store");
    assert!(store.broken.lock().unwrap().is_empty());
    is_quiet(&engine);
}

#[test]
fn dash_in_a_store_loses_its_old_segments_there() {
    let (engine, cwd) = (engine(), entries("."));
    let line = "-f lavfi -i testsrc2=s=64x64:r=10:d=8 -c:v libx264 -preset ultrafast -g 10 -f dash -seg_duration 1 \
                -window_size 2 -extra_window_size 1 mt:store/manifest.mpd";
    let (store, error) = to_store(&engine, line);
    assert!(error.is_none(), "{error:?}");
    let (files, removed) = (store.files.lock().unwrap(), store.removed.lock().unwrap());
    assert!(removed.contains(&"chunk-stream0-00001.m4s".to_owned()), "{removed:?}");
    assert!(files.contains_key("manifest.mpd") && files.contains_key("init-stream0.m4s"), "{:?}", files.keys());
    let manifest = String::from_utf8(files["manifest.mpd"].data.lock().unwrap().clone()).unwrap();
    assert!(!manifest.contains("mt.invalid"), "{manifest}");
    assert_eq!(entries("."), cwd, "nothing was written beside the store");
    is_quiet(&engine);
}

#[test]
fn segments_and_images_go_to_a_store() {
    let engine = engine();
    let source = "-f lavfi -i testsrc2=s=64x64:r=10:d=4";
    let line = format!(
        "{source} -c:v libx264 -preset ultrafast -g 10 -f segment -segment_time 1 -segment_list mt:store/list.csv mt:store/part%d.ts"
    );
    let (store, error) = to_store(&engine, &line);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        store.files.lock().unwrap().keys().collect::<Vec<_>>(),
        ["list.csv", "part0.ts", "part1.ts", "part2.ts", "part3.ts"]
    );
    let (store, error) = to_store(&engine, &format!("{source} -r 1 mt:store/img%02d.png"));
    assert!(error.is_none(), "{error:?}");
    assert!(store.files.lock().unwrap().len() >= 4);
    is_quiet(&engine);
}
