// A contiguous, row-major array on one device. A Tensor is a handle: copies share memory. A view is a range of the
// first axis or another shape. Tensor has no gradients (autograd/variable.h has).
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/device.h"
#include "tensor/dtype.h"

namespace sunder {

using Shape = std::vector<int64_t>;

std::string to_string(const Shape& shape);  // "(2, 3)"
int64_t numel(const Shape& shape);

class Tensor {
 public:
  Tensor() = default;  // no tensor; defined() is false

  // Uninitialised memory on `stream`. Throws OutOfMemory, or Error for a negative size.
  static Tensor empty(Shape shape, DType dtype, Stream stream = cpu_device);
  static Tensor zeros(Shape shape, DType dtype, Stream stream = cpu_device);
  static Tensor full(Shape shape, double value, DType dtype, Stream stream = cpu_device);
  // Same shape, dtype and stream as `like`, uninitialised.
  static Tensor empty_like(const Tensor& like) { return empty(like.shape(), like.dtype(), like.stream()); }
  static Tensor zeros_like(const Tensor& like) { return zeros(like.shape(), like.dtype(), like.stream()); }
  // `memory` as it is, on the stream's device: nothing is copied or freed, and the caller keeps it as long as a tensor
  // or view of it is used. Throws Error unless it is aligned to the dtype, and for null unless there are no elements.
  static Tensor borrow(void* memory, Shape shape, DType dtype, Stream stream = cpu_device);
  // A copy of host values.
  template <class T>
  static Tensor from(std::span<const T> values, Shape shape, Stream stream = cpu_device);
  template <class T>
  static Tensor from(const std::vector<T>& values, Shape shape, Stream stream = cpu_device) {
    return from(std::span<const T>(values), std::move(shape), stream);
  }

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int dim() const { return static_cast<int>(shape_.size()); }
  int64_t size(int axis) const;  // negative axes count from the last
  int64_t numel() const { return numel_; }
  size_t bytes() const { return static_cast<size_t>(numel_) * size_of(dtype_); }
  DType dtype() const { return dtype_; }
  Stream stream() const { return stream_; }
  Device device() const { return stream_.device; }

  // The elements, on the tensor's device. Throws if T is not the dtype.
  template <class T>
  const T* data() const {
    return reinterpret_cast<const T*>(checked(dtype_of<T>));
  }
  template <class T>
  T* mutable_data() const {
    return reinterpret_cast<T*>(checked(dtype_of<T>));
  }
  std::byte* raw() const { return storage_.get() + offset_; }

  // Views. One size of a new shape may be -1.
  Tensor reshape(Shape shape) const;
  Tensor slice(int64_t begin, int64_t end) const;  // [begin, end) of the first axis
  Tensor as_complex() const;                       // (..., 2) real -> (...) complex: real part, imaginary part
  Tensor as_real() const;                          // (...) complex -> (..., 2) real

  // Copies. `to` and `cast` return the tensor itself where nothing changes. `cast`: between real types (bfloat16
  // included), or between complex types.
  Tensor clone() const;
  Tensor to(Stream stream) const;
  Tensor cast(DType dtype) const;
  void copy_from(const Tensor& source) const;  // same shape and dtype; host and device, or within one stream
  void zero() const;

  template <class T>
  std::vector<T> to_vector() const;
  double item() const;  // the value of a tensor of one real element

 private:
  std::byte* checked(DType wanted) const;

  std::shared_ptr<std::byte> storage_;
  size_t offset_ = 0;
  Shape shape_;
  int64_t numel_ = 0;
  DType dtype_ = DType::float32;
  Stream stream_;
};

// Memory for the gradient of a parameter, in its compute type also where `parameter` is a bfloat16 copy.
inline Tensor empty_gradient(const Tensor& parameter) {
  return Tensor::empty(parameter.shape(), compute_dtype(parameter.dtype()), parameter.stream());
}

std::string describe(const Tensor& tensor);  // "float32 (2, 3) on cpu", for messages

// Throws "[op] expected `name` of ..., got ..." unless the shape matches; -1 in `shape` stands for any size.
void check_shape(const char* op, const char* name, const Tensor& tensor, const Shape& shape);
void check_dim(const char* op, const char* name, const Tensor& tensor, int dim);
// Throws unless all have one dtype and one stream.
void check_alike(const char* op, std::initializer_list<const Tensor*> tensors);
// Throws unless all are on x's stream and of x's compute type.
void check_parameters(const char* op, const Tensor& x, std::initializer_list<const Tensor*> parameters);
// Throws unless TF32 is off or x is float32 on a CUDA device.
void check_tf32(const char* op, const Tensor& x, Tf32 tf32);

}  // namespace sunder
