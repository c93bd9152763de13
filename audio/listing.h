// Which files of a folder are recordings.
#pragma once

#include <filesystem>
#include <vector>

namespace sunder {

// Throws InputError for what is no folder or cannot be looked at, with its path and the reason.
void require_folder(const std::filesystem::path& folder);

// Whether a file's name ends, in letters of any case, as those of recordings that read_audio reads: .wav, .flac, .ogg,
// .opus, .mp3, .aiff and so on. Names that begin with a dot are none (macOS leaves "._x.wav" beside x.wav).
bool has_audio_name(const std::filesystem::path& path);
// The ends that has_audio_name knows, for messages: ".wav, .flac, ...".
const char* audio_names();

// Files with audio names in a folder and, if `recursive`, in those below, relative to it and sorted by name. What
// begins with a dot, trash and what file systems and desktops add (lost+found, $RECYCLE.BIN, ...) is left out. Links
// are followed, each folder once. A link whose file is gone is listed, so that reading it names it. Throws InputError
// for a missing folder and for one that cannot be read, with its path and the system's reason.
std::vector<std::filesystem::path> list_audio(const std::filesystem::path& folder, bool recursive);

}  // namespace sunder
