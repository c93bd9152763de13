#include "audio/sets/sms_wsj.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "audio/auxiva_separation.h"
#include "audio/listing.h"
#include "audio/rooms/room_mixture.h"
#include "audio/rooms/room_set.h"
#include "audio/sets/batch.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class SmsWsjTest : public ScratchFolder {
 protected:
  // Four speakers with two tones each, of different pitch and length.
  Corpus corpus(const fs::path& name = "speech") const {
    for (int speaker = 0; speaker < 4; ++speaker)
      for (int i = 0; i < 2; ++i)
        write_tone(name / fmt::format("s{}/r_{}.wav", speaker, i), longer_ * (2000 + 300 * speaker + 150 * i), 8000,
                   0.3f, 200 + 90 * speaker + 40 * i);
    Corpus result{folder_ / name, {}};
    for (const fs::path& path : list_audio(folder_ / name, true))
      result.recordings.push_back(
          {.path = path.string(), .speaker = path.string().substr(0, 2), .label = "", .split = Split::valid});
    return result;
  }
  fs::path tree(const std::string& name = "tree", uint64_t seed = 0) const {
    return tree(name, {.counts = {0, 3, 0}, .seed = seed, .storage = RoomStorage::all});
  }
  fs::path tree(const std::string& name, const RoomSetOptions& options) const {
    const fs::path root = folder_ / name;
    fs::create_directories(root);
    write_room_set(plan_room_set(corpus(), Split::valid, options), root, root);
    return root;
  }
  int longer_ = 1;  // utterances
  json list(const fs::path& root) const { return json::parse(read(root / "sms_wsj.json")); }
  void change(const fs::path& root, const std::function<void(json&)>& edit) const {
    json all = list(root);
    for (json& example : all["datasets"]["cv_dev93"]) edit(example);
    write(root / "sms_wsj.json", all.dump());
  }
};

TEST_F(SmsWsjTest, ATreeThatIsWrittenIsRead) {
  const fs::path root = tree();
  const SmsWsjSet set = SmsWsjSet::open(root, "valid");
  ASSERT_EQ(set.size(), 3);
  EXPECT_EQ(set.microphones(), 6);
  EXPECT_EQ(set.close_talk(), 2);
  EXPECT_EQ(set.num_sources(), 2);
  EXPECT_EQ(set.sample_rate(), 8000);
  for (int64_t i = 0; i < 3; ++i) {
    const RoomItem item = set.load(i, {.images = true, .close_talk = true, .ct_images = true});
    const int64_t length = set.entry(i).length;
    ASSERT_EQ(item.observation.shape(), (Shape{6, length}));
    ASSERT_EQ(item.images.shape(), (Shape{2, 6, length}));
    ASSERT_EQ(item.ct_observation.shape(), (Shape{2, length}));
    ASSERT_EQ(item.ct_images.shape(), (Shape{2, 2, length}));
    // The same mixture made in memory from the dry recordings that the tree keeps.
    const json example = list(root)["datasets"]["cv_dev93"][item.id];
    std::vector<std::vector<float>> dry;
    for (const std::string path : example["audio_path"]["original_source"]) dry.push_back(read_mono(path).samples);
    const RoomScene scene = draw_room_scene("cv_dev93", std::stoi(item.id));
    const RoomMixture mixture = mix_in_room(scene_responses(scene), 2, dry, "cv_dev93", item.id, false);
    EXPECT_EQ(item.observation.to_vector<float>(), mixture.observation.to_vector<float>());
    EXPECT_EQ(item.ct_observation.to_vector<float>(), mixture.ct_observation.to_vector<float>());
    for (int64_t n = 0; n < item.images.numel(); ++n)
      ASSERT_NEAR(item.images.data<float>()[n], mixture.image.data<float>()[n], 1e-7);
    EXPECT_EQ(example["snr"], mixture.mixing.snr);
    EXPECT_EQ(example["sound_decay_time"], scene.t60);
    EXPECT_EQ(example["sensor_position"][1][4], scene.microphones[4][1]);
    EXPECT_EQ(example["ct_position"][2][1], scene.close_talk[1][2]);
    EXPECT_NE(example["speaker_id"][0], example["speaker_id"][1]);
    const std::string response = example["audio_path"]["rir"][1];
    const AudioInfo info = audio_info(response);
    EXPECT_EQ(info.channels, 6);
    EXPECT_EQ(info.frames, 8192);
    EXPECT_GT(fs::file_size(response), 6u * 8192 * 8);  // float64
  }
}

// What a training reads and no more; the same recordings as in the whole tree.
TEST_F(SmsWsjTest, ATreeForTrainingHoldsTheFirstMicrophonesImages) {
  const SmsWsjSet all = SmsWsjSet::open(tree(), "valid");
  for (const RoomStorage storage : {RoomStorage::training, RoomStorage::images}) {
    const bool first_alone = storage == RoomStorage::training;
    const fs::path root = tree(first_alone ? "lean" : "images", {.counts = {0, 3, 0}, .storage = storage});
    std::set<std::string> folders;
    for (const auto& entry : fs::directory_iterator(root)) folders.insert(entry.path().filename());
    EXPECT_EQ(folders, (std::set<std::string>{"ct_observation", "observation", "sms_wsj.json", "speech_image"}));
    const SmsWsjSet set = SmsWsjSet::open(root, "valid");
    for (int64_t i = 0; i < set.size(); ++i) {
      const RoomItem item = set.load(i), whole = all.load(i);
      const int64_t length = set.entry(i).length;
      EXPECT_EQ(item.observation.to_vector<float>(), whole.observation.to_vector<float>());
      EXPECT_EQ(item.ct_observation.to_vector<float>(), whole.ct_observation.to_vector<float>());
      ASSERT_EQ(item.images.shape(), (Shape{2, first_alone ? 1 : 6, length}));
      for (int64_t s = 0; s < 2; ++s)
        for (int64_t n = 0; n < item.images.size(1) * length; ++n)
          ASSERT_NEAR(item.images.data<float>()[s * item.images.size(1) * length + n],
                      whole.images.data<float>()[s * 6 * length + n], 1e-7);
    }
    const json paths = list(root)["datasets"]["cv_dev93"].begin().value()["audio_path"];
    EXPECT_EQ(paths.size(), 3u) << paths;
    const Mixture mixture = MixtureSet::open(root, "valid", {.channels = 6, .close_talk = true}).load(0);
    EXPECT_EQ(mixture.sources.to_vector<float>()[5], set.load(0).images.to_vector<float>()[5]);
    // Two channels are neither the first alone nor all.
    const std::string image = paths["speech_image"][0];
    write_wav(image, std::vector<float>(2 * set.entry(0).length, 0.1f), 8000, WavFormat::float32, 2);
    expect_error<InputError>([&] { SmsWsjSet::open(root, "valid").load(0); }, {image, "expected 6 channels", "got 2"});
  }
}

// Three speakers at another rate: the same rooms, and everything at that rate.
TEST_F(SmsWsjTest, SeveralSpeakersAtAnotherRate) {
  const fs::path root =
      tree("three", {.counts = {0, 2, 0}, .sources = 3, .sample_rate = 16000, .storage = RoomStorage::all});
  const SmsWsjSet set = SmsWsjSet::open(root, "valid");
  EXPECT_EQ(set.num_sources(), 3);
  EXPECT_EQ(set.close_talk(), 3);
  EXPECT_EQ(set.sample_rate(), 16000);
  for (int64_t i = 0; i < set.size(); ++i) {
    const RoomEntry& entry = set.entry(i);
    EXPECT_EQ(std::set<std::string>(entry.speakers.begin(), entry.speakers.end()).size(), 3u);
    std::vector<std::vector<float>> dry;
    for (const fs::path& path : entry.files.dry) dry.push_back(read_mono(path).samples);
    const RoomScene scene = draw_room_scene("cv_dev93", i, 3);
    const Tensor responses = scene_responses(scene, {.sample_rate = 16000});
    EXPECT_EQ(responses.shape(), (Shape{3, 9, 16384}));
    const RoomMixture mixture = mix_in_room(responses, 3, dry, "cv_dev93", entry.id, true, 16000);
    const RoomItem item = set.load(i);
    EXPECT_EQ(item.observation.to_vector<float>(), mixture.observation.to_vector<float>());
    EXPECT_EQ(item.ct_observation.to_vector<float>(), mixture.ct_observation.to_vector<float>());
    EXPECT_EQ(read_audio(entry.files.early[2]).samples,
              interleaved(std::span<const float>(mixture.early.slice(2, 3).to_vector<float>()), 6));
    EXPECT_EQ(list(root)["datasets"]["cv_dev93"][entry.id]["num_speakers"], 3);
  }
  expect_error<InputError>(
      [&] {
        plan_room_set(corpus(), Split::valid, {.counts = {0, 4, 0}, .sources = 5});
      },
      {"5 different speakers", "the split valid has 4 (s0, s1, s2, s3)"});
}

// New rooms at another rate and for more speakers. Close-talk microphones that nobody asks for change nothing.
TEST_F(SmsWsjTest, RoomsAreDrawnForAnySpeakersAndRate) {
  longer_ = 4;  // than the responses
  const fs::path root =
      tree("three", {.counts = {0, 2, 0}, .sources = 3, .sample_rate = 4000, .storage = RoomStorage::all});
  MixtureSetOptions options{.channels = 6, .close_talk = true, .on_the_fly = true};
  const Mixture drawn = MixtureSet::open(root, "valid", options).draw(1, 4);
  EXPECT_EQ(drawn.mixture.size(0), 6);
  EXPECT_EQ(drawn.close_talk.size(0), 3);
  EXPECT_EQ(drawn.sources.size(0), 3);
  EXPECT_EQ(drawn.sample_rate, 4000);
  options.close_talk = false;
  const Mixture alone = MixtureSet::open(root, "valid", options).draw(1, 4);
  EXPECT_EQ(alone.mixture.to_vector<float>(), drawn.mixture.to_vector<float>());
  EXPECT_EQ(alone.sources.to_vector<float>(), drawn.sources.to_vector<float>());
  EXPECT_FALSE(alone.close_talk.defined());
  // The end of the responses that is left out is far below the noise.
  const RoomEntry entry = SmsWsjSet::open(root, "valid").entry(1);
  std::vector<std::vector<float>> dry;
  for (const fs::path& path : entry.files.dry) dry.push_back(read_mono(path).samples);
  const std::string name = "cv_dev93/seed-0/epoch-4";
  const Tensor responses = scene_responses(draw_room_scene(name, 1, 3), {.sample_rate = 4000});
  const RoomMixture whole = mix_in_room(responses, 3, dry, name, name + "/" + entry.id, false, 4000);
  double power = 0, difference = 0;
  for (int64_t n = 0; n < whole.observation.numel(); ++n) {
    power += std::pow(whole.observation.data<float>()[n], 2);
    difference += std::pow(whole.observation.data<float>()[n] - drawn.mixture.data<float>()[n], 2);
  }
  EXPECT_LT(10 * std::log10(difference / power), -50);
  EXPECT_GT(difference, 0);
  const fs::path lean = tree("lean", {.counts = {0, 2, 0}});  // the dry recordings of trainings alone are kept
  expect_error<InputError>([&] { MixtureSet::open(lean, "valid", {.on_the_fly = true}); },
                           {"expected the dry recording of each speaker (original_source)", "found 0"});
}

TEST_F(SmsWsjTest, EqualSeedsMakeEqualTrees) {
  const fs::path one = tree("one", 5), two = tree("two", 5), other = tree("other", 6);
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(one))
    if (entry.path().extension() == ".wav") names.insert(fs::relative(entry.path(), one));
  EXPECT_GE(names.size(), 3u * (3 + 5 * 2 + 4));
  for (const std::string& name : names) EXPECT_EQ(read(one / name), read(two / name)) << name;
  EXPECT_NE(list(one)["datasets"].dump(), list(other)["datasets"].dump());
}

TEST_F(SmsWsjTest, ATreeIsAMixtureSetOfTheChannelsAskedFor) {
  const fs::path root = tree();
  const RoomItem whole = SmsWsjSet::open(root, "valid").load(1);
  const int64_t length = whole.observation.size(1);
  const auto values = [](const Tensor& tensor) { return tensor.to_vector<float>(); };
  const Mixture item = MixtureSet::open(root, "valid", {.channels = 3, .close_talk = true}).load(1);
  EXPECT_EQ(item.id, whole.id);
  EXPECT_EQ(item.length(), length);
  EXPECT_EQ(item.mixture.shape(), (Shape{3, length}));
  EXPECT_EQ(values(item.mixture), values(whole.observation.slice(0, 3)));
  EXPECT_EQ(item.sources.shape(), (Shape{2, length}));
  for (int64_t s = 0; s < 2; ++s)  // at the first microphone
    EXPECT_EQ(values(item.sources.slice(s, s + 1)),
              values(whole.images.slice(s, s + 1).reshape({6, length}).slice(0, 1)));
  EXPECT_EQ(values(item.close_talk), values(whole.ct_observation));

  EXPECT_EQ(MixtureSet::open(root, "valid", {.channels = 3}).channels(), 3);
  const MixtureSet all = MixtureSet::open(root, "valid", {.channels = 0});
  EXPECT_EQ(all.channels(), 6);
  EXPECT_EQ(values(all.load(1).mixture), values(whole.observation));

  const MixtureSetOptions blind{.sources = CleanSources::unused};
  const Mixture single = MixtureSet::open(root, "valid", blind).load(1);
  EXPECT_EQ(values(single.mixture), values(whole.observation.slice(0, 1)));
  EXPECT_FALSE(single.sources.defined());
  EXPECT_FALSE(single.close_talk.defined());
  expect_error<InputError>([&] { MixtureSet::open(root, "valid", {.channels = 7}); },
                           {"expected at least 7 microphones, found 6"});
}

TEST_F(SmsWsjTest, NewRoomsHaveNewVirtualMicrophones) {
  const MixtureSet set =
      MixtureSet::open(tree(), "valid", {.channels = 6, .virtual_sources = 2, .on_the_fly = true, .seed = 3});
  const auto expect_separated = [](const Mixture& item) {
    EXPECT_EQ(item.virtual_microphones.to_vector<float>(),
              auxiva_sources(item.mixture, item.sample_rate).to_vector<float>());
  };
  const Mixture first = set.draw(0, 0), second = set.draw(0, 1);
  expect_separated(first);
  expect_separated(second);
  EXPECT_EQ(first.virtual_microphones.to_vector<float>(), set.load(0).virtual_microphones.to_vector<float>());
  EXPECT_NE(first.mixture.to_vector<float>(), second.mixture.to_vector<float>());
}

// Segments of two items of different lengths: cut, and padded with zeros where the item ends.
TEST_F(SmsWsjTest, BatchesAreCutAndPaddedSegments) {
  const MixtureSet set = MixtureSet::open(tree(), "valid", {.channels = 2, .close_talk = true});
  const std::vector<Segment> segments = {{set.load(0), 0}, {set.load(1), set.length(1) - 100}};
  const Batch batch = make_batch(segments, 300, /*with_references=*/true, DType::float64);
  EXPECT_EQ(batch.mixtures.shape(), (Shape{2, 2, 300}));
  const auto check = [&](const Tensor& stacked, Tensor Mixture::*signals) {
    ASSERT_EQ(stacked.shape(), (Shape{2, 2, 300}));
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t row = 0; row < 2; ++row)
        for (int64_t t = 0; t < 300; ++t) {
          const Mixture& item = segments[b].item;
          const int64_t at = segments[b].start + t;
          const float expected = at < item.length() ? (item.*signals).data<float>()[row * item.length() + at] : 0.0f;
          ASSERT_EQ(stacked.data<double>()[(b * 2 + row) * 300 + t], expected) << b << ' ' << row << ' ' << t;
        }
  };
  check(batch.mixtures, &Mixture::mixture);
  check(batch.references, &Mixture::sources);
  check(batch.close_talk, &Mixture::close_talk);
  const Batch without = make_batch(segments, 300, /*with_references=*/false, DType::float32);
  EXPECT_FALSE(without.references.defined());
}

TEST_F(SmsWsjTest, AMovedTreeIsFoundAndPathsCanBeRewritten) {
  const fs::path root = tree();
  const auto first = SmsWsjSet::open(root, "cv_dev93").load(0).observation.to_vector<float>();
  fs::rename(root, folder_ / "moved");
  EXPECT_EQ(SmsWsjSet::open(folder_ / "moved", "cv_dev93").load(0).observation.to_vector<float>(), first);
  // The list alone, elsewhere: only a rewrite helps.
  fs::create_directories(folder_ / "lists");
  fs::rename(folder_ / "moved/sms_wsj.json", folder_ / "lists/any.json");
  expect_error<InputError>([&] { SmsWsjSet::open(folder_ / "lists/any.json", "cv_dev93"); },
                           {root.string(), "observation/cv_dev93/0_", "no such file", "3 of 3 are missing"});
  const SmsWsjOptions rewrite{.from = root.string(), .to = (folder_ / "moved").string()};
  EXPECT_EQ(SmsWsjSet::open(folder_ / "lists/any.json", "cv_dev93", rewrite).load(0).observation.to_vector<float>(),
            first);
}

TEST_F(SmsWsjTest, OlderKeysAndWholeImagesAreRead) {
  const fs::path root = tree();
  const auto images = SmsWsjSet::open(root, "valid").load(1).images.to_vector<float>();
  change(root, [&](json& example) {
    json& paths = example["audio_path"];
    paths["speech_reverberation_direct"] = paths["speech_reverberation_early"];
    paths.erase("speech_reverberation_early");
    paths.erase("original_source");
    example["num_samples"] = {{"observation", example["num_samples"]["observation"]}, {"speech_source", {1, 2}}};
    for (const char* key : {"ct_observation", "ct_position"}) example.erase(key), paths.erase(key);
  });
  const SmsWsjSet old = SmsWsjSet::open(root, "valid");
  EXPECT_EQ(old.close_talk(), 0);
  const RoomItem item = old.load(1);
  EXPECT_EQ(item.images.to_vector<float>(), images);
  EXPECT_FALSE(item.ct_observation.defined());
  // speech_image wins; here it is the early part.
  change(root, [&](json& example) {
    example["audio_path"]["speech_image"] = example["audio_path"]["speech_reverberation_direct"];
    example["audio_path"].erase("speech_reverberation_tail");
  });
  EXPECT_NE(SmsWsjSet::open(root, "valid").load(1).images.to_vector<float>(), images);
}

TEST_F(SmsWsjTest, WhatIsGoneOrDoesNotFitIsNamed) {
  const fs::path root = tree();
  const std::string id = SmsWsjSet::open(root, "valid").entry(0).id;
  const std::string early = "early/cv_dev93/" + id + "_1.wav", observation = "observation/cv_dev93/" + id + ".wav";
  const Audio whole = read_audio(root / early);
  const auto load = [&] { SmsWsjSet::open(root, "valid").load(0); };
  write_wav(root / early, std::vector<float>(5 * whole.frames, 0.1f), 8000, WavFormat::float32, 5);
  expect_error<InputError>(load, {early, "expected 6 channels", "got 5"});
  write_wav(root / early, std::vector<float>(6 * 100, 0.1f), 8000, WavFormat::float32, 6);
  expect_error<InputError>(load, {early, "got 6 of 100"});
  write_wav(root / early, whole.samples, 16000, WavFormat::float32, 6);
  expect_error<InputError>(load, {early, "16000 Hz"});
  fs::remove(root / early);
  expect_error<InputError>(load, {early, "no such file"});
  EXPECT_NO_THROW(SmsWsjSet::open(root, "valid").load(0, {.images = false, .close_talk = true, .ct_images = false}));
  fs::remove(root / observation);
  expect_error<InputError>(load, {observation, "no such file", "1 of 3"});
}

TEST_F(SmsWsjTest, BadListsAreNamed) {
  const fs::path root = tree(), path = root / "sms_wsj.json";
  const std::string good = read(path);
  const auto open = [&] { SmsWsjSet::open(root, "valid"); };
  expect_error<InputError>([&] { SmsWsjSet::open(root, "train"); },
                           {"sms_wsj.json", "no set train_si284, only cv_dev93"});
  change(root, [](json& example) { example["audio_path"]["speech_reverberation_tail"].erase(0); });
  expect_error<InputError>(open, {"expected a file for each of 2 speakers, got 1", "tail/cv_dev93"});
  write(path, good);
  change(root, [](json& example) { example.erase("speaker_id"); });
  expect_error<InputError>(open, {"sms_wsj.json", "not as in SMS-WSJ", "speaker_id"});
  write(path, good);
  change(root, [](json& example) { example["num_samples"]["observation"] = "many"; });
  expect_error<InputError>(open, {"expected samples, got 0"});
  write(path, good);
  change(root, [](json& example) { example["audio_path"].erase("observation"); });
  expect_error<InputError>(open, {"names no observation"});
  write(path, good);
  change(root, [n = 0](json& example) mutable {
    if (n++ == 1) example["audio_path"].erase("ct_observation");
  });
  expect_error<InputError>(open, {"only one of the examples", "has close-talk microphones"});
  write(path, good.substr(0, good.size() / 2));
  expect_error<InputError>(open, {"sms_wsj.json", "not valid JSON"});
  write(path, "{\"sets\": {}}");
  expect_error<InputError>(open, {"no \"datasets\""});
  write(path, R"({"datasets": {"train_si284": {"a": {}, "a": {}}}})");
  expect_error<InputError>(open, {"sms_wsj.json", "the list has the key 'a' twice"});
  write(path, R"({"datasets": {"cv_dev93": {"a": )" + std::string(200'000, '['));
  expect_error<InputError>(open, {"sms_wsj.json", "the list is nested deeper than 32 levels"});
  write(path, "{\"datasets\": {\"cv_dev93\": {}}}");
  expect_error<InputError>(open, {"the set cv_dev93 is empty"});
  fs::remove(path);
  expect_error<InputError>(open, {"sms_wsj.json", "no such file"});
}

// Without most of the first speaker, the second has more than all others could meet.
TEST_F(SmsWsjTest, TwoSpeakersWithTooMuchAreCut) {
  Corpus speech{folder_ / "speech", {}};
  for (const auto& [speaker, count] : {std::pair("a", 12), {"b", 5}, {"c", 1}, {"d", 1}})
    for (int i = 0; i < count; ++i)
      speech.recordings.push_back(
          {.path = fmt::format("{}/{}.wav", speaker, i), .speaker = speaker, .label = "", .split = Split::valid});
  const RoomSetCounts counts = plan_room_set(speech, Split::valid, {.counts = {0, 4, 0}}).counts;
  EXPECT_EQ(counts.surplus, 14);  // 2 of a and then 1 of b are left
  EXPECT_EQ(counts.speakers, 4);
}

TEST_F(SmsWsjTest, ASpeakerWithTooMuchIsCutAndSilenceIsNamed) {
  Corpus speech = corpus();
  for (int i = 0; i < 20; ++i) {
    write_tone(fmt::format("speech/s9/{}.wav", i), 1000);
    speech.recordings.push_back(
        {.path = fmt::format("s9/{}.wav", i), .speaker = "s9", .label = "", .split = Split::valid});
  }
  fs::create_directories(folder_ / "cut");
  const RoomSetCounts counts = plan_room_set(speech, Split::valid, {.counts = {0, 4, 0}}).counts;
  EXPECT_EQ(counts.surplus, 18);  // 8 of the others leave her 2
  EXPECT_EQ(counts.utterances, 10);
  EXPECT_EQ(counts.speakers, 5);
  Corpus silent = corpus();
  for (const Recording& recording : silent.recordings)
    write_wav(silent.root / recording.path, std::vector<float>(900), 8000);
  expect_error<InputError>(
      [&] {
        write_room_set(plan_room_set(silent, Split::valid, {.counts = {0, 1, 0}}), folder_ / "cut", folder_ / "cut");
      },
      {".wav", "silent"});
  expect_error<InputError>(
      [&] {
        plan_room_set(silent, Split::test, {.counts = {0, 0, 1}});
      },
      {"no recordings in the split test"});
}

}  // namespace
}  // namespace sunder
