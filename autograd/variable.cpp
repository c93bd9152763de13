#include "autograd/variable.h"

#include <atomic>
#include <map>

#include "tensor/ops/accumulate.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/copy_all.h"

namespace sunder {

struct Node {
  struct Like {  // what a gradient of an output has to look like
    Shape shape;
    DType dtype;
    Stream stream;
  };
  const char* op = "leaf";
  uint64_t order = 0;  // when it was made: a node's inputs have smaller numbers
  std::vector<Like> outputs;
  std::vector<std::pair<std::shared_ptr<Node>, int>> inputs;  // null where no gradient is wanted
  BackwardMany backward;                                      // empty for a leaf
  Tensor grad;                                                // of a leaf
  bool has_storage = false;                                   // its memory is the caller's (keep_grad_in)
  bool grad_is_fresh = true;                                  // a leaf's gradient holds nothing yet
};

namespace {

std::atomic<uint64_t> next_order = 1;
thread_local bool recording = true;

std::shared_ptr<Node> make_node(const char* op, const std::vector<Tensor>& outputs) {
  auto node = std::make_shared<Node>();
  node->op = op;
  node->order = next_order++;
  for (const Tensor& output : outputs) node->outputs.push_back({output.shape(), output.dtype(), output.stream()});
  return node;
}

void check_gradient(const char* op, const Node::Like& like, const Tensor& grad) {
  if (grad.shape() != like.shape || grad.dtype() != like.dtype || grad.stream() != like.stream)
    throw_error("[{}] expected a gradient {} {} on {}, got {}", op, to_string(like.dtype), to_string(like.shape),
                to_string(like.stream.device), describe(grad));
}

// A gradient on its way to a node; `owned` once the engine has made the tensor itself and may add to it in place.
struct Pending {
  Tensor grad;
  bool owned = false;

  void add(const Tensor& more) {
    if (!grad.defined()) {
      grad = more;
      return;
    }
    if (owned) accumulate(grad, more);
    else grad = sunder::add(grad, more);
    owned = true;
  }
};

// The first gradients of leaves with storage of the caller's. A network has a hundred of them, most of them small, so
// they are copied together at the end.
struct Copies {
  std::vector<Tensor> from, to;
};

void add_to_leaf(Node& leaf, const Tensor& grad, Copies& copies) {
  if (leaf.has_storage && leaf.grad_is_fresh) {
    copies.from.push_back(grad);
    copies.to.push_back(leaf.grad);
  } else if (leaf.has_storage) {
    accumulate(leaf.grad, grad);
  } else if (leaf.grad_is_fresh) {
    leaf.grad = grad;
  } else {
    Tensor sum = leaf.grad.clone();  // the tensor may be another leaf's gradient, too
    accumulate(sum, grad);
    leaf.grad = sum;
  }
  leaf.grad_is_fresh = false;
}

}  // namespace

struct Engine {
  static Variable wrap(Tensor value, std::shared_ptr<Node> node, int output) {
    Variable variable(std::move(value));
    variable.node_ = std::move(node);
    variable.output_ = output;
    return variable;
  }

  static std::vector<Variable> record(const char* op, std::vector<Tensor> outputs, const std::vector<Variable>& inputs,
                                      BackwardMany backward) {
    bool wanted = false;
    for (const Variable& input : inputs) wanted |= input.requires_grad();
    std::shared_ptr<Node> node;
    if (wanted && recording) {
      node = make_node(op, outputs);
      node->backward = std::move(backward);
      for (const Variable& input : inputs) node->inputs.emplace_back(input.node_, input.output_);
    }
    std::vector<Variable> result;
    for (size_t i = 0; i < outputs.size(); ++i)
      result.push_back(wrap(std::move(outputs[i]), node, static_cast<int>(i)));
    return result;
  }

  static void backward(const std::vector<Variable>& outputs, std::vector<Tensor> grads) {
    SUNDER_ASSERT(outputs.size() == grads.size());
    // Newest first: every consumer of a node is newer than it, so its gradient is complete when its turn comes.
    struct Entry {
      std::shared_ptr<Node> node;
      std::vector<Pending> grads;
    };
    std::map<uint64_t, Entry, std::greater<>> waiting;
    Copies copies;
    const auto send = [&](const std::shared_ptr<Node>& node, int index, const Tensor& value) {
      Entry& entry = waiting[node->order];
      entry.node = node;
      entry.grads.resize(node->outputs.size());
      entry.grads[index].add(value);
    };
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Variable& output = outputs[i];
      if (!output.requires_grad())
        throw_error("[backward] expected an output that depends on a leaf with requires_grad");
      if (!grads[i].defined()) {
        if (output.value().numel() != 1)
          throw_error("[backward] expected one element or a gradient to start from, got {}", describe(output.value()));
        grads[i] = Tensor::full(output.shape(), 1, output.value().dtype(), output.value().stream());
      }
      check_gradient("backward", output.node_->outputs[output.output_], grads[i]);
      send(output.node_, output.output_, std::move(grads[i]));
    }
    while (!waiting.empty()) {
      Entry entry = std::move(waiting.extract(waiting.begin()).mapped());
      Node& node = *entry.node;
      if (node.inputs.empty() && !node.backward) {
        add_to_leaf(node, entry.grads[0].grad, copies);
        continue;
      }
      if (!node.backward) throw_error("[{}] expected a tape that has not been used: backward() frees it", node.op);
      std::vector<Tensor> grad_outputs;
      for (Pending& pending : entry.grads) grad_outputs.push_back(std::move(pending.grad));
      const std::vector<Tensor> grad_inputs = node.backward(grad_outputs);
      node.backward = nullptr;  // frees what the closure captured
      SUNDER_ASSERT(grad_inputs.size() == node.inputs.size());
      for (size_t i = 0; i < grad_inputs.size(); ++i) {
        const auto& [input, index] = node.inputs[i];
        if (!input || !grad_inputs[i].defined()) continue;
        check_gradient(node.op, input->outputs[index], grad_inputs[i]);
        send(input, index, grad_inputs[i]);
      }
    }
    copy_all(copies.from, copies.to);
  }

  static Node& leaf(const Variable& variable) {
    if (!variable.node_ || variable.node_->op != std::string_view("leaf"))
      throw_error("[grad] expected a leaf with requires_grad, got {}", describe(variable.value_));
    return *variable.node_;
  }
};

Variable::Variable(Tensor value, bool requires_grad) : value_(std::move(value)) {
  if (requires_grad) node_ = make_node("leaf", {value_});
}

Tensor Variable::grad() const {
  const Node& leaf = Engine::leaf(*this);
  return leaf.grad_is_fresh ? Tensor() : leaf.grad;
}

void Variable::zero_grad() const { Engine::leaf(*this).grad_is_fresh = true; }

void Variable::keep_grad_in(Tensor storage) const {
  check_gradient("keep_grad_in", Engine::leaf(*this).outputs[0], storage);
  Engine::leaf(*this).grad = std::move(storage);
  Engine::leaf(*this).has_storage = true;
  Engine::leaf(*this).grad_is_fresh = true;
}

std::vector<Variable> record_many(const char* op, std::vector<Tensor> outputs, std::vector<Variable> inputs,
                                  BackwardMany backward) {
  return Engine::record(op, std::move(outputs), inputs, std::move(backward));
}

Variable record(const char* op, Tensor output, std::vector<Variable> inputs, Backward backward) {
  return Engine::record(op, {std::move(output)}, inputs,
                        [f = std::move(backward)](const std::vector<Tensor>& grads) { return f(grads[0]); })[0];
}

void backward(const Variable& output, Tensor grad) { Engine::backward({output}, {std::move(grad)}); }
void backward(const std::vector<Variable>& outputs, std::vector<Tensor> grads) {
  Engine::backward(outputs, std::move(grads));
}

NoGrad::NoGrad() : before_(recording) { recording = false; }
NoGrad::~NoGrad() { recording = before_; }

}  // namespace sunder
