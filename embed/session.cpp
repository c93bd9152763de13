#include "embed/session.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "embed/call.h"
#include "nn/separation.h"
#include "tensor/memory_forecast.h"
#include "tensor/parallel.h"

namespace sunder::embed {
namespace {

constexpr sunder_session_params no_params = SUNDER_SESSION_PARAMS_INIT;
constexpr double default_chunk_seconds = 30, default_overlap_seconds = 4, longest_chunk_seconds = 36000;
constexpr int most_threads = 4096;

double chunk_seconds(const sunder_session_params& params) {
  return params.chunk_seconds > 0 ? params.chunk_seconds : default_chunk_seconds;
}

void check(const sunder_session_params& params) {
  if (params.threads < 0 || params.threads > most_threads)
    bad_argument(fmt::format("params->threads: expected 0 to {}, got {}", most_threads, params.threads));
  // Written so that NaN is refused.
  if (!(params.chunk_seconds >= 0 && params.chunk_seconds <= longest_chunk_seconds))
    bad_argument(
        fmt::format("params->chunk_seconds: expected 0 to {}, got {}", longest_chunk_seconds, params.chunk_seconds));
  const double chunk = chunk_seconds(params);
  if (!(params.overlap_seconds >= 0 && params.overlap_seconds <= chunk / 2))
    bad_argument(fmt::format("params->overlap_seconds: expected 0 to {}, half a chunk, got {}", chunk / 2,
                             params.overlap_seconds));
}

// Of checked parameters.
Chunks chunks_of(const sunder_session_params& params, int sample_rate) {
  const double seconds = chunk_seconds(params);
  const double overlap =
      params.overlap_seconds > 0 ? params.overlap_seconds : std::min(default_overlap_seconds, seconds / 4);
  const int64_t length = std::max<int64_t>(std::llround(seconds * sample_rate), 1);
  return {length, std::min<int64_t>(std::llround(overlap * sample_rate), length / 2)};
}

// The team is as large as the session that wants most.
void want_threads(int threads) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (threads > team_size()) set_num_threads(threads);
}

Device device_of(const LoadedModel& model, const sunder_session_params& params) {
  const Device device = model.separator->parameters().values().device();
  if (!params.cuda_stream) return device;
  if (device.is_cpu()) bad_argument("params->cuda_stream: expected NULL for a model on the CPU");
  if (const Device of = cuda::device_of_stream(params.cuda_stream, device); of != device)
    bad_argument(
        fmt::format("params->cuda_stream: expected a stream of {}, got one of {}", to_string(device), to_string(of)));
  return device;
}

}  // namespace

SessionNetwork::SessionNetwork(std::shared_ptr<const LoadedModel> model, const Arena& weights, Stream stream)
    : model_(std::move(model)) {
  const Arena::Scope scope(weights);
  if (stream.device.is_cuda()) copy_ = model_->copy_to(stream);
}

Variable SessionNetwork::forward(const Tensor& mixture) const {
  if (cancelled) throw Cancelled();
  if (!graphs_) return network().forward(mixture);
  return Variable(graphs_->forward(mixture, [&](const Tensor& input) {
    const NoGrad no_grad;
    return network().forward(input).value();
  }));
}

}  // namespace sunder::embed

using namespace sunder;
using namespace sunder::embed;

sunder_session::sunder_session(std::shared_ptr<const LoadedModel> of, const sunder_session_params& with)
    : params(with),
      model(std::move(of)),
      chunks(chunks_of(params, model->sample_rate)),
      own_stream(device_of(*model, params)),
      weights(stream()),
      network(model, weights, stream()),
      work(stream(), params.memory_limit) {
  want_threads(std::max(params.threads, 1));
  if (stream().device.is_cuda() && !params.no_graphs) network.use_graphs(work);
}

sunder_status sunder_session_create(sunder_model* model, const sunder_session_params* given, sunder_session** session) {
  if (session) *session = nullptr;
  return guarded([&] {
    if (!session) bad_argument("session: expected where to store it, got NULL");
    if (!model) bad_argument("model: expected a model, got NULL");
    const sunder_session_params params = known_part(given, no_params, "params");
    check(params);
    *session = new sunder_session(model->shared, params);
  });
}

void sunder_session_free(sunder_session* session) { delete session; }

const char* sunder_session_error(const sunder_session* session) {
  return session ? session->message.c_str() : "session: expected a session, got NULL";
}

void sunder_cancel(sunder_session* session) {
  if (session) session->network.cancelled = true;
}

sunder_status sunder_session_memory(sunder_session* session, int64_t frames, int sample_rate, uint64_t* bytes) {
  return call(session, [&] {
    if (!bytes) bad_argument("bytes: expected where to store it, got NULL");
    if (frames < 1) bad_argument(fmt::format("frames: expected at least 1, got {}", frames));
    const int rate = checked_rate(sample_rate, session->model->sample_rate, "sample_rate");
    const int64_t length =
        std::clamp(resampled_length(std::min(frames, int64_t{1} << 40), rate, session->model->sample_rate),
                   session->network.shortest_input(), session->chunks.length);
    const Stream stream = session->stream();
    const auto prepare = [&](int64_t samples) {
      return [&, samples] {
        const int64_t microphones = session->network.microphones();
        const Tensor mixture =
            Tensor::zeros(microphones == 1 ? Shape{1, samples} : Shape{1, microphones, samples}, DType::float32);
        // A graph has the input in a place of its own.
        Tensor input;
        if (session->network.uses_graphs())
          input = Tensor::empty(mixture.shape(), session->network.parameters().values().dtype(), stream);
        separate_batch(session->network.plain(), mixture);
      };
    };
    // In memory of its own: neither the session's limit nor what it holds already matters here.
    std::optional<size_t> found;
    {
      const Arena trial(stream);
      const Arena::Scope scope(trial);
      found = forecast_memory(length, session->network.shortest_input(), stream, prepare);
    }
    if (!found) {  // a short one: what it takes is found by doing it
      const Arena trial(stream);
      const Arena::Scope scope(trial);
      prepare(length)();
      found = trial.bytes();
    }
    *bytes = *found;
  });
}

uint64_t sunder_clipped(const sunder_session* session) { return session ? session->clipped : 0; }
