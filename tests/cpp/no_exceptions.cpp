// The same header with -fno-exceptions: only the try_ functions are there, and they are enough.
#include <cstdio>

#include "mt_transcode/mt_transcode.hpp"

#if MT_TRANSCODE_HAS_EXCEPTIONS
#error "compile this with -fno-exceptions"
#endif

static int failed(const char* what, const mt::failure& why) {
  std::printf("FAIL no_exceptions: %s: %s: %s\n", what, why.name.c_str(), why.message.c_str());
  return 1;
}

static int run() {
  mt::engine_config config;
  config.log_mode = mt::log_mode::take;
  mt::result<mt::engine> engine = mt::engine::try_make(config);
  if (!engine) return failed("engine", engine.failed());
  mt::result<mt::job> job = engine->try_new_job();
  if (!job) return failed("job", job.failed());
  mt::result<mt::input> input = job->try_add_input("testsrc2=s=64x48:d=0.2");
  if (!input) return failed("input", input.failed());
  if (const auto set = input->try_option("f", "lavfi"); !set) return failed("input option", set.failed());
  mt::result<mt::output> output = job->try_add_output("-");
  if (!output) return failed("output", output.failed());
  if (const auto set = output->try_option("f", "null"); !set) return failed("output option", set.failed());
  if (const auto ended = job->try_run(); !ended) return failed("run", ended.failed());
  const mt::result<void> missing = engine->try_run({"-i", "/no/such/file", "-f", "null", "-"});
  if (missing.code() != -ENOENT) return failed("a missing file", mt::failure::of(missing.code()));
  if (missing.failed().hint.empty()) return failed("its hint", missing.failed());
  return 0;
}

int main() {
  const int code = run();
  if (code == 0) std::printf("ok   no_exceptions\n");
  std::printf("%d passed, %d failed\n", code == 0, code != 0);
  return code;
}
