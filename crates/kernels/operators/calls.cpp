// A record of the operations of LibTorch that a thread calls, for tests.
#include <memory>
#include <string>

#include <ATen/record_function.h>

namespace {

thread_local std::string calls;
thread_local size_t depth = 0;
thread_local at::CallbackHandle handle = 0;

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
  calls += std::to_string(depth++) + " " + function.name() + "\n";
  return nullptr;
}

void end(const at::RecordFunction&, at::ObserverContext*) { --depth; }

}  // namespace

extern "C" {

void labelproof_record_calls() {
  calls.clear();
  depth = 0;
  handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(begin, end).scopes({at::RecordScope::FUNCTION}));
}

// A line for each call in their order: how deep it is within others, and its name. Valid until the next
// record.
const char* labelproof_recorded_calls() {
  at::removeCallback(handle);
  return calls.c_str();
}

}  // extern "C"
