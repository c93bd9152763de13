#include "nn/mask_generator.h"

#include "autograd/ops.h"

namespace sunder {
namespace {

const std::string prefix = "mask_generator.";

}  // namespace

MaskGeneratorSizes read_mask_generator(const SafeTensors& file, const std::string& source, const std::string& network,
                                       int64_t usual_layers) {
  const auto shaped = [&](const std::string& name) -> const Tensor& {
    return named_tensor(file, source, prefix + name, 3, network);
  };
  const Tensor &input = shaped("input_conv.weight"), &output = shaped("output_conv.weight");
  const Tensor& depthwise = shaped("conv_layers.0.conv_layers.3.weight");
  MaskGeneratorSizes sizes{.inputs = input.size(1),
                           .outputs = output.size(0),
                           .num_feats = input.size(0),
                           .num_hidden = depthwise.size(0),
                           .kernel_size = depthwise.size(2),
                           .num_layers = 0,
                           .num_stacks = 0};
  int64_t blocks = 0;
  while (file.tensors.contains(fmt::format("{}conv_layers.{}.conv_layers.0.weight", prefix, blocks))) ++blocks;
  read_metadata(block_fields(sizes), file.metadata, source);
  const bool knows_stacks = file.metadata.contains("num_stacks");
  if (!file.metadata.contains("num_layers"))
    sizes.num_layers = knows_stacks                 ? std::max<int64_t>(1, blocks / sizes.num_stacks)
                       : blocks % usual_layers == 0 ? usual_layers
                                                    : std::max<int64_t>(1, blocks);
  if (!knows_stacks) sizes.num_stacks = std::max<int64_t>(1, blocks / sizes.num_layers);
  if (sizes.num_layers * sizes.num_stacks != blocks)
    throw_error<ModelError>("{}: expected num_layers x num_stacks = {} blocks, got {} x {}", source, blocks,
                            sizes.num_layers, sizes.num_stacks);
  return sizes;
}

void MaskGenerator::declare(const MaskGeneratorSizes& sizes, const std::string& architecture, Parameters& parameters) {
  if (sizes.kernel_size % 2 == 0)
    throw_error<UsageError>("{}: kernel_size: expected an odd number, got {}", architecture, sizes.kernel_size);
  const int64_t inputs = sizes.inputs, outputs = sizes.outputs, feats = sizes.num_feats;
  const Init one = Init::constant(1), zero = Init::constant(0);
  parameters.declare(&input_gain_, {prefix + "input_norm.weight", {inputs}, one});
  parameters.declare(&input_shift_, {prefix + "input_norm.bias", {inputs}, zero});
  parameters.declare(&input_weight_, {prefix + "input_conv.weight", {feats, inputs, 1}, Init::fan_in(inputs)},
                     {feats, inputs});
  parameters.declare(&input_bias_, {prefix + "input_conv.bias", {feats}, Init::fan_in(inputs)});
  blocks_.resize(sizes.num_stacks * sizes.num_layers);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].dilation = int64_t{1} << (i % sizes.num_layers);
    declare_block(blocks_[i], sizes, prefix + "conv_layers." + std::to_string(i) + ".", i + 1 < blocks_.size(),
                  parameters);
  }
  parameters.declare(&output_slope_, {prefix + "output_prelu.weight", {1}, Init::constant(0.25)});
  parameters.declare(&output_weight_, {prefix + "output_conv.weight", {outputs, feats, 1}, Init::fan_in(feats)},
                     {outputs, feats});
  parameters.declare(&output_bias_, {prefix + "output_conv.bias", {outputs}, Init::fan_in(feats)});
}

void MaskGenerator::declare_block(Block& block, const MaskGeneratorSizes& sizes, const std::string& outer,
                                  bool residual, Parameters& parameters) {
  const int64_t feats = sizes.num_feats, hidden = sizes.num_hidden, kernel = sizes.kernel_size;
  const std::string inner = outer + "conv_layers.";
  const Init one = Init::constant(1), zero = Init::constant(0), slope = Init::constant(0.25);
  parameters.declare(&block.in_weight, {inner + "0.weight", {hidden, feats, 1}, Init::fan_in(feats)}, {hidden, feats});
  parameters.declare(&block.in_bias, {inner + "0.bias", {hidden}, Init::fan_in(feats)});
  parameters.declare(&block.in_slope, {inner + "1.weight", {1}, slope});
  parameters.declare(&block.in_gain, {inner + "2.weight", {hidden}, one});
  parameters.declare(&block.in_shift, {inner + "2.bias", {hidden}, zero});
  parameters.declare(&block.conv_weight, {inner + "3.weight", {hidden, 1, kernel}, Init::fan_in(kernel)});
  parameters.declare(&block.conv_bias, {inner + "3.bias", {hidden}, Init::fan_in(kernel)});
  parameters.declare(&block.conv_slope, {inner + "4.weight", {1}, slope});
  parameters.declare(&block.conv_gain, {inner + "5.weight", {hidden}, one});
  parameters.declare(&block.conv_shift, {inner + "5.bias", {hidden}, zero});
  std::vector<Parameters::Entry> weights, biases;
  for (const char* path : {"res_out", "skip_out"}) {
    if (!residual && path == std::string("res_out")) continue;
    weights.push_back({outer + path + ".weight", {feats, hidden, 1}, Init::fan_in(hidden)});
    biases.push_back({outer + path + ".bias", {feats}, Init::fan_in(hidden)});
  }
  const int64_t rows = feats * static_cast<int64_t>(weights.size());
  parameters.declare_rows(&block.out_weight, weights, {rows, hidden});
  parameters.declare_rows(&block.out_bias, biases, {rows});
}

Variable MaskGenerator::logits(const Variable& features, const Parameters& parameters,
                               const Precision& precision) const {
  // Products read weights in the activations' dtype: one cast for all of them, a no-op where the dtypes agree.
  const Tensor matrices = parameters.values().cast(precision.activations);
  const auto matrix = [&](const Variable& weight) { return parameters.in_copy(matrices, weight); };
  const Tf32 tf32 = precision.tf32;
  Variable x = linear(global_norm(features, input_gain_, input_shift_), matrix(input_weight_), input_bias_, tf32);
  Variable skip;
  for (const Block& block : blocks_) {
    const bool residual = &block != &blocks_.back();
    const std::vector<Variable> sums =
        conv_block({x, matrix(block.in_weight), block.in_bias, block.in_slope, block.in_gain, block.in_shift,
                    block.conv_weight, block.conv_bias, block.conv_slope, block.conv_gain, block.conv_shift,
                    matrix(block.out_weight), block.out_bias, skip},
                   {block.dilation, residual, tf32});
    if (residual) x = sums[0];
    skip = sums.back();
  }
  return linear(prelu(skip, output_slope_), matrix(output_weight_), output_bias_, tf32);
}

}  // namespace sunder
