#include <cudnn.h>

#include <cmath>
#include <cstring>
#include <type_traits>
#include <vector>

#include "tensor/bfloat16.h"
#include "tensor/blas.h"
#include "tests/emulator/device.h"
#include "tests/emulator/emulator.h"
#include "tests/emulator/handles.h"
#include "tests/emulator/stream.h"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};
struct cudnnTensorStruct {
  cudnnDataType_t type;
  std::vector<int> sizes, strides;
};
struct cudnnDropoutStruct {};
struct cudnnRNNStruct {
  cudnnDataType_t data = CUDNN_DATA_FLOAT;
  bool tf32 = false;
  int64_t inputs = 0, hidden = 0, directions = 0;
};
struct cudnnRNNDataStruct {
  cudnnDataType_t type;
  int64_t steps, sequences, features;
};

namespace sunder::emulator {
namespace {

size_t size_of(cudnnDataType_t type) { return type == CUDNN_DATA_DOUBLE ? 8 : type == CUDNN_DATA_FLOAT ? 4 : 2; }

// Where the weights lie, in elements: the gates stand in reverse order, which is not cuDNN's, and a few elements are
// left free after each matrix.
struct Layout {
  static constexpr int64_t gap = 3;
  int64_t inputs, hidden, directions;

  int64_t columns(int64_t linear) const { return linear < 4 ? inputs : hidden; }
  int64_t piece(int64_t linear) const { return hidden * columns(linear) + gap; }
  int64_t matrix(int64_t direction, int64_t linear) const {
    int64_t at = gap + direction * 4 * (piece(0) + piece(4));
    for (int64_t before = 7; before > linear; --before) at += piece(before);
    return at;
  }
  int64_t count() const { return gap + directions * 4 * (piece(0) + piece(4)); }
};

struct Sizes : Layout {
  int64_t steps, sequences;
  int64_t rows() const { return steps * sequences; }
  int64_t gate_columns() const { return 4 * hidden * directions; }
  // In the reserve: gates, or once the gradients were computed the gradients of their sums; then the cells.
  int64_t reserve_count() const { return rows() * (gate_columns() + hidden * directions); }
};

template <class S>
using Computed = std::conditional_t<std::is_same_v<S, bfloat16>, float, S>;

// A float operand of a product as TF32 has it: 10 fraction bits.
template <class T>
void cut_to_tf32(std::vector<T>& values) {
  if constexpr (std::is_same_v<T, float>)
    for (float& value : values) value = std::bit_cast<float>(std::bit_cast<uint32_t>(value) & ~uint32_t{0x1fff});
}

template <class S>
std::vector<Computed<S>> read(const void* from, int64_t count) {
  const S* values = static_cast<const S*>(from);
  return {values, values + count};
}

template <class S>
void write(const std::vector<Computed<S>>& values, void* to) {
  for (size_t i = 0; i < values.size(); ++i) static_cast<S*>(to)[i] = static_cast<S>(values[i]);
}

// The matrices of a direction, rows i, f, g, o: (4H, inputs) or (4H, hidden).
template <class T>
std::vector<T> gather(const std::vector<T>& space, const Layout& l, int64_t direction, bool recurrent) {
  std::vector<T> result;
  for (int64_t linear = recurrent ? 4 : 0; linear < (recurrent ? 8 : 4); ++linear) {
    const auto begin = space.begin() + l.matrix(direction, linear);
    result.insert(result.end(), begin, begin + l.hidden * l.columns(linear));
  }
  return result;
}

template <class T>
T sigmoid(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

template <class S>
void forward(const Sizes& s, bool tf32, const void* x_in, const void* space_in, void* y_out, void* reserve_out) {
  using T = Computed<S>;
  const int64_t hidden = s.hidden, n = s.sequences, width = s.gate_columns(), outputs = hidden * s.directions;
  auto x = read<S>(x_in, s.rows() * s.inputs), space = read<S>(space_in, s.count());
  std::vector<T> y(s.rows() * outputs), gates(s.rows() * width), cells(s.rows() * outputs);
  if (tf32) cut_to_tf32(x);
  for (int64_t d = 0; d < s.directions; ++d) {
    auto w = gather(space, s, d, false), v = gather(space, s, d, true);
    if (tf32) cut_to_tf32(w), cut_to_tf32(v);
    T* sums = gates.data() + d * 4 * hidden;
    blas::gemm(false, true, s.rows(), 4 * hidden, s.inputs, T(1), x.data(), s.inputs, w.data(), s.inputs, T(0), sums,
               width);
    for (int64_t step = 0; step < s.steps; ++step) {
      const int64_t t = d == 0 ? step : s.steps - 1 - step, before = d == 0 ? t - 1 : t + 1;
      if (step > 0) {
        std::vector<T> h(n * hidden);
        for (int64_t i = 0; i < n * hidden; ++i)  // as the step before left it in y
          h[i] = static_cast<S>(y[(before * n + i / hidden) * outputs + d * hidden + i % hidden]);
        if (tf32) cut_to_tf32(h);
        blas::gemm(false, true, n, 4 * hidden, hidden, T(1), h.data(), hidden, v.data(), hidden, T(1),
                   sums + t * n * width, width);
      }
      for (int64_t i = 0; i < n * hidden; ++i) {
        const int64_t row = t * n + i / hidden, unit = i % hidden, at = row * outputs + d * hidden + unit;
        const auto gate = [&](int64_t which) -> T& { return sums[row * width + which * hidden + unit]; };
        for (int64_t which = 0; which < 4; ++which)
          gate(which) = which == 2 ? std::tanh(gate(which)) : sigmoid(gate(which));
        const T last = step > 0 ? cells[(before * n + i / hidden) * outputs + d * hidden + unit] : T(0);
        cells[at] = gate(1) * last + gate(0) * gate(2);
        y[at] = gate(3) * std::tanh(cells[at]);
      }
    }
  }
  write<S>(y, y_out);
  if (!reserve_out) return;
  gates.insert(gates.end(), cells.begin(), cells.end());
  std::memcpy(reserve_out, gates.data(), gates.size() * sizeof(T));
}

template <class S>
void backward_data(const Sizes& s, bool tf32, const void* dy_in, const void* space_in, void* dx_out, void* reserve) {
  using T = Computed<S>;
  const int64_t hidden = s.hidden, n = s.sequences, width = s.gate_columns(), outputs = hidden * s.directions;
  const auto dy = read<S>(dy_in, s.rows() * outputs), space = read<S>(space_in, s.count());
  T* gates = static_cast<T*>(reserve);
  const T* cells = gates + s.rows() * width;
  std::vector<T> dx(s.rows() * s.inputs, T(0));
  for (int64_t d = 0; d < s.directions; ++d) {
    auto w = gather(space, s, d, false), v = gather(space, s, d, true);
    if (tf32) cut_to_tf32(w), cut_to_tf32(v);
    std::vector<T> dh(n * hidden, T(0)), dc(n * hidden, T(0)), da(s.rows() * 4 * hidden);
    for (int64_t step = s.steps - 1; step >= 0; --step) {
      const int64_t t = d == 0 ? step : s.steps - 1 - step, before = d == 0 ? t - 1 : t + 1;
      for (int64_t i = 0; i < n * hidden; ++i) {
        const int64_t row = t * n + i / hidden, unit = i % hidden, at = row * outputs + d * hidden + unit;
        T* gate = gates + row * width + d * 4 * hidden + unit;
        const T in = gate[0], forget = gate[hidden], g = gate[2 * hidden], out = gate[3 * hidden];
        const T c = std::tanh(cells[at]), h = dh[i] + dy[at], cell = dc[i] + h * out * (1 - c * c);
        const T last = step > 0 ? cells[(before * n + i / hidden) * outputs + d * hidden + unit] : T(0);
        gate[0] = cell * g * in * (1 - in);
        gate[hidden] = cell * last * forget * (1 - forget);
        gate[2 * hidden] = cell * in * (1 - g * g);
        gate[3 * hidden] = h * c * out * (1 - out);
        dc[i] = cell * forget;
        for (int64_t which = 0; which < 4; ++which)
          da[row * 4 * hidden + which * hidden + unit] = static_cast<S>(gate[which * hidden]);
      }
      if (tf32) cut_to_tf32(da);
      blas::gemm(false, false, n, hidden, 4 * hidden, T(1), da.data() + t * n * 4 * hidden, 4 * hidden, v.data(),
                 hidden, T(0), dh.data(), hidden);
    }
    blas::gemm(false, false, s.rows(), s.inputs, 4 * hidden, T(1), da.data(), 4 * hidden, w.data(), s.inputs, T(1),
               dx.data(), s.inputs);
  }
  write<S>(dx, dx_out);
}

template <class S>
void backward_weights(const Sizes& s, bool tf32, const void* x_in, const void* y_in, void* grad, const void* reserve) {
  using T = Computed<S>;
  const int64_t hidden = s.hidden, n = s.sequences, width = s.gate_columns(), outputs = hidden * s.directions;
  auto x = read<S>(x_in, s.rows() * s.inputs), y = read<S>(y_in, s.rows() * outputs), space = read<S>(grad, s.count());
  std::vector<T> da(static_cast<const T*>(reserve), static_cast<const T*>(reserve) + s.rows() * width);
  if (tf32) cut_to_tf32(x), cut_to_tf32(y), cut_to_tf32(da);
  for (int64_t d = 0; d < s.directions; ++d)
    for (int64_t linear = 0; linear < 8; ++linear) {
      const T* sums = da.data() + d * 4 * hidden + linear % 4 * hidden;
      T* matrix = space.data() + s.matrix(d, linear);
      const int64_t pairs = (s.steps - 1) * n, first = d == 0 ? n : 0;
      if (linear < 4)
        blas::gemm(true, false, hidden, s.inputs, s.rows(), T(1), sums, width, x.data(), s.inputs, T(1), matrix,
                   s.inputs);
      else if (pairs > 0)
        blas::gemm(true, false, hidden, hidden, pairs, T(1), sums + first * width, width,
                   y.data() + (d == 0 ? 0 : n) * outputs + d * hidden, outputs, T(1), matrix, hidden);
    }
  write<S>(space, grad);
}

// Calls f<S>() for the type that a descriptor names.
template <class F>
void visit(cudnnDataType_t type, F&& f) {
  if (type == CUDNN_DATA_DOUBLE) f.template operator()<double>();
  else if (type == CUDNN_DATA_FLOAT) f.template operator()<float>();
  else f.template operator()<bfloat16>();
}

Sizes sizes_of(const cudnnRNNStruct& rnn, const cudnnRNNDataStruct& x) {
  return {{rnn.inputs, rnn.hidden, rnn.directions}, x.steps, x.sequences};
}
size_t reserve_bytes(const cudnnRNNStruct& rnn, const Sizes& s) {
  return s.reserve_count() * (rnn.data == CUDNN_DATA_DOUBLE ? 8 : 4);
}
constexpr size_t work_bytes_needed = 640;  // nothing needs it here, but it may hold anything afterwards

// What all three passes ask of their arguments.
cudnnStatus_t check(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, const int32_t* lengths, cudnnRNNDataDescriptor_t x,
                    cudnnRNNDataDescriptor_t y, size_t weights, size_t work, size_t reserve) {
  handles::check("cuDNN handle", handle);
  handles::check("cuDNN RNN", rnn);
  handles::check("cuDNN RNN data", x);
  handles::check("cuDNN RNN data", y);
  const Sizes s = sizes_of(*rnn, *x);
  if (lengths || x->type != rnn->data || y->type != rnn->data || x->features != rnn->inputs ||
      y->features != rnn->hidden * rnn->directions || y->steps != x->steps || y->sequences != x->sequences)
    return CUDNN_STATUS_BAD_PARAM;
  if (weights < s.count() * size_of(rnn->data) || work < work_bytes_needed || reserve < reserve_bytes(*rnn, s))
    return CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t queue_pass(cudnnHandle_t handle, const std::vector<Range>& ranges, void* work, size_t work_bytes,
                         const std::function<void()>& run) {
  const auto whole = [=] {
    std::memset(work, settings().poison, work_bytes);
    run();
  };
  const cudaError_t error = queue_library_call(handle->stream, "cuDNN", ranges, whole);
  return remember(error) == cudaSuccess ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED;
}

template <class Descriptor>
cudnnStatus_t create(const char* kind, Descriptor** descriptor) {
  const std::lock_guard guard(lock());
  *descriptor = new Descriptor{};
  handles::add(kind, *descriptor);
  return CUDNN_STATUS_SUCCESS;
}

template <class Descriptor>
cudnnStatus_t destroy(const char* kind, Descriptor* descriptor) {
  const std::lock_guard guard(lock());
  handles::remove(kind, descriptor);
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace
}  // namespace sunder::emulator

using namespace sunder::emulator;

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
      return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT:
      return "CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_EXECUTION_FAILED:
      return "CUDNN_STATUS_EXECUTION_FAILED";
    default:
      return "CUDNN_STATUS_INTERNAL_ERROR";
  }
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  const std::lock_guard guard(lock());
  if (remember(state_of_device()) != cudaSuccess || refuse_in_capture() != cudaSuccess)
    return CUDNN_STATUS_NOT_INITIALIZED;
  ++counters().allocations;
  return create("cuDNN handle", handle);
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  const std::lock_guard guard(lock());
  finish_device(current_device());
  return destroy("cuDNN handle", handle);
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  const std::lock_guard guard(lock());
  handles::check("cuDNN handle", handle);
  stream_of(stream);
  return handle->stream = stream, CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* descriptor) {
  return create("cuDNN tensor", descriptor);
}
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor) {
  return destroy("cuDNN tensor", descriptor);
}
cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t descriptor, cudnnDataType_t type, int dim,
                                         const int sizes[], const int strides[]) {
  const std::lock_guard guard(lock());
  handles::check("cuDNN tensor", descriptor);
  if (dim < 3) return CUDNN_STATUS_NOT_SUPPORTED;
  *descriptor = {type, {sizes, sizes + dim}, {strides, strides + dim}};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnGetTensorNdDescriptor(cudnnTensorDescriptor_t descriptor, int dim_requested, cudnnDataType_t* type,
                                         int* dim, int sizes[], int strides[]) {
  const std::lock_guard guard(lock());
  handles::check("cuDNN tensor", descriptor);
  *type = descriptor->type;
  *dim = static_cast<int>(descriptor->sizes.size());
  for (int k = 0; k < std::min(*dim, dim_requested); ++k) {
    sizes[k] = descriptor->sizes[k];
    strides[k] = descriptor->strides[k];
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateDropoutDescriptor(cudnnDropoutDescriptor_t* descriptor) {
  return create("cuDNN dropout", descriptor);
}
cudnnStatus_t cudnnDestroyDropoutDescriptor(cudnnDropoutDescriptor_t descriptor) {
  return destroy("cuDNN dropout", descriptor);
}
cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t descriptor, cudnnHandle_t handle, float dropout, void*,
                                        size_t, unsigned long long) {
  const std::lock_guard guard(lock());
  handles::check("cuDNN dropout", descriptor);
  handles::check("cuDNN handle", handle);
  return dropout == 0 ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED;
}

cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t* descriptor) { return create("cuDNN RNN", descriptor); }
cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t descriptor) { return destroy("cuDNN RNN", descriptor); }
cudnnStatus_t cudnnSetRNNDescriptor_v8(cudnnRNNDescriptor_t descriptor, cudnnRNNAlgo_t, cudnnRNNMode_t,
                                       cudnnRNNBiasMode_t biases, cudnnDirectionMode_t direction, cudnnRNNInputMode_t,
                                       cudnnDataType_t data, cudnnDataType_t math, cudnnMathType_t math_type,
                                       int32_t inputs, int32_t hidden, int32_t projection, int32_t layers,
                                       cudnnDropoutDescriptor_t dropout, uint32_t flags) {
  const std::lock_guard guard(lock());
  handles::check("cuDNN RNN", descriptor);
  handles::check("cuDNN dropout", dropout);
  const cudnnDataType_t expected = data == CUDNN_DATA_BFLOAT16 ? CUDNN_DATA_FLOAT : data;
  if (inputs < 1 || hidden < 1 || projection != hidden || flags != CUDNN_RNN_PADDED_IO_DISABLED)
    return CUDNN_STATUS_BAD_PARAM;
  if (math != expected || layers != 1 || biases != CUDNN_RNN_NO_BIAS) return CUDNN_STATUS_NOT_SUPPORTED;
  *descriptor = {data, data == CUDNN_DATA_FLOAT && math_type != CUDNN_FMA_MATH, inputs, hidden,
                 direction == CUDNN_BIDIRECTIONAL ? 2 : 1};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t* descriptor) {
  return create("cuDNN RNN data", descriptor);
}
cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t descriptor) {
  return destroy("cuDNN RNN data", descriptor);
}
cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t descriptor, cudnnDataType_t type, cudnnRNNDataLayout_t,
                                        int steps, int sequences, int features, const int lengths[], void*) {
  const std::lock_guard guard(lock());
  handles::check("cuDNN RNN data", descriptor);
  if (steps < 1 || sequences < 1 || features < 1) return CUDNN_STATUS_BAD_PARAM;
  for (int i = 0; i < sequences; ++i)
    if (lengths[i] != steps) return CUDNN_STATUS_NOT_SUPPORTED;
  *descriptor = {type, steps, sequences, features};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t,
                                        cudnnRNNDataDescriptor_t x, size_t* work, size_t* reserve) {
  const std::lock_guard guard(lock());
  handles::check("cuDNN handle", handle);
  *work = work_bytes_needed;
  *reserve = reserve_bytes(*rnn, sizes_of(*rnn, *x));
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, size_t* bytes) {
  const std::lock_guard guard(lock());
  handles::check("cuDNN handle", handle);
  *bytes = Layout{rnn->inputs, rnn->hidden, rnn->directions}.count() * size_of(rnn->data);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, int32_t pseudo_layer,
                                      size_t bytes, const void* weights, int32_t linear, cudnnTensorDescriptor_t matrix,
                                      void** matrix_address, cudnnTensorDescriptor_t bias, void** bias_address) {
  const std::lock_guard guard(lock());
  handles::check("cuDNN handle", handle);
  const Layout layout{rnn->inputs, rnn->hidden, rnn->directions};
  if (pseudo_layer < 0 || pseudo_layer >= rnn->directions || linear < 0 || linear > 7) return CUDNN_STATUS_BAD_PARAM;
  if (bytes < layout.count() * size_of(rnn->data)) return CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT;
  const auto address = [&](int64_t element) {
    return static_cast<char*>(const_cast<void*>(weights)) + element * size_of(rnn->data);
  };
  *matrix_address = address(layout.matrix(pseudo_layer, linear));
  *bias_address = nullptr;
  const int rows = static_cast<int>(rnn->hidden), columns = static_cast<int>(layout.columns(linear));
  *matrix = {rnn->data, {1, rows, columns}, {rows * columns, columns, 1}};
  *bias = {rnn->data, {0, 0, 0}, {0, 0, 0}};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnRNNForward(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t mode,
                              const int32_t lengths[], cudnnRNNDataDescriptor_t x_descriptor, const void* x,
                              cudnnRNNDataDescriptor_t y_descriptor, void* y, cudnnTensorDescriptor_t, const void* hx,
                              void* hy, cudnnTensorDescriptor_t, const void* cx, void* cy, size_t weight_bytes,
                              const void* weights, size_t work_bytes, void* work, size_t reserve_bytes, void* reserve) {
  const std::lock_guard guard(lock());
  const cudnnStatus_t status =
      check(handle, rnn, lengths, x_descriptor, y_descriptor, weight_bytes, work_bytes, reserve_bytes);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  if (hx || hy || cx || cy || mode != CUDNN_FWD_MODE_TRAINING) return CUDNN_STATUS_NOT_SUPPORTED;
  const Sizes s = sizes_of(*rnn, *x_descriptor);
  const size_t size = size_of(rnn->data);
  return queue_pass(handle,
                    {{x, s.rows() * s.inputs * size, "x"},
                     {y, s.rows() * s.hidden * s.directions * size, "y"},
                     {weights, weight_bytes, "weight space"},
                     {work, work_bytes, "work space"},
                     {reserve, reserve_bytes, "reserve space"}},
                    work, work_bytes, [=, r = *rnn] {
                      visit(r.data, [&]<class S>() { forward<S>(s, r.tf32, x, weights, y, reserve); });
                    });
}

cudnnStatus_t cudnnRNNBackwardData_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, const int32_t lengths[],
                                      cudnnRNNDataDescriptor_t y_descriptor, const void* y, const void* dy,
                                      cudnnRNNDataDescriptor_t x_descriptor, void* dx, cudnnTensorDescriptor_t,
                                      const void* hx, const void* dhy, void* dhx, cudnnTensorDescriptor_t,
                                      const void* cx, const void* dcy, void* dcx, size_t weight_bytes,
                                      const void* weights, size_t work_bytes, void* work, size_t reserve_bytes,
                                      void* reserve) {
  const std::lock_guard guard(lock());
  const cudnnStatus_t status =
      check(handle, rnn, lengths, x_descriptor, y_descriptor, weight_bytes, work_bytes, reserve_bytes);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  if (hx || dhy || dhx || cx || dcy || dcx) return CUDNN_STATUS_NOT_SUPPORTED;
  const Sizes s = sizes_of(*rnn, *x_descriptor);
  const size_t size = size_of(rnn->data), y_bytes = s.rows() * s.hidden * s.directions * size;
  return queue_pass(handle,
                    {{y, y_bytes, "y"},
                     {dy, y_bytes, "dy"},
                     {dx, s.rows() * s.inputs * size, "dx"},
                     {weights, weight_bytes, "weight space"},
                     {work, work_bytes, "work space"},
                     {reserve, reserve_bytes, "reserve space"}},
                    work, work_bytes, [=, r = *rnn] {
                      visit(r.data, [&]<class S>() { backward_data<S>(s, r.tf32, dy, weights, dx, reserve); });
                    });
}

cudnnStatus_t cudnnRNNBackwardWeights_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnWgradMode_t mode,
                                         const int32_t lengths[], cudnnRNNDataDescriptor_t x_descriptor, const void* x,
                                         cudnnTensorDescriptor_t, const void* hx, cudnnRNNDataDescriptor_t y_descriptor,
                                         const void* y, size_t weight_bytes, void* grad_weights, size_t work_bytes,
                                         void* work, size_t reserve_bytes, void* reserve) {
  const std::lock_guard guard(lock());
  const cudnnStatus_t status =
      check(handle, rnn, lengths, x_descriptor, y_descriptor, weight_bytes, work_bytes, reserve_bytes);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  if (hx || mode != CUDNN_WGRAD_MODE_ADD) return CUDNN_STATUS_NOT_SUPPORTED;
  const Sizes s = sizes_of(*rnn, *x_descriptor);
  const size_t size = size_of(rnn->data);
  return queue_pass(handle,
                    {{x, s.rows() * s.inputs * size, "x"},
                     {y, s.rows() * s.hidden * s.directions * size, "y"},
                     {grad_weights, weight_bytes, "weight gradients"},
                     {work, work_bytes, "work space"},
                     {reserve, reserve_bytes, "reserve space"}},
                    work, work_bytes, [=, r = *rnn] {
                      visit(r.data, [&]<class S>() { backward_weights<S>(s, r.tf32, x, y, grad_weights, reserve); });
                    });
}
