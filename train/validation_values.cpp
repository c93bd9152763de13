#include "train/validation_values.h"

#include "files/json.h"

namespace sunder {
namespace {

constexpr Values ValidationValues::*members[] = {
    &ValidationValues::si_snri,       &ValidationValues::oracle,       &ValidationValues::ratio,
    &ValidationValues::sources_ratio, &ValidationValues::like_mixture, &ValidationValues::in_order,
    &ValidationValues::by_bin,        &ValidationValues::blind,        &ValidationValues::loss};
constexpr Reasons ValidationValues::*reasons[] = {&ValidationValues::without_score, &ValidationValues::without_blind};

void append(ValidationValues& all, const ValidationValues& more) {
  for (const auto member : members) (all.*member).append(more.*member);
  for (const auto member : reasons)
    for (const auto& [reason, count] : more.*member) (all.*member)[reason] += count;
}

nlohmann::json to_json(const std::vector<ValidationValues>& batches) {
  nlohmann::json result = nlohmann::json::array();
  for (const ValidationValues& batch : batches) {
    nlohmann::json row = nlohmann::json::array();
    for (const auto member : members) row.push_back({(batch.*member).values, (batch.*member).items});
    for (const auto member : reasons) row.push_back(batch.*member);
    result.push_back(std::move(row));
  }
  return result;
}

ValidationValues batch_of(const nlohmann::json& row) {
  ValidationValues batch;
  size_t at = 0;
  for (const auto member : members) {
    row.at(at).at(0).get_to((batch.*member).values);
    row.at(at++).at(1).get_to((batch.*member).items);
  }
  for (const auto member : reasons) batch.*member = row.at(at++).get<Reasons>();
  return batch;
}

}  // namespace

void Values::append(const Values& others) {
  values.insert(values.end(), others.values.begin(), others.values.end());
  items.insert(items.end(), others.items.begin(), others.items.end());
}

double Values::mean() const {
  double sum = 0, count = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    sum += values[i] * items[i];
    count += items[i];
  }
  return count > 0 ? sum / count : NAN;
}

std::optional<ValidationValues> gather_values(Communicator& ranks, const std::vector<ValidationValues>& mine,
                                              bool complete) {
  ValidationValues all;
  if (ranks.size() == 1) {
    if (!complete) return std::nullopt;
    for (const ValidationValues& batch : mine) append(all, batch);
    return all;
  }
  std::vector<nlohmann::json> of_ranks;
  for (const std::string& text : ranks.all_gather(complete ? to_json(mine).dump() : ""))
    of_ranks.push_back(text.empty() ? nlohmann::json() : nlohmann::json::parse(text));
  for (const nlohmann::json& batches : of_ranks)
    if (batches.is_null()) return std::nullopt;
  for (size_t batch = 0; batch < mine.size(); ++batch)
    for (const nlohmann::json& batches : of_ranks) append(all, batch_of(batches.at(batch)));
  return all;
}

}  // namespace sunder
