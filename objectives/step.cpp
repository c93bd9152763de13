#include "objectives/step.h"

#include "objectives/mixcycle.h"
#include "objectives/mixit.h"
#include "objectives/mixpit.h"
#include "objectives/pit.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/slice_axis.h"

namespace sunder {
namespace {

Tensor teacher_estimates(const Separator& network, const Tensor& mixtures) {
  const NoGrad no_grad;
  return network.forward(mixtures).value();
}

}  // namespace

Variable pit_step(const Separator& network, const Tensor& references, const Tensor& mixtures) {
  return pit_loss(references, network.forward(mixtures));
}

Variable pit_dm_step(const Separator& network, const Tensor& references, const Tensor& order) {
  const Remixed mixed = dynamic_mixing(references, order);
  return pit_loss(mixed.targets, network.forward(mixed.mixtures));
}

Variable mixit_step(const Separator& network, const Tensor& first, const Tensor& second, const Tensor& order) {
  const Remixed pairs = pair_mixtures(first, second, order);
  return mixit_loss(pairs.targets, network.forward(pairs.mixtures));
}

Variable mixpit_step(const Separator& network, const Tensor& first, const Tensor& second, const Tensor& order) {
  const Remixed pairs = pair_mixtures(first, second, order);
  return mixpit_loss(pairs.targets, network.forward(pairs.mixtures));
}

Variable mixcycle_step(const Separator& network, const Tensor& mixtures, const Tensor& order) {
  const Remixed artificial = remix_estimates(teacher_estimates(network, mixtures), order);
  return pit_loss(artificial.targets, network.forward(artificial.mixtures));
}

Variable m2m_step(const SpectralSeparator& network, const Tensor& mixtures, const Tensor& close_talk,
                  const M2mOptions& options, const Tensor& failures) {
  const Tensor far = network.normalize(mixtures).spectra;
  return m2m_loss(network.estimates(far), far, network.stft().forward(close_talk), options, failures);
}

Variable unssor_step(const SpectralSeparator& network, const Tensor& mixtures, const UnssorOptions& options,
                     const Tensor& failures, const Tensor& virtual_microphones) {
  const SpectralSeparator::NormalizedSpectra far = network.normalize(mixtures);
  Tensor near;
  if (virtual_microphones.defined()) near = network.stft().forward(divide(virtual_microphones, far.scale));
  return unssor_loss(network.estimates(far.spectra), far.spectra, options, failures, near);
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
  const Variable snr = scale(pit_loss(targets, network.stft().inverse(estimates, targets.size(2))),
                             1.0 / static_cast<double>(targets.size(0)));
  return result.defined() ? add(result, snr) : snr;
}

}  // namespace sunder
