#include "serve/model.h"

#include "serve/options.h"
#include "tensor/error.h"

namespace sunder::serve {
namespace {

ErrorKind kind_of(sunder_status status) {
  switch (status) {
    case SUNDER_BAD_ARGUMENT:
      return ErrorKind::usage;
    case SUNDER_BAD_MODEL:
      return ErrorKind::model;
    case SUNDER_NO_DEVICE:
    case SUNDER_DEVICE_LOST:
      return ErrorKind::device;
    case SUNDER_OUT_OF_MEMORY:
      return ErrorKind::memory;
    default:
      return ErrorKind::failure;
  }
}

}  // namespace

Model load_model(const ModelChoice& choice) {
  sunder_model_params params = SUNDER_MODEL_PARAMS_INIT;
  params.device = choice.device.c_str();
  params.precision = choice.precision.c_str();
  if (!choice.architecture.empty()) params.architecture = choice.architecture.c_str();
  std::vector<const char*> metadata;
  for (const std::string& pair : choice.metadata) metadata.push_back(pair.c_str());
  params.metadata = metadata.data();
  params.metadata_count = metadata.size();
  sunder_model* model = nullptr;
  const sunder_status status = sunder_model_load(choice.path.c_str(), &params, &model);
  if (status != SUNDER_OK) throw Error(sunder_last_error(), kind_of(status));
  return Model(model);
}

Session create_session(sunder_model* model, const sunder_session_params& params) {
  sunder_session* session = nullptr;
  const sunder_status status = sunder_session_create(model, &params, &session);
  if (status != SUNDER_OK) throw Error(sunder_last_error(), kind_of(status));
  return Session(session);
}

}  // namespace sunder::serve
