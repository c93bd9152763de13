#include "audio/sets/librimix.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numbers>
#include <set>

#include "audio/file.h"
#include "audio/mixing.h"
#include "audio/sets/item_id.h"
#include "files/atomic_file.h"
#include "files/csv.h"
#include "files/missing_files.h"
#include "files/output_folder.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

struct Sources {
  std::string id;
  std::vector<fs::path> paths;
  std::vector<float> gains;
};

std::vector<Sources> read_metadata(const fs::path& metadata, const fs::path& librispeech) {
  const CsvTable table = CsvTable::read(metadata);
  int sources = 2;
  while (table.has(fmt::format("source_{}_path", sources + 1))) ++sources;
  std::vector<std::string> columns = {"mixture_ID"};
  for (int s = 1; s <= sources; ++s)
    for (const char* what : {"path", "gain"}) columns.push_back(fmt::format("source_{}_{}", s, what));
  table.require(columns);
  std::vector<Sources> mixtures(table.size());
  std::set<std::string> ids;
  MissingFiles missing;
  for (int64_t row = 0; row < table.size(); ++row) {
    mixtures[row].id = table.at(row, "mixture_ID");
    require_file_name(mixtures[row].id, table.where(row));
    if (!ids.insert(mixtures[row].id).second)
      throw_error<InputError>("{}: the mixture \"{}\" is listed twice", table.where(row), mixtures[row].id);
    for (int s = 1; s <= sources; ++s) {
      mixtures[row].paths.push_back(librispeech / table.at(row, fmt::format("source_{}_path", s)));
      missing.look_for(mixtures[row].paths.back(), table.where(row));
      mixtures[row].gains.push_back(static_cast<float>(table.number(row, fmt::format("source_{}_gain", s))));
    }
  }
  missing.require_none();
  return mixtures;
}

std::vector<float> read_scaled(const fs::path& path, float gain) {
  Audio audio = read_mono(path);
  if (audio.sample_rate != 16000)
    throw_error<InputError>("{}: expected LibriSpeech at 16000 Hz, got {} Hz", path.string(), audio.sample_rate);
  for (float& sample : audio.samples) sample *= gain;
  return halve_rate(audio.samples);
}

// Writes one mixture and its sources; returns their length.
size_t write_mixture(const Sources& mixture, const fs::path& subset, MixLength length) {
  std::vector<std::vector<float>> recordings;
  for (size_t s = 0; s < mixture.paths.size(); ++s)
    recordings.push_back(read_scaled(mixture.paths[s], mixture.gains[s]));
  size_t samples = recordings[0].size();
  for (const auto& recording : recordings)
    samples = length == MixLength::min ? std::min(samples, recording.size()) : std::max(samples, recording.size());
  const std::string name = mixture.id + ".wav";
  const Tensor sources =
      Tensor::empty({static_cast<int64_t>(recordings.size()), static_cast<int64_t>(samples)}, DType::float32);
  float* to = sources.mutable_data<float>();
  for (size_t s = 0; s < recordings.size(); ++s, to += samples) {
    recordings[s].resize(samples, 0.0f);
    std::copy(recordings[s].begin(), recordings[s].end(), to);
    write_wav(subset / fmt::format("s{}", s + 1) / name, recordings[s], 8000, WavFormat::pcm16);
  }
  write_wav(subset / "mix_clean" / name, std::span(mix(sources).data<float>(), samples), 8000, WavFormat::pcm16);
  return samples;
}

}  // namespace

const std::array<double, 41>& half_band_filter() {
  static const std::array<double, 41> filter = [] {
    std::array<double, 41> taps{};
    double sum = 0;
    for (int n = 0; n < 41; ++n) {
      const double t = n - 20, x = std::numbers::pi * t / 2;
      const double window = std::cyl_bessel_i(0.0, 5.0 * std::sqrt(1 - t * t / 400)) / std::cyl_bessel_i(0.0, 5.0);
      taps[n] = (t == 0 ? 1 : std::sin(x) / x) * window;
      sum += taps[n];
    }
    for (double& tap : taps) tap /= sum;
    return taps;
  }();
  return filter;
}

std::vector<float> halve_rate(std::span<const float> signal) {
  const std::array<double, 41>& filter = half_band_filter();
  const auto samples = static_cast<int64_t>(signal.size());
  std::vector<float> output((samples + 1) / 2);
  for (int64_t m = 0; m < static_cast<int64_t>(output.size()); ++m) {
    const int64_t first = 2 * m - 20;  // the input under the first tap; the filter is symmetric
    const int64_t begin = std::max<int64_t>(0, -first), end = std::min<int64_t>(41, samples - first);
    double sum = 0;
    for (int64_t n = begin; n < end; ++n) sum += filter[n] * signal[first + n];
    output[m] = static_cast<float>(sum);
  }
  return output;
}

int64_t write_librimix(const fs::path& metadata, const fs::path& librispeech, const fs::path& root, MixLength length,
                       const Progress& progress) {
  const std::vector<Sources> mixtures = read_metadata(metadata, librispeech);
  if (mixtures.empty()) throw_error<InputError>("{}: lists no mixtures", metadata.string());
  const std::string name = librimix_subset(metadata);
  const fs::path base = fs::path("wav8k") / (length == MixLength::min ? "min" : "max");
  const size_t num_sources = mixtures[0].paths.size();
  create_folders(root / base / "metadata");
  create_folders(root / base / name / "mix_clean");
  for (size_t s = 1; s <= num_sources; ++s) create_folders(root / base / name / fmt::format("s{}", s));
  std::vector<size_t> lengths(mixtures.size());
  std::mutex reporting;
  int64_t done = 0;
  const auto count = static_cast<int64_t>(mixtures.size());
  parallel_for(count, 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) lengths[i] = write_mixture(mixtures[i], root / base / name, length);
    const std::lock_guard lock(reporting);
    done += end - begin;
    if (progress) progress(done, count);
  });
  std::vector<std::string> header = {"mixture_ID", "mixture_path"};
  for (size_t s = 1; s <= num_sources; ++s) header.push_back(fmt::format("source_{}_path", s));
  header.push_back("length");
  std::string list = csv_line(header);
  for (int64_t i = 0; i < count; ++i) {
    const std::string file = mixtures[i].id + ".wav";
    std::vector<std::string> fields = {mixtures[i].id, (base / name / "mix_clean" / file).generic_string()};
    for (size_t s = 1; s <= num_sources; ++s)
      fields.push_back((base / name / fmt::format("s{}", s) / file).generic_string());
    fields.push_back(std::to_string(lengths[i]));
    list += csv_line(fields);
  }
  write_file(root / base / "metadata" / fmt::format("mixture_{}_mix_clean.csv", name), list);
  return count;
}

std::string librimix_subset(const fs::path& metadata) {
  const std::string stem = metadata.stem().string();
  const size_t mark = stem.find("mix_");
  if (!stem.starts_with("libri") || mark == std::string::npos || metadata.extension() != ".csv") return "";
  const std::string subset = stem.substr(mark + 4);
  if (subset == "train-clean-360") return "train-360";
  if (subset == "train-clean-100") return "train-100";
  if (subset == "dev-clean") return "dev";
  if (subset == "test-clean") return "test";
  return "";
}

}  // namespace sunder
