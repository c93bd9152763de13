#include "train/ranks.h"

#include <fmt/ranges.h>

#include <array>
#include <set>

#include "command/command_line.h"
#include "command/signals.h"
#include "files/digest.h"
#include "files/json.h"
#include "files/read_file.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

// A machine's own: paths, threads, the device.
const std::set<std::string> own_keys = {"data.set",      "data.path_from", "data.path_to", "data.loader_threads",
                                        "train.threads", "train.device",   "train.init",   "train.notify"};

std::string hex_digest(std::string_view bytes) {
  return fmt::format("{:02x}", fmt::join(sha256(bytes), "")).substr(0, 16);
}

// "0.001 on ranks 0, 2, 0.002 on rank 1"
std::string describe_values(const std::vector<std::string>& values) {
  constexpr size_t most_named = 8;
  std::vector<std::string> parts;
  std::set<std::string> done;
  for (const std::string& value : values) {
    if (!done.insert(value).second) continue;
    std::vector<std::string> holders;
    for (size_t rank = 0; rank < values.size(); ++rank)
      if (values[rank] == value) holders.push_back(std::to_string(rank));
    const bool many_ranks = holders.size() > most_named;
    holders.resize(std::min(holders.size(), most_named));
    parts.push_back(fmt::format("{} on {} {}{}", value.empty() ? "nothing" : value,
                                holders.size() == 1 ? "rank" : "ranks", fmt::join(holders, ", "),
                                many_ranks ? ", ..." : ""));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

void check_ranks(const Config& config, const MethodNeeds& needs, const Communicator& ranks) {
  if (ranks.size() == 1) return;
  const int64_t parts = ranks.size() * needs.exchanged;
  if (config.train.batch % parts != 0)
    throw_error<UsageError>(
        "train.batch: expected a multiple of {}{}, got {}: it is the batch of all ranks together", parts,
        needs.exchanged > 1
            ? fmt::format(" ({} ranks, times {} neighbours that exchange estimates)", ranks.size(), needs.exchanged)
            : fmt::format(" (the ranks)"),
        config.train.batch);
  if (config.train.device != "cpu")
    throw_error<UsageError>(
        "train.device: expected cpu for {} ranks, got {}: this version sums gradients over ranks on the CPU alone",
        ranks.size(), config.train.device);
}

std::string weights_digest(const Parameters& parameters) {
  const Tensor values = parameters.values().to(cpu_device);
  return hex_digest({reinterpret_cast<const char*>(values.raw()), values.bytes()});
}

RankFacts rank_facts(const Config& config, const std::string& method, const DataIdentity& data,
                     const Parameters& parameters) {
  Config copy = config;
  DataIdentity identity = data;
  RankFacts facts;
  write_metadata(fields(copy) + fields(identity), facts);
  std::erase_if(facts, [](const auto& fact) { return own_keys.contains(fact.first); });
  facts["the method"] = method;
  facts["the version"] = version();
  facts["the program"] = hex_digest(read_file("/proc/self/exe"));
  facts["the SIMD level"] = simd_level();
  facts["the digest of the weights"] = weights_digest(parameters);
  return facts;
}

void compare_ranks(Communicator& ranks, const RankFacts& facts) {
  if (ranks.size() == 1) return;
  std::vector<RankFacts> all;
  std::set<std::string> names;
  for (const std::string& text : ranks.all_gather(nlohmann::json(facts).dump())) {
    all.push_back(nlohmann::json::parse(text).get<RankFacts>());
    for (const auto& [name, value] : all.back()) names.insert(name);
  }
  std::vector<std::string> differences;
  for (const std::string& name : names) {
    std::vector<std::string> values;
    for (const RankFacts& of_rank : all) values.push_back(of_rank.contains(name) ? of_rank.at(name) : "");
    if (std::set<std::string>(values.begin(), values.end()).size() > 1)
      differences.push_back(fmt::format("{} is {}", name, describe_values(values)));
  }
  if (!differences.empty())
    throw_error<UsageError>("the ranks of a run must be alike: {}", fmt::join(differences, "; "));
}

Agreement agree(Communicator& ranks, double minutes) {
  Agreement result{minutes, ""};
  const std::vector<std::string> all = ranks.all_gather(fmt::format("{:a} {}", minutes, stop_signal_name()));
  result.minutes = std::strtod(all[0].c_str(), nullptr);
  for (const std::string& text : all)
    if (result.signal.empty()) result.signal = text.substr(text.find(' ') + 1);
  return result;
}

int64_t sum_over(Communicator& ranks, int64_t count) {
  int64_t sum = 0;
  for (const std::string& text : ranks.all_gather(std::to_string(count))) sum += std::stoll(text);
  return sum;
}

}  // namespace sunder
