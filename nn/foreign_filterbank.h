// The encoder and decoder around a mask network in other projects' checkpoints: an STFT, or filters that were learned.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "files/safetensors.h"

namespace sunder {

// An STFT as Asteroid's STFTFB holds it, one filter a row: window times cosines, window times -sines, the rows of the
// first and the last bin divided by sqrt(2), all by n_fft / (2 sqrt(hop_length)).
struct ForeignStft {
  int64_t n_fft, hop_length;
  std::string window;
  std::vector<std::string> tensors;  // that say so
};

// Filters that were learned, one a row (N, 1, K): the names of both banks in the file.
struct ForeignFilters {
  std::string encoder, decoder;
};

// The filterbank of Asteroid or torchaudio; neither where the file holds none.
struct ForeignFilterbank {
  std::optional<ForeignStft> stft;
  std::optional<ForeignFilters> learned;
};

// prefix: of the encoder's and decoder's names. Throws ModelError for an encoder and a decoder of which one is an STFT
// with one of make_window's windows and the other is not, or another one, and for learned filters of one side alone or
// of two shapes.
ForeignFilterbank find_filterbank(const SafeTensors& file, const std::string& source, const std::string& prefix);

// Of a filter's value, relative to the largest: float32 and the float64 window of NumPy.
inline constexpr double foreign_stft_tolerance = 1e-5;

}  // namespace sunder
