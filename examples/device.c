/* device MODEL < mixture.raw > voices.raw
 * As separate.c, for a program whose samples are on a CUDA device: its buffers, its stream, raw float samples. */
#include <cuda_runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <sunder.h>

static int stop(const char* why) { return fprintf(stderr, "device MODEL < mixture.raw > voices.raw: %s\n", why), 1; }

int main(int argc, char** argv) {
  static float samples[1 << 22]; /* 8 minutes at 8 kHz */
  const size_t count = fread(samples, sizeof *samples, sizeof samples / sizeof *samples, stdin);
  sunder_model_params on_cuda = SUNDER_MODEL_PARAMS_INIT;
  sunder_session_params on_stream = SUNDER_SESSION_PARAMS_INIT;
  sunder_audio mixture = SUNDER_AUDIO_INIT, voices;
  sunder_model* model = NULL;
  sunder_session* session = NULL;
  cudaStream_t stream;
  size_t sources;
  float* host;

  on_cuda.device = "cuda";
  if (argc != 2) return stop("expected a model");
  if (sunder_model_load(argv[1], &on_cuda, &model) != SUNDER_OK) return stop(sunder_last_error());
  sources = (size_t)sunder_model_sources(model);
  if (cudaStreamCreate(&stream) != cudaSuccess) return stop("no stream");
  on_stream.cuda_stream = stream;
  if (sunder_session_create(model, &on_stream, &session) != SUNDER_OK) return stop(sunder_last_error());

  mixture.frames = (int64_t)count;
  mixture.channels = 1;
  mixture.memory = SUNDER_DEVICE;
  voices = mixture;
  voices.channels = (int)sources;
  host = (float*)malloc(count * sources * sizeof *host);
  if (!host || cudaMalloc(&mixture.samples, count * sizeof *samples) != cudaSuccess ||
      cudaMalloc(&voices.samples, count * sources * sizeof *samples) != cudaSuccess)
    return stop("no memory");

  /* All in the stream's order; the one wait is the last line's. */
  cudaMemcpyAsync(mixture.samples, samples, count * sizeof *samples, cudaMemcpyHostToDevice, stream);
  if (sunder_separate(session, &mixture, &voices) != SUNDER_OK) return stop(sunder_session_error(session));
  cudaMemcpyAsync(host, voices.samples, count * sources * sizeof *host, cudaMemcpyDeviceToHost, stream);
  if (cudaStreamSynchronize(stream) != cudaSuccess) return stop("the device failed");

  fwrite(host, sizeof *host, count * sources, stdout); /* one voice after the other */
  free(host);
  cudaFree(mixture.samples);
  cudaFree(voices.samples);
  sunder_session_free(session); /* before its stream */
  cudaStreamDestroy(stream);
  sunder_model_free(model);
  return 0;
}
