// memory_hls: makes an HLS stream of a film without writing a file: lists and segments go into a map in memory, from where a server
// could hand them out, or which could be an object store.
//
//     memory_hls INPUT [SECONDS]       a window of that many seconds, as of a live stream: older segments are removed
//
// Shows what happens in the store, and at the end what is in it.
//
//     c++ -std=c++17 memory_hls.cpp $(pkg-config --cflags --libs mt_transcode) -o memory_hls

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mt_transcode/mt_transcode.hpp"

namespace {

// What a server would hand out: complete files by name. The job's thread writes it, others may read it.
class shelf {
 public:
  void put(const std::string& name, std::vector<std::uint8_t> bytes) {
    const std::lock_guard<std::mutex> held(lock_);
    std::printf("+ %-16s %8zu bytes\n", name.c_str(), bytes.size());
    files_[name] = std::move(bytes);
  }
  bool remove(const std::string& name) {
    const std::lock_guard<std::mutex> held(lock_);
    std::printf("- %s\n", name.c_str());
    return files_.erase(name) == 1;
  }
  void print() const {
    const std::lock_guard<std::mutex> held(lock_);
    for (const auto& [name, bytes] : files_) std::printf("%-18s %8zu bytes\n", name.c_str(), bytes.size());
    if (const auto list = files_.find("index.m3u8"); list != files_.end()) {
      std::printf("\n%.*s", static_cast<int>(list->second.size()), reinterpret_cast<const char*>(list->second.data()));
    }
  }

 private:
  mutable std::mutex lock_;
  std::map<std::string, std::vector<std::uint8_t>> files_;
};

// The same, as the library sees it. A file appears on the shelf when it is complete, and not at all when it was broken off.
class store : public mt::store {
 public:
  explicit store(std::shared_ptr<shelf> onto) : shelf_(std::move(onto)) {}

  mt::result<std::unique_ptr<mt::store::file>> open(std::string_view name) override {
    return std::unique_ptr<mt::store::file>(new file(shelf_, std::string(name)));
  }
  int remove(std::string_view name) override { return shelf_->remove(std::string(name)) ? 0 : -ENOENT; }

 private:
  class file : public mt::store::file {
   public:
    file(std::shared_ptr<shelf> onto, std::string name) : shelf_(std::move(onto)), name_(std::move(name)) {}
    std::int64_t write(const std::uint8_t* data, std::size_t size) override {
      bytes_.insert(bytes_.end(), data, data + size);
      return static_cast<std::int64_t>(size);
    }
    int close(int code) override {
      if (code == 0) shelf_->put(name_, std::move(bytes_));
      return 0;
    }

   private:
    std::shared_ptr<shelf> shelf_;
    std::string name_;
    std::vector<std::uint8_t> bytes_;
  };

  std::shared_ptr<shelf> shelf_;
};

void make_hls(const std::string& source, int window, const std::shared_ptr<shelf>& onto) {
  mt::engine_config config;
  config.log_mode = mt::log_mode::take;
  mt::engine engine(config);
  mt::job job = engine.new_job();
  job.add_input(source);
  mt::output output = job.add_output("mt:hls/index.m3u8");
  output.option("c:v", "libx264").option("preset", "veryfast").option("force_key_frames", "expr:gte(t,n_forced)").option("c:a", "aac");
  output.option("f", "hls").option("hls_time", "1").option("hls_list_size", std::to_string(window));
  if (window > 0) output.option("hls_flags", "delete_segments");
  job.bind_store("hls", std::make_unique<store>(onto));
  job.run();  // throws what the job failed with, and what the store threw
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: memory_hls INPUT [SECONDS]\n");
    return 2;
  }
  try {
    const auto onto = std::make_shared<shelf>();
    make_hls(argv[1], argc == 3 ? std::max(1, std::atoi(argv[2])) : 0, onto);
    std::printf("\n");
    onto->print();
  } catch (const mt::error& error) {
    std::fprintf(stderr, "memory_hls: %s\n", error.what());
    if (!error.hint().empty()) std::fprintf(stderr, "            %s\n", error.hint().c_str());
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "memory_hls: %s\n", error.what());
    return 1;
  }
}
