#include "objectives/pit.h"

#include "tensor/random.h"

namespace sunder {

Fields fields(PitConfig& c) {
  return {text("loss", &c.loss, "loss of spectral networks: ri_mag, snr, or both added", {"ri_mag", "snr", "both"}),
          text("waveform_loss", &c.waveform_loss, "loss of networks on waveforms: snr (thresholded) or si_snr",
               {"snr", "si_snr"})};
}

Variable pit_loss(const Tensor& references, const Variable& estimates, double snr_max_db) {
  return sum(pit_snr(references, estimates, snr_max_db));
}

Variable pit_si_snr_loss(const Tensor& references, const Variable& estimates) {
  return sum(pit_si_snr(references, estimates));
}

Variable pit_ri_mag_loss(const Tensor& references, const Tensor& mixtures, const Variable& estimates) {
  return mean(pit_ri_mag(references, mixtures, estimates));
}

Variable pit_spectra_snr_loss(const Tensor& references, const Variable& estimates, const Stft& stft) {
  check_dim("pit_spectra_snr_loss", "estimates", estimates.value(), 4);
  check_shape("pit_spectra_snr_loss", "references", references, {estimates.size(0), estimates.size(1), -1});
  return scale(pit_loss(references, stft.inverse(estimates, references.size(2))),
               1 / static_cast<double>(references.size(0)));
}

Tensor shuffled_order(uint64_t seed, int64_t epoch, int64_t step, int64_t items, int64_t sources) {
  Random random(seed, RandomUse::swap, static_cast<uint32_t>(epoch), static_cast<uint64_t>(step));
  return Tensor::from(random.permutation(items * sources), {items, sources});
}

Remixed dynamic_mixing(const Tensor& sources, const Tensor& order) {
  check_dim("dynamic_mixing", "sources", sources, 3);
  check_shape("dynamic_mixing", "order", order, {sources.size(0), sources.size(1)});
  return remix(sources.reshape({order.numel(), sources.size(2)}), order);
}

}  // namespace sunder
