/* Sunder's C API: separates recordings of several speakers into one signal per speaker.
 *
 *   sunder_model *model = NULL;
 *   sunder_session *session = NULL;
 *   if (sunder_model_load("model.safetensors", NULL, &model) != SUNDER_OK) ...  sunder_last_error() says why
 *   if (sunder_session_create(model, NULL, &session) != SUNDER_OK) ...
 *   sunder_audio mixture = SUNDER_AUDIO_INIT, voices = SUNDER_AUDIO_INIT;
 *   mixture.samples = samples; mixture.frames = frames; mixture.channels = 1; mixture.sample_rate = 16000;
 *   voices.samples = output; voices.frames = frames; voices.channels = sunder_model_sources(model);
 *   if (sunder_separate(session, &mixture, &voices) != SUNDER_OK) ...           sunder_session_error(session)
 *   sunder_session_free(session);
 *   sunder_model_free(model);
 *
 * A model is never changed after it was loaded: any number of threads may use it, each with a session of its own. A
 * session serves one thread at a time; a call while another thread is inside returns SUNDER_BUSY, changes nothing and
 * leaves no message.
 *
 * The library never prints, exits, aborts, throws, installs signal handlers, or changes the locale, the current CUDA
 * device or OpenMP's settings. After any status other than SUNDER_OK the session can be used further, and so can all
 * others, unless the function says otherwise. Freeing NULL does nothing. Freeing an object twice, or while another
 * thread uses it, cannot be detected. A model may be freed before its sessions: it lives as long as the last of them.
 *
 * Loading the first model loads OpenBLAS, for which OPENBLAS_NUM_THREADS and OPENBLAS_CORETYPE are set for that moment
 * and restored: no other thread should call getenv or setenv meanwhile.
 *
 * Structs begin with their size, which SUNDER_..._INIT sets, so that programs run with newer libraries; what is left
 * zero is the default. Strings that functions return are UTF-8. A message is valid until the next call of its session
 * or thread, everything else as long as its object.
 */
#ifndef SUNDER_H
#define SUNDER_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SUNDER_API __attribute__((visibility("default")))
#else
#define SUNDER_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when a program that was compiled against an older header would no longer work. */
#define SUNDER_ABI_VERSION 1

typedef enum sunder_status {
  SUNDER_OK = 0,
  SUNDER_FAILED = 1,        /* at run time; the message says what */
  SUNDER_BAD_ARGUMENT = 2,  /* a value out of range, a null pointer, a buffer that does not fit */
  SUNDER_BAD_AUDIO = 3,     /* samples that are not finite */
  SUNDER_BAD_MODEL = 4,     /* a model file that is missing, damaged, or of another kind */
  SUNDER_NO_DEVICE = 5,     /* no such device in this machine or build */
  SUNDER_DEVICE_LOST = 6,   /* a CUDA device that failed: sessions on it are of no use, those on other devices are */
  SUNDER_OUT_OF_MEMORY = 7, /* of the host, of the device, or more than the session's limit */
  SUNDER_BUSY = 8,          /* another thread is using the session */
  SUNDER_CANCELLED = 9      /* by sunder_cancel or a progress callback */
} sunder_status;

typedef struct sunder_model sunder_model;
typedef struct sunder_session sunder_session;

/* ---- the library ---- */

SUNDER_API int sunder_abi_version(void);                         /* SUNDER_ABI_VERSION of the library */
SUNDER_API const char* sunder_version(void);                     /* "0.1.0" */
SUNDER_API const char* sunder_build_info(void);                  /* compiler, CUDA, instruction set: one line */
SUNDER_API const char* sunder_status_name(sunder_status status); /* "out of memory" */
/* Why the calling thread's last call without a session failed: of sunder_model_load and sunder_session_create. "" if it
 * did not. */
SUNDER_API const char* sunder_last_error(void);

typedef enum sunder_log_level { SUNDER_LOG_INFO = 0, SUNDER_LOG_WARNING = 1 } sunder_log_level;
/* Called by the thread that has something to say, also by several at once. It must not call the library. */
typedef void (*sunder_log_callback)(void* user, int level, const char* message);
/* What no status says goes to `callback` (NULL, as at first: nowhere), of all models and sessions: what was loaded, and
 * where a recording's chunks meet, as a warning where the outputs could hardly be told apart there. When it returns the
 * callback before is no longer running. Before dlclose: NULL. */
SUNDER_API void sunder_set_log(sunder_log_callback callback, void* user);

/* ---- models ---- */

typedef struct sunder_model_params {
  size_t struct_size;
  const char* device;          /* "cpu" (also NULL), "cuda" or "cuda:N" */
  const char* precision;       /* "fp32" (also NULL), "fp64", on CUDA also "tf32" and "bf16" */
  const char* architecture;    /* of a state dict that does not name it; else NULL */
  const char* const* metadata; /* "KEY=VALUE": what a state dict without metadata does not show (docs/import.md) */
  size_t metadata_count;
} sunder_model_params;
#define SUNDER_MODEL_PARAMS_INIT \
  { sizeof(sunder_model_params), NULL, NULL, NULL, NULL, 0 }

/* path: a .safetensors file, a checkpoint folder, or a training run's folder (its best checkpoint). `params` may be
 * NULL. `*model` is NULL where the status is not SUNDER_OK. */
SUNDER_API sunder_status sunder_model_load(const char* path, const sunder_model_params* params, sunder_model** model);
/* The same from the bytes of a .safetensors file, which may be freed afterwards. */
SUNDER_API sunder_status sunder_model_load_memory(const void* bytes, size_t size, const sunder_model_params* params,
                                                  sunder_model** model);
SUNDER_API void sunder_model_free(sunder_model* model);

/* Of NULL: 0. */
SUNDER_API int sunder_model_sources(const sunder_model* model);      /* outputs */
SUNDER_API int sunder_model_microphones(const sunder_model* model);  /* input channels */
SUNDER_API int sunder_model_sample_rate(const sunder_model* model);  /* Hz; other rates are converted */
SUNDER_API int64_t sunder_model_shortest(const sunder_model* model); /* frames at that rate; shorter input is padded */
/* A value of the model file's metadata, such as "architecture"; NULL where it has no such key. */
SUNDER_API const char* sunder_model_metadata(const sunder_model* model, const char* key);

/* ---- sessions ---- */

/* done (on the device: queued) of total frames, in sunder_separate_batch of recordings; in a stream total is -1. The
 * session must not be used in it. Where it returns something other than 0 the call ends with SUNDER_CANCELLED. */
typedef int (*sunder_progress_callback)(void* user, int64_t done, int64_t total);

typedef struct sunder_session_params {
  size_t struct_size;
  /* CPU threads that help, the calling one included; 0: one. Programs with many sessions are fastest with one each. */
  int threads;
  /* Longer recordings are separated in chunks of this length, which bounds the memory and a stream's delay; 0: 30. */
  double chunk_seconds;
  /* By how much chunks overlap at least; their outputs are matched there, so that a speaker stays in one output. 0: 4
   * seconds, or a quarter of shorter chunks. At most half a chunk. */
  double overlap_seconds;
  /* Bytes that the session may take from the host, or from the device of a CUDA model, for work (weights and the
   * caller's buffers not counted); 0: no limit. */
  uint64_t memory_limit;
  sunder_progress_callback progress;
  void* progress_user;
  /* CUDA: a cudaStream_t of the model's device, in whose order work on SUNDER_DEVICE is done; it outlives the session.
   * No call is possible while it is being captured. */
  void* cuda_stream;
  /* CUDA: not 0: chunks of one length are never captured into a graph. Otherwise the third and later ones are one
   * launch each, with the same results, and a session keeps the work memory of up to four lengths that came again. */
  int no_graphs;
} sunder_session_params;
#define SUNDER_SESSION_PARAMS_INIT \
  { sizeof(sunder_session_params), 0, 0.0, 0.0, 0, NULL, NULL, NULL, 0 }

/* `params` may be NULL. */
SUNDER_API sunder_status sunder_session_create(sunder_model* model, const sunder_session_params* params,
                                               sunder_session** session);
SUNDER_API void sunder_session_free(sunder_session* session);
/* Why the session's last call failed; "" if it did not. */
SUNDER_API const char* sunder_session_error(const sunder_session* session);
/* From any thread: the call that is running ends with SUNDER_CANCELLED, at the latest before its next chunk. Without a
 * running call it does nothing. */
SUNDER_API void sunder_cancel(sunder_session* session);
/* Bytes that separating a recording of `frames` frames at `sample_rate` takes at most, and never more than a chunk's:
 * what memory_limit is compared with. On CUDA each graph (no_graphs) takes as much again, as far as the limit allows,
 * and gives way where other work needs it. */
SUNDER_API sunder_status sunder_session_memory(sunder_session* session, int64_t frames, int sample_rate,
                                               uint64_t* bytes);

/* ---- audio ---- */

typedef enum sunder_format {
  SUNDER_FLOAT32 = 0, /* full scale is 1; results may exceed it */
  SUNDER_INT16 = 1    /* results beyond full scale are clipped, and sunder_clipped counts them */
} sunder_format;

typedef enum sunder_layout {
  SUNDER_PLANAR = 0,      /* channel after channel: samples[c * frames + t] */
  SUNDER_INTERLEAVED = 1, /* samples[t * channels + c] */
  SUNDER_POINTERS = 2     /* `samples` is an array of pointers, one per channel */
} sunder_layout;

typedef enum sunder_memory {
  SUNDER_HOST = 0,  /* pinned memory too */
  SUNDER_DEVICE = 1 /* of the device that the model is on: float32, planar, at the model's rate */
} sunder_memory;

typedef struct sunder_audio {
  size_t struct_size;
  void* samples; /* the caller's, aligned as its samples are; never written to where it is an input */
  int64_t frames;
  int channels;    /* of a mixture: the model's microphones; of estimates: its sources */
  int sample_rate; /* Hz; 0: the model's, in estimates: the mixture's */
  int format;      /* sunder_format */
  int layout;      /* sunder_layout */
  int memory;      /* sunder_memory */
} sunder_audio;
#define SUNDER_AUDIO_INIT \
  { sizeof(sunder_audio), NULL, 0, 0, 0, SUNDER_FLOAT32, SUNDER_PLANAR, SUNDER_HOST }

/* Separates a recording. `estimates` describes the caller's buffers: as many frames as the mixture, one channel per
 * source. They add up to the mixture (below half the lower of the two sample rates) where the model's masks do.
 *
 * SUNDER_DEVICE, of both: nothing is copied through the host, and the samples are the same. With a cuda_stream the work
 * is in that stream's order and only queued when the call returns: the stream has to be waited for before the estimates
 * are read elsewhere, and both buffers stay in place until then. The host waits for the stream once for each pair of
 * neighbouring chunks, to match their outputs, but not for the last chunk; and where memory is taken or given up, in
 * the first calls with a length. Without a cuda_stream the mixture must be there before the call, which returns when
 * the estimates are. Nobody looks at samples: those that are not finite give estimates that are not, and no status.
 * A device that fails after the return is the status of a later call. Mixture and estimates must not overlap. */
SUNDER_API sunder_status sunder_separate(sunder_session* session, const sunder_audio* mixture,
                                         const sunder_audio* estimates);
/* `count` recordings of any lengths, in arrays of structs. Those of one length run through the network together, as
 * many as fit into a chunk one after the other, so that the memory is that of a chunk. The same samples as one by one
 * within rounding. Buffers of a call that fails are undefined. */
SUNDER_API sunder_status sunder_separate_batch(sunder_session* session, size_t count, const sunder_audio* mixtures,
                                               const sunder_audio* estimates);

/* ---- streams: samples in, samples out, one at a time in a session ---- */

/* Begins a stream, and ends the one before. `like`: rate, channels, format and layout of what is pushed, from the
 * host; samples and frames are ignored. Pulled samples have its rate, format and layout, one channel per source. */
SUNDER_API sunder_status sunder_stream_begin(sunder_session* session, const sunder_audio* like);
/* Takes frames of any number. Where a chunk is complete it is separated in this call. What is not pulled is
 * kept. */
SUNDER_API sunder_status sunder_push(sunder_session* session, const void* samples, int64_t frames);
/* The recording has ended: what is left is separated, and exactly as many frames can be pulled as were pushed. */
SUNDER_API sunder_status sunder_finish(sunder_session* session);
/* Frames that can be pulled now. */
SUNDER_API int64_t sunder_available(const sunder_session* session);
/* Copies up to `frames` frames; `*pulled` says how many. SUNDER_PLANAR: channel c begins at samples[c * frames]. */
SUNDER_API sunder_status sunder_pull(sunder_session* session, void* samples, int64_t frames, int64_t* pulled);
/* Frames at the stream's rate by which pulled samples lag behind pushed ones at most. */
SUNDER_API int64_t sunder_delay(const sunder_session* session);

/* Samples that were clipped in the last call (int16). */
SUNDER_API uint64_t sunder_clipped(const sunder_session* session);

#ifdef __cplusplus
}
#endif
#endif
