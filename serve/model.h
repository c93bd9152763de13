// The C API's objects, owned.
#pragma once

#include <memory>

#include "embed/sunder.h"

namespace sunder::serve {

struct ModelChoice;

struct FreeModel {
  void operator()(sunder_model* model) const { sunder_model_free(model); }
};
struct FreeSession {
  void operator()(sunder_session* session) const { sunder_session_free(session); }
};
using Model = std::unique_ptr<sunder_model, FreeModel>;
using Session = std::unique_ptr<sunder_session, FreeSession>;

// Both throw Error with the C API's message, of the kind that its status says.
Model load_model(const ModelChoice& choice);
Session create_session(sunder_model* model, const sunder_session_params& params);

}  // namespace sunder::serve
