// LibTorch's operations that tch has no bindings for. Each function returns null, or the message of an error
// that stays valid until the next call of the same thread.
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/native_layer_norm_backward.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/stack.h>
#include <torch/csrc/autograd/autograd.h>

namespace {

template <typename Work>
const char* guarded(Work work) {
  static thread_local std::string message;
  try {
    work();
    return nullptr;
  } catch (const std::exception& error) {
    message = error.what();
    return message.c_str();
  }
}

std::vector<at::Tensor> list(at::Tensor* const* tensors, size_t count) {
  std::vector<at::Tensor> list;
  list.reserve(count);
  for (size_t place = 0; place < count; ++place) list.push_back(*tensors[place]);
  return list;
}

// Lets LibTorch choose among its deterministic kernels alone, as long as it lives: the usual backward pass of
// attention adds up in the order in which the blocks of the GPU come. No other operation that is called here
// or by burn needs it. LibTorch's switch is one for the whole process, so that the threads of its autograd
// see it; two of these at a time would leave it on.
class Deterministic {
 public:
  Deterministic()
      : lock_(mutex()),
        context_(at::globalContext()),
        before_(context_.deterministicAlgorithms()),
        warned_(context_.deterministicAlgorithmsWarnOnly()),
        filled_(context_.deterministicFillUninitializedMemory()) {
    // LibTorch refuses matrix products without this promise that cuBLAS does not choose its workspace by what
    // else is running. Attention has such products where a GPU has no kernel for all of it.
    static const int promised = setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
    (void)promised;
    context_.setDeterministicAlgorithms(true, false);
    // Else every new tensor would be filled first.
    context_.setDeterministicFillUninitializedMemory(false);
  }
  ~Deterministic() {
    context_.setDeterministicAlgorithms(before_, warned_);
    context_.setDeterministicFillUninitializedMemory(filled_);
  }
  Deterministic(const Deterministic&) = delete;
  Deterministic& operator=(const Deterministic&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex mutex;
    return mutex;
  }

  std::lock_guard<std::mutex> lock_;
  at::Context& context_;
  bool before_;
  bool warned_;
  bool filled_;
};

}  // namespace

extern "C" {

// input + factor * one * other
const char* labelproof_add_product(
    at::Tensor** output, const at::Tensor* input, const at::Tensor* one, const at::Tensor* other,
    double factor) {
  return guarded([&] { *output = new at::Tensor(at::addcmul(*input, *one, *other, factor)); });
}

// The gradients of input, gamma and beta.
const char* labelproof_layer_norm_backward(
    at::Tensor** gradients, const at::Tensor* gradient, const at::Tensor* input, const at::Tensor* mean,
    const at::Tensor* reciprocal_deviation, const at::Tensor* gamma, const at::Tensor* beta) {
  return guarded([&] {
    auto found = at::native_layer_norm_backward(
        *gradient, *input, gamma->sizes(), *mean, *reciprocal_deviation, *gamma, *beta, {true, true, true});
    gradients[0] = new at::Tensor(std::get<0>(found));
    gradients[1] = new at::Tensor(std::get<1>(found));
    gradients[2] = new at::Tensor(std::get<2>(found));
  });
}

// Attention with a bias, of whatever kernel LibTorch chooses. Where a query, key or value requires a
// gradient, the output holds what the backward pass needs.
const char* labelproof_attention(
    at::Tensor** output, const at::Tensor* query, const at::Tensor* key, const at::Tensor* value,
    const at::Tensor* bias) {
  return guarded([&] {
    Deterministic deterministic;
    *output = new at::Tensor(at::scaled_dot_product_attention(*query, *key, *value, *bias));
  });
}

// The gradients of query, key and value from that of the output of labelproof_attention.
const char* labelproof_attention_backward(
    at::Tensor** gradients, const at::Tensor* output, const at::Tensor* gradient, at::Tensor* const* inputs) {
  return guarded([&] {
    Deterministic deterministic;
    auto found = torch::autograd::grad({*output}, list(inputs, 3), {*gradient});
    for (size_t place = 0; place < 3; ++place) gradients[place] = new at::Tensor(found[place]);
  });
}

// A step of AdamW over many parameters at once, in place. `number` is a float32 tensor with the number of the
// step.
const char* labelproof_adamw(
    at::Tensor* const* parameters, at::Tensor* const* gradients, at::Tensor* const* first_moments,
    at::Tensor* const* second_moments, size_t count, const at::Tensor* number, double learning_rate,
    double beta_1, double beta_2, double weight_decay, double epsilon) {
  return guarded([&] {
    auto of_parameters = list(parameters, count);
    auto of_gradients = list(gradients, count);
    auto first = list(first_moments, count);
    auto second = list(second_moments, count);
    std::vector<at::Tensor> numbers(count, *number);
    at::_fused_adamw_(
        of_parameters, of_gradients, first, second, {}, numbers, learning_rate, beta_1, beta_2, weight_decay,
        epsilon,
        /*amsgrad=*/false, /*maximize=*/false);
  });
}

// Scales gradients in place so that their global norm is at most `largest`, without reading it.
const char* labelproof_clip_norm(at::Tensor* const* gradients, size_t count, double largest) {
  return guarded([&] {
    auto of_parameters = list(gradients, count);
    auto norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(of_parameters, 2)), 2);
    at::_foreach_mul_(of_parameters, norm.reciprocal_().mul_(largest).clamp_max_(1.0));
  });
}

}  // extern "C"
