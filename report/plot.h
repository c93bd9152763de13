// The two kinds of picture that runs and separations are shown with.
#pragma once

#include <string>
#include <vector>

#include "report/picture.h"
#include "tensor/tensor.h"

namespace sunder {

// Of a level: 0 (silence) is dark, 1 bright.
Color heat_color(double share);

// The levels alone, without axes: db: (T, F), frame 0 at the left, bin 0 at the bottom; what is not finite is drawn as
// silence. A pixel that stands for many levels shows the largest. Throws Error for another form.
Picture draw_heat_map(const Tensor& db, double low_db, double high_db, int width, int height);

struct SpectrogramStyle {
  std::string title;
  double seconds = 1;    // from the first frame to the last
  double kilohertz = 4;  // of the last bin
  double low_db = 0;     // the colour scale's ends; equal ones stand for the top 80 dB of the picture
  double high_db = 0;
};

// A heat map with title, axes and scale. db: (T, F) levels in dB, float32 or float64. Throws Error for another form.
Picture draw_spectrogram(const Tensor& db, const SpectrogramStyle& style);

struct Curve {
  std::string name;
  std::vector<double> x, y;  // of one length; a point that is not finite breaks the line
};

struct ChartStyle {
  std::string title, x_label, y_label;
};

Picture draw_chart(const std::vector<Curve>& curves, const ChartStyle& style);

}  // namespace sunder
