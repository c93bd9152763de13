#include "audio/rooms/room_set.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "audio/file.h"
#include "audio/rooms/numpy_random.h"
#include "audio/rooms/room_mixture.h"
#include "files/atomic_file.h"
#include "files/output_folder.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace sunder {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

struct Utterance {
  std::string id;  // the path without extension, '-' for '/', '_' and ' ': '_' joins the ids of an example
  Recording recording;
};

void require_utf8(const std::string& name) {
  try {
    json(name).dump();
  } catch (const json::type_error&) {
    throw_error<InputError>("{}: expected a name in UTF-8, which sms_wsj.json can hold", name);
  }
}

std::vector<Utterance> utterances_of(const Corpus& corpus, Split split) {
  std::vector<Utterance> utterances;
  for (const Recording& recording : corpus.of(split)) {
    std::string id = fs::path(recording.path).replace_extension().generic_string();
    for (char& c : id)
      if (c == '/' || c == '_' || c == ' ') c = '-';
    require_utf8(id);
    require_utf8(recording.speaker);
    utterances.push_back({id, recording});
  }
  std::sort(utterances.begin(), utterances.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (size_t i = 1; i < utterances.size(); ++i)
    if (utterances[i].id == utterances[i - 1].id)
      throw_error<InputError>("{}: {} and {} have the same name ({})", corpus.root.string(),
                              utterances[i - 1].recording.path, utterances[i].recording.path, utterances[i].id);
  return utterances;
}

// With three speakers or more, limits the one with the most utterances to a third of what all others have: each of them
// must be paired with another speaker twice, once in each column, and SMS-WSJ's random search often finds no pairing if
// there are half as many. Returns how many were dropped.
int64_t drop_surplus(const std::string& set, std::vector<Utterance>& utterances) {
  std::map<std::string, std::vector<int64_t>> of_speaker;
  for (size_t i = 0; i < utterances.size(); ++i) of_speaker[utterances[i].recording.speaker].push_back(i);
  const auto most = std::max_element(of_speaker.begin(), of_speaker.end(),
                                     [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  if (of_speaker.size() < 3) return 0;
  std::vector<int64_t>& own = most->second;
  const size_t keep = std::max<size_t>(1, (utterances.size() - own.size()) / 3);
  if (own.size() <= keep) return 0;
  NumpyRandom(sha256_seed(set + "_surplus")).shuffle(own);
  std::vector<bool> gone(utterances.size());
  for (size_t i = keep; i < own.size(); ++i) gone[own[i]] = true;
  size_t kept = 0;
  for (size_t i = 0; i < utterances.size(); ++i)
    if (!gone[i]) std::swap(utterances[kept++], utterances[i]);
  const auto surplus = static_cast<int64_t>(utterances.size() - kept);
  utterances.resize(kept);
  return surplus;
}

// As write_wav of SMS-WSJ: mean removed, peak at the largest 16-bit number.
std::vector<float> read_zero_mean(const fs::path& path, Channels channels) {
  std::vector<float> signal = read_recording(path, room_sample_rate, channels);
  const double mean = std::accumulate(signal.begin(), signal.end(), 0.0) / static_cast<double>(signal.size());
  double peak = 0;
  for (const float sample : signal) peak = std::max(peak, std::abs(sample - mean));
  if (!(peak > 1e-6)) throw_error<InputError>("{}: silent: no sample above -120 dB", path.string());
  for (float& sample : signal) sample = static_cast<float>((sample - mean) / peak * (32767.0 / 32768));
  return signal;
}

// Positions as SMS-WSJ stores them: three lists, one for each coordinate.
json coordinates(const std::vector<Position>& positions) {
  json rows = json::array({json::array(), json::array(), json::array()});
  for (const Position& at : positions)
    for (int a = 0; a < 3; ++a) rows[a].push_back(at[a]);
  return rows;
}

// Writes one example's files and describes it.
class ExampleWriter {
 public:
  ExampleWriter(fs::path root, fs::path final_root, std::string set)
      : root_(std::move(root)), final_root_(std::move(final_root)), set_(std::move(set)) {}

  // signals: (channels, L), one file, or (speakers, channels, L), a file for each speaker.
  json write(const std::string& folder, const std::string& id, const Tensor& signals) const {
    const bool each = signals.dim() == 3;
    const int64_t files = each ? signals.size(0) : 1, channels = signals.size(-2), length = signals.size(-1);
    json paths = json::array();
    for (int64_t k = 0; k < files; ++k) {
      const fs::path name = fs::path(folder) / set_ / (each ? fmt::format("{}_{}.wav", id, k) : id + ".wav");
      const std::span rows(signals.data<float>() + k * channels * length, channels * length);
      write_wav(root_ / name, interleaved(rows, channels), room_sample_rate, WavFormat::float32,
                static_cast<int>(channels));
      paths.push_back((final_root_ / name).string());
    }
    return each ? paths : paths[0];
  }

  // Channels [begin, end) of responses (speakers, channels, N).
  json write_responses(const std::string& folder, int64_t index, const Tensor& responses, int64_t begin,
                       int64_t end) const {
    json paths = json::array();
    create_folders(root_ / folder / set_ / std::to_string(index));
    for (int64_t k = 0; k < responses.size(0); ++k) {
      const fs::path name = fs::path(folder) / set_ / std::to_string(index) / fmt::format("h_{}.wav", k);
      const int64_t length = responses.size(2);
      const std::span rows(responses.data<double>() + (k * responses.size(1) + begin) * length, (end - begin) * length);
      write_wav_float64(root_ / name, interleaved(rows, end - begin), room_sample_rate, static_cast<int>(end - begin));
      paths.push_back((final_root_ / name).string());
    }
    return paths;
  }

  std::string source_path(const std::string& utterance) const {
    return (final_root_ / "sources" / set_ / (utterance + ".wav")).string();
  }

 private:
  const fs::path root_, final_root_;
  const std::string set_;
};

json write_example(const ExampleWriter& writer, const std::string& set_key, int64_t index, const std::string& id,
                   const std::vector<Utterance>& speakers, const std::vector<std::vector<float>>& signals) {
  const RoomScene scene = draw_room_scene(set_key, index, static_cast<int>(speakers.size()));
  const Tensor responses = scene_responses(scene);
  const RoomMixture mixture =
      mix_in_room(responses, static_cast<int>(scene.close_talk.size()), signals, set_key, id, true);
  const auto array = static_cast<int64_t>(scene.microphones.size());
  json example = {{"example_id", id},
                  {"num_speakers", speakers.size()},
                  {"room_dimensions", coordinates({scene.room})},
                  {"sound_decay_time", scene.t60},
                  {"source_position", coordinates(scene.sources)},
                  {"sensor_position", coordinates(scene.microphones)},
                  {"ct_position", coordinates(scene.close_talk)},
                  {"log_weights", mixture.mixing.log_weights},
                  {"offset", mixture.mixing.offsets},
                  {"snr", mixture.mixing.snr},
                  {"num_samples", {{"observation", mixture.observation.size(1)}}}};
  for (size_t s = 0; s < speakers.size(); ++s) {
    example["speaker_id"].push_back(speakers[s].recording.speaker);
    example["source_id"].push_back(speakers[s].id);
    example["num_samples"]["original_source"].push_back(signals[s].size());
    example["audio_path"]["original_source"].push_back(writer.source_path(speakers[s].id));
  }
  json& paths = example["audio_path"];
  const int64_t count = mixture.speech_source.size(0), length = mixture.speech_source.size(1);
  paths["observation"] = writer.write("observation", id, mixture.observation);
  paths["noise_image"] = writer.write("noise", id, mixture.noise);
  paths["speech_reverberation_early"] = writer.write("early", id, mixture.early);
  paths["speech_reverberation_tail"] = writer.write("tail", id, mixture.tail);
  paths["speech_source"] = writer.write("speech_source", id, mixture.speech_source.reshape({count, 1, length}));
  paths["ct_observation"] = writer.write("ct_observation", id, mixture.ct_observation);
  paths["ct_noise_image"] = writer.write("ct_noise", id, mixture.ct_noise);
  paths["ct_speech_reverberation_early"] = writer.write("ct_early", id, mixture.ct_early);
  paths["ct_speech_reverberation_tail"] = writer.write("ct_tail", id, mixture.ct_tail);
  paths["rir"] = writer.write_responses("rirs", index, responses, 0, array);
  paths["ct_rir"] = writer.write_responses("ct_rirs", index, responses, array, responses.size(1));
  return example;
}

constexpr std::string_view list_end = "\n}}\n";

// Adds a set to the list in the file, or starts the file. Examples are JSON text, one line each: the 35,875 of SMS-WSJ
// would take gigabytes as trees.
void add_to_list(const fs::path& path, const std::string& set, const std::vector<std::string>& examples) {
  const bool begun = fs::exists(path);
  if (begun) fs::resize_file(path, fs::file_size(path) - list_end.size());
  AppendFile file(path);
  file.append(fmt::format("{}{}: {{", begun ? ",\n" : "{\"datasets\": {\n", json(set).dump()));
  for (size_t i = 0; i < examples.size(); ++i) file.append((i == 0 ? "\n" : ",\n") + examples[i]);
  file.append(fmt::format("\n}}{}", list_end));
}

}  // namespace

const char* sms_wsj_set(Split split) {
  return split == Split::train ? "train_si284" : split == Split::valid ? "cv_dev93" : "test_eval92";
}

RoomSetCounts write_room_set(const Corpus& corpus, Split split, const RoomSetOptions& options, const fs::path& root,
                             const fs::path& final_root, const Progress& progress) {
  require_speakers(corpus, split, true);
  require_utf8(final_root.string());
  const std::string set = sms_wsj_set(split);
  const std::string key = options.seed == 0 ? set : fmt::format("{}_seed_{}", set, options.seed);
  std::vector<Utterance> utterances = utterances_of(corpus, split);
  RoomSetCounts counts{.mixtures = options.counts[static_cast<int>(split)], .utterances = 0};
  counts.surplus = drop_surplus(key, utterances);
  counts.utterances = static_cast<int64_t>(utterances.size());

  // Repeated, so that all utterances are used equally often; each copy may be paired with another speaker.
  std::vector<std::string> speakers;
  while (static_cast<int64_t>(speakers.size()) < counts.mixtures)
    for (const Utterance& utterance : utterances) speakers.push_back(utterance.recording.speaker);
  counts.speakers = static_cast<int64_t>(std::set<std::string>(speakers.begin(), speakers.end()).size());
  const auto rows = compose_examples(key, speakers);

  for (const char* folder : {"observation", "noise", "early", "tail", "speech_source", "ct_observation", "ct_noise",
                             "ct_early", "ct_tail", "sources"})
    create_folders(root / folder / set);
  const ExampleWriter writer(root, final_root, set);
  std::vector<std::string> examples(counts.mixtures);
  std::vector<bool> written(utterances.size());
  std::mutex reporting;
  int64_t done = 0;
  parallel_for(counts.mixtures, 1, [&](int64_t i, int64_t) {
    std::vector<Utterance> both;
    std::vector<std::vector<float>> signals;
    std::string id = std::to_string(i);
    for (const int64_t row : rows[i]) {
      const size_t at = row % utterances.size();
      both.push_back(utterances[at]);
      signals.push_back(read_zero_mean(corpus.root / both.back().recording.path, options.channels));
      id += "_" + both.back().id;
      const bool first = [&] {
        const std::lock_guard lock(reporting);
        const bool was = written[at];
        written[at] = true;
        return !was;
      }();
      if (first) write_wav(root / "sources" / set / (both.back().id + ".wav"), signals.back(), room_sample_rate);
    }
    examples[i] = json(id).dump() + ": " + write_example(writer, key, i, id, both, signals).dump();
    const std::lock_guard lock(reporting);
    if (progress) progress(++done, counts.mixtures);
  });
  add_to_list(root / "sms_wsj.json", set, examples);
  return counts;
}

}  // namespace sunder
