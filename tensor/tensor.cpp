#include "tensor/tensor.h"

#include <cstring>
#include <functional>
#include <numeric>

#include "tensor/cuda/runtime.h"
#include "tensor/memory.h"
#include "tensor/ops/cast.h"

namespace sunder {

std::string to_string(const Shape& shape) { return fmt::format("({})", fmt::join(shape, ", ")); }

int64_t numel(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

namespace {

void check_sizes(const char* op, const Shape& shape) {
  for (int64_t size : shape)
    if (size < 0) throw_error("[{}] expected sizes of at least 0, got {}", op, to_string(shape));
}

}  // namespace

Tensor Tensor::empty(Shape shape, DType dtype, Stream stream) {
  check_sizes("empty", shape);
  Tensor tensor;
  tensor.numel_ = sunder::numel(shape);
  tensor.shape_ = std::move(shape);
  tensor.dtype_ = dtype;
  tensor.stream_ = stream;
  tensor.storage_ = allocate(tensor.bytes(), stream);
  return tensor;
}

Tensor Tensor::zeros(Shape shape, DType dtype, Stream stream) {
  Tensor tensor = empty(std::move(shape), dtype, stream);
  tensor.zero();
  return tensor;
}

Tensor Tensor::full(Shape shape, double value, DType dtype, Stream stream) {
  Tensor host = empty(std::move(shape), dtype);
  if (dtype == DType::int64) {
    std::fill_n(host.mutable_data<int64_t>(), host.numel(), static_cast<int64_t>(value));
  } else {
    visit_floating("full", dtype, [&]<class T>() { std::fill_n(host.mutable_data<T>(), host.numel(), T(value)); });
  }
  return host.to(stream);
}

Tensor Tensor::borrow(void* memory, Shape shape, DType dtype, Stream stream) {
  if (sunder::numel(shape) == 0) return empty(std::move(shape), dtype, stream);
  check_sizes("borrow", shape);
  if (!memory || reinterpret_cast<uintptr_t>(memory) % size_of(dtype) != 0)
    throw_error("[borrow] expected an address of {}-byte values, got {}", size_of(dtype), memory);
  Tensor tensor;
  tensor.numel_ = sunder::numel(shape);
  tensor.shape_ = std::move(shape);
  tensor.dtype_ = dtype;
  tensor.stream_ = stream;
  tensor.storage_ = std::shared_ptr<std::byte>(std::shared_ptr<void>(), static_cast<std::byte*>(memory));
  return tensor;
}

template <class T>
Tensor Tensor::from(std::span<const T> values, Shape shape, Stream stream) {
  Tensor host = empty(std::move(shape), dtype_of<T>);
  if (static_cast<int64_t>(values.size()) != host.numel())
    throw_error("[from] expected {} values for {}, got {}", host.numel(), to_string(host.shape()), values.size());
  if (!values.empty()) std::memcpy(host.raw(), values.data(), host.bytes());
  return host.to(stream);
}

int64_t Tensor::size(int axis) const {
  const int index = axis < 0 ? axis + dim() : axis;
  if (index < 0 || index >= dim()) throw_error("[size] expected an axis of {}, got {}", to_string(shape_), axis);
  return shape_[index];
}

std::byte* Tensor::checked(DType wanted) const {
  if (wanted != dtype_) throw_error("[data] expected {}, got {}", to_string(wanted), describe(*this));
  return raw();
}

Tensor Tensor::reshape(Shape shape) const {
  int64_t known = 1;
  int64_t* open = nullptr;
  for (int64_t& size : shape) {
    if (size >= 0) known *= size;
    else if (size == -1 && !open) open = &size;
    else throw_error("[reshape] expected sizes of at least 0 and one -1, got {}", to_string(shape));
  }
  if (open) *open = known > 0 ? numel_ / known : 0;
  if (sunder::numel(shape) != numel_)
    throw_error("[reshape] expected a shape of {} elements, got {}", numel_, to_string(shape));
  Tensor view = *this;
  view.shape_ = std::move(shape);
  return view;
}

Tensor Tensor::slice(int64_t begin, int64_t end) const {
  if (dim() < 1 || begin < 0 || end < begin || end > shape_[0])
    throw_error("[slice] expected a range of the first axis of {}, got [{}, {})", to_string(shape_), begin, end);
  Tensor view = *this;
  const int64_t row = shape_[0] > 0 ? numel_ / shape_[0] : 0;
  view.offset_ += static_cast<size_t>(begin * row) * size_of(dtype_);
  view.shape_[0] = end - begin;
  view.numel_ = (end - begin) * row;
  return view;
}

Tensor Tensor::as_complex() const {
  if (!is_real(dtype_) || dim() < 1 || shape_.back() != 2)
    throw_error("[as_complex] expected a float32 or float64 tensor with 2 as its last size, got {}", describe(*this));
  Tensor view = *this;
  view.dtype_ = complex_of(dtype_);
  view.shape_.pop_back();
  view.numel_ /= 2;
  return view;
}

Tensor Tensor::as_real() const {
  if (!is_complex(dtype_)) throw_error("[as_real] expected a complex tensor, got {}", describe(*this));
  Tensor view = *this;
  view.dtype_ = real_of(dtype_);
  view.shape_.push_back(2);
  view.numel_ *= 2;
  return view;
}

Tensor Tensor::clone() const {
  Tensor copy = empty_like(*this);
  copy.copy_from(*this);
  return copy;
}

Tensor Tensor::to(Stream stream) const {
  if (stream == stream_) return *this;
  Tensor copy = empty(shape_, dtype_, stream);
  copy.copy_from(*this);
  return copy;
}

Tensor Tensor::cast(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor result = empty(shape_, dtype, stream_);
  cast_to(*this, result);
  return result;
}

void Tensor::copy_from(const Tensor& source) const {
  if (source.shape_ != shape_ || source.dtype_ != dtype_)
    throw_error("[copy_from] expected {}, got {}", describe(*this), describe(source));
  if (numel_ == 0) return;
  if (device().is_cuda() && source.device().is_cuda() && stream_ != source.stream_)
    throw_error("[copy_from] expected tensors of one CUDA stream, or the host between two, got {} and {}",
                describe(*this), describe(source));
  if (device().is_cpu() && source.device().is_cpu()) std::memcpy(raw(), source.raw(), bytes());
  else
    cuda::copy(raw(), device(), source.raw(), source.device(), bytes(), device().is_cuda() ? stream_ : source.stream_);
}

void Tensor::zero() const {
  if (numel_ == 0) return;
  if (device().is_cpu()) std::memset(raw(), 0, bytes());
  else cuda::fill(raw(), 0, bytes(), stream_);
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Tensor host = to(cpu_device);
  const T* values = host.data<T>();
  return {values, values + numel_};
}

double Tensor::item() const {
  if (numel_ != 1) throw_error("[item] expected one element, got {}", describe(*this));
  if (dtype_ == DType::int64) return static_cast<double>(to_vector<int64_t>()[0]);
  return visit_real("item", dtype_, [&]<class T>() { return static_cast<double>(to_vector<T>()[0]); });
}

std::string describe(const Tensor& tensor) {
  if (!tensor.defined()) return "no tensor";
  return fmt::format("{} {} on {}", to_string(tensor.dtype()), to_string(tensor.shape()), to_string(tensor.device()));
}

void check_shape(const char* op, const char* name, const Tensor& tensor, const Shape& shape) {
  bool fits = tensor.defined() && tensor.shape().size() == shape.size();
  for (size_t axis = 0; fits && axis < shape.size(); ++axis)
    fits = shape[axis] < 0 || shape[axis] == tensor.shape()[axis];
  if (!fits) throw_error("[{}] expected {} of shape {}, got {}", op, name, to_string(shape), describe(tensor));
}

void check_dim(const char* op, const char* name, const Tensor& tensor, int dim) {
  if (!tensor.defined() || tensor.dim() != dim)
    throw_error("[{}] expected {} with {} axes, got {}", op, name, dim, describe(tensor));
}

void check_alike(const char* op, std::initializer_list<const Tensor*> tensors) {
  const Tensor& first = **tensors.begin();
  for (const Tensor* tensor : tensors)
    if (!tensor->defined() || tensor->dtype() != first.dtype() || tensor->stream() != first.stream())
      throw_error("[{}] expected tensors of one dtype on one stream, got {} and {}", op, describe(first),
                  describe(*tensor));
}

void check_parameters(const char* op, const Tensor& x, std::initializer_list<const Tensor*> parameters) {
  for (const Tensor* parameter : parameters)
    if (!parameter->defined() || parameter->dtype() != compute_dtype(x.dtype()) || parameter->stream() != x.stream())
      throw_error("[{}] expected parameters of {} on the stream of {}, got {}", op, to_string(compute_dtype(x.dtype())),
                  describe(x), describe(*parameter));
}

void check_tf32(const char* op, const Tensor& x, Tf32 tf32) {
  if (tf32 == Tf32::on && (x.dtype() != DType::float32 || !x.device().is_cuda()))
    throw_error("[{}] expected float32 on a CUDA device for TF32, got {}", op, describe(x));
}

template Tensor Tensor::from(std::span<const float>, Shape, Stream);
template Tensor Tensor::from(std::span<const double>, Shape, Stream);
template Tensor Tensor::from(std::span<const complex64>, Shape, Stream);
template Tensor Tensor::from(std::span<const complex128>, Shape, Stream);
template Tensor Tensor::from(std::span<const int64_t>, Shape, Stream);
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<complex64> Tensor::to_vector() const;
template std::vector<complex128> Tensor::to_vector() const;
template std::vector<int64_t> Tensor::to_vector() const;

}  // namespace sunder
