/* The header is C, and a C program can use every name in it. */
#include "embed/sunder.h"

int sunder_c99(void);

int sunder_c99(void) {
  sunder_model_params params = SUNDER_MODEL_PARAMS_INIT;
  sunder_session_params session_params = SUNDER_SESSION_PARAMS_INIT;
  sunder_audio audio = SUNDER_AUDIO_INIT;
  sunder_model *model = NULL;
  sunder_session *session = NULL;
  if (sunder_model_load(NULL, &params, &model) != SUNDER_BAD_ARGUMENT) return 1;
  if (sunder_session_create(model, &session_params, &session) != SUNDER_BAD_ARGUMENT) return 2;
  if (sunder_separate(session, &audio, &audio) != SUNDER_BAD_ARGUMENT) return 3;
  return 0;
}
