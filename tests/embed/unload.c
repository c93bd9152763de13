/* unload LIBRARY MODEL: a hundred times, loads the library, separates on two threads, frees everything and unloads the
 * library. Prints the first thing that is still there or has grown, and ends with 1; with 0 where there is none. */
#include <dirent.h>
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/sunder.h"

enum { rounds = 100, warm_up = 10, frames = 8000 };

typedef struct {
  long threads, descriptors, resident_kib, address_kib, heap;
} Usage;

static long entries(const char* folder) {
  long count = 0;
  DIR* open = opendir(folder);
  while (open && readdir(open)) ++count;
  if (open) closedir(open);
  return count;
}

static Usage usage(void) {
  Usage now = {entries("/proc/self/task"), entries("/proc/self/fd"), 0, 0, (long)mallinfo2().uordblks};
  char line[256];
  FILE* file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file)) {
    sscanf(line, "VmRSS: %ld", &now.resident_kib);
    sscanf(line, "VmSize: %ld", &now.address_kib);
  }
  if (file) fclose(file);
  return now;
}

static int is_mapped(const char* name) {
  char line[4096];
  int found = 0;
  FILE* file = fopen("/proc/self/maps", "r");
  while (file && fgets(line, sizeof line, file)) found = found || strstr(line, name);
  if (file) fclose(file);
  return found;
}

static int fail(const char* what, long before, long after) {
  printf("%s: %ld, then %ld\n", what, before, after);
  return 1;
}

/* Every function that it needs, under its own name. */
#define FUNCTION(name)                              \
  __typeof__(&sunder_##name) name = NULL;           \
  *(void**)&name = dlsym(library, "sunder_" #name); \
  if (!name) return fail("no function sunder_" #name, 0, 0)

static int separate_once(void* library, const char* path) {
  static float in[frames], out[2 * frames];
  sunder_session_params params = SUNDER_SESSION_PARAMS_INIT;
  sunder_audio mixture = SUNDER_AUDIO_INIT, estimates = SUNDER_AUDIO_INIT;
  sunder_model* model = NULL;
  sunder_session* session = NULL;
  double energy = 0;
  FUNCTION(model_load);
  FUNCTION(model_free);
  FUNCTION(last_error);
  FUNCTION(session_create);
  FUNCTION(session_free);
  FUNCTION(separate);
  if (model_load("no such file", NULL, &model) == SUNDER_OK || !*last_error()) return fail("loaded nothing", 0, 0);
  params.threads = 2;
  for (int t = 0; t < frames; ++t) in[t] = (float)(t % 37) / 37 - 0.5f;
  memset(out, 0, sizeof out);
  mixture.samples = in;
  mixture.channels = 1;
  mixture.frames = estimates.frames = frames;
  estimates.samples = out;
  estimates.channels = 2;
  if (model_load(path, NULL, &model) != SUNDER_OK || session_create(model, &params, &session) != SUNDER_OK) {
    printf("%s\n", last_error());
    return 1;
  }
  if (separate(session, &mixture, &estimates) != SUNDER_OK) return fail("not separated", 0, 0);
  session_free(session);
  model_free(model);
  for (int t = 0; t < 2 * frames; ++t) energy += out[t] * out[t];
  return energy > 0 ? 0 : fail("silent estimates", 0, 0);
}

int main(int argc, char** argv) {
  Usage before = {0, 0, 0, 0, 0};
  if (argc != 3) return fail("expected LIBRARY MODEL", 3, argc);
  for (int round = 1; round <= rounds; ++round) {
    void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) return printf("%s\n", dlerror()), 1;
    if (separate_once(library, argv[2]) != 0) return 1;
    if (dlclose(library) != 0) return fail("dlclose failed in round", 0, round);
    if (is_mapped("libsunder")) return fail("libsunder is still mapped in round", 0, round);
    if (round == warm_up) before = usage();
  }
  {
    const Usage after = usage();
    if (after.threads > before.threads) return fail("threads", before.threads, after.threads);
    if (after.descriptors > before.descriptors) return fail("descriptors", before.descriptors, after.descriptors);
    /* 700 bytes a round: malloc counts blocks that it keeps, and libgomp, which libsoxr brings, loses 8 bytes. */
    if (after.heap > before.heap + 65536) return fail("bytes of the heap", before.heap, after.heap);
    /* What malloc keeps varies. */
    if (after.resident_kib > before.resident_kib + 2048)
      return fail("KiB resident", before.resident_kib, after.resident_kib);
    if (after.address_kib > before.address_kib + 2048) return fail("KiB mapped", before.address_kib, after.address_kib);
  }
  return 0;
}
