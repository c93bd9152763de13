#include "nn/module.h"

#include <cmath>
#include <limits>

#include "tensor/random.h"

namespace sunder {
namespace {

constexpr int64_t alignment = 16;  // elements: every piece starts on a cache line

int64_t size_of_entries(const std::vector<Parameters::Entry>& entries) {
  int64_t total = 0;
  for (const auto& entry : entries) total += numel(entry.shape);
  return total;
}

}  // namespace

Init Init::fan_in(int64_t fan_in) { return {Kind::uniform, 1 / std::sqrt(static_cast<double>(fan_in))}; }

void check_tensor(const std::map<std::string, Tensor>& tensors, const std::string& name, const Shape& shape,
                  const std::string& source) {
  const auto found = tensors.find(name);
  if (found == tensors.end())
    throw_error<ModelError>("{}: expected a tensor {} of shape {}, found none", source, name, to_string(shape));
  if (found->second.shape() != shape || !is_real(found->second.dtype()))
    throw_error<ModelError>("{}: expected {} of shape {}, found {}", source, name, to_string(shape),
                            describe(found->second));
}

void Parameters::declare(Variable* slot, Entry entry, Shape use) {
  if (use.empty()) use = entry.shape;
  declare_rows(slot, {std::move(entry)}, std::move(use));
}

void Parameters::declare_rows(Variable* slot, std::vector<Entry> entries, Shape use) {
  SUNDER_ASSERT(size_of_entries(entries) == numel(use));
  pieces_.push_back({slot, std::move(entries), std::move(use)});
}

void Parameters::allocate(DType dtype, Stream stream, const Initialisation& initialisation) {
  if (initialisation.check)
    for (const Piece& piece : pieces_)
      for (const Entry& entry : piece.entries) initialisation.check(entry.name, entry.shape);
  int64_t total = 0;
  for (Piece& piece : pieces_) {
    piece.offset = total;
    total += (numel(piece.use) + alignment - 1) / alignment * alignment;
  }
  // Drawn in float64 on the host, so that every device and precision starts from the same numbers.
  std::vector<double> start(total, 0.0);
  uint64_t index = 0;
  for (const Piece& piece : pieces_) {
    double* at = start.data() + piece.offset;
    for (const Entry& entry : piece.entries) {
      Random random(initialisation.seed, RandomUse::initialisation, 0, index++);
      for (int64_t i = 0; i < numel(entry.shape); ++i)
        *at++ = entry.init.kind == Init::Kind::constant ? entry.init.value
                                                        : random.uniform(-entry.init.value, entry.init.value);
    }
  }
  values_ = Tensor::from(start, {total}).cast(dtype).to(stream);
  gradients_ = Tensor::zeros({total}, dtype, stream);
  for (Piece& piece : pieces_) {
    const auto view = [&](const Tensor& flat) {
      return flat.slice(piece.offset, piece.offset + numel(piece.use)).reshape(piece.use);
    };
    *piece.slot = Variable(view(values_), true);
    piece.slot->keep_grad_in(view(gradients_));
  }
}

int64_t Parameters::count() const {
  int64_t total = 0;
  for (const Piece& piece : pieces_) total += numel(piece.use);
  return total;
}

void Parameters::zero_grad() const {
  for (const Piece& piece : pieces_) piece.slot->zero_grad();
}

Variable Parameters::in_copy(const Tensor& copy, const Variable& parameter) const {
  check_shape("in_copy", "copy", copy, values_.shape());
  const auto bytes = parameter.value().raw() - values_.raw();
  const int64_t first = bytes / static_cast<int64_t>(size_of(values_.dtype()));
  return parameter.with_value(copy.slice(first, first + parameter.value().numel()).reshape(parameter.shape()));
}

std::map<std::string, Tensor> Parameters::named(const Tensor& flat) const {
  std::map<std::string, Tensor> result;
  for (const Piece& piece : pieces_) {
    int64_t at = piece.offset;
    for (const Entry& entry : piece.entries) {
      result[entry.name] = flat.slice(at, at + numel(entry.shape)).reshape(entry.shape);
      at += numel(entry.shape);
    }
  }
  return result;
}

void Parameters::load_state_dict(const std::map<std::string, Tensor>& tensors, const std::string& source) const {
  const auto own = state_dict();
  for (const auto& [name, tensor] : own) check_tensor(tensors, name, tensor.shape(), source);
  for (const auto& [name, tensor] : tensors)
    if (!own.contains(name))
      throw_error<ModelError>("{}: holds a tensor {} that the network does not have", source, name);
  std::map<std::string, Tensor> values;
  for (const auto& [name, tensor] : own) {
    values[name] = tensors.at(name).cast(tensor.dtype());
    check_values(values[name], name, source, -std::numeric_limits<double>::infinity());
  }
  for (const auto& [name, tensor] : own) tensor.copy_from(values[name].to(tensor.stream()));
}

void check_values(const Tensor& tensor, const std::string& name, const std::string& source, double least) {
  const Tensor values = tensor.to(cpu_device);
  const auto check = [&]<class T>(const T* value) {
    for (int64_t i = 0; i < values.numel(); ++i) {
      const auto number = static_cast<double>(value[i]);
      if (!std::isfinite(number) || number < least)
        throw_error<ModelError>("{}: expected finite numbers{} in the tensor {}, found {} at {}", source,
                                least == 0 ? " of at least 0" : "", name, number, i);
    }
  };
  if (values.dtype() == DType::int64) check(values.data<int64_t>());
  else visit_real("check_values", values.dtype(), [&]<class T>() { check(values.data<T>()); });
}

}  // namespace sunder
