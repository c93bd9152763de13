// Kernels as an op's .cu file would have them, small enough to check by hand; they are built for a device as well.
#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace sunder::sample {

// Pointers are on the stream's device.
void add(const float* x, const float* y, float* z, int64_t count, Stream stream);
// y[r][c] = (x[r][c] - mean) / sqrt(variance + epsilon) of each row of 32 * n columns; one block a row.
void normalize_rows(const float* x, float* y, int64_t rows, int columns, float epsilon, Stream stream);
// y (columns, rows) = x (rows, columns) by tiles in shared memory.
void transpose(const double* x, double* y, int rows, int columns, Stream stream);
// reversed within each piece of `piece` values, by dynamic shared memory.
void reverse_pieces(const float* x, float* y, int pieces, int piece, Stream stream);

}  // namespace sunder::sample
