#include "train/checkpoint.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "files/read_file.h"
#include "tensor/random.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

CheckpointData data_of(int64_t step, int64_t size = 5) {
  CheckpointData data;
  data.model.tensors["w"] = Tensor::full({size}, static_cast<double>(step), DType::float32);
  data.model.metadata["architecture"] = "stft-conv-tasnet";
  data.optimizer.tensors["m.w"] = Tensor::full({size}, static_cast<double>(-step), DType::float32);
  data.state = {{"step", step}, {"score", 0.1 * static_cast<double>(step)}, {"phase", std::string("mixpit")}};
  return data;
}

std::string slurp(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void spill(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    run_ = fs::temp_directory_path() / fmt::format("sunder-checkpoint-{}-{}", ::getpid(), info->name());
    fs::create_directories(run_);
  }
  void TearDown() override { fs::remove_all(run_); }

  fs::path at(const std::string& name) const { return run_ / "checkpoints" / name; }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : fs::directory_iterator(run_ / "checkpoints")) result.push_back(entry.path().filename());
    std::sort(result.begin(), result.end());
    return result;
  }
  std::string refusal(const fs::path& path) const {
    try {
      load_checkpoint(path);
    } catch (const ModelError& error) {
      return error.what();
    }
    return "";
  }

  fs::path run_;
};

TEST_F(CheckpointTest, RoundTripKeepsEveryBit) {
  CheckpointData data = data_of(1200);
  const double odd[] = {
      0.1 + 0.2, -0.0, 5e-324, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
      1.0,       1e300};
  for (size_t i = 0; i < std::size(odd); ++i) data.state[fmt::format("d{}", i)] = odd[i];
  data.state["nan"] = std::nan("");
  data.state["low"] = INT64_MIN;
  data.state["high"] = INT64_MAX;
  data.state["text"] = std::string("quoted \" \n \xc3\xbc");
  save_checkpoint(run_, 1200, data, true);

  const Checkpoint read = load_checkpoint(at("step-00001200"));
  EXPECT_EQ(read.step, 1200);
  EXPECT_TRUE(read.is_best);
  EXPECT_EQ(read.note, "");
  EXPECT_EQ(read.data.model.tensors.at("w").to_vector<float>(), std::vector<float>(5, 1200.0f));
  EXPECT_EQ(read.data.optimizer.tensors.at("m.w").to_vector<float>(), std::vector<float>(5, -1200.0f));
  EXPECT_EQ(read.data.model.metadata, data.model.metadata);
  for (size_t i = 0; i < std::size(odd); ++i) {
    const double value = state_value<double>(read.data.state, fmt::format("d{}", i), "state");
    EXPECT_EQ(std::memcmp(&value, &odd[i], sizeof value), 0) << odd[i];
  }
  EXPECT_TRUE(std::isnan(state_value<double>(read.data.state, "nan", "state")));
  EXPECT_EQ(state_value<int64_t>(read.data.state, "low", "state"), INT64_MIN);
  EXPECT_EQ(state_value<int64_t>(read.data.state, "high", "state"), INT64_MAX);
  EXPECT_EQ(state_value<std::string>(read.data.state, "text", "state"), "quoted \" \n \xc3\xbc");
  EXPECT_EQ(read.data.state.size(), data.state.size());
  EXPECT_THROW(state_value<double>(read.data.state, "none", "state"), ModelError);
  EXPECT_THROW(state_value<double>(read.data.state, "step", "state"), ModelError);
}

TEST_F(CheckpointTest, KeepsTheTwoNewestAndTheBest) {
  for (int64_t step = 1; step <= 6; ++step) save_checkpoint(run_, step, data_of(step), step == 2);
  EXPECT_EQ(names(), (std::vector<std::string>{"best", "last", "step-00000002", "step-00000005", "step-00000006"}));
  EXPECT_EQ(load_checkpoint(at("best")).step, 2);
  EXPECT_EQ(load_checkpoint(at("last")).step, 6);
  EXPECT_EQ(load_checkpoint(at("last")).path.filename(), "step-00000006");
  EXPECT_TRUE(fs::is_symlink(at("last")));
  EXPECT_EQ(fs::read_symlink(at("last")), "step-00000006") << "links stay true when the run folder moves";
}

TEST_F(CheckpointTest, SavingAStepAgainReplacesIt) {
  save_checkpoint(run_, 7, data_of(1), false);
  save_checkpoint(run_, 7, data_of(2), true);
  EXPECT_EQ(names(), (std::vector<std::string>{"best", "last", "step-00000007"}));
  EXPECT_EQ(state_value<int64_t>(find_latest(run_)->data.state, "step", "state"), 2);
}

TEST_F(CheckpointTest, FindLatestFallsBackAndSaysSo) {
  EXPECT_FALSE(find_latest(run_).has_value());
  save_checkpoint(run_, 1, data_of(1), true);
  save_checkpoint(run_, 2, data_of(2), false);
  EXPECT_EQ(find_latest(run_)->step, 2);
  EXPECT_EQ(find_latest(run_)->note, "");
  spill(at("step-00000002") / "optimizer.safetensors", "short");
  const auto found = find_latest(run_);
  EXPECT_EQ(found->step, 1);
  EXPECT_NE(found->note.find("step-00000002/optimizer.safetensors: damaged"), std::string::npos) << found->note;
  fs::remove(at("step-00000001") / "manifest.json");
  try {
    find_latest(run_);
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("no checkpoint is intact"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("step-00000001/manifest.json: missing"), std::string::npos);
  }
}

TEST_F(CheckpointTest, EveryCutAndEveryFlippedBitIsNoticed) {
  save_checkpoint(run_, 3, data_of(3), false);
  for (const char* name : {"model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"}) {
    const fs::path path = at("step-00000003") / name;
    const std::string whole = slurp(path);
    for (size_t size = 0; size < whole.size(); ++size) {
      spill(path, whole.substr(0, size));
      EXPECT_NE(refusal(at("last")), "") << name << " cut at " << size;
      for (int bit = 0; bit < 8; bit += name == std::string("manifest.json") ? 1 : 5) {
        std::string flipped = whole;
        flipped[size] = static_cast<char>(flipped[size] ^ 1 << bit);
        spill(path, flipped);
        EXPECT_NE(refusal(at("last")).find(name), std::string::npos) << name << " " << size << " " << bit;
      }
    }
    spill(path, whole + "x");
    EXPECT_NE(refusal(at("last")), "") << name;
    fs::remove(path);
    EXPECT_NE(refusal(at("last")).find(name), std::string::npos);
    spill(path, whole);
  }
  EXPECT_EQ(refusal(at("last")), "");
}

// As written before manifests had a checksum: the folder's name and the state witness the step.
TEST_F(CheckpointTest, OlderManifestsAreReadAndTheirStepIsCompared) {
  CheckpointData data = data_of(3);
  data.state["steps"] = int64_t{3};
  save_checkpoint(run_, 3, data, false);
  auto manifest = nlohmann::json::parse(slurp(at("step-00000003/manifest.json")));
  manifest.erase("crc32c");
  spill(at("step-00000003/manifest.json"), manifest.dump(1));
  EXPECT_EQ(load_checkpoint(at("last")).step, 3);
  manifest["step"] = 2;
  spill(at("step-00000003/manifest.json"), manifest.dump(1));
  EXPECT_NE(refusal(at("last")).find("manifest.json: damaged: expected step 3 as in the folder's name, got 2"),
            std::string::npos);
  fs::copy(at("step-00000003"), run_ / "kept-elsewhere");
  EXPECT_NE(
      refusal(run_ / "kept-elsewhere").find("state.json: damaged: expected 'steps' = 2 as in the manifest, got 3"),
      std::string::npos)
      << refusal(run_ / "kept-elsewhere");
  fs::rename(at("step-00000003"), at("step-00000002"));
  EXPECT_THROW(find_latest(run_), ModelError);
}

TEST_F(CheckpointTest, MissingOnesAreNamed) {
  EXPECT_EQ(refusal(run_ / "none"), (run_ / "none").string() + ": no such checkpoint");
  spill(run_ / "file", "x");
  EXPECT_EQ(refusal(run_ / "file"), (run_ / "file").string() + ": expected a checkpoint folder");
}

// What one bit of a manifest or one failed read once led to: every checkpoint was gone.
TEST_F(CheckpointTest, AFlippedStepCostsNoOtherCheckpoint) {
  for (int64_t step = 1; step <= 3; ++step) save_checkpoint(run_, step, data_of(step), step == 1);
  std::string manifest = slurp(at("step-00000003/manifest.json"));
  manifest[manifest.find("\"step\": 3") + 8] = '1';
  spill(at("step-00000003/manifest.json"), manifest);
  const auto found = find_latest(run_);
  EXPECT_EQ(found->step, 2);
  EXPECT_EQ(found->damaged, (std::vector<fs::path>{at("step-00000003")}));
  const auto notes = rewind_checkpoints(run_, *found);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("damaged-step-00000003"), std::string::npos) << notes[0];
  EXPECT_EQ(names(),
            (std::vector<std::string>{"best", "damaged-step-00000003", "last", "step-00000001", "step-00000002"}));
  EXPECT_EQ(slurp(at("damaged-step-00000003/model.safetensors")).empty(), false);
  EXPECT_EQ(load_checkpoint(at("best")).step, 1);
  save_checkpoint(run_, 3, data_of(3), false);
  EXPECT_TRUE(fs::exists(at("damaged-step-00000003"))) << "later saves leave it alone";
}

TEST_F(CheckpointTest, AFailedReadIsAnErrorAndChangesNothing) {
  for (int64_t step = 1; step <= 3; ++step) save_checkpoint(run_, step, data_of(step), step == 2);
  const auto before = names();
  for (const char* name : {"model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"}) {
    const fs::path path = at("step-00000003") / name;
    fs::rename(path, run_ / "whole");
    fs::create_symlink("/proc/self/mem", path);  // its first byte cannot be read: EIO
    try {
      find_latest(run_);
      ADD_FAILURE() << name << " was passed over";
    } catch (const ReadError& error) {
      EXPECT_EQ(error.what(), path.string() + ": cannot be read: Input/output error");
    }
    fs::remove(path);
    fs::rename(run_ / "whole", path);
  }
  EXPECT_EQ(names(), before);
  EXPECT_EQ(find_latest(run_)->step, 3);
}

TEST_F(CheckpointTest, WithoutDescriptorsNothingChanges) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UndefinedBehaviorSanitizer looks at objects through a pipe, which takes descriptors";
#endif
  for (int64_t step = 1; step <= 3; ++step) save_checkpoint(run_, step, data_of(step), step == 2);
  const auto before = names();
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  for (rlim_t spare = 0; spare < 3; ++spare) {
    rlimit low = old;
    low.rlim_cur = spare + static_cast<rlim_t>(open("/dev/null", O_RDONLY | O_CLOEXEC));
    close(static_cast<int>(low.rlim_cur - spare));
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    std::string said;
    try {
      said = fmt::format("found step {}", find_latest(run_)->step);
    } catch (const ReadError& error) {
      said = error.what();
    }
    setrlimit(RLIMIT_NOFILE, &old);
    EXPECT_TRUE(said == "found step 3" || said.ends_with("Too many open files")) << said;
    EXPECT_EQ(said == "found step 3", spare > 0) << said;
  }
  EXPECT_EQ(names(), before);
  EXPECT_EQ(find_latest(run_)->step, 3);
}

TEST_F(CheckpointTest, RewindSetsTheAbandonedFutureAside) {
  save_checkpoint(run_, 1, data_of(1), true);
  save_checkpoint(run_, 2, data_of(2), false);
  save_checkpoint(run_, 3, data_of(3), true);
  spill(run_ / "metrics.jsonl", "{\"step\":3}\n");
  const auto notes = rewind_checkpoints(run_, load_checkpoint(at("step-00000002")));
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0], fmt::format("the later checkpoint {} was set aside: it is now {}", at("step-00000003").string(),
                                  at("abandoned/step-00000003").string()));
  EXPECT_EQ(names(), (std::vector<std::string>{"abandoned", "best", "last", "step-00000002"}));
  EXPECT_EQ(slurp(at("abandoned/metrics.jsonl")), "{\"step\":3}\n");
  EXPECT_EQ(load_checkpoint(at("best")).step, 3) << "the only best one that is left";
  EXPECT_EQ(load_checkpoint(at("last")).step, 2);
  EXPECT_EQ(find_latest(run_)->step, 2);
  for (int64_t step = 3; step <= 6; ++step) save_checkpoint(run_, step, data_of(step), false);
  EXPECT_EQ(load_checkpoint(at("best")).step, 3);
  EXPECT_EQ(fs::read_symlink(at("best")), "abandoned/step-00000003");
  // A second time, with a best one among what remains.
  save_checkpoint(run_, 7, data_of(7), true);
  save_checkpoint(run_, 8, data_of(8), true);
  EXPECT_EQ(rewind_checkpoints(run_, load_checkpoint(at("step-00000007"))).size(), 1u);
  EXPECT_EQ(load_checkpoint(at("abandoned-2/step-00000008")).step, 8);
  EXPECT_EQ(load_checkpoint(at("best")).step, 7);
  // A kill between the rename of a best checkpoint and its link.
  save_checkpoint(run_, 9, data_of(9), true);
  fs::remove(at("best"));
  fs::create_symlink("step-00000007", at("best"));
  EXPECT_TRUE(rewind_checkpoints(run_, *find_latest(run_)).empty());
  EXPECT_EQ(load_checkpoint(at("best")).step, 9);
}

TEST_F(CheckpointTest, BestNeverPointsToADamagedOne) {
  for (int64_t step = 1; step <= 3; ++step) save_checkpoint(run_, step, data_of(step), step == 1);
  spill(at("step-00000001/model.safetensors"), "short");
  rewind_checkpoints(run_, *find_latest(run_));
  EXPECT_EQ(load_checkpoint(at("best")).step, 3) << "nothing better is left";
  EXPECT_EQ(names(),
            (std::vector<std::string>{"best", "damaged-step-00000001", "last", "step-00000002", "step-00000003"}));
}

// FAT, some network disks and archives have no symbolic links.
TEST_F(CheckpointTest, WithoutLinksThePointersAreTexts) {
  const MakeLink no_links = [](const char*, const char*) { return errno = EPERM, -1; };
  for (int64_t step = 1; step <= 4; ++step) save_checkpoint(run_, step, data_of(step), step == 1, no_links);
  EXPECT_EQ(names(), (std::vector<std::string>{"best", "last", "step-00000001", "step-00000003", "step-00000004"}));
  EXPECT_EQ(slurp(at("best")), "step-00000001\n");
  EXPECT_EQ(load_checkpoint(at("best")).path.filename(), "step-00000001");
  EXPECT_EQ(load_checkpoint(at("last")).step, 4);
  EXPECT_TRUE(belongs_to(load_checkpoint(at("last")), run_));
  rewind_checkpoints(run_, load_checkpoint(at("step-00000003")), no_links);
  EXPECT_EQ(slurp(at("last")), "step-00000003\n");
  EXPECT_EQ(slurp(at("best")), "step-00000001\n");
  save_checkpoint(run_, 5, data_of(5), true);
  EXPECT_TRUE(fs::is_symlink(at("best"))) << "a disk with links gets links";
  EXPECT_EQ(load_checkpoint(at("best")).step, 5);
  spill(at("other"), "step-00000099\n");
  EXPECT_EQ(refusal(at("other")), at("other").string() + ": expected a checkpoint folder");
}

// `cp -rL` makes folders of links.
TEST_F(CheckpointTest, CopiesThatFollowedLinksGoOn) {
  for (int64_t step = 1; step <= 3; ++step) save_checkpoint(run_, step, data_of(step), step == 1);
  for (const char* name : {"best", "last"}) {
    const fs::path target = fs::canonical(at(name));
    fs::remove(at(name));
    fs::copy(target, at(name));
  }
  EXPECT_EQ(find_latest(run_)->step, 3);
  EXPECT_EQ(load_checkpoint(at("best")).step, 1);
  EXPECT_TRUE(belongs_to(load_checkpoint(at("last")), run_));
  save_checkpoint(run_, 4, data_of(4), false);
  EXPECT_EQ(load_checkpoint(at("last")).step, 4);
  EXPECT_EQ(load_checkpoint(at("copy-of-best")).step, 1) << "set aside, not removed";
  EXPECT_EQ(load_checkpoint(at("copy-of-last")).step, 3);
  EXPECT_EQ(load_checkpoint(at("best")).path.filename(), "step-00000001");
  EXPECT_TRUE(fs::is_symlink(at("best")));
}

// Only `best` and `last` were copied.
TEST_F(CheckpointTest, FoldersNamedLastAndBestAreCheckpoints) {
  for (int64_t step = 1; step <= 3; ++step) save_checkpoint(run_, step, data_of(step), step == 2);
  const fs::path other = run_ / "other" / "checkpoints";
  fs::create_directories(other);
  for (const char* name : {"best", "last"}) fs::copy(fs::canonical(at(name)), other / name);
  const auto found = find_latest(run_ / "other");
  EXPECT_EQ(found->step, 3);
  EXPECT_TRUE(belongs_to(*found, run_ / "other"));
  EXPECT_TRUE(rewind_checkpoints(run_ / "other", *found).empty());
  EXPECT_EQ(load_checkpoint(other / "last").path.filename(), "step-00000003");
  EXPECT_EQ(load_checkpoint(other / "best").path.filename(), "step-00000002");
}

TEST_F(CheckpointTest, OnlyOurOwnLeftoversAreRemoved) {
  save_checkpoint(run_, 1, data_of(1), true);
  for (const char* name : {".notes", ".new-idea", ".old-papers", ".git"}) spill(at(name), "mine");
  fs::create_directories(at(".new-step-00000002"));
  fs::create_directories(at(".gone-step-00000000"));
  fs::create_symlink("step-00000009", at(".new-best"));
  save_checkpoint(run_, 2, data_of(2), false);
  EXPECT_EQ(names(), (std::vector<std::string>{".git", ".new-idea", ".notes", ".old-papers", "best", "last",
                                               "step-00000001", "step-00000002"}));
}

// A kill between the two renames that replace a checkpoint where the file system cannot exchange two.
TEST_F(CheckpointTest, AReplacedCheckpointThatIsTheOnlyOneComesBack) {
  save_checkpoint(run_, 1, data_of(1), true);
  fs::rename(at("step-00000001"), at(".old-step-00000001"));
  fs::create_directories(at(".new-step-00000001"));
  const auto found = find_latest(run_);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 1);
  EXPECT_TRUE(belongs_to(*found, run_));
  rewind_checkpoints(run_, *found);
  EXPECT_EQ(names(), (std::vector<std::string>{"best", "last", "step-00000001"}));
  EXPECT_EQ(load_checkpoint(at("best")).step, 1);
}

// What cannot be known is kept.
TEST_F(CheckpointTest, NothingIsPrunedWhileBestIsUnreadable) {
  for (int64_t step = 1; step <= 3; ++step) save_checkpoint(run_, step, data_of(step), step == 1);
  fs::remove(at("best"));
  fs::create_symlink("best", at("best"));  // ELOOP
  save_checkpoint(run_, 4, data_of(4), false);
  EXPECT_EQ(names(), (std::vector<std::string>{"best", "last", "step-00000001", "step-00000002", "step-00000003",
                                               "step-00000004"}));
}

// A trainer that saves without pause is killed within its next save, or the one or two after it; whatever is found
// afterwards is whole, and no save that was done is lost.
TEST_F(CheckpointTest, SurvivesKillAtAnyMoment) {
  Random random(1, RandomUse::test);
  const auto begin = std::chrono::steady_clock::now();
  save_checkpoint(run_, 0, data_of(0, 20000), true);
  const auto one_save = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
  int64_t newest = 0;
  for (int round = 0; round < 40; ++round) {
    int saved[2];
    ASSERT_EQ(pipe(saved), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (int64_t step = newest + 1;; ++step) {
        save_checkpoint(run_, step, data_of(step, 20000), step % 3 == 0);
        if (write(saved[1], "", 1) != 1) _exit(1);
      }
    }
    close(saved[1]);
    const auto done = static_cast<int64_t>(random.below(3));
    char byte = 0;
    for (int64_t i = 0; i < done; ++i) EXPECT_EQ(read(saved[0], &byte, 1), 1) << "the child ended before";
    usleep(static_cast<useconds_t>(random.uniform(0, one_save)));
    kill(child, SIGKILL);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    close(saved[0]);
    const auto found = find_latest(run_);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->note, "");
    EXPECT_GE(found->step, newest + done) << "a finished checkpoint was lost";
    newest = found->step;
    EXPECT_EQ(state_value<int64_t>(found->data.state, "step", "state"), newest);
    EXPECT_EQ(found->data.model.tensors.at("w").to_vector<float>()[0], static_cast<float>(newest));
    EXPECT_EQ(refusal(at("last")), "");
    EXPECT_EQ(refusal(at("best")), "");
  }
  EXPECT_GT(newest, 0);
  save_checkpoint(run_, newest + 1, data_of(newest + 1), false);
  for (const std::string& name : names()) EXPECT_NE(name.front(), '.') << "left over: " << name;
}

// What a save that fails must leave: the old checkpoint, and nothing else.
void expect_old_one_alone(const fs::path& run) {
  EXPECT_EQ(find_latest(run)->step, 1);
  EXPECT_EQ(load_checkpoint(run / "checkpoints" / "best").step, 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(run / "checkpoints"), {}), 3);
}

TEST_F(CheckpointTest, AFileThatCannotGrowLeavesTheOldOne) {
  save_checkpoint(run_, 1, data_of(1), true);
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  for (rlim_t limit = 0; limit < 900; limit += 50) {
    rlimit low = old;
    low.rlim_cur = limit;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
    std::string message;
    try {
      save_checkpoint(run_, 2, data_of(2, 250), true);
    } catch (const Error& error) {
      message = error.what();
    }
    setrlimit(RLIMIT_FSIZE, &old);
    EXPECT_NE(message.find("step-00000002: cannot save the checkpoint"), std::string::npos) << message;
    expect_old_one_alone(run_);
  }
  std::signal(SIGXFSZ, handler);
}

// Gives this process a small file system of its own at `path`; false where the system does not let it.
bool mount_small_disk(const fs::path& path) {
  const std::string user = fmt::format("0 {} 1", ::getuid()), group = fmt::format("0 {} 1", ::getgid());
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  spill("/proc/self/setgroups", "deny");  // without a user and a group of its own it could create no file there
  spill("/proc/self/uid_map", user);
  spill("/proc/self/gid_map", group);
  return mount("tmpfs", path.c_str(), "tmpfs", 0, "size=256k") == 0;
}

TEST_F(CheckpointTest, AFullDiskLeavesTheOldOne) {
  const pid_t child = fork();
  if (child == 0) {
    if (!mount_small_disk(run_)) _exit(77);
    try {
      save_checkpoint(run_, 1, data_of(1), true);
      bool refused = false;
      try {
        save_checkpoint(run_, 2, data_of(2, 100000), true);
      } catch (const Error& error) {
        refused = std::string(error.what()).find("No space left on device") != std::string::npos;
      }
      expect_old_one_alone(run_);
      save_checkpoint(run_, 3, data_of(3), true);
      _exit(refused && find_latest(run_)->step == 3 && !testing::Test::HasFailure() ? 0 : 1);
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}\n", error.what());
      _exit(2);
    }
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "this system gives tests no file system of their own";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(CheckpointTest, AnUnwritableFolderIsNamed) {
  spill(run_ / "checkpoints", "a file where the folder should be");
  EXPECT_THROW(save_checkpoint(run_, 1, data_of(1), false), Error);
  EXPECT_EQ(slurp(run_ / "checkpoints"), "a file where the folder should be");
  EXPECT_FALSE(find_latest(run_).has_value());
  EXPECT_THROW(save_checkpoint("/proc/none", 1, data_of(1), false), Error);
}

TEST(State, RefusesOtherForms) {
  for (const char* text : {"", "[]", "{\"a\":[1]}", "{\"a\":true}", "{\"a\":{\"number\":\"x\"}}",
                           "{\"a\":{\"number\":5}}", "{\"a\":18446744073709551615}"})
    EXPECT_THROW(parse_state(text, "state.json"), ModelError) << text;
  EXPECT_THROW(parse_state("{\"a\":" + std::string(200'000, '[') + std::string(200'000, ']') + "}", "state.json"),
               ModelError);  // to be copied or written by recursion, it would need a stack of its own
}

}  // namespace
}  // namespace sunder
