#include "nn/foreign_projects.h"

#include <algorithm>

namespace sunder {
namespace {

using Settings = std::map<std::string, std::string>;

Settings with_plain_stft(Settings settings) {
  settings.insert(
      {{"window", "hann"}, {"window_scale", "none"}, {"stft_padding", "reflect"}, {"remove_mean", "false"}});
  return settings;
}

const std::vector<ForeignProject>& projects() {
  static const std::vector<ForeignProject> all = {{"asteroid",
                                                   {ForeignNetwork::td_conv_net},
                                                   {{"window", "sqrt_hann"},
                                                    {"window_scale", "parseval"},
                                                    {"stft_padding", "zeros"},
                                                    {"remove_mean", "false"},
                                                    {"masks", "sigmoid"},
                                                    {"filter_padding", "none"},
                                                    {"encoder_activation", "linear"},
                                                    {"mask_activation", "sigmoid"}},
                                                   2,
                                                   {{"mask_act", "masks"},
                                                    {"n_blocks", "num_layers"},
                                                    {"n_repeats", "num_stacks"},
                                                    {"stride", "hop_length"},
                                                    {"kernel_size", "n_fft"},
                                                    {"conv_kernel_size", "kernel_size"}}},
                                                  {"espnet",
                                                   {ForeignNetwork::grid_net_v2, ForeignNetwork::grid_net},
                                                   with_plain_stft({{"estimate", "image"}}),
                                                   2,
                                                   {{"stride", "hop_length"}, {"fs", "sample_rate"}}},
                                                  {"merl",
                                                   {ForeignNetwork::grid_net_v2},
                                                   {{"window", "sqrt_hann"},
                                                    {"window_scale", "sum"},
                                                    {"stft_padding", "zeros"},
                                                    {"remove_mean", "true"},
                                                    {"estimate", "source"},
                                                    {"fcp_past", "19"},
                                                    {"fcp_future", "1"}},
                                                   4,
                                                   {{"sr", "sample_rate"}}},
                                                  {"torchaudio",
                                                   {ForeignNetwork::mask_generator},
                                                   with_plain_stft({{"features", "magnitude"},
                                                                    {"masks", "shares"},
                                                                    {"filter_padding", "zeros"},
                                                                    {"encoder_activation", "linear"}}),
                                                   4,
                                                   {}}};
  return all;
}

}  // namespace

std::string key_of_learned_filters(const std::string& key) {
  static const Settings names = {
      {"n_fft", "filter_length"}, {"hop_length", "filter_stride"}, {"masks", "mask_activation"}};
  const auto found = names.find(key);
  return found == names.end() ? key : found->second;
}

std::vector<std::string> foreign_projects() {
  std::vector<std::string> names;
  for (const ForeignProject& project : projects()) names.push_back(project.name);
  return names;
}

const ForeignProject& foreign_project(const std::string& name) {
  const auto found = std::ranges::find(projects(), name, &ForeignProject::name);
  if (found != projects().end()) return *found;
  const std::vector<std::string> names = foreign_projects();
  throw UnknownName(fmt::format("expected a project of {}, got '{}'", fmt::join(names, ", "), name), name, names);
}

}  // namespace sunder
