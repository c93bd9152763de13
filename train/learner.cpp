#include "train/learner.h"

#include "audio/sample_rate.h"

namespace sunder {
namespace {

cuda::GraphUse graph_use(const LearnerOptions& options) {
  if (options.graph == "on" && options.device == "cpu")
    throw UsageError("train.graph: expected auto or off on the CPU, which has no graphs, got on");
  return options.graph == "off"  ? cuda::GraphUse::off
         : options.graph == "on" ? cuda::GraphUse::required
                                 : cuda::GraphUse::where_possible;
}

// Returns the model's sample rate, where it says one.
std::optional<int> load_weights(const Parameters& parameters, const std::filesystem::path& path) {
  const std::filesystem::path folder = model_folder(path), file = model_file(path);
  const bool is_checkpoint = std::filesystem::exists(folder / "manifest.json");
  const SafeTensors model = is_checkpoint ? load_checkpoint(folder).data.model : read_safetensors(file);
  int rate = 0;
  read_metadata({number("sample_rate", &rate, lowest_sample_rate, highest_sample_rate, "Hz")}, model.metadata,
                file.string());
  parameters.load_state_dict(model.tensors, file.string());
  return rate > 0 ? std::optional(rate) : std::nullopt;
}

}  // namespace

Learner::Learner(const SeparatorConfig& network, const AdamConfig& adam, const LearnerOptions& options)
    : stream_(parse_device(options.device)),
      precision_(parse_precision(options.precision, stream_.get().device)),
      network_(network.make(precision_, stream_.get(), options.seed)),
      adam_(network_->parameters(), adam.lr, adam),
      runner_(network_->parameters(), adam_, graph_use(options)) {
  if (!options.init.empty()) initial_rate_ = load_weights(parameters(), options.init);
}

void Learner::save(CheckpointData& data) const {
  data.model.tensors = network_->parameters().state_dict();
  data.model.metadata = network_->metadata();
  data.optimizer.tensors = adam_.state_dict();
}

void Learner::load(const CheckpointData& data, const std::string& source) {
  parameters().load_state_dict(data.model.tensors, source);
  adam_.load_state_dict(data.optimizer.tensors, source);
}

}  // namespace sunder
