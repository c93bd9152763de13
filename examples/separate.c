/* separate MODEL < mixture.raw > voices.raw
 * From raw 16-bit mono samples of the model's rate to raw 16-bit samples with one channel per voice. */
#include <stdio.h>
#include <stdlib.h>
#include <sunder.h>

int main(int argc, char** argv) {
  static int16_t samples[1 << 24]; /* 17 minutes at 16 kHz */
  sunder_model* model = NULL;
  sunder_session* session = NULL;
  sunder_audio mixture = SUNDER_AUDIO_INIT, voices;
  if (argc != 2 || sunder_model_load(argv[1], NULL, &model) != SUNDER_OK ||
      sunder_session_create(model, NULL, &session) != SUNDER_OK)
    return fprintf(stderr, "separate MODEL < mixture.raw > voices.raw: %s\n", sunder_last_error()), 1;
  mixture.samples = samples;
  mixture.frames = (int64_t)fread(samples, sizeof *samples, sizeof samples / sizeof *samples, stdin);
  mixture.channels = 1;
  mixture.format = SUNDER_INT16;
  mixture.layout = SUNDER_INTERLEAVED;
  voices = mixture;
  voices.channels = sunder_model_sources(model);
  voices.samples = calloc((size_t)voices.frames, sizeof *samples * (size_t)voices.channels);
  if (sunder_separate(session, &mixture, &voices) != SUNDER_OK)
    return fprintf(stderr, "%s\n", sunder_session_error(session)), 1;
  fwrite(voices.samples, sizeof *samples * (size_t)voices.channels, (size_t)voices.frames, stdout);
  free(voices.samples);
  sunder_session_free(session);
  sunder_model_free(model);
  return 0;
}
