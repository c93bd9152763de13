// The plan of the house, checked on the sources: includes point towards lower layers, files stay short, nothing is
// called utils or common, and no file names a place on somebody's machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/paths.h"

namespace {

namespace fs = std::filesystem;

struct Source {
  std::string path;  // from the root, with '/'
  std::vector<std::string> lines;
  std::string folder() const { return path.substr(0, path.find('/')); }
};

constexpr std::array layers = {"tensor",     "files",  "audio",    "autograd", "nn",      "embed",
                               "objectives", "report", "evaluate", "train",    "programs"};
constexpr std::array folders = {"tensor",  "files",    "command", "audio",    "autograd", "nn",         "objectives",
                                "report",  "evaluate", "train",   "programs", "embed",    "serve",      "bench",
                                "scripts", "tests",    "recipes", "cmake",    "examples", "distributed"};
constexpr size_t most_lines = 600, most_lines_of_train = 300;

int layer_of(const std::string& folder) {
  const auto found = std::find(layers.begin(), layers.end(), folder);
  return found == layers.end() ? -1 : static_cast<int>(found - layers.begin());
}

const std::vector<Source>& sources() {
  static const std::vector<Source> all = [] {
    const fs::path root = sunder::source_folder;
    std::vector<Source> result;
    for (const char* folder : folders) {
      if (!fs::exists(root / folder)) continue;
      for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
        const std::string extension = entry.path().extension();
        const bool is_source = extension == ".h" || extension == ".cpp" || extension == ".cu" || extension == ".cuh" ||
                               extension == ".c" || extension == ".sh" || extension == ".cmake" ||
                               extension == ".toml" || extension == ".py" || extension == ".txt";
        if (!entry.is_regular_file() || !is_source) continue;
        Source source{fs::relative(entry.path(), root).generic_string(), {}};
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);) source.lines.push_back(line);
        result.push_back(std::move(source));
      }
    }
    if (result.size() < 100) throw std::runtime_error("the sources were not found in " + sunder::source_folder);
    return result;
  }();
  return all;
}

// Why a file of `folder` may not include `target`, or nothing. bench and tests may include anything. Command
// lines are for programs: command stands beside the layers, on files, and only serve, train and programs may use it.
// distributed stands there, too, for train and programs. serve stands on the C API, as a program of somebody else's
// would, and on what reads and writes sound.
std::string objection(const std::string& folder, const std::string& target) {
  const std::string target_folder = target.substr(0, target.find('/'));
  if (folder == "serve" && (target_folder == "serve" || target == "embed/sunder.h")) return "";
  if (folder == "serve" && target_folder == "embed") return "is not of the C API";
  const int from = layer_of(folder == "command" || folder == "distributed" ? "files"
                            : folder == "serve"                            ? "audio"
                                                                           : folder);
  const int to = layer_of(target_folder);
  if (from < 0) return "";
  if (target_folder == "command")
    return folder == "command" || folder == "serve" || folder == "train" || folder == "programs"
               ? ""
               : "is for programs alone";
  if (target_folder == "distributed")
    return folder == "distributed" || folder == "train" || folder == "programs" ? "" : "is for training alone";
  if (target.find('/') == std::string::npos) return "is not named from the root";
  if (to < 0) return "lies outside the layers";
  return to > from ? "points to a higher layer" : "";
}

TEST(Layers, TheRuleItselfTellsUpFromDown) {
  EXPECT_EQ(objection("nn", "tensor/tensor.h"), "");
  EXPECT_EQ(objection("nn", "nn/adam.h"), "");
  EXPECT_EQ(objection("tests", "train/train.h"), "");
  EXPECT_NE(objection("tensor", "autograd/variable.h"), "");
  EXPECT_EQ(objection("command", "files/csv.h"), "");
  EXPECT_EQ(objection("distributed", "files/digest.h"), "");
  EXPECT_EQ(objection("train", "distributed/communicator.h"), "");
  EXPECT_NE(objection("distributed", "audio/file.h"), "");
  EXPECT_NE(objection("distributed", "command/signals.h"), "");
  EXPECT_NE(objection("nn", "distributed/communicator.h"), "");
  EXPECT_EQ(objection("programs", "command/command_line.h"), "");
  EXPECT_NE(objection("command", "audio/file.h"), "");
  EXPECT_NE(objection("evaluate", "command/progress_line.h"), "");
  EXPECT_NE(objection("audio", "autograd/variable.h"), "");
  EXPECT_NE(objection("audio", "objectives/pit.h"), "");
  EXPECT_EQ(objection("serve", "embed/sunder.h"), "");
  EXPECT_EQ(objection("serve", "audio/file.h"), "");
  EXPECT_EQ(objection("serve", "command/output.h"), "");
  EXPECT_NE(objection("serve", "embed/session.h"), "");
  EXPECT_NE(objection("serve", "nn/separation.h"), "");
  EXPECT_NE(objection("train", "serve/sound.h"), "");
  EXPECT_NE(objection("train", "tests/golden.h"), "");
  EXPECT_NE(objection("train", "train.h"), "");
}

TEST(Layers, IncludesPointToTheSameOrALowerLayer) {
  const std::regex include("^\\s*#\\s*include\\s*\"([^\"]+)\"");
  size_t includes = 0;
  for (const Source& source : sources())
    for (const std::string& line : source.lines) {
      std::smatch match;
      if (!std::regex_search(line, match, include)) continue;
      ++includes;
      const std::string why = objection(source.folder(), match[1]);
      EXPECT_TRUE(why.empty()) << source.path << ": \"" << match[1] << "\" " << why;
    }
  EXPECT_GT(includes, 100u) << "no include was recognised";
}

TEST(Layers, NoFileIsCalledUtilsOrCommon) {
  const std::regex forbidden("(^|/|_)(utils?|common|misc|helpers?)(_|\\.|/)");
  for (const Source& source : sources()) EXPECT_FALSE(std::regex_search(source.path, forbidden)) << source.path;
}

TEST(Layers, NoAbsolutePaths) {
  // Spelled in pieces, or this file would find itself. Tests may make up paths, but not name where this tree stands.
  const std::regex forbidden(std::string("(^|[\\s\"'=(])/(ho") + "me|Users|ro" + "ot|wo" + "rk|mnt|data)/");
  const std::string here = sunder::source_folder + "/";
  for (const Source& source : sources())
    for (size_t i = 0; i < source.lines.size(); ++i) {
      const std::string& line = source.lines[i];
      const bool named = line.find(here) != std::string::npos;
      EXPECT_FALSE(named || (source.folder() != "tests" && std::regex_search(line, forbidden)))
          << source.path << ":" << i + 1 << ": " << line;
    }
}

TEST(Layers, OnlyOneFilePrints) {
  // What prints elsewhere throws or dies where a stream is closed or full. Benchmarks of single ops and examples are
  // no programs.
  const std::regex printing(std::string("fmt::print\\(|std::c(out|err|log)\\b|\\b(f|") + "d)?printf\\(|\\bf?puts\\(");
  size_t found = 0;
  for (const Source& source : sources()) {
    const bool is_code = source.path.ends_with(".cpp") || source.path.ends_with(".h");
    if (!is_code || source.folder() == "tests" || source.folder() == "examples" || source.path == "bench/ops.cpp")
      continue;
    for (const std::string& line : source.lines) EXPECT_FALSE(std::regex_search(line, printing)) << source.path << line;
    found += source.path == "command/output.cpp";
  }
  EXPECT_EQ(found, 1u);
}

TEST(Layers, FilesStayShort) {
  const Source* longest = &sources().front();
  size_t total = 0;
  for (const Source& source : sources()) {
    EXPECT_LE(source.lines.size(), source.folder() == "train" ? most_lines_of_train : most_lines) << source.path;
    total += source.lines.size();
    if (source.lines.size() > longest->lines.size()) longest = &source;
  }
  RecordProperty("files", static_cast<int>(sources().size()));
  RecordProperty("lines", static_cast<int>(total));
  RecordProperty("longest", longest->path + ", " + std::to_string(longest->lines.size()) + " lines");
}

}  // namespace
