// The record of a folder that Sunder made: a hidden file in it that lists what was written, so that only such a folder
// is ever replaced, and only while it holds nothing else and they are unchanged.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace sunder {

inline constexpr const char* folder_record_name = ".sunder";

// Recognises the folders of versions that left no record.
using OlderFolder = std::function<bool(const std::filesystem::path& folder)>;

// Lists all files of the folder. `maker` is named in the record ("sunder-prepare voices 0.1.0"). Throws Error.
void write_folder_record(const std::filesystem::path& folder, const std::string& maker);

bool has_folder_record(const std::filesystem::path& folder);

// Why the folder must not be removed, as the end of a sentence; empty if it holds only what Sunder wrote.
std::string reason_to_keep(const std::filesystem::path& folder, const OlderFolder& older);

// Entries that do not count: a disk's lost+found, and the folders of a write in progress (files/folder_exchange.h).
bool does_not_count(const std::filesystem::directory_entry& entry);
// Whether nothing in the folder counts.
bool is_empty_folder(const std::filesystem::path& folder);

}  // namespace sunder
