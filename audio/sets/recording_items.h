// Recordings of mixtures without clean sources, as people have them: a folder of recordings of any length, rate and
// readable kind, flat or nested, or such folders <split>/mix or <split>.
#pragma once

#include "audio/sets/mixture_items.h"

namespace sunder {

// A recording of more than 10 s is cut into the fewest equal items of at most 10 s (what is left over, less than a
// sample for each of them, is dropped). Items are converted to options.sample_rate, by default the lowest rate of the
// set's recordings, at most 16 kHz; of a recording with more channels than asked for the first ones are taken.
//
// What is for which split: the folders of the splits (audio/sets/split_folders.h) where the set has them. A part for
// validation that it lacks is set aside of train's recordings, and one for the test too where it lacks both; of a
// folder without them all recordings are divided in this way. Of at least 20 recordings those with a hash percentage
// (files/digest.h) of their path, without its ending, below 10 are for validation, those below 20 for the test; a part
// that would be empty gets the recording of the lowest percentage. So the others stay where they are when recordings
// are added. Of fewer than 20 the first 80 % of each recording are for training, then 10 % for validation and 10 % for
// the test (or 90 % and 10 %).
//
// Null where `folder` has no recordings, or clean sources beside its mixtures. Throws ReferencesMissing where the
// options require them; InputError with the file for a recording that cannot be read or has fewer channels than asked
// for, and for a set that has recordings for other splits alone.
std::shared_ptr<const MixtureItems> open_recording_items(const std::filesystem::path& folder, Split split,
                                                         const MixtureSetOptions& options);

}  // namespace sunder
