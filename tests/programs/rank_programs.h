// Training programs of several processes, by the variables of torchrun or by mpirun.
#pragma once

#include <memory>

#include "distributed/connection.h"
#include "tests/programs/training_fixture.h"

namespace sunder {

inline std::map<std::string, std::string> rank_environment(int rank, int size, int port) {
  return {{"RANK", std::to_string(rank)},
          {"WORLD_SIZE", std::to_string(size)},
          {"LOCAL_RANK", std::to_string(rank)},
          {"MASTER_ADDR", "localhost"},
          {"MASTER_PORT", std::to_string(port)}};
}

// A few processes of one run. words(rank): the arguments of that rank.
class RankPrograms {
 public:
  RankPrograms(const std::string& program, int size, const std::filesystem::path& folder,
               const std::function<std::vector<std::string>(int)>& words) {
    const int port = Listener("localhost", 0).port();
    for (int rank = 0; rank < size; ++rank)
      ranks_.push_back(std::make_unique<Background>(program, words(rank), folder / fmt::format("said_{}.txt", rank),
                                                    /*ignored=*/0, rank_environment(rank, size, port)));
  }
  Background& rank(int number) { return *ranks_[static_cast<size_t>(number)]; }
  // Exit codes by rank.
  std::vector<int> wait() {
    std::vector<int> codes;
    for (const auto& each : ranks_) codes.push_back(each->wait());
    return codes;
  }
  std::string said() const {
    std::string all;
    for (const auto& each : ranks_) all += each->said();
    return all;
  }

 private:
  std::vector<std::unique_ptr<Background>> ranks_;
};

}  // namespace sunder
