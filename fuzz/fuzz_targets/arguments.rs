#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mt_transcode_fuzz::arguments(data));
