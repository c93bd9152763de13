// Whole recordings: what a call is asked for, and the work on those in a device's memory.
#pragma once

#include <span>
#include <vector>

#include "embed/session.h"

namespace sunder::embed {

// A recording and where its estimates go, checked.
struct Job {
  sunder_audio mixture, estimates;
  Layout in, out;
  int rate;

  bool on_device() const { return mixture.memory == SUNDER_DEVICE; }
};

// Ends the call with SUNDER_BAD_ARGUMENT where the job's buffers, both of SUNDER_DEVICE, are not memory of the model's
// device that the network can read and write as it is.
void check_on_device(const sunder_session& session, const Job& job);

// Queue the work in the order of the caller's stream; where there is none, they wait for it.
void separate_on_device(const sunder_session& session, const Job& job);
// Recordings of one length that fit into a chunk, as one batch.
void separate_together_on_device(const sunder_session& session, std::span<const Job* const> jobs);

}  // namespace sunder::embed
