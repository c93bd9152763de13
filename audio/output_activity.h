// Which outputs of a separator hold a voice, and which of them hold parts of one: by their levels over time alone,
// without references. A rule of thumb, made for networks with more outputs than voices (MixIT).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace sunder {

// How many voices somebody asks for: a whole number from 1 on; nothing for every other text, such as "auto".
std::optional<int64_t> voice_count(std::string_view text);

// An output that is that far below the strongest one holds no voice, but what a network leaves in outputs that it does
// not need.
inline constexpr double inactive_below_db = 20;

// Takes the outputs block by block. Of each it keeps one number for 32 ms.
class OutputActivity {
 public:
  OutputActivity(int64_t outputs, int sample_rate);

  // The next samples of each output, as many of all. Throws Error for another number of outputs.
  void push(const std::vector<std::vector<float>>& outputs);

  // How many outputs are within 20 dB of the strongest; 0 where all are silent.
  int64_t active() const;

  // Outputs that belong together, for outputs that are sums: each output is in exactly one group. Without `voices`
  // there is a group for each active output; with it as many groups (at most as many as there are outputs; active or
  // not, the strongest begin them), of which the two whose levels over time are most alike (correlation of the level in
  // 32 ms) are joined until so many are left. An inactive output goes to the group that it is most like. Groups and
  // their members are in the order of the outputs. Throws Error unless 1 <= voices <= outputs.
  std::vector<std::vector<int64_t>> groups(std::optional<int64_t> voices = {}) const;

 private:
  int64_t frame_length_;
  int64_t in_frame_ = 0;                   // samples of the last, incomplete frame
  std::vector<double> energy_;             // of each output
  std::vector<std::vector<float>> power_;  // of each output and frame
};

}  // namespace sunder
