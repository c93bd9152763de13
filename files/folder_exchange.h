// Puts a finished folder into its place. Whenever the process is killed, the old folder or the new one is whole there,
// at the latest after the next run's recovery.
//
// Beside: the new folder is built in a hidden folder beside its place and renamed; an old one is exchanged with it.
// Inside: where the place itself must stay (a mount point, an empty folder that somebody made), the new folder is built
// in a hidden folder within, and its entries are moved.
//
// The caller holds the lock on the place. All functions throw Error "<place>: cannot be written: <reason>".
#pragma once

#include <filesystem>

namespace sunder {

// Hidden names beside `place`, of any length: `what` is "part" (being built, or to be removed), "old" (set aside) or
// "lock".
std::filesystem::path beside(const std::filesystem::path& place, const char* what);
// Where the new folder is built within `place`.
std::filesystem::path part_inside(const std::filesystem::path& place);

// Restores or removes what a killed process left.
void recover_beside(const std::filesystem::path& place);
void recover_inside(const std::filesystem::path& place);

// Puts beside(place, "part") into its place. `replaces`: there is an old folder, which is removed when the new one is
// synced to the disk; its mode and owner are kept. Where this fails, the new one is removed.
void put_beside(const std::filesystem::path& place, bool replaces);
// Puts part_inside(place) into its place; removes what was there.
void put_inside(const std::filesystem::path& place);

}  // namespace sunder
