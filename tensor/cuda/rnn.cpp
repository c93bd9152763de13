#include "tensor/cuda/rnn.h"

#include <cudnn.h>

#include <array>
#include <limits>
#include <mutex>

#include "tensor/cuda/stream_handle.h"
#include "tensor/error.h"

namespace sunder::cuda {
namespace {

// A descriptor of cuDNN, which has one function that creates it and one that destroys it.
template <class T, cudnnStatus_t (*create)(T*), cudnnStatus_t (*destroy)(T)>
class Descriptor {
 public:
  Descriptor() { SUNDER_CUDA_CHECK(create(&descriptor_)); }
  ~Descriptor() { static_cast<void>(destroy(descriptor_)); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator T() const { return descriptor_; }  // NOLINT: as every call of cuDNN takes it

 private:
  T descriptor_ = nullptr;
};
using TensorDescriptor = Descriptor<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;
using DropoutDescriptor =
    Descriptor<cudnnDropoutDescriptor_t, cudnnCreateDropoutDescriptor, cudnnDestroyDropoutDescriptor>;
using RnnDescriptor = Descriptor<cudnnRNNDescriptor_t, cudnnCreateRNNDescriptor, cudnnDestroyRNNDescriptor>;
using RnnDataDescriptor =
    Descriptor<cudnnRNNDataDescriptor_t, cudnnCreateRNNDataDescriptor, cudnnDestroyRNNDataDescriptor>;

struct Library {
  using Handle = cudnnHandle_t;
  static void create(Handle* handle) { SUNDER_CUDA_CHECK(cudnnCreate(handle)); }
  static void set_up(Handle handle, Stream stream) { SUNDER_CUDA_CHECK(cudnnSetStream(handle, native(stream))); }
  static void destroy(Handle handle) { static_cast<void>(cudnnDestroy(handle)); }
};
using Handle = StreamHandle<Library>;

int as_int(int64_t size) {
  if (size > std::numeric_limits<int>::max()) throw_error("[lstm] expected sizes below 2^31, got {}", size);
  return static_cast<int>(size);
}

cudnnDataType_t type_of(DType dtype) {
  return dtype == DType::float64 ? CUDNN_DATA_DOUBLE : dtype == DType::float32 ? CUDNN_DATA_FLOAT : CUDNN_DATA_BFLOAT16;
}

// Host memory only: a captured graph does not use it.
class Plan {
 public:
  Plan(const RnnKey& key, cudnnHandle_t handle) : key_(key) {
    const cudnnDataType_t type = type_of(key.dtype), math = type_of(compute_dtype(key.dtype));
    // On Ampere and later DEFAULT_MATH lets float32 products run in TF32 ("cudnnMathType_t").
    const cudnnMathType_t math_type = key.dtype == DType::bfloat16                           ? CUDNN_TENSOR_OP_MATH
                                      : key.dtype == DType::float32 && key.tf32 == Tf32::off ? CUDNN_FMA_MATH
                                                                                             : CUDNN_DEFAULT_MATH;
    const int steps = as_int(key.steps), sequences = as_int(key.sequences), hidden = as_int(key.hidden);
    SUNDER_CUDA_CHECK(cudnnSetDropoutDescriptor(dropout_, handle, 0, nullptr, 0, 0));
    // A projection of the size of the hidden state stands for none. The persistent algorithms are for few sequences.
    SUNDER_CUDA_CHECK(cudnnSetRNNDescriptor_v8(
        rnn_, CUDNN_RNN_ALGO_STANDARD, CUDNN_LSTM, CUDNN_RNN_NO_BIAS, CUDNN_BIDIRECTIONAL, CUDNN_LINEAR_INPUT, type,
        math, math_type, as_int(key.inputs), hidden, hidden, 1, dropout_, CUDNN_RNN_PADDED_IO_DISABLED));
    const std::vector<int> lengths(key.sequences, steps);
    for (auto* data : {&x_, &y_})
      SUNDER_CUDA_CHECK(cudnnSetRNNDataDescriptor(*data, type, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED, steps, sequences,
                                                  data == &x_ ? as_int(key.inputs) : 2 * hidden, lengths.data(),
                                                  nullptr));
    const std::array state{2, sequences, hidden}, strides{sequences * hidden, hidden, 1};
    SUNDER_CUDA_CHECK(cudnnSetTensorNdDescriptor(state_, type, 3, state.data(), strides.data()));
    SUNDER_CUDA_CHECK(cudnnGetRNNWeightSpaceSize(handle, rnn_, &weight_bytes_));
    SUNDER_CUDA_CHECK(
        cudnnGetRNNTempSpaceSizes(handle, rnn_, CUDNN_FWD_MODE_TRAINING, x_, &work_bytes_, &reserve_bytes_));
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  const RnnKey& key() const { return key_; }

  const Captures captured;  // none
  int64_t weight_count() const { return static_cast<int64_t>(weight_bytes_ / size_of(key_.dtype)); }

  const std::array<int64_t, 16>& matrices(cudnnHandle_t handle, const Tensor& space) {
    if (!placed_) find_matrices(handle, space);
    placed_ = true;
    return matrices_;
  }

  Tensor forward(cudnnHandle_t handle, const Tensor& x, const Tensor& weights, const Tensor& y) const {
    const Tensor reserve = bytes(reserve_bytes_), work = bytes(work_bytes_);
    SUNDER_CUDA_CHECK(cudnnRNNForward(handle, rnn_, CUDNN_FWD_MODE_TRAINING, nullptr, x_, x.raw(), y_, y.raw(), state_,
                                      nullptr, nullptr, state_, nullptr, nullptr, weight_bytes_, weights.raw(),
                                      work_bytes_, work.raw(), reserve_bytes_, reserve.raw()));
    return reserve;
  }

  void backward_data(cudnnHandle_t handle, const Tensor& y, const Tensor& grad_y, const Tensor& weights,
                     const Tensor& reserve, const Tensor& grad_x) const {
    const Tensor work = bytes(work_bytes_);
    SUNDER_CUDA_CHECK(cudnnRNNBackwardData_v8(handle, rnn_, nullptr, y_, y.raw(), grad_y.raw(), x_, grad_x.raw(),
                                              state_, nullptr, nullptr, nullptr, state_, nullptr, nullptr, nullptr,
                                              weight_bytes_, weights.raw(), work_bytes_, work.raw(), reserve_bytes_,
                                              reserve.raw()));
  }

  void backward_weights(cudnnHandle_t handle, const Tensor& x, const Tensor& y, const Tensor& reserve,
                        const Tensor& grads) const {
    const Tensor work = bytes(work_bytes_);
    SUNDER_CUDA_CHECK(cudnnRNNBackwardWeights_v8(handle, rnn_, CUDNN_WGRAD_MODE_ADD, nullptr, x_, x.raw(), state_,
                                                 nullptr, y_, y.raw(), weight_bytes_, grads.raw(), work_bytes_,
                                                 work.raw(), reserve_bytes_, reserve.raw()));
  }

 private:
  // From the stream's pool: while a graph is captured, from the graph's arena.
  Tensor bytes(size_t count) const {
    return Tensor::empty({static_cast<int64_t>(count + 7) / 8}, DType::float64, key_.stream);
  }

  void find_matrices(cudnnHandle_t handle, const Tensor& space) {
    const TensorDescriptor matrix, bias;
    for (int32_t k = 0; k < 16; ++k) {
      void *matrix_at = nullptr, *bias_at = nullptr;
      SUNDER_CUDA_CHECK(cudnnGetRNNWeightParams(handle, rnn_, k / 8, weight_bytes_, space.raw(), k % 8, matrix,
                                                &matrix_at, bias, &bias_at));
      matrices_[k] =
          (static_cast<const std::byte*>(matrix_at) - space.raw()) / static_cast<int64_t>(size_of(key_.dtype));
    }
  }

  RnnKey key_;
  DropoutDescriptor dropout_;
  RnnDescriptor rnn_;
  RnnDataDescriptor x_, y_;
  TensorDescriptor state_;
  size_t weight_bytes_ = 0, work_bytes_ = 0, reserve_bytes_ = 0;
  std::array<int64_t, 16> matrices_{};
  bool placed_ = false;
};

struct Cache {
  RecentlyUsed<Handle> handles{handle_limit};  // its mutex guards the plans too
  RecentlyUsed<Plan> plans{rnn_plan_limit};
};

Cache& cache() {
  static Cache* const all = new Cache;  // never destroyed, as the driver may go first
  return *all;
}

// Calls f(handle, plan) under the cache's mutex; otherwise another thread's call could evict them.
template <class F>
auto with_plan(const RnnKey& key, F&& f) {
  const DeviceScope scope(key.stream.device);
  const std::lock_guard lock(cache().handles.mutex());
  const Handle& handle = cache().handles.use(key.stream);
  return f(handle, cache().plans.get(key, handle));
}

}  // namespace

Tensor rnn_weight_space(const RnnKey& key) {
  return with_plan(
      key, [&](cudnnHandle_t, Plan& plan) { return Tensor::empty({plan.weight_count()}, key.dtype, key.stream); });
}

std::array<int64_t, 16> rnn_matrices(const RnnKey& key, const Tensor& weight_space) {
  return with_plan(key, [&](cudnnHandle_t handle, Plan& plan) { return plan.matrices(handle, weight_space); });
}

Tensor rnn_forward(const RnnKey& key, const Tensor& x, const Tensor& weight_space, const Tensor& y) {
  return with_plan(key, [&](cudnnHandle_t handle, Plan& plan) { return plan.forward(handle, x, weight_space, y); });
}

void rnn_backward_data(const RnnKey& key, const Tensor& y, const Tensor& grad_y, const Tensor& weight_space,
                       const Tensor& reserve, const Tensor& grad_x) {
  with_plan(key, [&](cudnnHandle_t handle, Plan& plan) {
    plan.backward_data(handle, y, grad_y, weight_space, reserve, grad_x);
  });
}

void rnn_backward_weights(const RnnKey& key, const Tensor& x, const Tensor& y, const Tensor& reserve,
                          const Tensor& grad_space) {
  with_plan(key, [&](cudnnHandle_t handle, Plan& plan) { plan.backward_weights(handle, x, y, reserve, grad_space); });
}

size_t rnn_plan_count() {
  const std::lock_guard lock(cache().handles.mutex());
  return cache().plans.size();
}

void clear_rnn_plans() {
  const std::lock_guard lock(cache().handles.mutex());
  cache().plans.clear();
  cache().handles.clear();
}

void forget_rnn_plans(Stream stream) {
  const std::lock_guard lock(cache().handles.mutex());
  cache().plans.forget([&](const RnnKey& key) { return key.stream == stream; });
  cache().handles.forget([&](Stream of) { return of == stream; });
}

}  // namespace sunder::cuda
