// The models that come with Sunder: found by name, wherever it was installed or unpacked.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sunder {

// The model of programs that are given none.
inline constexpr const char* default_model = "speech-8k";

// Names a folder that is looked into before the others.
inline constexpr const char* models_variable = "SUNDER_MODELS";

// Where models are looked for, first things first: the folder that SUNDER_MODELS names, share/sunder/models of the
// installation that the running program is part of, and, for a program that lies in SOURCE/build/NAME/bin,
// SOURCE/models. They need not exist.
std::vector<std::filesystem::path> model_folders();

// The file NAME or NAME.safetensors of the first folder that has one. Nothing for a name with a slash.
std::optional<std::filesystem::path> shipped_model(const std::string& name);

// What --model means: a path stays as it is; the name of no file here is that of a shipped model, and no name (empty)
// means the default one; which file that is, is said on stderr. Throws UsageError where there is no default model,
// ModelError where nothing has that name.
std::string find_model(const std::string& given);

// The folders for a message: "A, B or C".
std::string model_folders_text();

}  // namespace sunder
