#include "programs/separate_recording.h"

#include <chrono>
#include <cmath>
#include <memory>

#include "audio/output_activity.h"
#include "audio/resample.h"
#include "command/output.h"
#include "files/output_folder.h"
#include "files/output_target.h"
#include "nn/recording_stream.h"
#include "programs/estimate_spool.h"
#include "programs/separate_picture.h"
#include "tensor/error.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

// At the recording's rate: a file is read, and estimates are written, in blocks of so many.
constexpr int64_t block_frames = 16384;

// A recording on its way through the network.
class Separation {
 public:
  Separation(const SeparateOptions& options, const LoadedModel& model, const SeparateInput& input)
      : options_(options),
        model_(model),
        input_(input),
        reader_(open_input(options, input)),
        chosen_(chosen_channels(*reader_, model.separator->microphones(), options.channel)),
        stream_(*model.separator, model.sample_rate, reader_->sample_rate(), chunks_of(options, model.sample_rate),
                [this](const Seam& seam) { result_.seams.push_back(seam); }),
        channels_(chosen_.size()),
        levels_(chosen_.size()),
        estimates_(model.separator->sources()) {
    result_.sample_rate = reader_->sample_rate();
    if (!options.no_pictures && !options.to_standard_output())
      picture_.emplace(result_.sample_rate, model.sample_rate, known_frames());
    if (options.voices == "all") open_outputs(estimates_.size());
    else spool_.emplace(model.separator->sources(), result_.sample_rate);
    if (!picture_) return;
    stream_.watch([this](std::span<const float> mixture, const std::vector<std::vector<float>>& estimates) {
      picture_->push_mixture(mixture);
      // Of sums it is not known yet.
      for (size_t s = 0; !spool_ && s < estimates.size(); ++s) picture_->push_voice(s, estimates[s]);
    });
  }

  SeparateResult run(const std::function<void(double)>& progress) {
    std::vector<float> block(static_cast<size_t>(block_frames) * reader_->channels());
    while (const int64_t got = reader_->read(block.data(), block_frames)) {
      push(block, got);
      pull();
      progress(static_cast<double>(result_.frames) / result_.sample_rate);
    }
    stream_.finish();
    pull();
    finish();
    return std::move(result_);
  }

 private:
  // What the header says, which may be anything.
  std::optional<int64_t> known_frames() const {
    constexpr int64_t longest = int64_t{1} << 40;
    const std::optional<int64_t> frames = reader_->frames();
    return frames && *frames <= longest ? frames : std::nullopt;
  }

  void open_outputs(size_t voices) {
    outputs_.emplace(options_, input_, static_cast<int64_t>(voices), result_.sample_rate, known_frames());
    if (picture_) picture_->add_voices(voices);
  }

  void push(const std::vector<float>& block, int64_t frames) {
    std::vector<const float*> microphones;
    for (size_t m = 0; m < chosen_.size(); ++m) {
      channels_[m].resize(frames);
      for (int64_t t = 0; t < frames; ++t) channels_[m][t] = block[t * reader_->channels() + chosen_[m]];
      levels_[m].add(channels_[m]);
      microphones.push_back(channels_[m].data());
    }
    result_.frames += frames;
    stream_.push(microphones, frames);
  }

  void pull() {
    while (const int64_t count = std::min(stream_.available(), block_frames)) {
      std::vector<float*> to;
      for (std::vector<float>& estimate : estimates_) {
        estimate.resize(count);
        to.push_back(estimate.data());
      }
      stream_.pull(to, count);
      if (outputs_) outputs_->write(estimates_);
      else spool_->push(estimates_);
    }
  }

  void finish() {
    warn_of_silence();
    if (spool_) merge();
    outputs_->commit();
    if (picture_) {
      const fs::path path = input_.picture(options_);
      write_png(path, picture_->draw(input_.stem.filename().string(), result_.frames));
      print_result("{}\n", path.string());
    }
    result_.mixture = levels_[0];
    result_.voices = outputs_->voices();
    result_.clipped = outputs_->clipped();
    if (result_.clipped > 0)
      complain(
          fmt::format("{}: {} samples of the voices are beyond full scale and were clipped; --output-format {} "
                      "keeps them",
                      input_.name, result_.clipped, options_.to_standard_output() ? "f32le" : "wav"));
  }

  void warn_of_silence() {
    for (size_t m = 0; m < levels_.size(); ++m) {
      if (levels_[m].peak > 0) continue;
      result_.silent = result_.silent || m == 0;
      complain(m == 0 ? fmt::format("{}: is silent from beginning to end, and so are its estimates", input_.name)
                      : fmt::format("{}: channel {} is silent from beginning to end", input_.name, m + 1));
    }
  }

  // Which outputs belong together is known only now.
  void merge() {
    const int64_t sources = model_.separator->sources(), active = spool_->activity().active();
    result_.active = active;
    result_.groups = spool_->activity().groups(voice_count(options_.voices));
    complain(fmt::format("{}: {} of {} outputs {} active", input_.name, active, sources, active == 1 ? "is" : "are"));
    open_outputs(result_.groups.size());
    std::vector<Resampler> for_picture;
    for (size_t v = 0; v < result_.groups.size(); ++v)
      for_picture.emplace_back(result_.sample_rate, model_.sample_rate);
    std::vector<float> converted;
    const auto show = [&](size_t voice) {
      picture_->push_voice(voice, converted);
      converted.clear();
    };
    spool_->read_sums(result_.groups, [&](const std::vector<std::vector<float>>& sums) {
      outputs_->write(sums);
      for (size_t v = 0; picture_ && v < sums.size(); ++v) {
        for_picture[v].push(sums[v], converted);
        show(v);
      }
    });
    for (size_t v = 0; picture_ && v < for_picture.size(); ++v) {
      for_picture[v].finish(converted);
      show(v);
    }
  }

  const SeparateOptions& options_;
  const LoadedModel& model_;
  const SeparateInput& input_;
  SeparateResult result_;
  std::unique_ptr<SoundReader> reader_;
  const std::vector<int> chosen_;
  RecordingStream stream_;
  std::vector<std::vector<float>> channels_;   // of a block
  std::vector<Level> levels_;                  // of each channel
  std::vector<std::vector<float>> estimates_;  // of a block
  std::optional<SeparatePicture> picture_;
  std::optional<SeparateOutputs> outputs_;
  std::optional<EstimateSpool> spool_;  // with --num-sources
};

}  // namespace

Chunks chunks_of(const SeparateOptions& options, int sample_rate) {
  const auto samples = [&](double seconds) { return std::llround(seconds * sample_rate); };
  return {samples(options.chunk_seconds), samples(std::min(options.overlap_seconds, options.chunk_seconds / 2))};
}

SeparateResult separate_recording(const SeparateOptions& options, const LoadedModel& model, const SeparateInput& input,
                                  const std::function<void(double)>& progress) {
  if (!options.to_standard_output()) {
    // Fails before the work, not after it, where a result cannot be written.
    create_folders(input.estimate(options, 0).parent_path());
    for (int64_t s = 0; s < model.separator->sources(); ++s) check_output(input.estimate(options, s));
    if (!options.no_pictures) check_output(input.picture(options));
  }
  const auto begin = std::chrono::steady_clock::now();
  SeparateResult result = Separation(options, model, input).run(progress);
  result.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

void complain(const std::string& message) { print_message("sunder-separate: {}\n", message); }

}  // namespace sunder
