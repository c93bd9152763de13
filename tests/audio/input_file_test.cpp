#include "audio/input_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <thread>

#include "audio/corpora/screening.h"
#include "audio/file.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

class InputFileTest : public ScratchFolder {
 protected:
  // Writes the bytes to a FIFO, to be read once.
  std::thread feed(const std::string& name, const std::string& bytes) const {
    EXPECT_EQ(mkfifo((folder_ / name).c_str(), 0600), 0);
    return std::thread([path = folder_ / name, bytes] { std::ofstream(path, std::ios::binary) << bytes; });
  }
};

// While it lives no descriptor is free.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit low = before_;
    const int next = open("/dev/null", O_RDONLY);
    close(next);
    low.rlim_cur = static_cast<rlim_t>(next);
    setrlimit(RLIMIT_NOFILE, &low);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

// What `call` says as a user without root's rights; empty where this cannot be tried.
template <class Call>
std::string said_by_another_user(const Call& call) {
  int ends[2];
  if (pipe(ends) != 0) return "";
  const pid_t child = fork();
  if (child == 0) {
    std::string said = "nothing was thrown";
    try {
      if (geteuid() == 0 && seteuid(65534) != 0) _exit(1);
      call();
    } catch (const InputError& error) {
      said = std::string("InputError ") + error.what();
    } catch (const std::exception& error) {
      said = std::string("another error: ") + error.what();
    }
    _exit(write(ends[1], said.data(), said.size()) < 0 ? 1 : 0);
  }
  close(ends[1]);
  std::string said(1000, '\0');
  const ssize_t count = read(ends[0], said.data(), said.size());
  close(ends[0]);
  waitpid(child, nullptr, 0);
  said.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  return said;
}

TEST_F(InputFileTest, FifosAreOpenedOnceAndReadAnywhere) {
  const fs::path file = write_tone("a.wav", 300000);
  const std::string bytes = read("a.wav");
  std::thread writer = feed("fifo", bytes);
  EXPECT_EQ(read_mono(folder_ / "fifo").samples, read_mono(file).samples);
  writer.join();
  writer = feed("header", bytes);
  EXPECT_EQ(audio_info(folder_ / "header").frames, 300000);
  writer.join();
  writer = feed("part", bytes);
  EXPECT_EQ(read_audio(folder_ / "part", 299000, 1000).samples, read_audio(file, 299000, 1000).samples);
  writer.join();
  writer = feed("cut", bytes.substr(0, bytes.size() - 1));
  expect_error<InputError>([&] { read_audio(folder_ / "cut"); }, {"cut: cut short"});
  writer.join();
}

TEST_F(InputFileTest, StreamsThatAreNoSoundAreRefusedAtOnce) {
  expect_error<InputError>([&] { read_audio("/dev/zero"); }, {"/dev/zero: ", "expected a WAV, FLAC"});
  expect_error<InputError>([&] { read_audio("/dev/null"); }, {"/dev/null: ", "empty file"});
  expect_error<InputError>([&] { read_audio(folder_); }, {folder_.string(), "got a folder"});
}

TEST_F(InputFileTest, ATemporaryFolderThatIsFullOrMissingIsNamed) {
  const std::string before = std::getenv("TMPDIR") ? std::getenv("TMPDIR") : "";
  setenv("TMPDIR", "/proc", 1);
  std::thread writer = feed("fifo", std::string("RIFF") + std::string(100, 'x'));
  expect_error<Error>([&] { read_audio(folder_ / "fifo"); }, {"fifo: cannot be copied to the folder /proc"});
  before.empty() ? unsetenv("TMPDIR") : setenv("TMPDIR", before.c_str(), 1);
  writer.join();
}

TEST_F(InputFileTest, FilesThatMayNotBeReadSayWhy) {
  const fs::path file = write_tone("a.wav", 8000);
  fs::permissions(folder_, fs::perms(0755));
  fs::permissions(file, fs::perms::none);
  const std::string said = said_by_another_user([&] { read_audio(file); });
  if (said.empty()) GTEST_SKIP() << "cannot take another user's rights";
  EXPECT_EQ(said, "InputError " + file.string() + ": cannot be opened: Permission denied");
}

// Out of descriptors is not the recording's fault: it must not be left out as unusable.
TEST_F(InputFileTest, RunningOutOfDescriptorsStopsEverything) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UndefinedBehaviorSanitizer looks at objects through a pipe, which takes descriptors";
#endif
  const fs::path file = write_tone("a.wav", 8000);
  const Corpus corpus{folder_, {{.path = "a.wav", .speaker = "s", .label = ""}}};
  std::string read_error, screen_error, kind;
  {
    const NoDescriptors limit;
    try {
      read_audio(file);
    } catch (const Error& error) {
      read_error = error.what();
      kind = error.kind() == ErrorKind::failure ? "failure" : "another kind";
    }
    try {
      screen(corpus, {.skip_unusable = true});
    } catch (const Error& error) {
      screen_error = error.what();
    }
  }
  EXPECT_EQ(read_error, file.string() + ": cannot be opened: Too many open files");
  EXPECT_EQ(kind, "failure");
  EXPECT_EQ(screen_error, read_error);
  EXPECT_EQ(screen(corpus, {.skip_unusable = true}).kept.size(), 1u);
}

}  // namespace
}  // namespace sunder
