#include "audio/listing.h"

#include <sys/wait.h>

#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

using Paths = std::vector<fs::path>;

class ListingTest : public ScratchFolder {
 protected:
  void link(const fs::path& target, const fs::path& name) const { fs::create_symlink(target, folder_ / name); }
};

TEST_F(ListingTest, NamesOfAnyCaseAndKind) {
  for (const char* name : {"a.wav", "a.WAV", "b.Flac", "c.OGG", "d.opus", "e.mp3", "f.aif", "g.AIFF", "h.au", "i.w64",
                           "j.caf", "k.1.wav", "dir/l.wave"})
    EXPECT_TRUE(has_audio_name(name)) << name;
  for (const char* name : {"a.txt", "wav", ".wav", "._a.wav", "a.wav.part", "a.wav~", "a", "", "dir.wav/a"})
    EXPECT_FALSE(has_audio_name(name)) << name;
}

TEST_F(ListingTest, SortedByNameWithoutHiddenFilesAndTrash) {
  for (const char* name : {"b.wav", "a/x.FLAC", "a-b/x.wav", "a/deep/y.ogg", "._b.wav", ".git/x.wav", "readme.txt",
                           ".Trash-1000/files/x.wav", "a/.ipynb_checkpoints/x-checkpoint.wav", "lost+found/x.wav",
                           "$RECYCLE.BIN/x.wav", "__MACOSX/a/x.wav"})
    write(name, "x");
  fs::create_directories(folder_ / "folder.wav");
  EXPECT_EQ(list_audio(folder_, true), (Paths{"a-b/x.wav", "a/deep/y.ogg", "a/x.FLAC", "b.wav"}));
  EXPECT_EQ(list_audio(folder_, false), Paths{"b.wav"});
  EXPECT_EQ(list_audio(folder_ / "a/.ipynb_checkpoints", true), Paths{"x-checkpoint.wav"}) << "named itself";
}

TEST_F(ListingTest, LinksAreFollowedOnce) {
  write("elsewhere/x.wav", "x");
  write("corpus/ann/x.wav", "x");
  link("../elsewhere", "corpus/bob");      // a speaker on another disk
  link("ann", "corpus/aaa");               // a second name of a speaker
  link("..", "corpus/ann/up");             // a circle
  link("../ann/x.wav", "corpus/one.wav");  // a file
  link("nowhere", "corpus/gone.wav");
  link("nowhere", "corpus/gone");
  link("loop.wav", "corpus/loop.wav");
  EXPECT_EQ(list_audio(folder_ / "corpus", true), (Paths{"ann/x.wav", "bob/x.wav", "gone.wav", "loop.wav", "one.wav"}));
  link("corpus", "again");
  EXPECT_EQ(list_audio(folder_ / "again", true).size(), 5u);
}

TEST_F(ListingTest, FoldersThatCannotBeListedAreNamed) {
  expect_error<InputError>([&] { list_audio(folder_ / "no", true); }, {(folder_ / "no").string(), "no such folder"});
  expect_error<InputError>([&] { list_audio(write("a.wav", "x"), true); }, {"a.wav", "expected a folder"});
}

// Root may read everything: a child process takes another user's rights.
TEST_F(ListingTest, FoldersWithoutPermissionAreNamed) {
  write("ann/x.wav", "x");
  write("bob/deep/x.wav", "x");
  fs::permissions(folder_, fs::perms(0755));
  fs::permissions(folder_ / "bob/deep", fs::perms::none);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (geteuid() == 0 && seteuid(65534) != 0) _exit(2);
    try {
      list_audio(folder_, true);
    } catch (const InputError& error) {
      const std::string wanted = (folder_ / "bob/deep").string() + ": the folder cannot be read: Permission denied";
      _exit(error.what() == wanted ? 0 : 1);
    } catch (...) {
    }
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  fs::permissions(folder_ / "bob/deep", fs::perms::owner_all);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "cannot take another user's rights";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace sunder
