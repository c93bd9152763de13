// Every case, one line each, made once. A test compares this list with the files of tensor/ops and autograd/ops.
#pragma once

#include "tests/cases/case.h"

namespace sunder::cases {

Case accumulate_case();
Case adam_case();
Case binary_case();
Case cast_case();
Case channel_spectra_case();
Case concat_case();
Case conv_block_case();
Case copy_all_case();
Case depthwise_conv1d_case();
Case fcp_case();
Case fcp_weight_case();
Case global_norm_case();
Case head_norm_case();
Case isms_case();
Case istft_case();
Case item_std_case();
Case l2_norm_case();
Case layer_norm_case();
Case linear_case();
Case lstm_case();
Case magnitude_case();
Case matmul_case();
Case mixit_snr_case();
Case mixture_constraint_case();
Case permute_case();
Case pit_ri_mag_case();
Case pit_snr_case();
Case pointwise_case();
Case prelu_case();
Case prelu_norm_depthwise_case();
Case prelu_norm_linear_case();
Case remix_case();
Case residual_skip_case();
Case room_responses_case();
Case slice_axis_case();
Case soft_mask_case();
Case softmax_case();
Case stft_case();
Case sum_case();
Case unfold_case();

inline const std::vector<Case>& all() {
  static const std::vector<Case> cases = {
      accumulate_case(),
      adam_case(),
      binary_case(),
      cast_case(),
      channel_spectra_case(),
      concat_case(),
      conv_block_case(),
      copy_all_case(),
      depthwise_conv1d_case(),
      fcp_case(),
      fcp_weight_case(),
      global_norm_case(),
      head_norm_case(),
      isms_case(),
      istft_case(),
      item_std_case(),
      l2_norm_case(),
      layer_norm_case(),
      linear_case(),
      lstm_case(),
      magnitude_case(),
      matmul_case(),
      mixit_snr_case(),
      mixture_constraint_case(),
      permute_case(),
      pit_ri_mag_case(),
      pit_snr_case(),
      pointwise_case(),
      prelu_case(),
      prelu_norm_depthwise_case(),
      prelu_norm_linear_case(),
      remix_case(),
      residual_skip_case(),
      room_responses_case(),
      slice_axis_case(),
      soft_mask_case(),
      softmax_case(),
      stft_case(),
      sum_case(),
      unfold_case(),
  };
  return cases;
}

}  // namespace sunder::cases
