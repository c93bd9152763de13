// sunder-info: what this build and machine are, or what a file or folder holds.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "audio/file.h"
#include "audio/sets/mixture_set.h"
#include "command/command_line.h"
#include "command/output.h"
#include "command/shipped_models.h"
#include "files/safetensors.h"
#include "nn/architectures.h"
#include "programs/model_options.h"
#include "tensor/blas.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "train/checkpoint.h"
#include "train/progress_bar.h"

namespace {

namespace fs = std::filesystem;
using namespace sunder;

void show(const std::string& key, const std::string& value) { print_result("{:<14} {}\n", key, value); }

std::string gib(double bytes) { return fmt::format("{:.1f} GiB", bytes / (1 << 30)); }

void describe_build() {
  const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
  show("version", version());
#if defined(__clang__)
  show("compiler", "Clang " __clang_version__);
#else
  show("compiler", "GCC " __VERSION__);
#endif
  show("devices", "cpu");
  show("simd", simd_level());  // SUNDER_SIMD forces one, SUNDER_OPENBLAS_CORE the other
  show("blas", fmt::format("OpenBLAS, {}", blas::core_name()));
  const auto model = shipped_model(default_model);
  show("default model", model ? model->string() : fmt::format("none in {}", model_folders_text()));
  show("threads", std::to_string(num_threads()));
  show("memory", fmt::format("{}, {} free", gib(page * static_cast<double>(sysconf(_SC_PHYS_PAGES))),
                             gib(page * static_cast<double>(sysconf(_SC_AVPHYS_PAGES)))));
}

void describe_weights(const SafeTensors& model, const std::string& source) {
  int64_t numbers = 0;
  for (const auto& [name, tensor] : model.tensors) numbers += tensor.numel();
  show("parameters", fmt::format("{} in {} tensors", numbers, model.tensors.size()));
  std::map<std::string, std::string> rest = model.metadata;
  rest.erase("config");
  if (rest.erase("architecture") == 0) {
    show("architecture", "not named; to use it, name it with --architecture");
  } else {
    const ModelConfig config = read_model_config(model, source);
    show("architecture", config.architecture);
    for (const Field& field : config.separator().fields() + config.separator().derived_fields()) {
      show(field.name, fmt::format("{:<12} {}", text_of(field), field.help));
      rest.erase(field.name);
    }
  }
  for (const auto& [key, value] : rest) show(key, value);
}

void describe_checkpoint(const Checkpoint& checkpoint) {
  show("checkpoint", fs::canonical(checkpoint.path).string());
  describe_weights(checkpoint.data.model, (checkpoint.path / "model.safetensors").string());
  const State& state = checkpoint.data.state;
  show("step", std::to_string(checkpoint.step));
  for (const char* key : {"epoch", "minutes", "best_score"}) {
    const auto found = state.find(key);
    if (found == state.end()) continue;
    if (const double* number = std::get_if<double>(&found->second)) show(key, fmt::format("{:.2f}", *number));
    else std::visit([&](const auto& value) { show(key, fmt::format("{}", value)); }, found->second);
  }
  show("best so far", checkpoint.is_best ? "yes" : "no");
}

void describe_audio(const fs::path& path) {
  const AudioInfo info = audio_info(path);
  show("audio", path.string());
  show("channels", std::to_string(info.channels));
  show("sample_rate", fmt::format("{} Hz", info.sample_rate));
  show("samples", std::to_string(info.frames));
  show("duration", fmt::format("{:.3f} s", static_cast<double>(info.frames) / info.sample_rate));
}

std::string contents(const MixtureSet& set) {
  int64_t samples = 0;
  for (int64_t i = 0; i < set.size(); ++i) samples += set.length(i);
  return fmt::format("{} mixtures{} at {} Hz, {}{}", set.size(),
                     set.num_sources() > 0 ? fmt::format(" of {} sources", set.num_sources()) : "", set.sample_rate(),
                     format_duration(static_cast<double>(samples) / set.sample_rate()),
                     set.has_sources() ? "" : ", no clean sources");
}

void describe_set(const fs::path& folder) {
  std::vector<std::string> notes;
  int found = 0;
  bool references = false;
  std::string problem;
  for (const char* split : {"train", "valid", "test"}) {
    try {
      const MixtureSet set = MixtureSet::open(folder, split, {.sources = CleanSources::where_listed});
      show(split, contents(set));
      for (const std::string& note : set.notes())
        if (std::ranges::find(notes, note) == notes.end()) notes.push_back(note);
      references |= set.has_sources();
      ++found;
    } catch (const InputError& error) {
      problem = error.what();
      if (fs::exists(folder / "set.toml")) show(split, fmt::format("none ({})", problem));
    }
  }
  if (found == 0) throw InputError(problem);
  for (const std::string& note : notes) show("note", note);
  if (!references)
    show("methods", "mixit, mixpit and mixcycle train on mixtures alone, unssor on those of several microphones");
}

int run(int argc, char** argv) {
  CLI::App app(
      "Describes this build and machine; with a path: a model file or the name of one that comes with Sunder, a\n"
      "checkpoint, a run folder (its best checkpoint), a recording, a mixture set or a folder of recordings.",
      "sunder-info");
  std::string given;
  app.add_option("path", given, "what to describe");
  parse_command_line(app, argc, argv, "  sunder-info\n  sunder-info RUN/checkpoints/best");
  if (given.empty()) {
    describe_build();
    return 0;
  }
  const auto shipped = fs::exists(given) ? std::nullopt : shipped_model(given);
  const fs::path path = shipped ? *shipped : model_folder(given);
  if (!fs::exists(path)) throw_error<InputError>("{}: no such file or folder", given);
  if (fs::exists(path / "manifest.json")) {
    describe_checkpoint(load_checkpoint(path));
  } else if (fs::exists(path / "model.safetensors") || path.extension() == ".safetensors" || is_pytorch_file(path)) {
    const fs::path file = fs::is_directory(path) ? path / "model.safetensors" : path;
    show("model", file.string());
    describe_weights(read_safetensors(file), file.string());
  } else if (fs::is_directory(path)) {
    describe_set(path);
  } else {
    describe_audio(path);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_main("sunder-info", [&] { return run(argc, argv); });
}
