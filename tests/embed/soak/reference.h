// What the soak separates, and what it must hear: each recording's estimates, computed once before the threads begin.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/embed/soak/samples.h"

namespace sunder::soak {

struct Recording {
  int rate;
  int64_t frames;
  std::vector<float> mixture;    // (microphones, frames), samples that int16 holds exactly
  std::vector<float> estimates;  // (sources, frames)
};

struct ModelFile {
  std::string path, bytes;
  int microphones = 0, sources = 0;
  std::vector<Recording> recordings;  // the first the shortest, the last the longest, of several chunks
};

// Writes one of each architecture to `folder`.
std::vector<ModelFile> make_models(const std::filesystem::path& folder);

// Chunks of an eighth of a second.
sunder_session_params short_chunks();

// Throws std::runtime_error, with the message of the session or else the thread, unless `status` is `expected`.
void expect(sunder_status status, sunder_status expected, const std::string& what,
            const sunder_session* session = nullptr);

}  // namespace sunder::soak
