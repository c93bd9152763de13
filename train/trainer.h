// What all training programs share: the data, the network, Adam, validation, checkpoints and logs of one run. A program
// is a loop over epochs and batches that hands the trainer a loss (train_pit.cpp is the shortest).
#pragma once

#include <chrono>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <set>

#include "nn/adam.h"
#include "nn/tfgridnet_separator.h"
#include "tensor/cuda/runtime.h"
#include "train/checkpoint.h"
#include "train/loader.h"
#include "train/options.h"
#include "train/progress_bar.h"
#include "train/report.h"
#include "train/run_folder.h"
#include "train/step_runner.h"
#include "train/validation.h"

namespace sunder {

// The filters to far-field microphones and to close-talk ones, as a configuration says.
FcpOptions far_taps(const Config& config);
FcpOptions close_taps(const Config& config);

class Trainer {
 public:
  struct Method {
    std::string name;                               // "mixcycle"
    bool reads_references = false;                  // pit alone: no other method is ever given a clean source
    int64_t outputs_per_source = 1;                 // MixIT: 2, its network gives both mixtures' sources
    bool even_batch = false;                        // MixCycle exchanges estimates between neighbours
    int64_t paired_epochs = 0;                      // the first so many take next_pair(); MixIT and MixPIT: every_epoch
    bool reads_close_talk = false;                  // M2M
    bool mean_loss = false;                         // its losses are means over the batch, not sums
    FarFieldOutput output = FarFieldOutput::image;  // what a TF-GridNet's spectra are
  };
  static constexpr int64_t every_epoch = std::numeric_limits<int64_t>::max();

  // Opens the data, builds the network, resumes if asked. Throws the errors of all these.
  Trainer(const RunOptions& options, const Method& method);

  // for (; trainer.next_epoch(); trainer.end_epoch()) while (trainer.next_batch(batch)) trainer.step(kind, inputs,
  // loss); next_epoch() is false after max_epochs or max_minutes, when patience is spent, or on a signal.
  bool next_epoch();
  bool next_batch(Batch& batch);
  // Two consecutive mini-batches, for the methods that mix mixtures; an odd last one is dropped.
  bool next_pair(Batch& first, Batch& second);
  // Loss, backward, clipping, Adam (StepRunner::run), log lines of the steps whose losses have arrived, and a
  // checkpoint where one is due. The loss is a sum or the mean over train.batch inputs (Method::mean_loss). Throws
  // DivergedError after nonfinite_patience steps in a row without an update.
  void step(const std::string& kind, const std::vector<Tensor>& inputs, const StepRunner::Loss& loss);
  // Validations give `loss` of `inputs`, a method's own, beside the scores of the separated signals.
  void validate_with(std::function<std::vector<Tensor>(const Batch&)> inputs, StepRunner::Loss loss);
  // Validates where it is due and saves. After a signal it saves alone: the resumed run validates instead.
  void end_epoch();
  // Validates and saves the last step if that was not done. The exit code: 0, or 75 if a signal ended the run.
  int finish();

  const Config& config() const { return options_.config; }
  const Separator& network() const { return *network_; }
  // Of a run whose architecture is tf-gridnet.
  const FarFieldSeparator& far_field() const { return dynamic_cast<const FarFieldSeparator&>(*network_); }
  int64_t epoch() const { return epoch_; }  // the current one, from 0
  int64_t steps() const { return steps_; }  // updates tried since the start of the run
  double minutes() const;                   // of training and validation, before a resume included
  void restart_adam() { adam_->restart(); }
  // A number of the method's own that a checkpoint keeps, e.g. the epoch of MixCycle's switch.
  int64_t& counter(const std::string& name) { return counters_[name]; }
  Log& log() { return *log_; }

 private:
  void check_options() const;
  void open_data(DType dtype, Stream stream);
  void open_run(std::optional<Checkpoint> given, Stream stream);
  void resume(const Checkpoint& checkpoint);
  void load_weights(const std::filesystem::path& path);
  struct Pending {  // a step whose result has not arrived
    int64_t step, epoch;
    double waited;               // seconds, for its data
    std::vector<Batch> batches;  // dumped if the run diverges
  };
  void note(const Pending& step, const StepResult& result);
  void note_results(bool wait);
  void announce_memory(const std::string& kind, const std::vector<Tensor>& inputs, const StepRunner::Loss& loss);
  void check_finite(const Pending& step, const StepResult& result, double per_input);
  CheckpointData checkpoint_data() const;
  void save(bool is_best);
  void save_stopped();
  bool validation_due() const;
  std::string shown_best() const;
  bool validate();                                              // and save; false if a signal came first
  bool rank(const ValidationScores& scores, double mean_loss);  // whether it is the best so far
  void lower_learning_rate();                                   // where the score stands on a plateau
  double learning_rate() const;                                 // by what counters_ says of plateaus
  bool out_of_time() const { return config().train.max_minutes > 0 && minutes() >= config().train.max_minutes; }
  bool rate_is_spent() const { return config().optim.min_lr > 0 && learning_rate() <= config().optim.min_lr; }
  bool out_of_patience() const {
    return config().train.patience > 0 && validations_without_best_ >= config().train.patience;
  }
  int64_t expected_steps() const;

  RunOptions options_;
  Method method_;
  std::unique_ptr<cuda::OwnedStream> stream_;  // first in, last out: all tensors are on it
  std::unique_ptr<Separator> network_;
  std::unique_ptr<Adam> adam_;
  std::unique_ptr<StepRunner> runner_;
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<Validator> validator_;
  ValidationLoss validation_loss_;
  std::unique_ptr<RunFolder> folder_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<ProgressBar> progress_;
  std::unique_ptr<Report> report_;
  std::vector<Batch> last_batches_;
  std::deque<Pending> pending_;
  cuda::GraphSize graph_size_;  // of the graph that was last spoken of

  int64_t epoch_ = -1, batches_done_ = 0;  // batches_done_: of this epoch, where a resumed run goes on
  int64_t steps_ = 0;
  int64_t saved_step_ = -1, validated_step_ = -1;  // the steps after which that was last done
  double best_score_ = 0, best_oracle_ = 0;
  bool has_best_ = false;
  int64_t validations_without_best_ = 0;
  double minutes_before_ = 0;
  std::chrono::steady_clock::time_point start_, last_save_, last_validation_, last_metrics_;
  std::map<std::string, int64_t> counters_;
  std::set<std::string> announced_;   // kinds of steps whose memory was spoken of
  std::set<std::string> uncaptured_;  // kinds of steps whose graph was refused, as was said
  double epoch_loss_ = 0;             // summed over the epoch's inputs so far
  int64_t epoch_inputs_ = 0;
  double waited_before_step_ = 0;
  bool inside_epoch_ = false;  // the epoch was begun, here or before a resume, and is not over
  bool ended_ = false;         // no more steps: out of time, or a signal
};

}  // namespace sunder
