#include "programs/separate_report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "command/command_line.h"
#include "files/atomic_file.h"

namespace sunder {
namespace {

using Json = nlohmann::ordered_json;

// Outputs are counted from 1 on, as in the names of files.
Json numbers(const std::vector<int64_t>& outputs) {
  Json list = Json::array();
  for (const int64_t output : outputs) list.push_back(output + 1);
  return list;
}

double mean_power(const Level& level) {
  return level.energy / static_cast<double>(std::max<int64_t>(level.samples, 1));
}

Json voice_json(const SeparateResult& result, size_t voice) {
  const SeparateOutputs::Voice& output = result.voices[voice];
  const double gain = 10 * std::log10(mean_power(output.level) / mean_power(result.mixture));
  Json json = {{"output", output.path}, {"peak", output.level.peak}, {"gain_db", nullptr}};
  if (std::isfinite(gain)) json["gain_db"] = gain;
  if (!result.groups.empty()) json["sums"] = numbers(result.groups[voice]);
  return json;
}

Json file_json(const ReportedFile& file) {
  Json json = {{"input", file.input}};
  if (!file.result) {
    json["error"] = file.error;
    return json;
  }
  const SeparateResult& result = *file.result;
  const double seconds = static_cast<double>(result.frames) / result.sample_rate;
  json["seconds"] = seconds;
  json["samples"] = result.frames;
  json["sample_rate"] = result.sample_rate;
  json["real_time_factor"] = result.wall_seconds / seconds;
  json["silent"] = result.silent;
  json["peak"] = result.mixture.peak;
  json["clipped_samples"] = result.clipped;
  if (result.active) json["active_sources"] = *result.active;
  json["voices"] = Json::array();
  for (size_t voice = 0; voice < result.voices.size(); ++voice) json["voices"].push_back(voice_json(result, voice));
  json["seams"] = Json::array();
  for (const Seam& seam : result.seams)
    json["seams"].push_back(
        {{"seconds", static_cast<double>(seam.sample) / result.sample_rate}, {"confidence", seam.confidence}});
  return json;
}

}  // namespace

void write_separate_report(const SeparateOptions& options, const LoadedModel& model,
                           const std::vector<ReportedFile>& files) {
  const Chunks chunks = chunks_of(options, model.sample_rate);
  Json json = {{"version", version()},
               {"model", options.model.path},
               {"sources", model.separator->sources()},
               {"model_sample_rate", model.sample_rate},
               {"chunk_seconds", static_cast<double>(chunks.length) / model.sample_rate},
               {"overlap_seconds", static_cast<double>(chunks.overlap) / model.sample_rate},
               {"files", Json::array()}};
  for (const ReportedFile& file : files) json["files"].push_back(file_json(file));
  // A file's name may be of bytes that are no UTF-8.
  write_file(options.report, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace sunder
