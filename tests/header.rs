//! The committed header is what cbindgen makes of src/capi; it drifts only by `make header`.

#[test]
fn the_header_is_that_of_the_source() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let mut made = Vec::new();
    cbindgen::Builder::new().with_crate(root).with_config(config).generate().expect("a header").write(&mut made);
    let path = root.join("include/mt_transcode/mt_transcode.h");
    if std::env::var_os("UPDATE_HEADER").is_some() {
        std::fs::write(&path, &made).expect("the header is writable");
    }
    let committed = std::fs::read(&path).expect("the header");
    assert!(committed == made, "include/mt_transcode/mt_transcode.h is not what the source says: run `make header`");
}
