// sunder-import: makes a model of the weights of another project.
#include <CLI/CLI.hpp>

#include "command/cleanup.h"
#include "command/command_line.h"
#include "command/output.h"
#include "files/output_target.h"
#include "nn/foreign_model.h"
#include "programs/model_options.h"
#include "tensor/error.h"
#include "train/checkpoint.h"

namespace {

namespace fs = std::filesystem;
using namespace sunder;

struct Options {
  std::string input, output, project;
  bool half = false;
  int64_t hop_length = 0, sample_rate = 0;  // 0: not given
  std::vector<std::string> metadata;
};

constexpr const char* description =
    "Makes a model for Sunder's programs of the weights of another project, saved as safetensors:\n\n"
    "  asteroid    ConvTasNet with learned filters (fb_name=free) or fb_name=stft, or its masker alone\n"
    "  espnet      TFGridNet and TFGridNetV2 (an enhancement model's or the separator's own state dict)\n"
    "  merl        the TF-GridNet of UNSSOR and ERAS (reverberation-as-supervision)\n"
    "  torchaudio  ConvTasNet, or its mask generator on STFT magnitudes, as in MixCycle\n"
    "  sunder      a run, a checkpoint or a model of Sunder's own, for one file to pass on\n\n"
    "Weights do not show everything that a network needs: its hop, window, level and mean, what its outputs are. "
    "These\n"
    "settings are printed with their origin. Those that are \"assumed\" are the project's defaults: compare them with "
    "the\n"
    "configuration that the network was trained with, and give the others with --metadata. A wrong one separates "
    "badly\n"
    "and says nothing. docs/import.md has the tables of names, layouts and conventions.\n";

Options parse(int argc, char** argv) {
  Options options;
  CLI::App app(description, "sunder-import");
  app.add_option("input", options.input, "the weights: a .safetensors file; of Sunder's own also a run or checkpoint")
      ->required();
  app.add_option("--from", options.project, "the project: asteroid, espnet, merl, torchaudio or sunder")->required();
  app.add_option("-o,--output", options.output, "the model file, which is replaced whole")->required();
  app.add_flag("--half", options.half, "store float16, in half the bytes; default: float32 or what the file has");
  app.add_option("--hop-length", options.hop_length, "samples between frames (ESPnet and Asteroid call it stride)")
      ->check(CLI::PositiveNumber);
  app.add_option("--sample-rate", options.sample_rate, "Hz that the network was trained at; default: 8000")
      ->check(CLI::PositiveNumber);
  app.add_option("--metadata", options.metadata,
                 fmt::format("KEY=VALUE, may be repeated: a setting that would be assumed; KEY is one of {}",
                             fmt::join(metadata_keys(), ", ")))
      ->allow_extra_args(false);
  parse_command_line(
      app, argc, argv,
      "  sunder-import valid.loss.best.safetensors --from espnet --hop-length 64 -o tfgridnet.safetensors\n"
      "  sunder-import epoch=99.safetensors --from merl -o unssor.safetensors\n"
      "  sunder-import RUN --from sunder --half -o model.safetensors");
  return options;
}

std::map<std::string, std::string> given_settings(const Options& options) {
  std::map<std::string, std::string> given = metadata_of(options.metadata);
  if (options.hop_length > 0) given["hop_length"] = std::to_string(options.hop_length);
  if (options.sample_rate > 0) given["sample_rate"] = std::to_string(options.sample_rate);
  return given;
}

// Sunder's own weights as one file, once they are known to be a network that every program loads. The recipe stays
// behind: it names folders of the machine that trained.
void write_own_model(const Options& options, const std::map<std::string, std::string>& given, WeightType type) {
  const fs::path folder = model_folder(options.input), path = model_file(options.input);
  if (fs::exists(folder / "manifest.json")) load_checkpoint(folder);
  const SafeTensors file = read_safetensors(path);
  LoadedModel model = load_separator(file, path.string(), "", DType::float32, cpu_device, given);
  model.metadata.erase("config");
  write_safetensors(options.output, file.tensors, model.metadata, type);
  print_result("{:<18} {}\n", "parameters", model.separator->parameters().count());
  print_result("{:<18} {}\n", "written", options.output);
}

void report(const ForeignModel& model, const Options& options) {
  print_result("{:<18} {} ({}*)\n", "weights", name_of(model.layout.network), model.layout.prefix);
  print_result("{:<18} {}\n", "parameters", model.separator->parameters().count());
  bool assumed = false;
  for (const ForeignSetting& setting : model.settings) {
    print_result("{:<18} {:<10} {:<9} {}\n", setting.key, setting.value, setting.origin, setting.help);
    assumed |= setting.origin == "assumed";
  }
  for (const std::string& name : model.ignored) print_result("{:<18} {}\n", "ignored", name);
  print_result("{:<18} {}\n", "written", options.output);
  if (assumed)
    print_message(
        "sunder-import: what is assumed are the defaults of {}: compare it with the configuration of the training\n",
        options.project);
}

int run(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const std::map<std::string, std::string> given = given_settings(options);
  const WeightType type = options.half ? WeightType::float16 : WeightType::own;
  const bool own = options.project == "sunder";
  if (!own) foreign_project(options.project);
  std::error_code error;
  const fs::path input = own ? model_file(options.input) : fs::path(options.input);
  if (fs::equivalent(input, options.output, error))
    throw_error<UsageError>("--output: expected another file than the input, got {}", options.output);
  check_output(options.output);
  if (own) {
    write_own_model(options, given, type);
    return exit_done;
  }
  const ForeignModel model =
      foreign_model(read_safetensors_and_others(options.input), options.input, options.project, given);
  write_safetensors(options.output, model.separator->parameters().state_dict(), model.metadata, type);
  report(model, options);
  return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  remove_temporaries_at_signals();
  return run_main("sunder-import", [&] { return run(argc, argv); });
}
