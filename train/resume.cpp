#include "train/resume.h"

namespace sunder {
namespace {

Config saved_config(const std::string& toml, const std::string& source) {
  try {
    return parse_config(toml, source + ": the configuration in the metadata");
  } catch (const Error& error) {  // a value out of range, or text that is no TOML
    throw ModelError(error.what());
  }
}

Fields counters(const TrainingState& state) {
  return fields(state.position) + state.selection.state() + state.schedule.state() + state.method.state();
}

}  // namespace

CheckpointData checkpoint_data(const TrainingState& state, const Config& config, const std::string& method_name) {
  CheckpointData data;
  state.learner.save(data);
  data.model.metadata["sample_rate"] = std::to_string(state.data.training.sample_rate);
  data.model.metadata["method"] = method_name;
  data.model.metadata["version"] = version();
  data.model.metadata["config"] = to_toml(config);
  data.state["method"] = method_name;
  DataIdentity identity = state.data;
  save_state(counters(state) + fields(identity), data.state);
  return data;
}

void restore(const TrainingState& state, const Checkpoint& checkpoint, const RunOptions& options,
             const std::string& method_name, Log& log) {
  const std::string source = checkpoint.path.string(), state_file = (checkpoint.path / "state.json").string();
  const State& saved = checkpoint.data.state;
  if (const auto method = state_value<std::string>(saved, "method", state_file); method != method_name)
    throw_error<ModelError>("{}: expected a run of {}, found one of {}", source, method_name, method);
  const auto toml = checkpoint.data.model.metadata.find("config");
  if (toml == checkpoint.data.model.metadata.end())
    throw_error<ModelError>("{}: expected the run's configuration in the model's metadata, found none", source);
  const Config before = saved_config(toml->second, (checkpoint.path / "model.safetensors").string());
  check_resumable(before, options.config, checkpoint.path);
  for (const std::string& line : compare_data(state.data, checkpoint, options.changed_data))
    log.warn("the data has changed: {}", line);
  for (const ConfigDifference& change : compare(before, options.config))
    log.info("{} was {}, is {}", change.key, change.before, change.after);
  state.learner.load(checkpoint.data, source);
  load_state(counters(state), saved, state_file);
}

void check_initial_rate(const Learner& learner, const DataIdentity& data, const RunOptions& options) {
  const int64_t rate = learner.initial_rate().value_or(data.training.sample_rate);
  if (rate != data.training.sample_rate && !options.changed_data)
    throw_error<ModelError>(
        "{}: the initial weights are of a network for {} Hz, the mixtures are of {} Hz; --changed-data accepts that",
        options.config.train.init, rate, data.training.sample_rate);
}

}  // namespace sunder
