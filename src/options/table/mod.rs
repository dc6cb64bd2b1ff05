//! The one table of options: name, where it applies, what it takes, which FFmpeg has it, whether we do it, help. Parsing,
//! printing, the program's help and docs/options.md all read it. What is not here is an AVOption of FFmpeg's, or unknown. Names
//! and meaning are those of the ffmpeg program (fftools/ffmpeg_opt.c and opt_common.h, 5.1 to 8.1).

mod audio;
mod file;
mod global;
mod information;
mod input;
mod ours;
mod output;
mod subtitle;
mod types;
mod video;

pub use types::{Argument, Effect, Group, OptionDef, Release, Scope, Support};

/// Every option, in groups, as help and documentation show them.
pub static GROUPS: &[Group] = &[
    information::GROUP,
    global::GROUP,
    file::GROUP,
    input::GROUP,
    output::GROUP,
    video::GROUP,
    audio::GROUP,
    subtitle::GROUP,
    ours::GROUP,
];

pub fn options() -> impl Iterator<Item = &'static OptionDef> {
    GROUPS.iter().flat_map(|group| group.options)
}

/// Finds an option by its name without dash and specifier.
pub fn find(name: &str) -> Option<&'static OptionDef> {
    options().find(|option| option.name == name)
}

/// "nofoo" where "foo" is a flag.
pub fn negated(name: &str) -> Option<&'static OptionDef> {
    find(name.strip_prefix("no")?).filter(|option| option.argument == Argument::Flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_once_and_aliases_lead_somewhere() {
        for (index, option) in options().enumerate() {
            assert!(options().take(index).all(|other| other.name != option.name), "{} stands twice", option.name);
            let canonical = find(option.canonical.0).expect(option.name);
            assert_eq!(canonical.argument, option.argument, "{}", option.name);
        }
    }

    #[test]
    fn every_option_says_what_it_takes_and_does() {
        for option in options() {
            let name = option.name;
            assert!(option.help.len() > 3 && !option.help.ends_with('.'), "{name}: {}", option.help);
            let takes_value = option.argument != Argument::Flag && option.effect != Effect::Print;
            assert_eq!(takes_value, takes_value && !option.value_name.is_empty(), "{name} names its argument");
            match option.support {
                Support::No(why) | Support::Program(why) => assert!(why.len() > 10, "{name}: {why}"),
                Support::Yes | Support::Terminal => {}
            }
            if let (Some(since), Some(until)) = (option.since, option.until) {
                assert!(since < until, "{name}");
            }
            assert_eq!(option.until.is_some(), !option.instead.is_empty(), "{name}: what replaces it?");
            assert!(option.range.is_none_or(|(low, high)| low < high), "{name}");
        }
    }

    #[test]
    fn options_of_a_release_are_those_of_its_program() {
        let has = |name: &str, release| find(name).unwrap().is_in(release);
        assert!(has("map_channel", Release(6, 1)) && !has("map_channel", Release(7, 0)));
        assert!(!has("readrate_initial_burst", Release(6, 0)) && has("readrate_initial_burst", Release(6, 1)));
        assert!(has("c", Release(5, 1)) && has("c", Release(8, 1)));
    }
}
