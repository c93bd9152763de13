#include "objectives/step.h"

#include "objectives/mixcycle.h"
#include "objectives/mixit.h"
#include "objectives/mixpit.h"
#include "objectives/pit.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/slice_axis.h"
#include "tensor/ops/sum.h"

namespace sunder {
namespace {

Tensor teacher_estimates(const Separator& network, const Tensor& mixtures) {
  const NoGrad no_grad;
  return network.forward(mixtures).value();
}

}  // namespace

Variable pit_step(const Separator& network, const Tensor& references, const Tensor& mixtures, const std::string& loss) {
  const Variable estimates = network.forward(mixtures);
  return loss == "si_snr" ? pit_si_snr_loss(references, estimates) : pit_loss(references, estimates);
}

Variable pit_dm_step(const Separator& network, const Tensor& references, const Tensor& order, const std::string& loss,
                     const Tensor& noisy) {
  Remixed mixed = dynamic_mixing(references, order);
  if (noisy.defined()) mixed.mixtures = add(mixed.mixtures, subtract(noisy, sum(references, {1}, false)));
  return pit_step(network, mixed.targets, mixed.mixtures, loss);
}

Variable mixit_step(const Separator& network, const Tensor& first, const Tensor& second, const Tensor& order) {
  const Remixed pairs = sum_mixtures({first, second}, order);
  return mixit_loss(pairs.targets, network.forward(pairs.mixtures));
}

Variable mixpit_step(const Separator& network, const std::vector<Tensor>& mixtures, const Tensor& order) {
  const Remixed sums = sum_mixtures(mixtures, order);
  return mixpit_loss(sums.targets, network.forward(sums.mixtures));
}

Variable mixcycle_step(const Separator& network, const Tensor& mixtures, const Tensor& order) {
  const Remixed artificial = remix_estimates(teacher_estimates(network, mixtures), order);
  return pit_loss(artificial.targets, network.forward(artificial.mixtures));
}

Variable m2m_step(const SpectralSeparator& network, const Tensor& mixtures, const Tensor& close_talk,
                  const M2mOptions& options, const Tensor& failures) {
  const Tensor far = network.normalize(mixtures).spectra, close = network.stft().forward(close_talk);
  const Variable estimates = network.estimates(far);
  const Variable loss = m2m_loss(estimates, far, close, options, failures);
  if (options.anchor == 0) return loss;
  const Tensor targets =
      network.stft().inverse(close_talk_targets(close, far, options.fcp, failures), close_talk.size(2));
  return add(loss, scale(pit_spectra_snr_loss(targets, estimates, network.stft()), options.anchor));
}

Variable unssor_step(const SpectralSeparator& network, const Tensor& mixtures, const UnssorOptions& options,
                     const Tensor& failures, const Tensor& virtual_microphones) {
  const SpectralSeparator::NormalizedSpectra far = network.normalize(mixtures);
  const Variable estimates = network.estimates(far.spectra);
  if (!virtual_microphones.defined()) return unssor_loss(estimates, far.spectra, options, failures);
  const Tensor near = divide(virtual_microphones, far.scale);
  const Variable loss = unssor_loss(estimates, far.spectra, options, failures, network.stft().forward(near));
  return options.anchor == 0 ? loss
                             : add(loss, scale(pit_spectra_snr_loss(near, estimates, network.stft()), options.anchor));
}

Variable pit_spectra_step(const SpectralSeparator& network, const Tensor& references, const Tensor& mixtures,
                          const std::string& loss) {
  const SpectralSeparator::NormalizedSpectra far = network.normalize(mixtures);
  const Tensor targets = divide(references, far.scale);
  const Variable estimates = network.estimates(far.spectra);
  Variable result;
  if (loss != "snr") {
    const Tensor mixture = slice_axis(far.spectra, 1, 0, 1);
    result = pit_ri_mag_loss(network.stft().forward(targets),
                             mixture.reshape({mixture.size(0), mixture.size(2), mixture.size(3)}), estimates);
  }
  if (loss == "ri_mag") return result;
  const Variable snr = pit_spectra_snr_loss(targets, estimates, network.stft());
  return result.defined() ? add(result, snr) : snr;
}

}  // namespace sunder
