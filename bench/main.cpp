// sunder-bench: times this build on this machine.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "bench/metrics.h"
#include "bench/step.h"
#include "command/command_line.h"
#include "command/output.h"
#include "tensor/parallel.h"

using namespace sunder;

int main(int argc, char** argv) {
  return run_main("sunder-bench", [&] {
    CLI::App app("Times Sunder on this machine.", "sunder-bench");
    app.require_subcommand(1);
    CLI::App* step = app.add_subcommand("step", "whole training steps of the paper's network; one JSON line each");
    StepBenchmark base;
    std::vector<std::string> methods{"mixcycle"}, precisions{"fp32"}, modes{"eager"};
    std::vector<double> seconds{1};
    int threads = 0;
    step->add_option("--model", base.model, "stft-conv-tasnet, conv-tasnet or tf-gridnet")->capture_default_str();
    step->add_option("--size", base.size, "size of a tf-gridnet: paper or small")
        ->capture_default_str()
        ->check(CLI::IsMember({"paper", "small"}));
    step->add_option("--mics", base.mics, "far-field microphones of a tf-gridnet")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    step->add_option("--method", methods,
                     "pit, mixit, mixpit, mixcycle; for a tf-gridnet pit, unssor, m2m; several: one line each");
    step->add_option("--batch", base.batch, "network inputs per step")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    step->add_option("--seconds", seconds, "length of the signals at 8 kHz");
    step->add_option("--device", base.device, "cpu, cuda or cuda:N")->capture_default_str();
    step->add_option("--threads", threads, "CPU threads; 0: one per CPU that may be used")->capture_default_str();
    step->add_option("--mode", modes, "eager, or graph (CUDA): the step captured as one graph; several: one line each")
        ->check(CLI::IsMember({"eager", "graph"}));
    step->add_option("--precision", precisions, "fp64, fp32, tf32, bf16; several: one line each");
    step->add_option("--repeats", base.repeats, "timed steps")->capture_default_str()->check(CLI::PositiveNumber);
    step->add_option("--warmup", base.warmup, "untimed steps before them")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);

    step->add_option("--set", base.settings, "key=value of a recipe; repeatable")->allow_extra_args(false);

    CLI::App* scoring = app.add_subcommand("metrics", "seconds per minute of audio of each metric; one JSON line each");
    MetricsBenchmark scored;
    std::vector<int> rates{8000, 16000}, metric_threads{1, 2};
    std::vector<std::string> names = timed_metrics();
    scoring->add_option("--metrics", names, "several: one line each")->check(CLI::IsMember(timed_metrics()));
    scoring->add_option("--rates", rates, "Hz; several: one line each");
    scoring->add_option("--threads", metric_threads, "items scored in parallel; several: one line each");
    scoring->add_option("--repeats", scored.repeats, "timed runs")->capture_default_str()->check(CLI::PositiveNumber);
    scoring->add_option("--speech", scored.speech, "audio files, two per item; default: noise");
    parse_command_line(app, argc, argv,
                       "sunder-bench step --method pit mixcycle --batch 8 --seconds 1 --threads 2\n"
                       "sunder-bench metrics --threads 1 2 --speech recordings/*.wav");
    if (scoring->parsed()) {
      for (const int rate : rates)
        for (const std::string& metric : names)
          for (const int count : metric_threads) {
            MetricsBenchmark one = scored;
            one.sample_rate = rate;
            one.threads = count;
            print_result("{}\n", run(one, metric));
            std::fflush(stdout);
          }
      return 0;
    }
    set_num_threads(threads);
    for (const double length : seconds) {
      for (const std::string& precision : precisions) {
        for (const std::string& method : methods) {
          for (const std::string& mode : modes) {
            StepBenchmark one = base;
            one.seconds = length;
            one.precision = precision;
            one.method = method;
            one.mode = mode;
            print_result("{}\n", run(one));
            std::fflush(stdout);
          }
        }
      }
    }
    return 0;
  });
}
