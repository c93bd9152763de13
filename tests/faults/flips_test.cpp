// Checkpoints with a flipped bit: it is found, or it makes no difference; and no other checkpoint is lost.
#include "tensor/random.h"
#include "tests/faults/runs.h"
#include "train/checkpoint.h"

namespace sunder::faults {
namespace {

namespace fs = std::filesystem;

class Flips : public DisturbedRuns {
 protected:
  void SetUp() override {
    TrainingTest::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    ASSERT_EQ(prepare("set", 8, 2).code, 0);
    const Command command = waveform_training("pit", 2);
    const ProgramResult result = run_program(command.program, command.arguments);
    ASSERT_EQ(result.code, 0) << result.err;
    fs::rename(folder_ / "work", folder_ / "begun");
  }

  std::string latest() const {
    std::string latest;
    for (const std::string& name : checkpoints("begun/run"))
      if (name.starts_with("step-")) latest = std::max(latest, name);
    return latest;
  }

  void restore() const {
    fs::remove_all(folder_ / "work");
    fs::copy(folder_ / "begun", folder_ / "work", fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  }

  // Flips a random bit of a file; says which.
  std::string flip(const std::string& name) {
    std::string bytes = read(name);
    const size_t bit = random_.below(8 * bytes.size());
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    write(name, bytes);
    return fmt::format("bit {} of {}", bit, fs::path(name).filename().string());
  }

  static bool equal(const CheckpointData& a, const CheckpointData& b) {
    const auto same = [](const SafeTensors& x, const SafeTensors& y) {
      if (x.metadata != y.metadata || x.tensors.size() != y.tensors.size()) return false;
      for (const auto& [name, tensor] : x.tensors) {
        const auto other = y.tensors.find(name);
        if (other == y.tensors.end() || tensor.shape() != other->second.shape() ||
            tensor.dtype() != other->second.dtype() ||
            std::memcmp(tensor.raw(), other->second.raw(), tensor.bytes()) != 0)
          return false;
      }
      return true;
    };
    return same(a.model, b.model) && same(a.optimizer, b.optimizer) && to_json(a.state) == to_json(b.state);
  }

  static constexpr const char* files[] = {"model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"};
  Random random_{1, RandomUse::test};
};

// In this process: many.
TEST_F(Flips, AreFoundByTheLoader) {
  restore();
  const std::string checkpoint = "work/run/checkpoints/" + latest();
  const Checkpoint whole = load_checkpoint(folder_ / checkpoint);
  const int64_t flips = size_of_campaign("FLIPS", 40);
  for (const std::string file : files) {
    Count count("flips", file, static_cast<size_t>(flips));
    const std::string bytes = read(checkpoint + "/" + file);
    for (int64_t i = 0; i < flips; ++i) {
      std::string wrong;
      const std::string name = flip(checkpoint + "/" + file);
      try {
        const Checkpoint loaded = load_checkpoint(folder_ / checkpoint);
        if (!equal(loaded.data, whole.data) || loaded.step != whole.step || loaded.is_best != whole.is_best)
          wrong = "is not noticed";
      } catch (const ModelError&) {
      } catch (const std::exception& error) {
        wrong = fmt::format("expected a ModelError, got {}", error.what());
      }
      write(checkpoint + "/" + file, bytes);
      count.tried(name, wrong);
    }
  }
}

// As a user sees it: the run goes on from the checkpoint before and ends with the same bits.
TEST_F(Flips, DoNotChangeARun) {
  restore();
  const Command command = waveform_training("pit", 3);
  ASSERT_EQ(run_program(command.program, command.arguments).code, 0);
  const Snapshot expected = outcome();
  const int64_t flips = size_of_campaign("FLIPS_OF_RUNS", 1);
  Count count("flips", "sunder-train-pit --resume auto", std::size(files) * static_cast<size_t>(flips));
  for (const std::string file : files)
    for (int64_t i = 0; i < flips; ++i) {
      restore();
      const std::string name = flip(fmt::format("work/run/checkpoints/{}/{}", latest(), file));
      const ProgramResult result = run_program(command.program, command.arguments);
      count.tried(name, result.code != 0 ? fmt::format("exit code {}: {}", result.code, result.err)
                                         : difference(expected, outcome()));
    }
}

}  // namespace
}  // namespace sunder::faults
