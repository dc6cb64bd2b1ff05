//! docs/bounds.md has every time bound of the option table and of the header, and names none that is not there.

use mt_transcode::options::{find, options};
use std::collections::BTreeSet;

fn words<'a>(text: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    words.filter(|word| word.starts_with(prefix)).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn every_time_of_the_option_table_stands_in_the_page_and_no_other() {
    let page = read("docs/bounds.md");
    let named = words(&page, "-mt_");
    let is_time = |value: &str| matches!(value, "milliseconds" | "seconds");
    for option in options().filter(|option| option.name.starts_with("mt_") && is_time(option.value_name)) {
        assert!(named.contains(format!("-{}", option.name).as_str()), "-{} is not in docs/bounds.md", option.name);
    }
    for name in named {
        assert!(find(&name[1..]).is_some(), "docs/bounds.md names {name}, which is no option");
    }
}

#[test]
fn every_time_of_the_header_stands_in_the_page_and_no_other() {
    let (page, header) = (read("docs/bounds.md"), read("include/mt_transcode/mt_transcode.h"));
    // Fields of structs that a host fills in; those of results have no default.
    let fields = header.lines().map(str::trim).filter_map(|line| line.strip_suffix(';')?.split_once(' '));
    let settable = ["timeout_ms", "interval_ms"];
    for (_, field) in fields.filter(|(kind, field)| kind.contains("int") && settable.iter().any(|s| field.ends_with(s)))
    {
        assert!(page.contains(&format!("`{field}`")), "{field} is not in docs/bounds.md");
    }
    let code: String = header.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    for call in code.split(';').filter(|call| call.contains("int64_t timeout_ms")) {
        let name = words(call, "mt_transcode_").into_iter().find(|word| call.contains(&format!("{word}(")));
        let name = name.unwrap_or_else(|| panic!("a function: {call}"));
        assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/bounds.md");
    }
    for name in words(&page, "mt_transcode_") {
        assert!(header.contains(name), "docs/bounds.md names {name}, which is not in the header");
    }
}
