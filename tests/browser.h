// Pages in a real browser: headless Chromium, where one is on the PATH. Other machines skip visibly; with
// SUNDER_REQUIRE_BROWSER=1 a skip is a failure.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/files/scratch_folder.h"

namespace sunder {

inline std::string find_browser() {
  std::stringstream path(std::getenv("PATH") ? std::getenv("PATH") : "");
  std::vector<std::string> folders;
  for (std::string folder; std::getline(path, folder, ':');) folders.push_back(folder);
  for (const char* name : {"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"})
    for (const std::string& folder : folders)
      if (const auto file = std::filesystem::path(folder) / name; access(file.c_str(), X_OK) == 0) return file.string();
  return "";
}

class BrowserTest : public ScratchFolder {
 protected:
  void SetUp() override {
    ScratchFolder::SetUp();
    browser_ = find_browser();
    const auto ready = write("ready.html", "<script>console.log('READY'); window.close();</script>");
    std::string why = "no chromium, chromium-browser or google-chrome on the PATH";
    if (!browser_.empty() && open("file://" + ready.string(), "").find("READY") == std::string::npos) {
      // A packaged browser may have no access to temporary folders, or lack display libraries.
      why = browser_ + " does not run here: " + read("log");
      browser_.clear();
    }
    if (!browser_.empty()) return;
    const char* required = std::getenv("SUNDER_REQUIRE_BROWSER");
    if (required && std::string(required) == "1") FAIL() << why;
    GTEST_SKIP() << why;
  }

  // The console's output until the page closes its window.
  std::string open(const std::string& address, const std::string& flags) const {
    const std::string command = fmt::format(
        "cd '{}' && timeout -k 5 60 '{}' --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
        "--user-data-dir='{}' --autoplay-policy=no-user-gesture-required --mute-audio --enable-logging=stderr {} "
        "'{}' >out 2>log",
        folder_.string(), browser_, (folder_ / "profile").string(), flags, address);
    if (std::system(command.c_str()) != 0) return "";
    std::string console;
    std::istringstream log(read("log"));
    for (std::string line; std::getline(log, line);)
      if (line.find("CONSOLE") != std::string::npos) console += line + '\n';
    return console;
  }

  // What the page logs behind "VERDICT "; its other console output.
  nlohmann::json look_at(const std::string& address, const std::string& flags, std::string& console) const {
    console = open(address, flags);
    // [..:CONSOLE:1] "VERDICT {...}", source: file:///.../page.html (1)
    const size_t begin = console.rfind("\"VERDICT "), end = console.find("\", source: ", begin);
    if (begin == std::string::npos || end == std::string::npos)
      throw_error("the page gave no verdict: {}", read("log"));
    const nlohmann::json verdict = nlohmann::json::parse(console.substr(begin + 9, end - begin - 9));
    const size_t line = console.rfind('\n', begin);
    console.erase(line == std::string::npos ? 0 : line, console.find('\n', begin));
    return verdict;
  }

  std::string browser_;
};

}  // namespace sunder
