// The chunks, pages and frames of sound files (audio/containers), without the decoder behind them: a file passes, or
// the error names it. Each beginning of the file is looked at too.
#include "audio/containers/container.h"

#include "contract.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sunder;
  const fuzz::TimeLimit limit;
  const auto passes = [](const std::filesystem::path& path) {
    return !check_container(InputFile(path), Depth::whole).streams.empty();
  };
  for (const size_t part : {size, size - size / 8, size / 2})
    fuzz::accepted<InputError>(passes, fuzz::memory_file(fuzz::text(data, part)));
  return 0;
}
