// The recorded speech that Debian ships: spoken letters, syllables and words of the packages klettres-data,
// ktuberling-data and tuxpaint-stamps-default. The default corpus of a fresh machine.
#pragma once

#include <filesystem>

#include "audio/corpora/corpus.h"

namespace sunder {

// `root` is the folder that holds klettres/, ktuberling/sounds/ and tuxpaint/stamps/: /usr/share. A voice (speaker) is
// a package and a language; debian_voices.cpp says which are merged or left out, and why. Identical recordings are
// listed once. Seven voices are held out for the test; of the other recordings 5 % are for validation and 10 % for the
// test, by the hash of their path. Throws InputError with the names of the packages if there are no voices.
Corpus find_debian_voices(const std::filesystem::path& root);

}  // namespace sunder
