// The JSON report of sunder-separate (docs/separate.md).
#pragma once

#include <string>
#include <vector>

#include "programs/separate_recording.h"

namespace sunder {

struct ReportedFile {
  std::string input;
  std::optional<SeparateResult> result;  // nothing where it failed
  std::string error;
};

// Writes it, whole or not at all. Throws Error.
void write_separate_report(const SeparateOptions& options, const LoadedModel& model,
                           const std::vector<ReportedFile>& files);

}  // namespace sunder
