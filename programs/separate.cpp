// sunder-separate: separates recordings of several voices into one file per voice.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <filesystem>
#include <mutex>
#include <thread>

#include "audio/file.h"
#include "audio/output_activity.h"
#include "audio/progress.h"
#include "command/cleanup.h"
#include "command/command_line.h"
#include "command/output.h"
#include "command/progress_line.h"
#include "files/output_target.h"
#include "files/plain_message.h"
#include "programs/separate_report.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace {

namespace fs = std::filesystem;
using namespace sunder;

// Whatever it throws names the input.
SeparateResult separate_named(const SeparateOptions& options, const LoadedModel& model, const SeparateInput& input,
                              const std::function<void(double)>& progress) {
  try {
    return separate_recording(options, model, input, progress);
  } catch (const Error& error) {
    const std::string message = error.what();
    if (message.starts_with(input.name + ": ")) throw;
    throw Error(fmt::format("{}: {}", input.name, message), error.kind());
  } catch (const std::bad_alloc&) {
    throw OutOfMemory(fmt::format("{}: out of memory", input.name), 0);
  } catch (const std::exception& error) {
    throw_error("{}: {}", input.name, plain_message(error));
  }
}

// Seconds of a recording; 0 for a pipe, which can be read only once, and for what cannot be read, which is an error
// later.
double duration(const SeparateInput& input) {
  std::error_code ignored;
  if (input.path == standard_stream || !fs::is_regular_file(input.path, ignored)) return 0;
  try {
    const AudioInfo info = audio_info(input.path);
    return static_cast<double>(info.frames) / info.sample_rate;
  } catch (const std::exception&) {
    return 0;
  }
}

// Seconds of all recordings, on one line.
class Work {
 public:
  explicit Work(const std::vector<SeparateInput>& inputs) : done_(inputs.size(), 0.0) {
    for (const SeparateInput& input : inputs) lengths_.push_back(duration(input));
  }
  void show(size_t input, double seconds) {
    const std::lock_guard guard(mutex_);
    done_[input] = seconds;
    print();
  }
  void end(size_t input) {
    const std::lock_guard guard(mutex_);
    lengths_[input] = done_[input];
    if (++ended_ == done_.size()) print();
  }

 private:
  void print() const {
    double done = 0, all = 0;
    for (size_t i = 0; i < done_.size(); ++i) done += done_[i], all += std::max(done_[i], lengths_[i]);
    const auto whole = static_cast<int64_t>(done);
    // It is complete once, whatever the headers say.
    line_(whole, ended_ == done_.size() ? whole : std::max<int64_t>(whole + 1, std::llround(all)));
  }

  std::mutex mutex_;
  std::vector<double> lengths_, done_;
  size_t ended_ = 0;
  const Progress line_ = progress_line("separating", " s");
};

// One at a time or, with --jobs, several. A recording that fails does not stop the others.
std::vector<ReportedFile> separate_all(const SeparateOptions& options, const LoadedModel& model,
                                       const std::vector<SeparateInput>& inputs, std::exception_ptr& failure) {
  Work work(inputs);
  std::vector<ReportedFile> files(inputs.size());
  std::atomic<size_t> next = 0;
  std::mutex failing;
  const auto separate_next = [&] {
    for (size_t i = next++; i < inputs.size(); i = next++) {
      files[i].input = inputs[i].path;
      try {
        files[i].result = separate_named(options, model, inputs[i], [&, i](double seconds) { work.show(i, seconds); });
      } catch (const Error& error) {
        files[i].error = error.what();
        const std::lock_guard guard(failing);
        failure = std::current_exception();
        if (inputs.size() > 1) complain(error.what());
      }
      work.end(i);
    }
  };
  const int jobs = std::min<int>({options.jobs, team_size(), static_cast<int>(inputs.size())});
  // The threads of ops help one recording at a time, while each of the others has its own.
  set_num_threads(team_size() - jobs + 1);
  std::vector<std::thread> others;
  for (int job = 1; job < jobs; ++job) others.emplace_back(separate_next);
  separate_next();
  for (std::thread& other : others) other.join();
  return files;
}

void check_model(const SeparateOptions& options, const LoadedModel& model) {
  const Separator& network = *model.separator;
  if (network.microphones() > 1 && options.channel > 0)
    throw_error<UsageError>("--channel: the model takes all {} channels of a recording, one for each microphone",
                            network.microphones());
  const int64_t voices = voice_count(options.voices).value_or(0);
  if (voices > network.sources())
    throw_error<UsageError>("--num-sources {}: the model has {} outputs", voices, network.sources());
  if (options.jobs > 1 && options.model.device != "cpu")
    throw_error<UsageError>("--jobs {}: recordings are separated at a time on the CPU only, not on {}", options.jobs,
                            options.model.device);
}

int run(int argc, char** argv) {
  const SeparateOptions options = parse_separate(argc, argv);
  const LoadedModel model = open_model(options.model);
  check_model(options, model);
  const std::vector<SeparateInput> inputs = list_inputs(options);
  check_outputs(options, inputs, model.separator->sources());
  if (!options.report.empty()) check_output(options.report);

  std::exception_ptr failure;
  const std::vector<ReportedFile> files = separate_all(options, model, inputs, failure);
  if (!options.report.empty()) write_separate_report(options, model, files);
  if (!failure) return exit_done;
  if (inputs.size() == 1) std::rethrow_exception(failure);
  complain(fmt::format("{} of {} files failed",
                       std::ranges::count_if(files, [](const ReportedFile& file) { return !file.result; }),
                       files.size()));
  return exit_some_failed;
}

}  // namespace

int main(int argc, char** argv) {
  remove_temporaries_at_signals();
  const auto advice = [](const Error& error) -> std::string {
    return error.kind() == ErrorKind::memory ? "lower --chunk-seconds" : model_advice(error);
  };
  return run_main(
      "sunder-separate", [&] { return run(argc, argv); }, advice);
}
