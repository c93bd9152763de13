// sunder-prepare audio: a set's mixtures and sources as files.
#include <algorithm>

#include "audio/sets/mixture_set.h"
#include "command/output.h"
#include "command/progress_line.h"
#include "programs/prepare_options.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

struct AudioOptions : OutputOptions {
  std::string set, split = "test";
  int64_t items = 0;
};

void prepare(const AudioOptions& options) {
  set_num_threads(options.threads);
  const MixtureSet set = MixtureSet::open(options.set, options.split, {.sources = CleanSources::where_listed});
  OutputRules rules = output_rules(options, "audio", {options.set});
  for (const auto& folder : set.reads_from()) rules.inputs.push_back(folder);
  OutputFolder output(options.output, rules);
  const int64_t count = options.items > 0 ? std::min(options.items, set.size()) : set.size();
  write_audio(set, output.path(), count, progress_line("writing " + options.split));
  print_result("{:9} {:6} mixtures\n", options.split, count);
  finish(output);
}

}  // namespace

Subcommand add_audio(CLI::App& app) {
  const auto options = std::make_shared<AudioOptions>();
  CLI::App* command = app.add_subcommand("audio", "a set's mixtures and sources as WAV files");
  command->add_option("--set", options->set, "mixture set")->required();
  command->add_option("--output", options->output, "folder for mix/, s1/, s2/, ...")->required();
  command->add_option("--split", options->split, "train, valid or test")
      ->check(CLI::IsMember({"train", "valid", "test"}))
      ->capture_default_str();
  command->add_option("--items", options->items, "write only the first mixtures; 0 writes all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_threads(*command, *options);
  add_force(*command, *options);
  command->footer("Example:\n  sunder-prepare audio --set voices --split test --items 10 --output listen");
  return {command, [options] { prepare(*options); }};
}

}  // namespace sunder
