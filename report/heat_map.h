// Levels as colours: the inside of a spectrogram.
#pragma once

#include "report/picture.h"
#include "tensor/tensor.h"

namespace sunder {

// Of a level: 0 (silence) is dark, 1 bright. Lightness rises all the way, so that it also reads in grey and to
// colour-blind eyes.
Color heat_color(double share);

// db: (T, F) levels in dB, float32 or float64; frame 0 at the left, bin 0 at the bottom; what is not finite is drawn as
// silence. A pixel that stands for many levels shows the largest. Throws Error for another form.
Picture draw_heat_map(const Tensor& db, double low_db, double high_db, int width, int height);

}  // namespace sunder
