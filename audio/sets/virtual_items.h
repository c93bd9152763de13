// Virtual microphones: each hears one source of a recording, as blind separation of its channels finds it.
#pragma once

#include "audio/sets/mixture_items.h"

namespace sunder {

// `items` with Mixture::virtual_microphones (audio/auxiva_separation.h), options.virtual_sources of them at the items'
// first microphone; silence for an item without a sound. Those of an item that load() gives are computed once and kept
// in memory, up to options.cache_bytes. load() throws InputError with the item's id where they cannot be computed.
// Throws InputError for fewer channels than sources.
std::shared_ptr<const MixtureItems> with_virtual_microphones(std::shared_ptr<const MixtureItems> items, Split split,
                                                             const MixtureSetOptions& options);

}  // namespace sunder
