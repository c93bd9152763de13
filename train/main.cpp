// sunder-train-<SUNDER_METHOD>: one program per method.
#include "train/train.h"

int main(int argc, char** argv) {
  using namespace sunder;
  const MethodDefinition& method = find_method(SUNDER_METHOD);
  return run_training(method, [&] {
    RunOptions options;
    try {
      options = parse_run_options(method, argc, argv);
    } catch (const Error& error) {
      end_all_ranks(error.what());
      throw;
    }
    return train(options, method);
  });
}
