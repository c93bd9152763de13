// sunder-train-<SUNDER_METHOD>: one program per method.
#include "train/train.h"

int main(int argc, char** argv) {
  using namespace sunder;
  const MethodDefinition& method = find_method(SUNDER_METHOD);
  return run_training(method, [&] { return train(parse_run_options(method, argc, argv), method); });
}
