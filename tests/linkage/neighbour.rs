//! Another Rust static library, as a host may have: with a standard library of its own, threads, and a panic that it catches.
//! `neighbour.c` calls it beside the library.

use std::collections::HashMap;

#[unsafe(no_mangle)]
pub extern "C" fn neighbour(number: i32) -> i32 {
    let doubled = std::thread::spawn(move || {
        let map: HashMap<i32, String> = (0..10).map(|key| (key, format!("{}", key * 2))).collect();
        map.get(&number).and_then(|text| text.parse().ok()).unwrap_or(-1)
    });
    let caught = std::panic::catch_unwind(|| {
        std::panic::resume_unwind(Box::new("caught"));
    });
    if caught.is_ok() { -2 } else { doubled.join().unwrap_or(-3) }
}
