#include "objectives/unssor.h"

namespace sunder {

Fields fields(UnssorOptions& o) {
  return {number("gamma", &o.gamma, 0, 1e6, "weight of the magnitude scattering (ISMS)"),
          number("reference_weight", &o.reference_weight, 0, 1e6, "weight of the first microphone's terms"),
          text("virtual", &o.virtual_microphones,
               "virtual microphones of the loss: none, or iva (the sources as AuxIVA separates each recording)",
               {"none", "iva"}),
          number("virtual_weight", &o.virtual_weight, 0, 1e6, "weight of the virtual microphones' mixture constraints"),
          number("anchor", &o.anchor, 0, 1e6,
                 "weight of the SNR of the estimates against the virtual microphones' signals, dB")};
}

namespace {

Variable loss_at_virtual(const Variable& estimates, const Tensor& microphones, const UnssorOptions& options,
                         const Tensor& failures) {
  const Variable images = close_talk_images(estimates, microphones, options.fcp.far, options.fcp.xi, failures);
  return scale(sum(mixture_constraint(images, microphones)), options.virtual_weight);
}

}  // namespace

Variable unssor_loss(const Variable& estimates, const Tensor& mixtures, const UnssorOptions& options,
                     const Tensor& failures, const Tensor& virtual_microphones) {
  check_dim("unssor_loss", "estimates", estimates.value(), 4);
  check_dim("unssor_loss", "mixtures", mixtures, 4);
  if (estimates.size(0) < 1)
    throw_error("[unssor_loss] expected at least one utterance, got {}", describe(estimates.value()));
  if (options.reference < 0 || options.reference >= mixtures.size(1))
    throw_error("[unssor_loss] expected a reference microphone below {}, got {}", mixtures.size(1), options.reference);
  const Variable images = far_field_images(estimates, mixtures, options.fcp.far, options.fcp.xi, failures);
  const Variable losses = add(mixture_constraint(images, mixtures), scale(isms(images, mixtures), options.gamma));
  // All microphones with weight 1, then the reference corrected to its own weight.
  const Variable at_reference = sum(slice_axis(losses, 1, options.reference, options.reference + 1));
  Variable loss = add(sum(losses), scale(at_reference, options.reference_weight - 1));
  if (virtual_microphones.defined())
    loss = add(loss, loss_at_virtual(estimates, virtual_microphones, options, failures));
  return scale(loss, 1 / static_cast<double>(estimates.size(0)));
}

}  // namespace sunder
