// LibriMix from its published metadata and LibriSpeech, without Python. Source: JorisCos/LibriMix,
// scripts/create_librimix_from_metadata.py.
#pragma once

#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "audio/progress.h"

namespace sunder {

// The low-pass of scipy.signal.resample_poly(x, 1, 2): firwin(41, 0.5, window=('kaiser', 5.0)), of sum 1.
const std::array<double, 41>& half_band_filter();

// scipy.signal.resample_poly(x, 1, 2): signal (L) -> (ceil(L / 2)), linear phase without delay, zeros beyond the edges.
std::vector<float> halve_rate(std::span<const float> signal);

enum class MixLength {
  min,  // cut to the shortest source
  max,  // zeros up to the longest
};

// Writes one subset at 8 kHz, 16-bit: root/wav8k/{min,max}/<subset>/{mix_clean,s1,s2,...}/<id>.wav and LibriMix's list
// root/wav8k/{min,max}/metadata/mixture_<subset>_mix_clean.csv. `metadata` is a CSV file with mixture_ID,
// source_1_path, source_1_gain, ... (paths relative to `librispeech`); the noise columns are not read, clean mixtures
// do not depend on them. Returns the number of mixtures. Throws InputError for a missing column, a gain that is not a
// number, and a recording that is missing or not at 16 kHz.
int64_t write_librimix(const std::filesystem::path& metadata, const std::filesystem::path& librispeech,
                       const std::filesystem::path& root, MixLength length, const Progress& progress = {});

// libri2mix_train-clean-360.csv -> train-360, ..._dev-clean.csv -> dev, ..._test-clean.csv -> test; empty for others.
std::string librimix_subset(const std::filesystem::path& metadata);

}  // namespace sunder
