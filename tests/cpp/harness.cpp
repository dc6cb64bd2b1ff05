#include "harness.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <thread>

namespace {

// By name: so the order does not depend on the order of files. Made at the first use, as scenarios register before main.
std::map<std::string, void (*)()>& scenarios() {
  static std::map<std::string, void (*)()> all;
  return all;
}

std::string reasons;
std::filesystem::path folder;

void run(const std::string& name, void (*scenario)()) {
  reasons.clear();
  try {
    scenario();
  } catch (const test::ended&) {  // the reason is noted already
  } catch (const mt::error& error) {
    test::fail(__FILE__, 0, "mt::error " + error.name() + " at " + error.stage() + ": " + error.message());
  } catch (const std::exception& error) {
    test::fail(__FILE__, 0, std::string("exception: ") + error.what());
  }
  std::printf("%s %s%s\n", reasons.empty() ? "ok  " : "FAIL", name.c_str(), reasons.c_str());
  std::fflush(stdout);
}

}  // namespace

namespace test {

scenario::scenario(const char* name, void (*run)()) { scenarios().emplace(name, run); }

void fail(const char* file, int line, const std::string& what) {
  const char* slash = std::strrchr(file, '/');
  reasons += std::string("\n     ") + (slash ? slash + 1 : file) + ":" + std::to_string(line) + ": " + what;
}

std::chrono::milliseconds patience() { return std::chrono::seconds(std::getenv("MT_TEST_SLOW") ? 600 : 60); }

bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + patience();
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return condition();
}

std::string temporary(std::string_view name) { return (folder / name).string(); }

}  // namespace test

// Usage: scenarios [part of a name]
int main(int argc, char** argv) {
  std::string model = (std::filesystem::temp_directory_path() / "mt-transcode-cpp-XXXXXX").string();
  if (mkdtemp(model.data()) == nullptr) {
    std::perror(model.c_str());
    return 2;
  }
  folder = model;
  int passed = 0, failed = 0;
  for (const auto& [name, scenario] : scenarios()) {
    if (argc > 1 && name.find(argv[1]) == std::string::npos) continue;
    run(name, scenario);
    (reasons.empty() ? passed : failed)++;
  }
  std::filesystem::remove_all(folder);
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
