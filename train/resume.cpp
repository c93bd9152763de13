#include "train/resume.h"

namespace sunder {

bool belongs_to(const Checkpoint& checkpoint, const std::filesystem::path& run_folder) {
  std::error_code none;
  return std::filesystem::equivalent(checkpoint.path.parent_path(), run_folder / "checkpoints", none);
}

CheckpointData checkpoint_data(const TrainingState& state, const Config& config, const std::string& method_name,
                               int sample_rate) {
  CheckpointData data;
  state.learner.save(data);
  data.model.metadata["sample_rate"] = std::to_string(sample_rate);
  data.model.metadata["method"] = method_name;
  data.model.metadata["version"] = version();
  data.model.metadata["config"] = to_toml(config);
  data.state["method"] = method_name;
  save_state(fields(state.position) + state.selection.state() + state.method.state(), data.state);
  return data;
}

void restore(const TrainingState& state, const Checkpoint& checkpoint, const Config& config,
             const std::string& method_name, Log& log) {
  const std::string source = checkpoint.path.string();
  const State& saved = checkpoint.data.state;
  if (const auto method = state_value<std::string>(saved, "method"); method != method_name)
    throw_error<ModelError>("{}: expected a run of {}, found one of {}", source, method_name, method);
  const auto toml = checkpoint.data.model.metadata.find("config");
  if (toml == checkpoint.data.model.metadata.end())
    throw_error<ModelError>("{}: expected the run's configuration in the model's metadata, found none", source);
  const Config before = parse_config(toml->second, source);
  check_resumable(before, config, checkpoint.path);
  for (const ConfigDifference& change : compare(before, config))
    log.info("{} was {}, is {}", change.key, change.before, change.after);
  state.learner.load(checkpoint.data, source);
  load_state(fields(state.position) + state.selection.state() + state.method.state(), saved);
  state.learner.adam().set_learning_rate(state.selection.learning_rate());
}

}  // namespace sunder
