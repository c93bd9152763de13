// A separator applied to recordings where the network is, without a copy through the host.
#pragma once

#include "audio/progress.h"
#include "nn/separation_stream.h"

namespace sunder {

// mixtures: (B, M, L), float32, L > 0, on the stream of the network's weights -> (B, S, L) there, float32: the numbers
// of separate_batch (nn/separation.h). All is queued and nothing waits, so nothing looks for estimates that are not
// finite. The result may lie where the network's next one will.
Tensor separate_tensors(const Separator& network, const Tensor& mixtures);

// recording: (M, L), estimates: (S, L), which it fills; float32, on the stream of the network's weights. The numbers of
// SeparationStream up to the rounding of the products by which chunks are matched: for these the host waits at each
// seam, and for nothing else. progress: samples whose chunks are queued. Throws Error for other tensors.
void separate_tensor(const Separator& network, const Tensor& recording, const Tensor& estimates, const Chunks& chunks,
                     const std::function<void(const Seam&)>& on_seam = {}, const Progress& progress = {});

}  // namespace sunder
