// Trainings that are disturbed, and the undisturbed one that they must equal to the bit.
#pragma once

#include "files/folder_pointer.h"
#include "tests/faults/campaign.h"
#include "tests/programs/training_fixture.h"

namespace sunder::faults {

class DisturbedRuns : public TrainingTest {
 protected:
  // The same words start a run and go on with it, always in work/run.
  std::string run() const { return at("work/run"); }

  // A run of tiny networks that always saves a checkpoint after every epoch, by whatever method.
  Command waveform_training(const std::string& method, int epochs, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words =
        arguments("set", "work/run", {"--max-epochs", std::to_string(epochs), "--resume", "auto"});
    if (method == "mixcycle") words.insert(words.end(), {"--set", "mixcycle.init_epochs=1"});
    words.insert(words.end(), more.begin(), more.end());
    return {"sunder-train-" + method, words};
  }
  Command far_field_training(const std::string& method, int epochs, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"--data",   at("tree"), "--output", run(), "--max-epochs", std::to_string(epochs),
                                      "--resume", "auto"};
    for (const char* key :
         {"train.threads=1", "train.batch=2", "train.log_seconds=0", "data.segment_seconds=0.5", "data.crop=any",
          "model.architecture=tf-gridnet", "model.n_fft=64", "model.hop_length=16", "model.window=sqrt_hann",
          "model.microphones=6", "model.emb_dim=4", "model.num_blocks=1", "model.lstm_hidden=4", "model.heads=2",
          "model.qk_channels=1", "fcp.far_past=3", "fcp.close_past=3", "optim.clip=1", "validation.select=valid_loss"})
      words.insert(words.end(), {"--set", key});
    words.insert(words.end(), more.begin(), more.end());
    return {"sunder-train-" + method, words};
  }
  // Two speakers for each split.
  void write_speech() const {
    std::string list = "path,speaker,split\n";
    std::filesystem::create_directories(folder_ / "speech");
    for (int speaker = 0; speaker < 6; ++speaker) {
      for (int take = 0; take < 4; ++take) {
        const std::string name = fmt::format("{}-{}.wav", speaker, take);
        write_wav(folder_ / "speech" / name, synthetic_voice(speaker, take, 9000 + 300 * take, rate), rate);
        list += fmt::format("{},{},{}\n", name, speaker, speaker < 2 ? "train" : speaker < 4 ? "valid" : "test");
      }
    }
    write("speech/splits.csv", list);
  }
  void make_tree() const {
    write_speech();
    const ProgramResult made =
        run_program("sunder-prepare", {"rooms", "--speech", at("speech"), "--output", at("tree"), "--train", "4",
                                       "--valid", "2", "--test", "1", "--threads", "1"});
    ASSERT_EQ(made.code, 0) << made.err;
  }

  // What two runs of the same training have in common: weights, states, metrics; and that nothing is left over.
  Snapshot outcome() const {
    Snapshot found;
    for (const std::string name : {"last", "best"}) {
      // A link, or a file with the folder's name where links failed.
      const auto pointed = pointed_folder(folder_ / "work/run/checkpoints" / name);
      const std::string checkpoint = (pointed ? *pointed : folder_ / "none").string();
      for (const std::string file : {"/model.safetensors", "/optimizer.safetensors"})
        found[name + file] = read(checkpoint + file);
      found[name + "/state.json"] = exists(checkpoint + "/state.json") ? state(checkpoint).dump() : "";
    }
    if (exists("work/run/metrics.jsonl"))
      for (const nlohmann::json& row : metrics("work/run")) found["metrics.jsonl"] += row.dump() + "\n";
    for (const std::string folder : {"work", "work/run", "work/run/checkpoints"}) {
      std::error_code none;
      for (const auto& entry : std::filesystem::directory_iterator(folder_ / folder, none))
        if (const std::string name = entry.path().filename(); name[0] == '.') found[folder + "/" + name] = "";
    }
    return found;
  }
};

}  // namespace sunder::faults
