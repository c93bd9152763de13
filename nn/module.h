// Named parameters in one flat buffer. A network declares what it needs under the names of its reference implementation
// (a PyTorch state dict); allocate() then gives every parameter a piece of one buffer and another of the gradients'
// buffer, so that clipping and Adam are one pass each.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "autograd/variable.h"

namespace sunder {

// How a parameter starts (PyTorch's defaults for the layers used here).
struct Init {
  enum class Kind { constant, uniform } kind = Kind::constant;
  double value = 0;  // the constant, or the bound of the uniform distribution
  static Init constant(double value) { return {Kind::constant, value}; }
  // Uniform in +-1 / sqrt(fan_in): torch.nn.Conv1d and Linear, weight and bias alike.
  static Init fan_in(int64_t fan_in);
};

class Parameters {
 public:
  // A tensor of the state dict: `name` with `shape` there; `use` is the shape the network works with (as many
  // elements).
  struct Entry {
    std::string name;
    Shape shape;
    Init init;
  };

  // Declares one parameter; *slot is filled by allocate().
  void declare(Variable* slot, Entry entry, Shape use = {});
  // Declares a parameter that is several tensors of the state dict one after the other (rows of one matrix, so that one
  // product serves all of them).
  void declare_rows(Variable* slot, std::vector<Entry> entries, Shape use);

  // Makes the buffers and fills them; what a parameter starts with depends on seed and its position alone.
  void allocate(DType dtype, Stream stream, uint64_t seed);

  int64_t count() const;                                  // numbers in the state dict, padding not counted
  const Tensor& values() const { return values_; }        // (P) with padding
  const Tensor& gradients() const { return gradients_; }  // (P) with padding, always zero
  void zero_grad() const;

  // Views into the buffers by state-dict name.
  std::map<std::string, Tensor> state_dict() const { return named(values_); }
  std::map<std::string, Tensor> named(const Tensor& flat) const;
  // A declared parameter with the values that stand in its place in `copy`, (P) like values() but of any dtype.
  Variable in_copy(const Tensor& copy, const Variable& parameter) const;
  // Copies values in. Throws ModelError naming the first tensor that is missing, left over or of another shape.
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

}  // namespace sunder
