// Estimates of a whole recording on the disk, until it is known which of them belong together.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "audio/output_activity.h"
#include "files/file_descriptor.h"

namespace sunder {

class EstimateSpool {
 public:
  // Keeps 4 bytes a sample of each of `outputs` signals in a file without a name. Throws Error where it cannot be made.
  EstimateSpool(int64_t outputs, int sample_rate);

  // The next samples of each, as many of all. Throws Error where the disk is full.
  void push(const std::vector<std::vector<float>>& outputs);
  const OutputActivity& activity() const { return activity_; }

  // Gives the sums of the outputs of each group, from the beginning on, block by block.
  void read_sums(const std::vector<std::vector<int64_t>>& groups,
                 const std::function<void(const std::vector<std::vector<float>>& sums)>& take) const;

 private:
  int64_t outputs_, samples_ = 0;
  OutputActivity activity_;
  FileDescriptor file_;  // frame by frame
};

}  // namespace sunder
