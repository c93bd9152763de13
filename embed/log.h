// What the library has to say besides statuses, for the program's own log.
#pragma once

#include <functional>
#include <string>

#include "embed/sunder.h"
#include "nn/separation_stream.h"

namespace sunder::embed {

// Nothing without sunder_set_log.
void log(sunder_log_level level, const std::string& message) noexcept;
// Whether anybody listens; texts need not be made otherwise.
bool is_logging() noexcept;

// For a stream of `sample_rate` Hz: says where its chunks meet and how well their outputs could be told apart.
std::function<void(const Seam&)> seam_log(int sample_rate);

}  // namespace sunder::embed
