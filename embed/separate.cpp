#include "embed/separate.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "embed/call.h"
#include "embed/log.h"
#include "nn/separation.h"

namespace sunder::embed {
namespace {

constexpr sunder_audio no_audio = SUNDER_AUDIO_INIT;

const char* name_of_memory(int memory) { return memory == SUNDER_DEVICE ? "SUNDER_DEVICE" : "SUNDER_HOST"; }

Job checked(const sunder_session& session, const sunder_audio* mixture, const sunder_audio* estimates) {
  if (!mixture) bad_argument("mixture: expected a recording, got NULL");
  if (!estimates) bad_argument("estimates: expected buffers, got NULL");
  Job job{known_part(mixture, no_audio, "mixture"), known_part(estimates, no_audio, "estimates"), {}, {}, 0};
  job.in = checked_layout(job.mixture, session.network.microphones(), "mixture");
  job.out = checked_layout(job.estimates, session.network.sources(), "estimates");
  job.rate = checked_rate(job.mixture.sample_rate, session.model->sample_rate, "mixture.sample_rate");
  if (job.estimates.sample_rate != 0 && job.estimates.sample_rate != job.rate)
    bad_argument(fmt::format("estimates.sample_rate: expected the mixture's {} Hz or 0, got {}", job.rate,
                             job.estimates.sample_rate));
  if (job.estimates.frames != job.mixture.frames)
    bad_argument(
        fmt::format("estimates.frames: expected the mixture's {}, got {}", job.mixture.frames, job.estimates.frames));
  if (job.estimates.memory != job.mixture.memory)
    bad_argument(fmt::format("estimates.memory: expected the mixture's {}, got {}", name_of_memory(job.mixture.memory),
                             name_of_memory(job.estimates.memory)));
  if (job.on_device()) {
    check_on_device(session, job);
    return job;
  }
  check_samples(job.mixture.samples, job.mixture.frames, job.in, "mixture");
  check_samples(job.estimates.samples, job.estimates.frames, job.out, "estimates");
  return job;
}

void separate(sunder_session& session, const Job& job) {
  if (job.on_device()) return separate_on_device(session, job);
  Recording recording{
      RecordingStream(session.network, session.model->sample_rate, job.rate, session.chunks, seam_log(job.rate)),
      job.in, job.out};
  const int64_t frames = job.mixture.frames;
  int64_t written = 0;
  const auto drain = [&] { written += recording.pull(job.estimates.samples, frames, written, session.clipped); };
  recording.push(job.mixture.samples, frames, [&] {
    drain();
    report(session, recording.pushed, frames);
  });
  recording.stream.finish();
  drain();
}

// Recordings of one length and rate that fit into a chunk run through the network as one batch.
void separate_together(sunder_session& session, std::span<const Job* const> jobs) {
  if (jobs[0]->on_device()) return separate_together_on_device(session, jobs);
  const int64_t microphones = session.network.microphones(), sources = session.network.sources();
  const int rate = jobs[0]->rate, network_rate = session.model->sample_rate;
  const int64_t frames = jobs[0]->mixture.frames, length = resampled_length(frames, rate, network_rate);
  const auto items = static_cast<int64_t>(jobs.size());
  const Tensor mixtures = Tensor::empty({items, microphones, length}, DType::float32);
  for (int64_t b = 0; b < items; ++b) {
    std::vector<std::vector<float>> mixture(microphones, std::vector<float>(frames));
    read_frames(jobs[b]->mixture.samples, frames, jobs[b]->in, 0, mixture);
    for (int64_t m = 0; m < microphones; ++m)
      std::ranges::copy(resample(mixture[m], rate, network_rate),
                        mixtures.mutable_data<float>() + (b * microphones + m) * length);
  }
  const Tensor estimates =
      separate_batch(session.network, microphones == 1 ? mixtures.reshape({items, length}) : mixtures)
          .cast(DType::float32);
  for (int64_t b = 0; b < items; ++b) {
    std::vector<std::vector<float>> converted;
    for (int64_t s = 0; s < sources; ++s) {
      const float* estimate = estimates.data<float>() + (b * sources + s) * length;
      converted.push_back(resample({estimate, static_cast<size_t>(length)}, network_rate, rate));
      converted.back().resize(frames);
    }
    session.clipped += write_frames(jobs[b]->estimates.samples, frames, jobs[b]->out, 0, converted);
  }
}

}  // namespace

int checked_rate(int given, int otherwise, const char* name) {
  if (given == 0) return otherwise;
  if (given < lowest_sample_rate || given > highest_sample_rate)
    bad_argument(
        fmt::format("{}: expected 0 or {} to {} Hz, got {}", name, lowest_sample_rate, highest_sample_rate, given));
  return given;
}

}  // namespace sunder::embed

using namespace sunder;
using namespace sunder::embed;

sunder_status sunder_separate(sunder_session* session, const sunder_audio* mixture, const sunder_audio* estimates) {
  return call(session, [&] {
    session->clipped = 0;
    separate(*session, checked(*session, mixture, estimates));
  });
}

sunder_status sunder_separate_batch(sunder_session* session, size_t count, const sunder_audio* mixtures,
                                    const sunder_audio* estimates) {
  return call(session, [&] {
    session->clipped = 0;
    if (count == 0) return;
    if (!mixtures) bad_argument("mixtures: expected an array, got NULL");
    if (!estimates) bad_argument("estimates: expected an array, got NULL");
    if (mixtures->struct_size < sizeof(size_t) || estimates->struct_size < sizeof(size_t))
      bad_argument("mixtures, estimates: expected struct_size to be set, as SUNDER_AUDIO_INIT does");
    if (mixtures->struct_size % alignof(sunder_audio) != 0 || estimates->struct_size % alignof(sunder_audio) != 0)
      bad_argument(fmt::format("mixtures, estimates: expected struct_size to be a multiple of {}, got {} and {}",
                               alignof(sunder_audio), mixtures->struct_size, estimates->struct_size));
    // The caller's structs may be longer than ours.
    const auto at = [](const sunder_audio* first, size_t i) {
      return reinterpret_cast<const sunder_audio*>(reinterpret_cast<const char*>(first) + i * first->struct_size);
    };
    std::vector<Job> jobs;
    std::map<std::tuple<int64_t, int, bool>, std::vector<const Job*>> alike;
    for (size_t i = 0; i < count; ++i) jobs.push_back(checked(*session, at(mixtures, i), at(estimates, i)));
    for (const Job& job : jobs) alike[{job.mixture.frames, job.rate, job.on_device()}].push_back(&job);
    int64_t done = 0;
    for (const auto& [kind, group] : alike) {
      const auto [frames, rate, on_device] = kind;
      const int64_t length = resampled_length(frames, rate, session->model->sample_rate);
      // Together at most as long as a chunk, so that no batch takes more memory than a long recording.
      const size_t together = length > 0 ? std::max<int64_t>(session->chunks.length / length, 1) : 1;
      for (std::span<const Job* const> rest(group); !rest.empty();) {
        const auto part = rest.first(std::min(together, rest.size()));
        if (part.size() > 1) separate_together(*session, part);
        else separate(*session, *part[0]);
        report(*session, done += static_cast<int64_t>(part.size()), static_cast<int64_t>(count));
        rest = rest.subspan(part.size());
      }
    }
  });
}
