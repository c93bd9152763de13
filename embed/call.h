// How functions that work with a session run.
#pragma once

#include <algorithm>

#include "audio/sample_rate.h"
#include "embed/session.h"
#include "embed/status.h"
#include "tensor/parallel.h"

namespace sunder::embed {

// Ends the call where the caller is capturing the session's stream: work memory is not the graph's alone.
inline void check_stream(const sunder_session& session) {
  if (session.params.cuda_stream && cuda::is_capturing(session.given_stream()))
    bad_argument(
        "params->cuda_stream: expected a stream that is not being captured, as a session makes its own graphs");
}

// Runs `work` as the session's only call: in its memory, with its threads. What it throws becomes the status, and the
// session's message.
template <class Work>
sunder_status call(sunder_session* session, const Work& work) noexcept {
  if (!session) return SUNDER_BAD_ARGUMENT;
  if (session->busy.exchange(true)) return SUNDER_BUSY;
  session->network.cancelled = false;
  const sunder_status status = guarded(session->message, [&] {
    check_stream(*session);
    const ThreadLimit threads(std::max(session->params.threads, 1));
    const Arena::Scope memory(session->work);
    work();
  });
  session->busy = false;
  return status;
}

// Tells the caller, who may end the call.
inline void report(const sunder_session& session, int64_t done, int64_t total) {
  if (session.params.progress && session.params.progress(session.params.progress_user, done, total) != 0)
    throw Cancelled();
}

// given, or `otherwise` where it is 0.
int checked_rate(int given, int otherwise, const char* name);

}  // namespace sunder::embed
