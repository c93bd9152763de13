#include "train/data_identity.h"

#include "audio/sample_rate.h"
#include "files/digest.h"
#include "tensor/error.h"

namespace sunder {
namespace {

Fields fields_of(SetIdentity& set) {
  return {number("items", &set.items, 0, largest_exact, "mixtures"),
          number("sample_rate", &set.sample_rate, lowest_sample_rate, highest_sample_rate, "Hz"),
          text("digest", &set.digest, "of the list of items")};
}

// A line where the sets differ.
void compare(const char* name, const SetIdentity& before, const SetIdentity& after, std::vector<std::string>& lines) {
  if (before.items != after.items)
    lines.push_back(fmt::format("{} {} mixtures are now {}", before.items, name, after.items));
  else if (before.digest != after.digest)
    lines.push_back(fmt::format("the {} {} mixtures are other ones", after.items, name));
}

void check_rate(int64_t before, int64_t after, const std::string& source) {
  if (before != after)
    throw_error<ModelError>(
        "{}: the run was trained on mixtures of {} Hz, the given ones are of {} Hz; a run cannot change its rate",
        source, before, after);
}

}  // namespace

SetIdentity identify(const MixtureSet& set) {
  // A chain of digests: sets may have millions of items.
  std::string digest;
  for (int64_t i = 0; i < set.size(); ++i)
    digest = fmt::format("{:02x}", fmt::join(sha256(digest + "\n" + set.contents(i)), ""));
  return {set.size(), set.sample_rate(), digest};
}

Fields fields(DataIdentity& data) {
  return in_section("training_set", fields_of(data.training)) +
         in_section("validation_set", fields_of(data.validation));
}

std::vector<std::string> compare_data(const DataIdentity& data, const Checkpoint& checkpoint, bool may_change) {
  const std::string source = checkpoint.path.string();
  int64_t rate = data.training.sample_rate;
  read_metadata({number("sample_rate", &rate, lowest_sample_rate, highest_sample_rate, "Hz")},
                checkpoint.data.model.metadata, source);
  check_rate(rate, data.training.sample_rate, source);
  if (!checkpoint.data.state.contains("training_set.items")) return {};  // of an older version
  DataIdentity before;
  load_state(fields(before), checkpoint.data.state, (checkpoint.path / "state.json").string());
  check_rate(before.training.sample_rate, data.training.sample_rate, source);
  std::vector<std::string> lines;
  compare("training", before.training, data.training, lines);
  compare("validation", before.validation, data.validation, lines);
  if (!lines.empty() && !may_change)
    throw_error<ModelError>("{}: the data has changed since: {}; --changed-data accepts that", source,
                            fmt::join(lines, ", "));
  return lines;
}

}  // namespace sunder
