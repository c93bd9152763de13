#include "train/train.h"

#include "command/output.h"
#include "command/signals.h"
#include "files/plain_message.h"
#include "tensor/parallel.h"
#include "train/notify.h"
#include "train/training.h"

namespace sunder {

int Training::run() {
  try {
    meet();
    for (; next_epoch(); end_epoch()) {
      begin_phase_if_due();
      for (Fetched fetched; next_batches(fetched);) step(std::move(fetched));
    }
    return finish();
  } catch (const DivergedError&) {
    throw;  // the weights are what went wrong
  } catch (const DeviceLost&) {
    throw;  // and here they cannot be read
  } catch (const RankLost& lost) {
    run_.log().warn("{}", lost.what());
    save_after_failure();
    throw;
  } catch (...) {
    save_after_failure();
    throw;
  }
}

// At every step boundary: the time is rank 0's, and a signal to one rank stops all of them here.
void Training::meet() {
  if (ranks_.size() == 1) return;
  const Agreement now = agree(ranks_, pace_.own_minutes());
  pace_.share(now.minutes);
  signal_ = now.signal;
}

bool Training::stopping() const { return ranks_.size() == 1 ? stop_requested() : !signal_.empty(); }

bool Training::next_epoch() {
  const int64_t most = config().train.max_epochs;
  if (ended_ || selection_.out_of_patience() || selection_.rate_is_spent()) return false;
  if (!position_.inside_epoch) {
    if (most > 0 && position_.epoch + 1 >= most) return false;
    if (pace_.out_of_time()) return false;
    ++position_.epoch;
    position_.batches_done = 0;
    position_.epoch_loss = 0;
    position_.epoch_inputs = 0;
    position_.inside_epoch = true;
  }
  data_.training->start_epoch(position_.epoch, position_.batches_done);
  return true;
}

// Within an epoch, a validation first shows what the phase that ends has reached, and keeps it as a checkpoint.
void Training::begin_phase_if_due() {
  position_.minutes = pace_.minutes();
  if (!method_->phase_is_due(position_)) return;
  if (position_.batches_done > 0) {
    take_results(/*wait=*/true);
    if (position_.validated_step != position_.steps && !validate()) return;
    position_.epoch_loss = 0;  // the phases' losses are not of one kind
    position_.epoch_inputs = 0;
  }
  run_.log().info("{}", method_->begin_phase(position_, learner_.adam()));
}

bool Training::next_batches(Fetched& fetched) {
  Loader& loader = *data_.training;
  const auto is_over = [&] {
    return position_.batches_done + static_cast<int64_t>(method_->task().batches) > loader.batches_per_epoch();
  };
  const auto must_end = [&] {
    return ended_ = stopping() || pace_.out_of_time() || schedule_.is_over(position_.steps);
  };
  meet();
  if (method_->task().batches > 1 && is_over()) return position_.inside_epoch = false;
  if (must_end()) return false;
  if (is_over()) return position_.inside_epoch = false;
  begin_phase_if_due();
  if (must_end()) return false;
  const double before = loader.seconds_waited();
  fetched.batches.assign(method_->task().batches, {});
  for (Batch& batch : fetched.batches)
    if (!loader.next(batch)) SUNDER_ASSERT(false);  // counted above
  fetched.waited = loader.seconds_waited() - before;
  return true;
}

std::vector<Tensor> Training::step_inputs(const Task& task, std::span<const Batch> batches) const {
  return in_micro_batches(task.inputs(batches, position_), config().train.accumulate, task.part);
}

void Training::announce(const Task& task, const std::vector<Tensor>& inputs) {
  const auto one = inputs.begin() + static_cast<std::ptrdiff_t>(inputs.size()) / config().train.accumulate;
  notes_.before(task, {inputs.begin(), one}, data_.training->segment_samples(), learner_, run_.log());
}

// Position counts batches and step together: what throws between them leaves the state before the step.
void Training::step(Fetched fetched) {
  const Task& task = method_->task();
  const std::vector<Tensor> inputs = step_inputs(task, fetched.batches);
  if (const std::string news = data_.training->news(); !news.empty())
    run_.log().warn("{}: {}", config().data.set, news);
  announce(task, inputs);
  learner_.adam().set_learning_rate(learning_rate());
  learner_.runner().run(task.step, inputs);
  ++position_.steps;
  position_.batches_done += static_cast<int64_t>(task.batches);
  steps_.add(position_, fetched.waited, std::move(fetched.batches));
  notes_.after(task, inputs, learner_, run_.log());
  take_results(/*wait=*/false);
  if (CollapseMonitor::due(method_->steps_of_phase(position_))) watch_for_collapse();
  if (pace_.checkpoint_due()) save(/*is_best=*/false);
}

void Training::watch_for_collapse() {
  const auto scores =
      data_.validation->run(learner_.network(), position_.epoch, /*with_blind=*/false, {}, collapse_items);
  if (!scores) return;  // a signal
  run_.log().info("step {}: {} steps of {}, weaker output {:.1f} dB below the stronger{}", position_.steps,
                  method_->steps_of_phase(position_), method_->task().name, -scores->weaker_to_stronger_db,
                  scores->si_snri ? fmt::format(", SI-SNRi {:.2f} dB", *scores->si_snri) : "");
  if (const std::string warning = collapse_.warning(scores->weaker_to_stronger_db, true); !warning.empty())
    run_.log().warn("{}", warning);
}

// Validates if due, and saves. After a signal it only saves: the resumed run validates.
void Training::end_epoch() {
  take_results(/*wait=*/true);
  meet();
  if (!stopping()) {
    if (ended_) return;  // out of time: finish() validates
    if (!pace_.validation_due(position_)) return save(/*is_best=*/false);
    if (validate()) return;
  }
  save_stopped();
}

int Training::finish() {
  take_results(/*wait=*/true);
  run_.progress().finish();
  meet();
  if (!stopping() && position_.validated_step != position_.steps) validate();
  if (stopping()) {
    save_stopped();
    run_.log().info("stopped by {} after step {}; the checkpoint is in {}; resume with --resume auto",
                    ranks_.size() == 1 ? stop_signal_name() : signal_, position_.steps,
                    (options_.output / "checkpoints" / "last").string());
    return exit_stopped;
  }
  const auto shortfall = method_->shortfall(position_);
  if (shortfall) run_.log().warn("{}", shortfall->sentence);
  const std::string summary = fmt::format(
      "| method | epochs | steps | minutes | best by | score |\n| --- | --- | --- | --- | --- | --- |\n"
      "| {} | {} | {} | {:.1f} | {} | {} |\n",
      definition_.name + (shortfall ? fmt::format(" ({})", shortfall->in_short) : ""), position_.epoch + 1,
      position_.steps, pace_.minutes(),
      config().validation.select + (config().optim.ema > 0 ? " of averaged weights" : ""), selection_.best());
  if (!run_.writes()) return exit_done;
  run_.folder().write_results(summary);
  print_result("{}", summary);
  return exit_done;
}

void end_all_ranks(const std::string& why) noexcept {
  constexpr double seconds = 60;  // for the others to start
  try {
    Communicator(find_launch(), seconds).end(why);
  } catch (const std::exception&) {  // the first error is the one to report
  }
}

int train(const RunOptions& options, const MethodDefinition& method) {
  Communicator ranks(find_launch(), options.config.train.rank_timeout);
  const auto run = [&] {
    std::optional<Checkpoint> given;
    if (options.resume != "none" && options.resume != "auto") given = find_checkpoint(options.resume);
    set_num_threads(options.config.train.threads);
    RunOptions completed = options;
    const TrainingSets sets = open_sets(completed.config, method);
    return Training(completed, method, sets, std::move(given), ranks).run();
  };
  try {
    if (options.dry_run && ranks.size() > 1)
      throw_error<UsageError>("--dry-run: expected one process, got {}", ranks.size());
    if (options.dry_run) return dry_run(options, method);
    check_ranks(options.config, method.needs(options.config), ranks);
    const int code = ranks.is_root() ? with_notification(options, run) : run();
    ranks.finish();  // a launcher may kill all when the first one ends
    return code;
  } catch (const std::exception& error) {
    ranks.end(plain_message(error));
    throw;
  }
}

}  // namespace sunder
