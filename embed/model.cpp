#include "embed/model.h"

#include <atomic>

#include "embed/log.h"
#include "embed/status.h"
#include "tensor/blas.h"
#include "tensor/memory.h"
#include "tensor/parallel.h"

namespace sunder::embed {
namespace {

std::atomic<int64_t> guests = 0;

constexpr sunder_model_params no_params = SUNDER_MODEL_PARAMS_INIT;

struct Loaded {
  Guest guest;  // goes after the weights
  LoadedModel model;
};

std::map<std::string, std::string> given_metadata(const sunder_model_params& params) {
  if (params.metadata_count > 0 && !params.metadata) bad_argument("params->metadata: expected an array, got NULL");
  std::map<std::string, std::string> given;
  for (size_t i = 0; i < params.metadata_count; ++i) {
    const std::string pair = params.metadata[i] ? params.metadata[i] : "";
    const size_t equals = pair.find('=');
    if (equals == std::string::npos)
      bad_argument(fmt::format("params->metadata[{}]: expected \"KEY=VALUE\", got \"{}\"", i, pair));
    given[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return given;
}

std::string described(const std::string& source, const LoadedModel& model) {
  const Separator& network = *model.separator;
  const int64_t microphones = network.microphones();
  return fmt::format("{}: {}, {} sources of {} channel{} at {} Hz, {} parameters", source,
                     network.metadata().at("architecture"), network.sources(), microphones, microphones == 1 ? "" : "s",
                     model.sample_rate, network.parameters().count());
}

// load: makes the model of `source` from the parameters.
template <class Load>
sunder_status load_with(const char* source, const sunder_model_params* given, sunder_model** model, const Load& load) {
  if (model) *model = nullptr;
  return guarded([&] {
    if (!model) bad_argument("model: expected where to store it, got NULL");
    const sunder_model_params params = known_part(given, no_params, "params");
    const Stream stream = parse_device(params.device ? params.device : "cpu");
    const Precision precision = parse_precision(params.precision ? params.precision : "fp32", stream.device);
    if (stream.device.is_cpu()) blas::core_name();  // loads it, so that no session fails for want of it
    auto loaded = std::make_shared<Loaded>();
    loaded->model = load(params.architecture ? params.architecture : "", precision, stream, given_metadata(params));
    const std::string text = is_logging() ? described(source, loaded->model) : "";
    *model = new sunder_model{{loaded, &loaded->model}};
    if (!text.empty()) log(SUNDER_LOG_INFO, text);
  });
}

}  // namespace

Guest::Guest() {
  if (guests++ == 0) set_num_threads(1);  // sessions ask for more
}
Guest::~Guest() {
  if (--guests > 0) return;
  stop_threads();
  release_cached_memory(cpu_device);
}

}  // namespace sunder::embed

using namespace sunder;
using namespace sunder::embed;

sunder_status sunder_model_load(const char* path, const sunder_model_params* params, sunder_model** model) {
  const auto load = [&](const char* architecture, Precision precision, Stream stream, const auto& given) {
    if (!path) bad_argument("path: expected the name of a file or folder, got NULL");
    return load_separator(path, architecture, precision, stream, given);
  };
  return load_with(path, params, model, load);
}

sunder_status sunder_model_load_memory(const void* bytes, size_t size, const sunder_model_params* params,
                                       sunder_model** model) {
  const char* source = "model in memory";
  const auto load = [&](const char* architecture, Precision precision, Stream stream, const auto& given) {
    if (!bytes) bad_argument("bytes: expected a model file's bytes, got NULL");
    SafeTensors file = parse_safetensors({static_cast<const std::byte*>(bytes), size}, source);
    return load_separator(std::move(file), source, architecture, precision, stream, given);
  };
  return load_with(source, params, model, load);
}

void sunder_model_free(sunder_model* model) { delete model; }

int sunder_model_sources(const sunder_model* model) {
  return model ? static_cast<int>(model->shared->separator->sources()) : 0;
}
int sunder_model_microphones(const sunder_model* model) {
  return model ? static_cast<int>(model->shared->separator->microphones()) : 0;
}
int sunder_model_sample_rate(const sunder_model* model) { return model ? model->shared->sample_rate : 0; }
int64_t sunder_model_shortest(const sunder_model* model) {
  return model ? model->shared->separator->shortest_input() : 0;
}

const char* sunder_model_metadata(const sunder_model* model, const char* key) {
  if (!model || !key) return nullptr;
  const auto& metadata = model->shared->metadata;
  const auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : found->second.c_str();
}
