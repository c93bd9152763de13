// Named parameters in one flat buffer. A network declares its parameters under the names of its reference
// implementation (a PyTorch state dict). allocate() makes every parameter a view into one buffer and its gradient a
// view into another, so that clipping and Adam are one pass each.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "autograd/variable.h"

namespace sunder {

// Initialisation of a parameter (PyTorch's defaults for the layers used here).
struct Init {
  enum class Kind { constant, uniform } kind = Kind::constant;
  double value = 0;  // the constant, or the bound of the uniform distribution
  static Init constant(double value) { return {Kind::constant, value}; }
  // Uniform in +-1 / sqrt(fan_in): weights and biases of torch.nn.Conv1d and Linear.
  static Init fan_in(int64_t fan_in);
};

// How parameters begin: with values drawn from the seed. `check` (may be empty) is told the name and shape of each
// tensor of the state dict before memory is taken for any of them, and throws where a model file does not hold it.
struct Initialisation {
  Initialisation(uint64_t from, std::function<void(const std::string&, const Shape&)> checked_by = {})
      : seed(from), check(std::move(checked_by)) {}
  uint64_t seed;
  std::function<void(const std::string& name, const Shape& shape)> check;
};

// Throws ModelError "<source>: ..." unless `tensors` holds real numbers of that name and shape.
void check_tensor(const std::map<std::string, Tensor>& tensors, const std::string& name, const Shape& shape,
                  const std::string& source);

class Parameters {
 public:
  // A tensor of the state dict, by its name and shape there. `use`, below, is the shape that the network works with
  // (the same number of elements).
  struct Entry {
    std::string name;
    Shape shape;
    Init init;
  };

  // Declares one parameter; *slot is filled by allocate().
  void declare(Variable* slot, Entry entry, Shape use = {});
  // Declares a parameter that concatenates several tensors of the state dict (rows of one matrix, so that one product
  // computes all of them).
  void declare_rows(Variable* slot, std::vector<Entry> entries, Shape use);

  // Allocates and initialises the buffers. Initial values depend only on the seed and the parameter's position.
  void allocate(DType dtype, Stream stream, const Initialisation& initialisation);

  int64_t count() const;                                  // elements of the state dict, without padding
  const Tensor& values() const { return values_; }        // (P) with padding
  const Tensor& gradients() const { return gradients_; }  // (P) with padding, which is always zero
  void zero_grad() const;

  // Views into the buffers by state-dict name.
  std::map<std::string, Tensor> state_dict() const { return named(values_); }
  std::map<std::string, Tensor> named(const Tensor& flat) const;
  // A declared parameter with its values taken from `copy`: (P) like values(), of any dtype.
  Variable in_copy(const Tensor& copy, const Variable& parameter) const;
  // Copies values in. Throws ModelError naming the first tensor that is missing, unexpected, of another shape or not
  // finite.
  void load_state_dict(const std::map<std::string, Tensor>& tensors, const std::string& source) const;

 private:
  struct Piece {
    Variable* slot;
    std::vector<Entry> entries;
    Shape use;
    int64_t offset = 0;
  };
  std::vector<Piece> pieces_;
  Tensor values_, gradients_;
};

// Throws ModelError "<source>: ..." naming the tensor and the first of its values that is not finite or is below
// `least`.
void check_values(const Tensor& tensor, const std::string& name, const std::string& source, double least);

}  // namespace sunder
