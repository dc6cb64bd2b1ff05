// What the scenarios about memory share.
#ifndef MT_TEST_MEMORY_HPP
#define MT_TEST_MEMORY_HPP

#include <future>

#include "media.hpp"

namespace test {

std::string read_file(const std::string& path);

// The clip as MPEG-TS, and what `copy_ts` makes of it from file to file.
const std::string& ts_path();
const std::string& ts_clip();
const std::string& ts_copy();
inline const args copy_ts{"-f", "mpegts", "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out"};

// The same of some seconds of noise, several megabytes, of which little is read before the first packet is written.
const std::string& long_clip();
const std::string& long_copy();
inline const args copy_soon{"-f", "mpegts", "-probesize", "100000", "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out"};

// A pipe that shows at once what a job writes.
mt::pipe new_pipe(mt::engine& engine, std::uint64_t capacity = 0);

// Writes in steps on a thread of its own (0: all at once), then closes; how many bytes went before the pipe refused more.
std::future<std::size_t> feed(mt::pipe& pipe, std::string_view data, std::size_t step = 0, int code = 0);

// Reads to the end; `code` gets what it ended with.
std::string read_all(mt::pipe& pipe, int* code = nullptr);

// A job of `described` that reads `in` as mt:in and writes `out` as mt:out, where they are not null; not started.
mt::job piped(mt::engine& engine, const args& described, mt::pipe* in, mt::pipe* out);

// Checks that all numbers of the engine fall to zero.
bool nothing_left(mt::engine& engine);

// Compares bytes without printing them.
bool same(const std::string& actual, const std::string& expected);

}  // namespace test

#endif
