// What stands in RUN/checkpoints: the checkpoints by step, the pointers `last` and `best`, and what is set aside.
// Nothing here deletes a checkpoint that could be somebody's only whole one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "files/folder_pointer.h"

namespace sunder {

struct StoredCheckpoint {
  int64_t step = 0;
  std::filesystem::path path;
};

// Newest first: the folders step-00001200; where a kill has left only a replaced checkpoint under its hidden name, that
// one; `last` and `best` where a copy has made folders of them and nothing else is of their step (which is -1 if their
// manifest is damaged). None where there is no folder. Throws ReadError: what cannot be listed may be there.
std::vector<StoredCheckpoint> list_checkpoints(const std::filesystem::path& folder);

// Makes every listed checkpoint a folder of its step's name, `last` and `best` pointers where they are folders (whose
// step stands there already: copy-of-last, copy-of-best), and removes what kills have left of unfinished writes and
// removals. Other names are not touched. `make_link`: see files/folder_pointer.h.
void settle(const std::filesystem::path& folder, MakeLink make_link);

// Moves a finished checkpoint, `folder`/.new-step-..., to its step's name. One of the same step that stands there is
// exchanged with it, so that there is one at every moment.
void put_in_place(const std::filesystem::path& folder, int64_t step);
// The name under which that one was written.
std::filesystem::path unfinished_checkpoint(const std::filesystem::path& folder, int64_t step);

// Removes all but the two newest checkpoints and those that `last` and `best` point to. Where it cannot be known which
// these are, all stay.
void prune(const std::filesystem::path& folder);

// `name` in `folder` or, if that is taken, with -2, -3, ... at its end.
std::filesystem::path free_name(const std::filesystem::path& folder, const std::string& name);

}  // namespace sunder
