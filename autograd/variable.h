// Reverse-mode differentiation: a Variable is a tensor and, if a gradient will flow through it, a node of the tape. A
// differentiable function (autograd/ops.h) computes its result and records a closure that maps the gradients of its
// outputs to those of its inputs. First order only.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tensor/tensor.h"

namespace sunder {

struct Node;

class Variable {
 public:
  Variable() = default;
  // A leaf. With requires_grad, backward() adds to its gradient.
  explicit Variable(Tensor value, bool requires_grad = false);

  bool defined() const { return value_.defined(); }
  const Tensor& value() const { return value_; }
  const Shape& shape() const { return value_.shape(); }
  int64_t size(int axis) const { return value_.size(axis); }
  bool requires_grad() const { return node_ != nullptr; }
  // The same node of the tape with a rounded copy of its value, e.g. the bfloat16 copy of a float32 parameter.
  // Gradients flow to the node in its own dtype.
  Variable with_value(Tensor copy) const {
    check_shape("with_value", "copy", copy, shape());
    Variable same = *this;
    same.value_ = std::move(copy);
    return same;
  }
  // The same value, detached from the tape.
  Variable detach() const { return Variable(value_); }

  // The gradient that backward() left in a leaf; not defined before. For a complex z it is dL/dRe + i dL/dIm.
  Tensor grad() const;
  // Forgets the gradient: the next backward() overwrites it.
  void zero_grad() const;
  // Makes backward() store this leaf's gradient in `storage` (a slice of an optimiser's flat buffer).
  void keep_grad_in(Tensor storage) const;

 private:
  friend struct Engine;
  Tensor value_;
  std::shared_ptr<Node> node_;  // null: no gradient flows
  int output_ = 0;              // which of the node's outputs this is
};

// Maps the gradients of a function's outputs to those of its inputs, in their order; an undefined tensor stands for
// zero. The closure captures tensors, never variables: the capture list is what the tape keeps alive.
using BackwardMany = std::function<std::vector<Tensor>(const std::vector<Tensor>& grad_outputs)>;
using Backward = std::function<std::vector<Tensor>(const Tensor& grad_output)>;

// Puts outputs on the tape, unless no input needs a gradient or a NoGrad scope is open. `op` names it in messages.
Variable record(const char* op, Tensor output, std::vector<Variable> inputs, Backward backward);
std::vector<Variable> record_many(const char* op, std::vector<Tensor> outputs, std::vector<Variable> inputs,
                                  BackwardMany backward);

// Adds the gradient of `output` to every leaf it depends on, in a fixed order, and frees the tape behind it. Without
// `grad` the output must have one element, and the gradient starts at 1. Throws Error if a closure returns a gradient
// of another shape, dtype or device than its input's.
void backward(const Variable& output, Tensor grad = {});
void backward(const std::vector<Variable>& outputs, std::vector<Tensor> grads);

// During its lifetime this thread records nothing on the tape.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

}  // namespace sunder
