#include "objectives/fcp.h"

namespace sunder {

Fields fields(FcpConfig& c) {
  constexpr double most = fcp_max_taps - 1;
  return {
      number("far_past", &c.far.past, 0, most, "M: past taps of the filters to far-field microphones, frames"),
      number("far_future", &c.far.future, 0, most, "N: future taps of the filters to far-field microphones"),
      number("close_past", &c.close.past, 0, most, "I: past taps of the filters to close-talk microphones"),
      number("close_future", &c.close.future, 0, most, "J: future taps of the filters to close-talk microphones"),
      renamed(number("xi", &c.xi, 0, 1, "share of the largest power added to every FCP weight"), "floor"),
      together(number("loading", &c.far.loading, 0, 1, "diagonal loading of FCP, relative to the mean of the diagonal"),
               number("loading", &c.close.loading, 0, 1, "")),
      together(flag("stop_gradient", &c.far.stop_gradient, "no gradient through the FCP filters"),
               flag("stop_gradient", &c.close.stop_gradient, ""))};
}

Variable close_talk_images(const Variable& estimates, const Tensor& mixtures, const FcpOptions& options, double xi,
                           const Tensor& failures) {
  check_dim("close_talk_images", "mixtures", mixtures, 4);
  return fcp(estimates, mixtures, fcp_weight(mixtures, mixtures.size(1), xi), options, failures);
}

Variable far_field_images(const Variable& estimates, const Tensor& mixtures, const FcpOptions& options, double xi,
                          const Tensor& failures) {
  return fcp(estimates, mixtures, fcp_weight(mixtures, 1, xi), options, failures);
}

}  // namespace sunder
