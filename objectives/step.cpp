#include "objectives/step.h"

#include "objectives/mixcycle.h"
#include "objectives/mixit.h"
#include "objectives/mixpit.h"
#include "objectives/pit.h"

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

}  // namespace sunder
