// Recordings in a device's memory.
#include "embed/call.h"
#include "embed/log.h"
#include "embed/separate.h"
#include "nn/separate_tensor.h"

namespace sunder::embed {
namespace {

void check_on_device(const sunder_audio& audio, Device device, const char* name) {
  if (audio.format != SUNDER_FLOAT32)
    bad_argument(fmt::format("{}.format: expected SUNDER_FLOAT32 for samples on a device, got {}", name, audio.format));
  if (audio.layout != SUNDER_PLANAR)
    bad_argument(fmt::format("{}.layout: expected SUNDER_PLANAR for samples on a device, got {}", name, audio.layout));
  check_samples(audio.samples, audio.frames, {audio.channels, audio.format, audio.layout}, name);
  if (audio.frames == 0) return;
  const Device found = cuda::device_of_memory(audio.samples, device);
  if (found != device)
    bad_argument(fmt::format("{}.samples: expected memory of {}, got memory of {}", name, to_string(device),
                             found.is_cpu() ? "the host" : to_string(found)));
}

// (channels, frames), the caller's memory.
Tensor samples_of(const sunder_audio& audio, Stream stream) {
  return Tensor::borrow(audio.samples, {audio.channels, audio.frames}, DType::float32, stream);
}

// Runs `work`, which queues on the session's stream, in the order of the caller's; where there is none, waits for it.
// The buffers are the caller's again also where it fails.
template <class Work>
void in_order(const sunder_session& session, const Work& work) {
  const auto finish = [&] {
    if (session.params.cuda_stream) cuda::follow(session.given_stream(), session.stream());
    else cuda::synchronize(session.stream());
  };
  if (session.params.cuda_stream) cuda::follow(session.stream(), session.given_stream());
  try {
    work();
  } catch (...) {
    try {
      finish();
    } catch (const Error&) {  // the first failure is the one to tell
    }
    throw;
  }
  finish();
}

}  // namespace

void check_on_device(const sunder_session& session, const Job& job) {
  const Device device = session.stream().device;
  if (device.is_cpu()) bad_argument("mixture.memory: expected SUNDER_HOST for a model on the CPU, got SUNDER_DEVICE");
  if (job.rate != session.model->sample_rate)
    bad_argument(fmt::format("mixture.sample_rate: expected the model's {} Hz for samples on a device, got {}",
                             session.model->sample_rate, job.rate));
  check_on_device(job.mixture, device, "mixture");
  check_on_device(job.estimates, device, "estimates");
  const auto begin = [](const sunder_audio& audio) { return static_cast<const float*>(audio.samples); };
  const auto end = [&](const sunder_audio& audio) { return begin(audio) + audio.channels * audio.frames; };
  if (begin(job.mixture) < end(job.estimates) && begin(job.estimates) < end(job.mixture))
    bad_argument("estimates.samples: expected memory that does not overlap with the mixture's, got some that does");
}

void separate_on_device(const sunder_session& session, const Job& job) {
  in_order(session, [&] {
    separate_tensor(session.network, samples_of(job.mixture, session.stream()),
                    samples_of(job.estimates, session.stream()), session.chunks, seam_log(job.rate),
                    [&](int64_t done, int64_t total) { report(session, done, total); });
  });
}

void separate_together_on_device(const sunder_session& session, std::span<const Job* const> jobs) {
  const Stream stream = session.stream();
  const auto items = static_cast<int64_t>(jobs.size());
  const int64_t microphones = session.network.microphones(), sources = session.network.sources();
  const int64_t frames = jobs[0]->mixture.frames;
  in_order(session, [&] {
    const Tensor mixtures = Tensor::empty({items, microphones, frames}, DType::float32, stream);
    for (int64_t b = 0; b < items; ++b)
      mixtures.slice(b, b + 1).reshape({microphones, frames}).copy_from(samples_of(jobs[b]->mixture, stream));
    const Tensor estimates = separate_tensors(session.network, mixtures);
    for (int64_t b = 0; b < items; ++b)
      samples_of(jobs[b]->estimates, stream).copy_from(estimates.slice(b, b + 1).reshape({sources, frames}));
  });
}

}  // namespace sunder::embed
