#include "tensor/cuda/rnn.h"
#include "tensor/error.h"

// In place of rnn.cpp where the build found no cuDNN: everything else runs on CUDA.
namespace sunder::cuda {
namespace {

[[noreturn]] void missing() { throw DeviceMissing("[lstm] this build has no cuDNN 9, which LSTMs need on CUDA"); }

}  // namespace

Tensor rnn_weight_space(const RnnKey&) { missing(); }
std::array<int64_t, 16> rnn_matrices(const RnnKey&, const Tensor&) { missing(); }
Tensor rnn_forward(const RnnKey&, const Tensor&, const Tensor&, const Tensor&) { missing(); }
void rnn_backward_data(const RnnKey&, const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&) {
  missing();
}
void rnn_backward_weights(const RnnKey&, const Tensor&, const Tensor&, const Tensor&, const Tensor&) { missing(); }

size_t rnn_plan_count() { return 0; }
void clear_rnn_plans() {}
void forget_rnn_plans(Stream) {}

}  // namespace sunder::cuda
