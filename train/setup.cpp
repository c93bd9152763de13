#include "train/setup.h"

#include <algorithm>

namespace sunder {

void check_config(const Config& c, const MethodDefinition& method) {
  const MethodNeeds needs = method.needs(c);
  if (needs.spectra && !c.model.separator().spectral())
    throw_error<UsageError>("model.architecture: expected a spectral network (tf-gridnet) for {}, got {}", method.name,
                            c.model.architecture);
  if (c.validation.select == "valid_loss" && !needs.spectra)
    throw_error<UsageError>("validation.select: {} has no loss on the validation set; expected si_snri, blind or loss",
                            method.name);
  if (c.model.microphones() > 1 && !needs.spectra)
    throw_error<UsageError>("model.microphones: expected 1 for {}, which works on waveforms, got {}", method.name,
                            c.model.microphones());
  if (c.validation.select == "blind" && c.model.microphones() > 1)
    throw UsageError("validation.select: the blind score needs a network of one microphone");
  if (c.optim.min_lr > 0 && c.optim.min_lr >= c.optim.lr)
    throw_error<UsageError>("optim.min_lr: expected less than optim.lr = {}, got {}", c.optim.lr, c.optim.min_lr);
  if (c.data.crop.rule == "active" && !needs.references && !needs.close_talk && !needs.virtual_microphones)
    throw_error<UsageError>(
        "data.crop: expected whole-second or any for {}, which hears no speaker alone to judge active segments by, got "
        "active",
        method.name);
  if (c.optim.decay != "none" && c.train.max_epochs == 0 && c.train.max_minutes == 0)
    throw_error<UsageError>("optim.decay: expected train.max_epochs or train.max_minutes for '{}', got neither",
                            c.optim.decay);
  if (c.optim.decay == "one-cycle") {
    if (c.train.max_epochs == 0)
      throw UsageError(
          "optim.decay: expected train.max_epochs for 'one-cycle', which spans the steps of the whole run");
    if (c.optim.warmup_steps > 0)
      throw_error<UsageError>(
          "optim.warmup_steps: expected 0 with optim.decay = one-cycle, which rises by itself, got {}",
          c.optim.warmup_steps);
    if (c.optim.plateau_patience > 0)
      throw_error<UsageError>(
          "optim.plateau_patience: expected 0 with optim.decay = one-cycle, whose rate no validation lowers, got {}",
          c.optim.plateau_patience);
  } else if (c.optim.decay != "none" && c.train.max_epochs == 0 && c.optim.decay_share > most_decay_share_of_minutes) {
    throw_error<UsageError>(
        "optim.decay_share: expected at most {} where train.max_minutes alone ends the run (how many steps fit is "
        "known "
        "only after some of them), got {}",
        most_decay_share_of_minutes, c.optim.decay_share);
  }
  for (const FcpOptions& filter : {c.m2m.fcp.far, c.m2m.fcp.close})
    if (filter.taps() > fcp_max_taps)
      throw_error<UsageError>("fcp: expected filters of at most {} frames, got {} past and {} future ones",
                              fcp_max_taps, filter.past, filter.future);
  if (const int64_t sources = c.model.sources(); sources < needs.least_sources || sources > needs.most_sources)
    throw_error<UsageError>("model.sources: expected {} to {} for {}, got {}", needs.least_sources, needs.most_sources,
                            method.name, sources);
  if (needs.adds_up && !c.model.separator().adds_up())
    throw_error<UsageError>(
        "model.architecture: expected a network whose estimates add up to the mixture for {} (its targets are "
        "estimates, "
        "and their sums its inputs: stft-conv-tasnet with masks = shares, or a Conv-TasNet with mixture_consistency = "
        "true), got {}",
        method.name, c.model.architecture);
  if (c.train.batch % needs.exchanged != 0)
    throw_error<UsageError>(
        "train.batch: expected a multiple of {} (MixCycle exchanges estimates between so many neighbours), got {}",
        needs.exchanged, c.train.batch);
  if (c.validation.select == "blind" && !has_blind_score(c, needs))
    throw_error<UsageError>("validation.select: the blind score needs a network of 2 outputs, this one has {}",
                            c.model.sources() * needs.outputs_per_source);
}

std::unique_ptr<SeparatorConfig> network_config(const Config& config, const MethodNeeds& needs) {
  const FcpConfig& fcp = config.m2m.fcp;
  std::unique_ptr<SeparatorConfig> network = config.model.separator().clone();
  read_metadata(network->fields() + network->derived_fields(),
                {{"sources", std::to_string(config.model.sources() * needs.outputs_per_source)},
                 {"estimate", needs.estimate},
                 {"fcp_past", std::to_string(fcp.far.past)},
                 {"fcp_future", std::to_string(fcp.far.future)},
                 {"fcp_loading", fmt::format("{}", fcp.far.loading)},
                 {"fcp_xi", fmt::format("{}", fcp.xi)}},
                "the network");
  return network;
}

TrainingData open_data(const TrainingSets& sets, const Config& c, const MethodNeeds& needs, const Learner& learner,
                       Communicator& ranks) {
  const Separator& network = learner.network();
  const DType dtype = learner.precision().signals;
  const MixtureSet& training = sets.training;
  const int64_t batches = c.train.accumulate * (needs.summed_epochs > 0 ? needs.summed : 1);
  if (const int64_t needed = c.train.batch * batches; training.size() < needed)
    throw_error<InputError>("{}: expected at least {} training mixtures for {} of train.batch = {}, got {}", c.data.set,
                            needed, batches == 1 ? "a batch" : fmt::format("{} batches", batches), c.train.batch,
                            training.size());
  TrainingData data{
      std::make_unique<Loader>(training, LoaderOptions{.batch = c.train.inputs_per_step(),
                                                       .rank = ranks.rank(),
                                                       .ranks = ranks.size(),
                                                       .whole_batches = needs.references && c.train.dynamic_mixing,
                                                       .segment_seconds = c.data.segment_seconds,
                                                       .crop = c.data.crop,
                                                       .with_references = needs.references,
                                                       .seed = c.train.seed,
                                                       .threads = c.data.loader_threads,
                                                       .dtype = dtype}),
      std::make_unique<Validator>(sets.validation, c, dtype, learner.stream(), needs.references, &ranks),
      {identify(training), identify(sets.validation)},
      sets.notes};
  const int64_t samples = data.training->segment_samples();
  if (samples < network.shortest_input())
    throw_error<InputError>("{}: training segments of {} samples are shorter than the {} that the network needs",
                            c.data.set, samples, network.shortest_input());
  if (needs.estimate == "source") {
    const int64_t frames = network.spectral()->stft().frames(samples);
    const int64_t taps = std::max(c.m2m.fcp.far.taps(), c.m2m.fcp.close.taps());
    if (frames <= taps)
      throw_error<UsageError>("data.segment_seconds: expected more than the {} frames that a filter spans, got {}",
                              taps, frames);
  }
  data.validation->require_length(network.shortest_input());
  return data;
}

int64_t expected_steps(const Config& config, const MethodNeeds& needs, const Loader& training) {
  const int64_t epochs = config.train.max_epochs, summed = std::min(epochs, needs.summed_epochs);
  return summed * (training.batches_per_epoch() / needs.summed) + (epochs - summed) * training.batches_per_epoch();
}

}  // namespace sunder
