/* stream MODEL RATE < mixture.raw > voices.raw
 * Like separate.c, but block by block: voices leave with a bounded delay while the recording goes on, for example
 *   arecord -t raw -f S16_LE -r 16000 | stream MODEL 16000 | aplay -t raw -f S16_LE -r 16000 -c 2 */
#include <stdio.h>
#include <stdlib.h>
#include <sunder.h>

enum { block = 1024 };

/* session: NULL for calls without one. */
static void check(sunder_status status, const sunder_session* session) {
  if (status == SUNDER_OK) return;
  fprintf(stderr, "stream: %s\n", session ? sunder_session_error(session) : sunder_last_error());
  exit(1);
}

/* Writes what is there. */
static void drain(sunder_session* session, int16_t* voices, size_t frame_bytes) {
  while (sunder_available(session) > 0) {
    int64_t frames = 0;
    check(sunder_pull(session, voices, block, &frames), session);
    fwrite(voices, frame_bytes, (size_t)frames, stdout);
  }
  fflush(stdout);
}

int main(int argc, char** argv) {
  sunder_model* model = NULL;
  sunder_session* session = NULL;
  sunder_session_params params = SUNDER_SESSION_PARAMS_INIT;
  sunder_audio like = SUNDER_AUDIO_INIT;
  int16_t mixture[block], *voices;
  size_t frames, frame_bytes;
  if (argc != 3) return fprintf(stderr, "stream MODEL RATE < mixture.raw > voices.raw\n"), 2;
  params.chunk_seconds = 2; /* a shorter chunk is a shorter delay, and a harder task for the network */
  check(sunder_model_load(argv[1], NULL, &model), NULL);
  check(sunder_session_create(model, &params, &session), NULL);
  like.channels = 1;
  like.sample_rate = atoi(argv[2]);
  like.format = SUNDER_INT16;
  like.layout = SUNDER_INTERLEAVED;
  check(sunder_stream_begin(session, &like), session);
  fprintf(stderr, "delay: at most %.2f s\n", (double)sunder_delay(session) / like.sample_rate);
  frame_bytes = sizeof *voices * (size_t)sunder_model_sources(model);
  voices = malloc(block * frame_bytes);
  while ((frames = fread(mixture, sizeof *mixture, block, stdin)) > 0) {
    check(sunder_push(session, mixture, (int64_t)frames), session);
    drain(session, voices, frame_bytes);
  }
  check(sunder_finish(session), session);
  drain(session, voices, frame_bytes);
  free(voices);
  sunder_session_free(session);
  sunder_model_free(model);
  return 0;
}
