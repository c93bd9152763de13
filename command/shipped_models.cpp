#include "command/shipped_models.h"

#include <fmt/format.h>

#include <cstdlib>

#include "command/output.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

std::vector<fs::path> model_folders() {
  std::vector<fs::path> folders;
  if (const char* named = std::getenv(models_variable); named && *named) folders.emplace_back(named);
  // No place is compiled in: a tree may be moved, and is often built on another machine.
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  if (program.empty()) return folders;  // /proc is not mounted
  folders.push_back((program / SUNDER_MODELS_FROM_BIN).lexically_normal());
  if (fs::exists(program / "../CMakeCache.txt", ignored))
    folders.push_back((program / "../../../models").lexically_normal());
  return folders;
}

std::string model_folders_text() {
  const std::vector<fs::path> folders = model_folders();
  std::string text;
  for (size_t i = 0; i < folders.size(); ++i)
    text += (i == 0 ? "" : i + 1 < folders.size() ? ", " : " or ") + folders[i].string();
  return text.empty() ? fmt::format("{} (not set)", models_variable) : text;
}

std::optional<fs::path> shipped_model(const std::string& name) {
  if (name.empty() || name.find('/') != std::string::npos) return std::nullopt;
  std::error_code ignored;
  for (const fs::path& folder : model_folders())
    for (const std::string& file : {name, name + ".safetensors"})
      if (fs::is_regular_file(folder / file, ignored)) return folder / file;
  return std::nullopt;
}

std::string find_model(const std::string& given) {
  if (given.find('/') != std::string::npos || (!given.empty() && fs::exists(given))) return given;
  const auto file = shipped_model(given.empty() ? default_model : given);
  if (!file && !given.empty())
    throw_error<ModelError>("{}: no such file or folder, and no model of this name in {}", given, model_folders_text());
  if (!file)
    throw_error<UsageError>(
        "--model is required, as no {}.safetensors is in {}: give a checkpoint folder or a "
        ".safetensors file",
        default_model, model_folders_text());
  const fs::path card = fs::path(*file).replace_extension(".md");
  print_message("model {}{}\n", file->string(),
                fs::exists(card) ? fmt::format(", described in {}", card.string()) : "");
  return file->string();
}

}  // namespace sunder
