// sunder-prepare librimix: LibriMix's clean mixtures from its metadata and LibriSpeech.
#include <algorithm>

#include "audio/sets/librimix.h"
#include "command/output.h"
#include "command/progress_line.h"
#include "programs/prepare_options.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

struct LibriMixOptions : OutputOptions {
  std::string metadata, librispeech, mode = "min";
};

std::vector<fs::path> metadata_lists(const fs::path& metadata) {
  std::vector<fs::path> lists;
  if (fs::is_directory(metadata)) {
    for (const auto& entry : fs::directory_iterator(metadata)) lists.push_back(entry.path());
    std::sort(lists.begin(), lists.end());
  } else {
    lists.push_back(metadata);
  }
  std::erase_if(lists, [](const fs::path& list) { return librimix_subset(list).empty(); });
  if (lists.empty())
    throw_error<InputError>(
        "{}: expected LibriMix's metadata: libri2mix_{{train-clean-360,train-clean-100,dev-clean,test-clean}}.csv",
        metadata.string());
  return lists;
}

void prepare(const LibriMixOptions& options) {
  set_num_threads(options.threads);
  const std::vector<fs::path> lists = metadata_lists(options.metadata);
  const MixLength length = options.mode == "min" ? MixLength::min : MixLength::max;
  OutputFolder output(options.output, output_rules(options, "librimix", {options.metadata, options.librispeech}));
  for (const fs::path& list : lists) {
    const std::string subset = librimix_subset(list);
    const int64_t count =
        write_librimix(list, options.librispeech, output.path(), length, progress_line("writing " + subset));
    print_result("{:9} {:6} mixtures\n", subset, count);
  }
  finish(output);
}

}  // namespace

Subcommand add_librimix(CLI::App& app) {
  const auto options = std::make_shared<LibriMixOptions>();
  CLI::App* command = app.add_subcommand("librimix", "LibriMix at 8 kHz (mix_clean) from its metadata and LibriSpeech");
  command
      ->add_option("--metadata", options->metadata,
                   "folder of libri2mix_train-clean-360.csv and the like (LibriMix/metadata/Libri2Mix), or one file")
      ->required();
  command->add_option("--librispeech", options->librispeech, "folder that holds train-clean-360 and the like")
      ->required();
  command->add_option("--output", options->output, "folder to write, usually called Libri2Mix")->required();
  command->add_option("--mode", options->mode, "min: cut to the shorter source; max: pad to the longer")
      ->check(CLI::IsMember({"min", "max"}))
      ->capture_default_str();
  add_threads(*command, *options);
  add_force(*command, *options);
  command->footer(
      "Writes OUTPUT/wav8k/min/{train-360,train-100,dev,test}/{mix_clean,s1,s2}/*.wav, 16-bit, as LibriMix's scripts.\n"
      "No noise is read: a clean mixture does not depend on it.\n\n"
      "Example:\n  sunder-prepare librimix --metadata LibriMix/metadata/Libri2Mix --librispeech LibriSpeech "
      "--output Libri2Mix");
  return {command, [options] { prepare(*options); }};
}

}  // namespace sunder
