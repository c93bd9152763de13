// Weights of other projects (nn/foreign_model.h): refused with a message that names the file, or a model of Sunder's
// that is the same when it is written and loaded.
#include "nn/foreign_model.h"

#include <cmath>
#include <cstring>

#include "contract.h"
#include "nn/architectures.h"
#include "nn/foreign_projects.h"
#include "nn/separation.h"
#include "tensor/memory.h"

namespace sunder {
namespace {

constexpr int64_t samples = 300;
constexpr size_t work_memory = 64 << 20;

// Nothing where the session's memory does not suffice or the estimates are not finite.
std::optional<Tensor> separated(const Separator& network) {
  const Arena arena(cpu_device, work_memory);
  const Arena::Scope scope(arena);
  const int64_t microphones = network.microphones();
  const Tensor mixture = Tensor::empty({microphones * samples}, DType::float32);
  for (int64_t i = 0; i < mixture.numel(); ++i)
    mixture.mutable_data<float>()[i] = static_cast<float>(std::sin(0.37 * static_cast<double>(i * i % 997)));
  try {
    return separate_batch(
        network, microphones == 1 ? mixture.reshape({1, samples}) : mixture.reshape({1, microphones, samples}));
  } catch (const OutOfMemory&) {
  } catch (const Error& error) {
    SUNDER_PROMISE(std::string_view(error.what()).find("not finite") != std::string_view::npos);
  }
  return std::nullopt;
}

void check(const ForeignModel& model) {
  const std::optional<Tensor> estimates = separated(*model.separator);
  const auto copy = fuzz::output_folder() / "imported.safetensors";
  write_safetensors(copy, model.separator->parameters().state_dict(), model.metadata);
  const LoadedModel again = load_separator(copy, "", parse_precision("fp32", cpu_device), cpu_device);
  const std::optional<Tensor> others = separated(*again.separator);
  SUNDER_PROMISE(estimates.has_value() == others.has_value());
  SUNDER_PROMISE(!estimates || std::memcmp(estimates->raw(), others->raw(), estimates->bytes()) == 0);
}

}  // namespace
}  // namespace sunder

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sunder;
  const fuzz::TimeLimit limit;
  const auto path = fuzz::memory_file(fuzz::text(data, size));
  const auto file = fuzz::accepted<ModelError>(read_safetensors_and_others, path);
  if (!file) return 0;
  for (const std::string& project : foreign_projects()) {
    const auto import = [&](const std::filesystem::path& source) {
      return foreign_model(*file, source.string(), project);
    };
    if (const auto model = fuzz::accepted<ModelError>(import, path)) check(*model);
  }
  return 0;
}
