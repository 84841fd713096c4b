// PyTorch's c10d behind functions that Rust can call: a key-value store by which processes find each other, and
// the three collectives by which they exchange tensors. `workers/process_group.rs` is their only caller.
//
// Every function returns null, or the message of what went wrong, which the caller frees with `c10d_free`. No
// exception leaves this file.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <memory>
#include <mutex>
#include <streambuf>
#include <string>
#include <vector>

#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef LABELPROOF_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace {

using StorePointer = c10::intrusive_ptr<c10d::Store>;
using BackendPointer = c10::intrusive_ptr<c10d::Backend>;

char* copy_of(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

template <typename Work>
char* message_of_failure(Work work) {
  try {
    work();
    return nullptr;
  } catch (const c10::Error& error) {
    return copy_of(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return copy_of(error.what());
  } catch (...) {
    return copy_of("an unknown exception");
  }
}

// Keeps what Gloo writes to standard output about its connections from there, while any of these lives: standard
// output is the result of a command. Several threads may open groups at once, of which the last one to be done
// gives the output back.
class Quiet {
 public:
  Quiet() {
    std::lock_guard<std::mutex> lock(state().mutex);
    if (state().alive++ == 0) state().kept = std::cout.rdbuf(&state().nowhere);
  }
  ~Quiet() {
    std::lock_guard<std::mutex> lock(state().mutex);
    if (--state().alive == 0) std::cout.rdbuf(state().kept);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  struct Nowhere : std::streambuf {
    int_type overflow(int_type character) override {
      return traits_type::not_eof(character);
    }
  };
  struct State {
    std::mutex mutex;
    std::size_t alive = 0;
    std::streambuf* kept = nullptr;
    Nowhere nowhere;
  };
  // Never destroyed: threads may still write when the process ends.
  static State& state() {
    static State* state = new State;
    return *state;
  }
};

std::vector<std::uint8_t> bytes_of(const char* text) {
  return {text, text + std::strlen(text)};
}

} // namespace

extern "C" {

void c10d_free(char* text) {
  std::free(text);
}

// Opens the store, whose server one process runs. With port 0 the server takes a free one; `port` receives it.
char* c10d_store_open(
    const char* host,
    std::uint16_t* port,
    bool is_server,
    std::int64_t milliseconds,
    void** store) {
  return message_of_failure([&] {
    // Reads TORCH_CPP_LOG_LEVEL, as Python's import of torch does.
    c10::initLogging();
    c10d::TCPStoreOptions options;
    options.port = *port;
    options.isServer = is_server;
    options.waitWorkers = false;
    options.timeout = std::chrono::milliseconds(milliseconds);
    auto opened = c10::make_intrusive<c10d::TCPStore>(host, options);
    *port = opened->getPort();
    *store = new StorePointer(opened);
  });
}

void c10d_store_close(void* store) {
  delete static_cast<StorePointer*>(store);
}

char* c10d_store_set(void* store, const char* key, const char* value) {
  return message_of_failure([&] { (*static_cast<StorePointer*>(store))->set(key, bytes_of(value)); });
}

// Whether the store has a key now.
char* c10d_store_has(void* store, const char* key, bool* found) {
  return message_of_failure([&] { *found = (*static_cast<StorePointer*>(store))->check({key}); });
}

// Waits for a key, and returns its value, which the caller frees.
char* c10d_store_get(void* store, const char* key, std::int64_t milliseconds, char** value) {
  return message_of_failure([&] {
    auto& opened = *static_cast<StorePointer*>(store);
    opened->wait({key}, std::chrono::milliseconds(milliseconds));
    auto bytes = opened->get(key);
    *value = copy_of(std::string(bytes.begin(), bytes.end()));
  });
}

// Whether this file was compiled with NCCL.
bool c10d_has_nccl() {
#ifdef LABELPROOF_NCCL
  return true;
#else
  return false;
#endif
}

// Connects the processes: by Gloo for tensors in the processor's memory, by NCCL for those on CUDA devices.
// Of the interface's name and this machine's host name one may be given; else Gloo chooses by itself.
char* c10d_group_open(
    void* store,
    const char* prefix,
    int rank,
    int size,
    bool on_cuda,
    const char* interface_name,
    const char* host_name,
    std::int64_t milliseconds,
    void** group) {
  return message_of_failure([&] {
    StorePointer of_group =
        c10::make_intrusive<c10d::PrefixStore>(prefix, *static_cast<StorePointer*>(store));
    auto timeout = std::chrono::milliseconds(milliseconds);
    if (on_cuda) {
#ifdef LABELPROOF_NCCL
      auto options = c10d::ProcessGroupNCCL::Options::create();
      options->timeout = timeout;
      *group = new BackendPointer(
          c10::make_intrusive<c10d::ProcessGroupNCCL>(of_group, rank, size, options));
      return;
#else
      throw std::runtime_error("this build has no NCCL");
#endif
    }
    Quiet quiet;
    auto options = c10d::ProcessGroupGloo::Options::create(timeout);
    if (*interface_name != 0) {
      options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface(interface_name));
    } else if (*host_name != 0) {
      options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(host_name));
    } else {
      options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
    }
    *group =
        new BackendPointer(c10::make_intrusive<c10d::ProcessGroupGloo>(of_group, rank, size, options));
  });
}

void c10d_group_close(void* group) {
  delete static_cast<BackendPointer*>(group);
}

// The n-th of `size` equal parts of `input` goes to process n; `output` receives a part from each, in the
// order of the processes.
char* c10d_all_to_all(void* group, at::Tensor* output, at::Tensor* input) {
  return message_of_failure([&] {
    std::vector<std::int64_t> equal;
    (*static_cast<BackendPointer*>(group))->alltoall_base(*output, *input, equal, equal)->wait();
  });
}

// `output` receives the `input` of every process, in the order of the processes.
char* c10d_all_gather(void* group, at::Tensor* output, at::Tensor* input) {
  return message_of_failure(
      [&] { (*static_cast<BackendPointer*>(group))->_allgather_base(*output, *input)->wait(); });
}

} // extern "C"
