#include "audio/rooms/room_set.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>

#include "audio/file.h"
#include "audio/rooms/room_files.h"
#include "files/atomic_file.h"
#include "files/output_folder.h"
#include "tensor/error.h"
#include "tensor/ops/slice_axis.h"
#include "tensor/parallel.h"

namespace sunder {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

// As write_wav of SMS-WSJ: mean removed, peak at the largest 16-bit number.
std::vector<float> read_zero_mean(const fs::path& path, int sample_rate, Channels channels) {
  std::vector<float> signal = read_recording(path, sample_rate, channels);
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
  ExampleWriter(const RoomSetPlan& plan, fs::path root, fs::path final_root)
      : plan_(plan), root_(std::move(root)), final_root_(std::move(final_root)) {
    for (const RoomSignal& signal : room_signals(plan.options.storage))
      create_folders(root_ / signal.folder / plan.set());
    if (has_sources()) create_folders(root_ / "sources" / plan.set());
  }

  bool has_sources() const { return has_dry_sources(plan_.options.storage, plan_.split); }

  void write_source(const std::string& utterance, const std::vector<float>& signal) const {
    write_wav(root_ / source_name(utterance), signal, plan_.options.sample_rate);
  }

  json write(int64_t index, const std::vector<std::vector<float>>& signals) const {
    const RoomScene scene = draw_room_scene(plan_.key, index, plan_.options.sources);
    const Tensor responses = scene_responses(scene, {.sample_rate = plan_.options.sample_rate});
    const std::string id = plan_.id(index);
    const RoomMixture mixture = mix_in_room(responses, plan_.options.sources, signals, plan_.key, id,
                                            plan_.options.storage == RoomStorage::all, plan_.options.sample_rate);
    json example = describe(scene, mixture, id);
    json& paths = example["audio_path"];
    for (size_t s = 0; s < signals.size(); ++s) {
      const RoomUtterance& utterance = plan_.utterances[plan_.mixtures[index][s]];
      example["speaker_id"].push_back(utterance.recording.speaker);
      example["source_id"].push_back(utterance.id);
      example["num_samples"]["original_source"].push_back(signals[s].size());
      if (has_sources()) paths["original_source"].push_back((final_root_ / source_name(utterance.id)).string());
    }
    for (const RoomSignal& signal : room_signals(plan_.options.storage))
      paths[signal.key] = write_signal(signal, id, mixture.*signal.signal);
    if (!has_responses(plan_.options.storage)) return example;
    paths["rir"] = write_responses("rirs", index, responses, 0, room_microphones);
    paths["ct_rir"] = write_responses("ct_rirs", index, responses, room_microphones, responses.size(1));
    return example;
  }

 private:
  fs::path source_name(const std::string& utterance) const {
    return fs::path("sources") / plan_.set() / (utterance + ".wav");
  }

  static json describe(const RoomScene& scene, const RoomMixture& mixture, const std::string& id) {
    return {{"example_id", id},
            {"num_speakers", scene.sources.size()},
            {"room_dimensions", coordinates({scene.room})},
            {"sound_decay_time", scene.t60},
            {"source_position", coordinates(scene.sources)},
            {"sensor_position", coordinates(scene.microphones)},
            {"ct_position", coordinates(scene.close_talk)},
            {"log_weights", mixture.mixing.log_weights},
            {"offset", mixture.mixing.offsets},
            {"snr", mixture.mixing.snr},
            {"num_samples", {{"observation", mixture.observation.size(1)}}}};
  }

  // signals: (channels, L), or for each speaker (speakers, channels, L), one channel also (speakers, L).
  json write_signal(const RoomSignal& signal, const std::string& id, Tensor signals) const {
    if (signal.channels == RoomChannels::first) signals = slice_axis(signals, 1, 0, 1);
    const int64_t files = signal.each ? signals.size(0) : 1, length = signals.size(-1);
    const int64_t channels = signals.numel() / (files * length);
    json paths = json::array();
    for (int64_t k = 0; k < files; ++k) {
      const fs::path name =
          fs::path(signal.folder) / plan_.set() / (signal.each ? fmt::format("{}_{}.wav", id, k) : id + ".wav");
      const std::span rows(signals.data<float>() + k * channels * length, channels * length);
      write_wav(root_ / name, interleaved(rows, channels), plan_.options.sample_rate, WavFormat::float32,
                static_cast<int>(channels));
      paths.push_back((final_root_ / name).string());
    }
    return signal.each ? paths : paths[0];
  }

  // Channels [begin, end) of responses (speakers, channels, N).
  json write_responses(const std::string& folder, int64_t index, const Tensor& responses, int64_t begin,
                       int64_t end) const {
    json paths = json::array();
    const fs::path within = fs::path(folder) / plan_.set() / std::to_string(index);
    create_folders(root_ / within);
    for (int64_t k = 0; k < responses.size(0); ++k) {
      const fs::path name = within / fmt::format("h_{}.wav", k);
      const int64_t length = responses.size(2);
      const std::span rows(responses.data<double>() + (k * responses.size(1) + begin) * length, (end - begin) * length);
      write_wav_float64(root_ / name, interleaved(rows, end - begin), plan_.options.sample_rate,
                        static_cast<int>(end - begin));
      paths.push_back((final_root_ / name).string());
    }
    return paths;
  }

  const RoomSetPlan& plan_;
  const fs::path root_, final_root_;
};

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

void write_room_set(const RoomSetPlan& plan, const fs::path& root, const fs::path& final_root,
                    const Progress& progress) {
  require_utf8(final_root.string());
  const ExampleWriter writer(plan, root, final_root);
  std::vector<std::string> examples(plan.mixtures.size());
  std::vector<bool> written(plan.utterances.size());
  std::mutex reporting;
  int64_t done = 0;
  const auto count = static_cast<int64_t>(examples.size());
  parallel_for(count, 1, [&](int64_t i, int64_t) {
    std::vector<std::vector<float>> signals;
    for (const int64_t at : plan.mixtures[i]) {
      const RoomUtterance& utterance = plan.utterances[at];
      signals.push_back(
          read_zero_mean(plan.corpus / utterance.recording.path, plan.options.sample_rate, plan.options.channels));
      const bool first = [&] {
        const std::lock_guard lock(reporting);
        const bool was = written[at];
        written[at] = true;
        return !was;
      }();
      if (first && writer.has_sources()) writer.write_source(utterance.id, signals.back());
    }
    examples[i] = json(plan.id(i)).dump() + ": " + writer.write(i, signals).dump();
    const std::lock_guard lock(reporting);
    if (progress) progress(++done, count);
  });
  add_to_list(root / "sms_wsj.json", plan.set(), examples);
}

}  // namespace sunder
