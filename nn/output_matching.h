// Which outputs of two overlapping chunks belong together.
#pragma once

#include <cstdint>
#include <vector>

namespace sunder {

struct OutputMatch {
  std::vector<int64_t> outputs;  // for each source, the chunk's output that continues it
  double confidence = 0;         // of Seam (nn/separation_stream.h)
};

// products: (S, S), the inner products of source s before with output o now over the overlap; energy: of all of both.
// The best is the largest sum of products, which is the least squared difference.
OutputMatch match_outputs(std::vector<double> products, int64_t sources, double energy);

}  // namespace sunder
