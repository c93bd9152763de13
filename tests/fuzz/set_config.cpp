// A mixture set's set.toml (audio/sets/mixture_list.h): values within their ranges, the same when they are written and
// read again.
#include <cmath>

#include "audio/sets/mixture_list.h"
#include "contract.h"

namespace sunder {
namespace {

void check(const SetConfig& config) {
  SUNDER_PROMISE(config.sample_rate >= 1 && config.window >= 2 && config.window <= INT32_MAX);
  SUNDER_PROMISE(config.num_sources >= 2 && config.num_sources <= 16);
  SUNDER_PROMISE(!config.noise_floor_db || std::isfinite(*config.noise_floor_db));
  const auto copy = fuzz::output_folder() / "set.toml";
  write_set_config(copy, config);
  const SetConfig again = read_set_config(copy);
  SUNDER_PROMISE(again.rule == config.rule && again.corpus == config.corpus && again.seed == config.seed);
  SUNDER_PROMISE(again.sample_rate == config.sample_rate && again.window == config.window);
  SUNDER_PROMISE(again.num_sources == config.num_sources && again.channels == config.channels);
  SUNDER_PROMISE(again.noise_floor_db == config.noise_floor_db);
}

}  // namespace
}  // namespace sunder

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sunder;
  const fuzz::TimeLimit limit;
  const auto path = fuzz::memory_file(fuzz::text(data, size));
  if (const auto config = fuzz::accepted<InputError>(read_set_config, path)) check(*config);
  return 0;
}
