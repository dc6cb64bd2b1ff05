// Scenarios s30 to s38 and s68: pipes with the host at both ends, and streams over them.
#include <poll.h>

#include <array>
#include <cstring>
#include <iterator>
#include <random>
#include <thread>
#include <type_traits>
#if __cplusplus >= 202002L
#include <span>
#endif

#include "memory.hpp"

using namespace test;
using std::chrono::milliseconds;

static_assert(!std::is_copy_constructible_v<mt::pipe> && std::is_nothrow_move_constructible_v<mt::pipe>);

SCENARIO(s30_pipe_bytes) {
  mt::engine engine = new_engine();
  {
    mt::pipe pipe = new_pipe(engine, 4096);
    std::array<std::uint8_t, 4> some{'a', 'b', 'c', 'd'};
    CHECK_EQUAL(pipe.write(some), 4u);
    CHECK_EQUAL(pipe.write(std::string("efgh")), 4u);
    CHECK_EQUAL(pipe.write(std::string_view("ijkl").substr(1)), 3u);
    CHECK_EQUAL(pipe.write(std::vector<std::byte>(2)), 2u);
    CHECK_EQUAL(pipe.write("", 0), 0u);
    CHECK_EQUAL(engine.stats().queued_bytes, 13u);
    std::string text(11, ' ');
    CHECK_EQUAL(pipe.read(text).value_or(0), 11u);
    CHECK_EQUAL(text, "abcdefghjkl");
    CHECK_EQUAL(pipe.read(some, milliseconds(0)).value_or(0), 2u);
    CHECK(!pipe.read(some, milliseconds(0)).has_value());
    CHECK(!pipe.read(some, milliseconds(1)).has_value());
    CHECK_EQUAL(pipe.try_read(some, milliseconds(0)).code(), -EAGAIN);
    CHECK_EQUAL(pipe.try_read(some, milliseconds(1)).code(), -ETIMEDOUT);
    CHECK_EQUAL(pipe.write(std::string(5000, 'x'), milliseconds(0)), 4096u);
    CHECK_EQUAL(pipe.write(std::string("x"), milliseconds(0)), 0u);
    CHECK_EQUAL(pipe.try_write(std::string("x"), milliseconds(0)).code(), -EAGAIN);
    CHECK_EQUAL(pipe.stats().written_bytes, 13u + 4096u);
#if __cplusplus >= 202002L
    std::span<std::uint8_t> place(some);
    CHECK_EQUAL(pipe.read(place).value_or(0), 4u);
    CHECK_EQUAL(pipe.write(std::span<const std::uint8_t>(place)), 4u);
#endif
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s31_pipe_config) {
  mt::engine engine = new_engine();
  const auto made = [&](std::uint64_t capacity, std::uint32_t chunk, std::optional<milliseconds> flush, std::uint32_t percent) {
    mt::pipe_config config;
    config.capacity_bytes = capacity;
    config.chunk_bytes = chunk;
    config.flush_interval = flush;
    config.high_water_percent = percent;
    return engine.try_new_pipe(config).code();
  };
  CHECK_EQUAL(made(0, 0, milliseconds(40), 0), 0);
  CHECK_EQUAL(made(4096, 512, std::nullopt, 100), 0);
  CHECK_EQUAL(made(4095, 512, milliseconds(0), 0), -EINVAL);
  CHECK_EQUAL(made(1ull << 63, 0, milliseconds(0), 0), -EINVAL);
  CHECK_EQUAL(made(8192, 8193, milliseconds(0), 0), -EINVAL);
  CHECK_EQUAL(made(0, 0, milliseconds(-1), 0), -EINVAL);
  CHECK_EQUAL(made(0, 0, milliseconds(1ll << 40), 0), -EINVAL);
  CHECK_EQUAL(made(0, 0, milliseconds(0), 101), -EINVAL);
  CHECK(nothing_left(engine));
}

SCENARIO(s32_pipe_ends) {
  mt::engine engine = new_engine();
  for (const int code : {0, -EIO, MT_TRANSCODE_ELIMIT}) {
    mt::pipe pipe = new_pipe(engine);
    pipe.write(std::string("before"));
    CHECK_EQUAL(pipe.try_close_write(1).code(), -EINVAL);
    pipe.close_write(code);
    CHECK_EQUAL(pipe.try_close_write().code(), -EALREADY);
    CHECK_EQUAL(pipe.try_write("x", 1).code(), -EPIPE);
    int end = 1;
    CHECK_EQUAL(read_all(pipe, &end), "before");
    CHECK_EQUAL(end, code);
    if (code < 0) {
      CHECK_EQUAL(pipe.try_peek().code(), code);
    } else {
      CHECK(pipe.peek()->empty());
    }
  }
  {
    mt::pipe pipe = new_pipe(engine);
    pipe.close_read();
    try {
      pipe.write(std::string("x"));
      CHECK(!"a write without a reader throws");
    } catch (const mt::error& error) {
      CHECK_EQUAL(error.code(), -EPIPE);
    }
    mt::pipe moved = std::move(pipe);
    CHECK_EQUAL(pipe.try_write("x", 1).code(), -EINVAL);  // NOLINT(bugprone-use-after-move): that is what is tested
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s33_pipe_regions) {
  mt::engine engine = new_engine();
  {
    mt::pipe pipe = new_pipe(engine, 4096);
    CHECK_EQUAL(pipe.try_commit(0).code(), -EINVAL);
    const std::optional<mt::region<std::uint8_t>> room = pipe.acquire();
    REQUIRE(room && room->size() >= 5);
    std::memcpy(room->data(), "hello", 5);
    CHECK_EQUAL(pipe.try_write("x", 1).code(), -EBUSY);
    CHECK_EQUAL(pipe.try_commit(4097).code(), -EINVAL);
    pipe.commit(5);
    const std::optional<mt::region<const std::uint8_t>> seen = pipe.peek();
    REQUIRE(seen.has_value());
    CHECK_EQUAL(std::string(seen->begin(), seen->end()), "hello");
#if __cplusplus >= 202002L
    const std::span<const std::uint8_t> span = *seen;
    CHECK_EQUAL(span.size(), 5u);
#endif
    std::string buffer(10, ' ');
    CHECK_EQUAL(pipe.try_read(buffer).code(), -EBUSY);
    pipe.consume(2);
    CHECK_EQUAL(pipe.read(buffer).value_or(0), 3u);
    CHECK(!pipe.peek(milliseconds(0)).has_value());
  }
  CHECK(nothing_left(engine));
}

static bool readable(int descriptor) {
  pollfd place{descriptor, POLLIN, 0};
  return poll(&place, 1, 0) == 1;
}

SCENARIO(s35_pipe_descriptors) {
  mt::engine engine = new_engine();
  const std::uint64_t before = engine.stats().descriptors;
  {
    mt::pipe pipe = new_pipe(engine, 4096);
    const int reads = pipe.readable_fd(), writes = pipe.writable_fd();
    CHECK_EQUAL(engine.stats().descriptors, before + 2);
    CHECK(!readable(reads) && readable(writes));
    pipe.write(std::string(8192, 'x'), milliseconds(0));
    CHECK(readable(reads) && !readable(writes));
    pipe.close_read();
    CHECK(readable(writes));
  }
  CHECK_EQUAL(engine.stats().descriptors, before);
  CHECK(nothing_left(engine));
}

SCENARIO(s36_pipe_watch) {
  mt::engine engine = new_engine();
  {
    mt::pipe pipe = new_pipe(engine, 4096);
    pipe.watch(MT_TRANSCODE_READY_READABLE);
    CHECK(!engine.next_ready().has_value());
    pipe.write(std::string("x"));
    std::optional<mt::ready> ready = engine.next_ready();
    REQUIRE(ready.has_value());
    CHECK(ready->pipe == pipe.handle() && ready->job == nullptr);
    CHECK(ready->is_readable && !ready->is_writable && !ready->has_events && !ready->is_done);
    CHECK(!engine.next_ready().has_value());
    pipe.watch(MT_TRANSCODE_READY_READABLE | MT_TRANSCODE_READY_WRITABLE);
    ready = engine.next_ready();
    CHECK(ready && ready->is_readable && ready->is_writable);
    CHECK_EQUAL(pipe.try_watch(0).code(), -EINVAL);
    mt::job job = start_job(engine, small);
    CHECK(eventually([&] { return (ready = engine.next_ready()).has_value(); }));
    CHECK(ready->job == job.handle() && ready->pipe == nullptr);
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s37_pipe_bulk) {
  mt::engine engine = new_engine();
  {
    mt::pipe pipe = new_pipe(engine, 65536);
    constexpr std::size_t total = 32u << 20;
    std::thread writer([&] {
      std::minstd_rand numbers(1);
      std::vector<std::uint32_t> words(total / 4);
      for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(numbers());
      const auto* const bytes = reinterpret_cast<const char*>(words.data());
      for (std::size_t done = 0; done < total;) done += pipe.write(bytes + done, std::min<std::size_t>(total - done, numbers() % 200000 + 1));
      pipe.close_write();
    });
    std::vector<std::uint32_t> words(total / 4);
    auto* const bytes = reinterpret_cast<char*>(words.data());
    std::size_t done = 0;
    std::minstd_rand sizes(2);
    while (done < total) {
      const std::size_t count = pipe.read(bytes + done, std::min<std::size_t>(total - done, sizes() % 200000 + 1), patience()).value_or(0);
      if (!CHECK(count > 0)) break;
      done += count;
    }
    writer.join();
    CHECK_EQUAL(pipe.read(bytes, 1).value_or(1), 0u);
    std::minstd_rand numbers(1);
    CHECK(std::all_of(words.begin(), words.end(), [&](std::uint32_t word) { return word == static_cast<std::uint32_t>(numbers()); }));
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s68_streams) {
  mt::engine engine = new_engine();
  {
    mt::pipe pipe = new_pipe(engine, 4096);
    std::thread writer([&] {
      mt::pipe_ostream out(pipe);
      for (int i = 0; i < 5000; i++) out << "line " << i << '\n';
      out.close();
      CHECK(out.good());
      CHECK(!(out << "more"));
    });
    mt::pipe_istream in(pipe);
    int count = 0;
    for (std::string line; std::getline(in, line); count++) {
      if (!CHECK_EQUAL(line, "line " + std::to_string(count))) break;
    }
    CHECK_EQUAL(count, 5000);
    CHECK(in.eof() && !in.bad() && in.code() == 0);
    writer.join();
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s68_streams_flush_and_leave) {
  mt::engine engine = new_engine();
  {
    mt::pipe pipe = new_pipe(engine, 4096);
    std::string buffer(10, ' ');
    {
      mt::pipe_ostream out(pipe);
      out << "abc" << std::flush;
      CHECK_EQUAL(pipe.read(buffer, milliseconds(0)).value_or(0), 3u);
      out << "def";
      CHECK(!pipe.read(buffer, milliseconds(0)).has_value());  // not yet: neither flushed nor full
    }
    CHECK_EQUAL(pipe.read(buffer).value_or(0), 3u);
    CHECK_EQUAL(pipe.try_read(buffer).code(), -EPIPE);  // broken off: it was not closed
  }
  {
    mt::pipe pipe = new_pipe(engine, 4096);
    pipe.write(std::string("two words "));
    pipe.close_write(-EIO);
    mt::pipe_istream in(pipe);
    std::string first, second, third;
    CHECK(in >> first >> second);
    CHECK_EQUAL(first + "-" + second, "two-words");
    CHECK(!(in >> third) && in.bad());
    CHECK_EQUAL(in.code(), -EIO);
  }
  {
    mt::pipe pipe = new_pipe(engine, 4096);
    { mt::pipe_istream in(pipe); }
    mt::pipe_ostream out(pipe);
    out << "nobody reads" << std::flush;
    CHECK(out.bad());
    CHECK_EQUAL(out.code(), -EPIPE);
  }
  CHECK(nothing_left(engine));
}
