// Stands for the CUDA runtime where SUNDER_CUDA=emulated. Only what the project calls is here, with the signatures,
// values and meaning of CUDA 13 (docs.nvidia.com/cuda/cuda-runtime-api).
#pragma once

#include "emulated/kernel.h"
#include "emulated/launch.h"
#include "emulated/math.h"
#include "emulated/runtime_api.h"
#include "emulated/types.h"
