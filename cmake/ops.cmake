# The ops. An op is five files of one stem and one row here: tensor/ops/X.h, X.cpp and X.cu, autograd/ops/X.cpp and
# tests/cases/X.cpp. All build lists are derived from these rows.
set(sunder_ops
  accumulate
  adam
  binary
  cast
  concat
  conv_block
  copy_all
  depthwise_conv1d
  fcp
  fcp_weight
  global_norm
  head_norm
  isms
  istft
  item_std
  l2_norm
  layer_norm
  linear
  lstm
  magnitude
  matmul
  mixit_snr
  mixture_constraint
  permute
  pit_ri_mag
  pit_si_snr
  pit_snr
  pointwise
  prelu
  prelu_norm_depthwise
  prelu_norm_linear
  relative_spectra
  remix
  residual_skip
  room_responses
  slice_axis
  soft_mask
  softmax
  stft
  sum
  unfold
)
# Exceptions: ops without a gradient have no autograd/ops/X.cpp; functions composed of other ops have nothing in
# tensor/ops.
set(sunder_ops_without_gradient accumulate adam copy_all fcp_weight item_std l2_norm relative_spectra remix
    room_responses)
set(sunder_composed_functions channel_spectra)

set(sunder_differentiable_functions ${sunder_ops} ${sunder_composed_functions})
list(REMOVE_ITEM sunder_differentiable_functions ${sunder_ops_without_gradient})
