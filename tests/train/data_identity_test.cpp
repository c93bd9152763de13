#include "train/data_identity.h"

#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

class DataIdentityTest : public ScratchFolder {
 protected:
  MixtureSet set(const std::string& name, const std::vector<std::string>& items, int rate = 8000) const {
    for (const char* part : {"mix", "s1", "s2"})
      for (const std::string& item : items)
        write_tone(std::filesystem::path(name) / "train" / part / (item + ".wav"), 800, rate);
    return MixtureSet::open(folder_ / name, "train");
  }
  // A checkpoint of a run on these sets.
  static Checkpoint checkpoint(DataIdentity data) {
    Checkpoint result;
    result.path = "RUN/step-00000007";
    result.data.model.metadata["sample_rate"] = std::to_string(data.training.sample_rate);
    save_state(fields(data), result.data.state);
    return result;
  }
};

TEST_F(DataIdentityTest, FollowsTheListNotThePlace) {
  const SetIdentity here = identify(set("here", {"a", "b", "c"}));
  EXPECT_EQ(here.items, 3);
  EXPECT_EQ(here.sample_rate, 8000);
  EXPECT_EQ(here.digest.size(), 64u);
  EXPECT_EQ(identify(set("there", {"a", "b", "c"})).digest, here.digest);
  EXPECT_NE(identify(set("others", {"a", "b", "d"})).digest, here.digest);
  EXPECT_NE(identify(set("joined", {"a", "bc"})).digest, identify(set("split", {"ab", "c"})).digest);
}

TEST_F(DataIdentityTest, NamesWhatHasChanged) {
  const DataIdentity before{{300, 8000, "aa"}, {20, 8000, "bb"}};
  const Checkpoint saved = checkpoint(before);
  EXPECT_TRUE(compare_data(before, saved, false).empty());
  const DataIdentity fewer{{200, 8000, "cc"}, {20, 8000, "bb"}}, others{{300, 8000, "aa"}, {20, 8000, "cc"}};
  expect_error<ModelError>([&] { compare_data(fewer, saved, false); },
                           {"RUN/step-00000007: the data has changed since: 300 training mixtures are now 200; "
                            "--changed-data accepts that"});
  expect_error<ModelError>([&] { compare_data(others, saved, false); },
                           {"the data has changed since: the 20 validation mixtures are other ones;"});
  EXPECT_EQ(compare_data(fewer, saved, true), (std::vector<std::string>{"300 training mixtures are now 200"}));
  const DataIdentity faster{{300, 16000, "aa"}, {20, 16000, "bb"}};
  for (const bool may_change : {false, true})
    expect_error<ModelError>([&] { compare_data(faster, saved, may_change); },
                             {"the run was trained on mixtures of 8000 Hz, the given ones are of 16000 Hz"});
}

TEST_F(DataIdentityTest, OlderCheckpointsKnowTheRateAlone) {
  Checkpoint saved;
  saved.data.model.metadata["sample_rate"] = "8000";
  const DataIdentity slow{{300, 8000, "aa"}, {20, 8000, "bb"}}, fast{{300, 16000, "aa"}, {20, 16000, "bb"}};
  EXPECT_TRUE(compare_data(slow, saved, false).empty());
  EXPECT_THROW(compare_data(fast, saved, true), ModelError);
  saved.data.model.metadata["sample_rate"] = "8000.5";
  EXPECT_THROW(compare_data(slow, saved, true), ModelError);
}

TEST_F(DataIdentityTest, AStateOutOfRangeIsRefused) {
  const DataIdentity data{{300, 8000, "aa"}, {20, 8000, "bb"}};
  Checkpoint saved = checkpoint(data);
  saved.data.state["training_set.items"] = int64_t{-1};
  expect_error<ModelError>([&] { compare_data(data, saved, true); },
                           {"RUN/step-00000007/state.json: training_set.items: expected"});
}

}  // namespace
}  // namespace sunder
