//! -h.

use super::args::Args;
use super::options::OPTIONS;

/// Prints the options, which is all that is to be done.
pub fn print(args: &mut Args) {
    println!("usage: mt-transcode probe [OPTIONS] INPUT_FILE\n");
    println!("ffprobe, of the FFmpeg libraries that are installed. With input options only: the library's JSON.\n");
    println!("Main options:");
    for option in OPTIONS {
        let usage = format!("{} {}", option.name, option.argument);
        println!("-{:<17}  {}", usage.trim_end(), option.help);
    }
    println!("\nOptions of demuxers, protocols and decoders are those of FFmpeg: `ffprobe -h` lists them.");
    args.is_over = true;
}
