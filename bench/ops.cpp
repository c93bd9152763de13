// sunder-bench-ops: every op at the sizes of the paper's network (batch 8, 1 s at 8 kHz: 63 frames, 504 rows; 128
// channels between blocks, 512 inside, 257 bins), in GB/s and GFLOP/s. Bytes are what has to cross the memory once:
// forward reads the inputs and writes the outputs; forward and backward together also read the outputs' gradients and
// the inputs again and write the inputs' gradients. Flops are those of the formula, three times as many with the
// backward pass.
// --device=cuda runs them there, where --batch=128 makes tensors larger than the cache (docs/kernels.md); a row's time
// then includes waiting for the device once in a hundred runs.
//     sunder-bench-ops [--device=cpu] [--batch=8] [--threads=N] [--benchmark_filter=REGEX] ...
#include <benchmark/benchmark.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <functional>

#include "autograd/ops.h"
#include "tensor/blas.h"
#include "tensor/cuda/runtime.h"
#include "tensor/ops/accumulate.h"
#include "tensor/ops/adam.h"
#include "tensor/ops/copy_all.h"
#include "tensor/ops/fcp_weight.h"
#include "tensor/ops/item_std.h"
#include "tensor/ops/l2_norm.h"
#include "tensor/ops/remix.h"
#include "tensor/ops/room_responses.h"
#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

using Variables = std::vector<Variable>;

constexpr int64_t frames = 63, samples = 8000, sources = 2;
constexpr int64_t bottleneck = 128, hidden = 512, bins = 257, n_fft = 512, hop_length = 128;
constexpr double norm_flops = 8, activation_flops = 20;  // an element, about
constexpr int64_t parameters = 2'451'869;                // of the paper's network

// Chosen by flags, before the rows are made.
int64_t batch = 8;
Stream device = cpu_device;

Tensor random_tensor(Shape shape, DType dtype = DType::float32, double low = 0.1, double high = 1) {
  Tensor wide = Tensor::empty(std::move(shape), is_complex(dtype) ? DType::complex128 : DType::float64);
  Random random(1, RandomUse::test);
  for (int64_t i = 0; i < wide.numel() * (is_complex(dtype) ? 2 : 1); ++i)
    reinterpret_cast<double*>(wide.raw())[i] = random.uniform(low, high);
  return wide.cast(dtype).to(device);
}

Tensor hann_window() {
  Tensor window = Tensor::empty({n_fft}, DType::float32);
  for (int64_t i = 0; i < n_fft; ++i)
    window.mutable_data<float>()[i] = static_cast<float>(0.5 - 0.5 * std::cos(2 * 3.141592653589793 * i / n_fft));
  return window.to(device);
}

void report(benchmark::State& state, double bytes, double flops) {
  using benchmark::Counter;
  state.counters["bytes"] = bytes;
  state.counters["flops"] = flops;
  state.counters["GB/s"] = Counter(bytes * 1e-9, Counter::kIsIterationInvariantRate);
  state.counters["GFLOP/s"] = Counter(flops * 1e-9, Counter::kIsIterationInvariantRate);
}

// The device works on while the host queues more: it is waited for once in a hundred runs.
void repeat(benchmark::State& state, const std::function<void()>& run) {
  if (device.device.kind == Device::Kind::cpu) {
    for (auto _ : state) run();
    return;
  }
  constexpr int queued = 100;
  run();  // plans and handles of libraries are made by the first call
  cuda::synchronize(device);
  while (state.KeepRunningBatch(queued)) {
    for (int i = 0; i < queued; ++i) run();
    cuda::synchronize(device);
  }
}

// `run` for an op without a gradient.
void plain(const std::string& name, double bytes, double flops, const std::function<void()>& run) {
  benchmark::RegisterBenchmark((name + "/forward").c_str(), [=](benchmark::State& state) {
    repeat(state, run);
    report(state, bytes, flops);
  })->UseRealTime();
}

// Two rows: the forward call alone, and with its backward pass. flops: of the forward call.
void differentiable(const std::string& name, const std::vector<Tensor>& inputs, double flops,
                    const std::function<Variables(const Variables&)>& function) {
  double in = 0, out = 0;
  Variables leaves;
  for (const Tensor& input : inputs) {
    in += static_cast<double>(input.bytes());
    leaves.emplace_back(input, true);
  }
  std::vector<Tensor> gradients;
  for (const Variable& output : function(leaves)) {
    out += static_cast<double>(output.value().bytes());
    gradients.push_back(random_tensor(output.shape(), output.value().dtype()));
  }
  plain(name, in + out, flops, [=] {
    const NoGrad no_grad;
    benchmark::DoNotOptimize(function(leaves));
  });
  benchmark::RegisterBenchmark((name + "/forward_backward").c_str(), [=](benchmark::State& state) {
    repeat(state, [&] {
      backward(function(leaves), gradients);
      for (const Variable& leaf : leaves) leaf.zero_grad();
    });
    report(state, 3 * in + 2 * out, 3 * flops);
  })->UseRealTime();
}

void differentiable(const std::string& name, const std::vector<Tensor>& inputs, double flops,
                    Variable (*function)(const Variable&)) {
  differentiable(name, inputs, flops, [function](const Variables& in) { return Variables{function(in[0])}; });
}

void elementwise_rows() {
  const Tensor x = random_tensor({batch, frames, hidden}), row = random_tensor({hidden});
  const double count = static_cast<double>(x.numel());
  differentiable("pointwise.square", {x}, count, square);
  differentiable("pointwise.sigmoid", {x}, activation_flops * count, sigmoid);
  differentiable("pointwise.tanh", {x}, activation_flops * count, tanh);
  differentiable("pointwise.exp", {x}, activation_flops * count, exp);
  differentiable("binary.add", {x, x}, count, [](const Variables& in) { return Variables{add(in[0], in[1])}; });
  differentiable("binary.multiply_rows", {x, row}, count,
                 [](const Variables& in) { return Variables{multiply(in[0], in[1])}; });
  const Tensor z = random_tensor({batch, frames, bins}, DType::complex64);
  differentiable("binary.multiply_complex", {z, z}, 6 * static_cast<double>(z.numel()),
                 [](const Variables& in) { return Variables{multiply(in[0], in[1])}; });
  differentiable("magnitude", {z}, 4 * static_cast<double>(z.numel()), magnitude);
  differentiable("prelu", {x, random_tensor({1})}, 2 * count,
                 [](const Variables& in) { return Variables{prelu(in[0], in[1])}; });
  const Tensor total = x.clone();
  plain("cast", 3.0 * static_cast<double>(x.bytes()), 0, [=] { benchmark::DoNotOptimize(x.cast(DType::float64)); });
  plain("accumulate", 3.0 * static_cast<double>(x.bytes()), count, [=] {
    Tensor sum = total;
    accumulate(sum, x);
  });
}

void shape_rows() {
  const Tensor x = random_tensor({batch, frames, hidden}), part = random_tensor({batch, frames, bottleneck});
  const double count = static_cast<double>(x.numel());
  differentiable("sum.all", {x}, count, [](const Variables& in) { return Variables{sum(in[0])}; });
  differentiable("sum.rows", {x}, count, [](const Variables& in) { return Variables{sum(in[0], {0, 1})}; });
  differentiable("sum.channels", {x}, count, [](const Variables& in) { return Variables{sum(in[0], {2})}; });
  differentiable("concat", {part, part}, 0, [](const Variables& in) { return Variables{concat(in, 2)}; });
  differentiable("slice_axis", {x}, 0, [](const Variables& in) { return Variables{slice_axis(in[0], 2, 128, 384)}; });
  differentiable("permute", {x}, 0, [](const Variables& in) { return Variables{permute(in[0], {0, 2, 1})}; });
  const Tensor signals = random_tensor({batch * sources, samples});
  std::vector<int64_t> order(batch * sources);
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i ^ 1);
  const Tensor indices = Tensor::from(order, {batch, sources}).to(device);
  plain("remix", 2.5 * static_cast<double>(signals.bytes()), static_cast<double>(signals.numel()),
        [=] { benchmark::DoNotOptimize(remix(signals, indices)); });
}

void network_rows() {
  const Tensor narrow = random_tensor({batch, frames, bottleneck}), wide = random_tensor({batch, frames, hidden});
  const Tensor both = random_tensor({batch, frames, 2 * bottleneck});
  const Tensor gain = random_tensor({hidden}), bias = random_tensor({hidden}), slope = random_tensor({1});
  const Tensor taps = random_tensor({hidden, 1, 3});
  const double wide_count = static_cast<double>(wide.numel());
  const double product = 2.0 * static_cast<double>(batch * frames * bottleneck * hidden);
  const auto linear_of = [](const Variables& in) { return Variables{linear(in[0], in[1], in[2])}; };
  differentiable("linear.in", {narrow, random_tensor({hidden, bottleneck}), bias}, product, linear_of);
  differentiable("linear.out", {wide, random_tensor({256, hidden}), random_tensor({256})}, 2 * product, linear_of);
  differentiable("matmul", {narrow, random_tensor({bottleneck, hidden})}, product,
                 [](const Variables& in) { return Variables{matmul(in[0], in[1])}; });
  const Tensor query = random_tensor({batch * 4, frames, 64});
  differentiable("matmul.attention", {query, query}, 2.0 * static_cast<double>(query.numel()) * frames,
                 [](const Variables& in) { return Variables{matmul(in[0], in[1], false, true)}; });
  const Tensor scores = random_tensor({batch * 4, frames, frames});
  differentiable("softmax", {scores}, activation_flops * static_cast<double>(scores.numel()), softmax);
  differentiable("layer_norm", {wide, gain, bias}, norm_flops * wide_count,
                 [](const Variables& in) { return Variables{layer_norm(in[0], in[1], in[2])}; });
  differentiable("global_norm", {wide, gain, bias}, norm_flops * wide_count,
                 [](const Variables& in) { return Variables{global_norm(in[0], in[1], in[2])}; });
  differentiable("depthwise_conv1d", {wide, taps, bias}, 6 * wide_count,
                 [](const Variables& in) { return Variables{depthwise_conv1d(in[0], in[1], in[2], 4)}; });
  differentiable(
      "prelu_norm_depthwise", {wide, slope, gain, bias, taps, bias}, (6 + norm_flops) * wide_count,
      [](const Variables& in) { return Variables{prelu_norm_depthwise(in[0], in[1], in[2], in[3], in[4], in[5], 4)}; });
  differentiable("prelu_norm_linear", {wide, slope, gain, bias, random_tensor({256, hidden}), random_tensor({256})},
                 2 * product + norm_flops * wide_count, [](const Variables& in) {
                   return Variables{prelu_norm_linear(in[0], in[1], in[2], in[3], in[4], in[5])};
                 });
  const Tensor in_weight = random_tensor({hidden, bottleneck}), out_weight = random_tensor({256, hidden});
  const Tensor out_bias = random_tensor({256});
  const std::vector<Tensor> block{narrow, in_weight, bias, slope, gain,       bias,     taps,
                                  bias,   slope,     gain, bias,  out_weight, out_bias, narrow};
  differentiable("conv_block", block, 3 * product + (6 + 2 * norm_flops) * wide_count, [](const Variables& in) {
    return conv_block(
        {in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7], in[8], in[9], in[10], in[11], in[12], in[13]},
        {.dilation = 4});
  });
  differentiable("residual_skip", {narrow, narrow, both}, static_cast<double>(both.numel()),
                 [](const Variables& in) { return residual_skip(in[0], in[1], in[2]); });
}

// TF-GridNet at the paper's size (D = 96, H = 192, two neighbours side by side), an eighth of a second for each eight
// items.
void gridnet_rows() {
  constexpr int64_t bands = 130, embedding = 96, units = 192;
  const int64_t frames_of_it = 2 * batch, items = std::max<int64_t>(1, batch / 8);
  const Tensor x = random_tensor({frames_of_it, bands / 2, 2 * embedding}, DType::float32, -1, 1);
  const auto weight = [](Shape shape) { return random_tensor(std::move(shape), DType::float32, -0.07, 0.07); };
  differentiable("lstm",
                 {x, weight({2, 4 * units, 2 * embedding}), weight({2, 4 * units, units}), weight({2, 4 * units}),
                  weight({2, 4 * units})},
                 static_cast<double>(frames_of_it * bands / 2 * 2 * units) *
                     (8.0 * (2 * embedding + units) + 5 * activation_flops),
                 [](const Variables& in) { return Variables{lstm(in[0], in[1], in[2], in[3], in[4])}; });
  const Tensor channels = random_tensor({items, frames, 129, embedding}),
               gains = random_tensor({4, embedding / 4, 129});
  differentiable("head_norm", {channels, random_tensor({4}), gains, gains},
                 (norm_flops + 2) * static_cast<double>(channels.numel()),
                 [](const Variables& in) { return Variables{head_norm(in[0], in[1], in[2], in[3])}; });
  const SlidingWindow window{{3, 1, 1}, {3, 1, 1}};
  const Tensor features = random_tensor({items, frames, 129, 12}), windows = random_tensor({items, frames, 129, 36});
  differentiable("unfold", {features}, 0, [=](const Variables& in) { return Variables{unfold(in[0], window)}; });
  differentiable("unfold.fold", {windows}, static_cast<double>(windows.numel()),
                 [=](const Variables& in) { return Variables{fold(in[0], frames, 129, window)}; });
}

void signal_rows() {
  const Tensor signal = random_tensor({batch, samples}, DType::float32, -1, 1), window = hann_window();
  const Tensor spectrum = random_tensor({batch, frames, bins}, DType::complex64);
  // 5 N log2 N of a complex transform, half of it for a real one.
  const double transform = 2.5 * n_fft * 9 * static_cast<double>(batch * frames);
  differentiable("stft", {signal}, transform,
                 [=](const Variables& in) { return Variables{stft(in[0], window, hop_length)}; });
  differentiable("istft", {spectrum}, transform,
                 [=](const Variables& in) { return Variables{istft(in[0], window, hop_length, samples)}; });
  differentiable("soft_mask", {random_tensor({batch, frames, sources * bins})},
                 activation_flops * static_cast<double>(sources * batch * frames * bins),
                 [=](const Variables& in) { return Variables{soft_mask(in[0], spectrum, sources)}; });
  const Tensor estimates = random_tensor({batch, sources, samples}), references = estimates.clone();
  differentiable("pit_snr", {estimates}, 3.0 * static_cast<double>(sources * sources * batch * samples),
                 [=](const Variables& in) { return Variables{pit_snr(references, in[0])}; });
  const Tensor four = random_tensor({batch, 4, samples});
  differentiable("mixit_snr", {four}, 2.0 * (6 * 7 / 2) * static_cast<double>(batch * samples),
                 [=](const Variables& in) { return Variables{mixit_snr(references, in[0])}; });
}

void microphone_rows() {
  const Tensor recordings = random_tensor({4, 6, 32000});  // a batch of the paper's: six microphones, four seconds
  plain("item_std", static_cast<double>(recordings.bytes()), 3.0 * static_cast<double>(recordings.numel()),
        [=] { benchmark::DoNotOptimize(item_std(recordings)); });
}

// An example of SMS-WSJ-FF-CT: two speakers, six microphones and one close to each speaker. The flops are those of the
// formula: as many images as rooms fill a ball of 1.024 s, 20 operations each and four for each of 64 taps.
void room_rows() {
  const Tensor rooms = Tensor::from(std::vector<double>{8.169, 5.905, 3.073}, {1, 3}).to(device);
  const Tensor speakers =
      Tensor::from(std::vector<double>{3.312, 1.921, 1.557, 3.0, 2.379, 1.557}, {1, 2, 3}).to(device);
  const Tensor t60 = Tensor::from(std::vector<double>{0.387}, {1}).to(device);
  const std::vector<double> offsets = random_tensor({8, 3}, DType::float64).to_vector<double>();
  Tensor microphones = Tensor::empty({1, 8, 3}, DType::float64);
  for (int i = 0; i < 24; ++i) microphones.mutable_data<double>()[i] = 0.2 * offsets[i] + (i % 3 == 2 ? 1.5 : 4);
  const Tensor heard_at = microphones.to(device);
  const double images = 4.18879 * std::pow(1.024 * 343, 3) / (8.169 * 5.905 * 3.073);
  plain("room_responses", 16.0 * 8192 * sizeof(double), 16 * images * (20 + 4 * 64),
        [=] { benchmark::DoNotOptimize(room_responses(rooms, speakers, heard_at, t60)); });
}

// Batch 4 of 4 s at 8 kHz (501 frames, 129 bins), two speakers, six far-field microphones, 21 taps: the paper's sizes.
// Flops of 21 x 21 matrices from products shared by a lag, right-hand sides and images; the solves are no more than
// that.
void filter_rows() {
  constexpr int64_t items = 4, microphones = 6, filter_frames = 501, filter_bins = 129, taps = 21;
  const auto spectra = [&](int64_t signals) {
    return random_tensor({items, signals, filter_frames, filter_bins}, DType::complex64, -1, 1);
  };
  const Tensor estimates = spectra(sources), mixtures = spectra(microphones);
  const Tensor weights = random_tensor({items, 1, filter_frames, filter_bins});
  const double points = static_cast<double>(items * sources * filter_frames * filter_bins);
  differentiable("fcp", {estimates}, points * (taps * (8 + 2 * (taps + 1)) + 16 * taps * microphones),
                 [=](const Variables& in) { return Variables{fcp(in[0], mixtures, weights, {})}; });
  plain("fcp_weight", static_cast<double>(mixtures.bytes() + weights.bytes()),
        4.0 * static_cast<double>(mixtures.numel()), [=] { benchmark::DoNotOptimize(fcp_weight(mixtures, 1)); });
  const Tensor images =
      spectra(microphones * sources).reshape({items, microphones, sources, filter_frames, filter_bins});
  differentiable("mixture_constraint", {images}, 12.0 * microphones * points,
                 [=](const Variables& in) { return Variables{mixture_constraint(in[0], mixtures)}; });
  differentiable("isms", {images}, 30.0 * microphones * points,
                 [=](const Variables& in) { return Variables{isms(in[0], mixtures)}; });
  const Tensor mixture = spectra(1).reshape({items, filter_frames, filter_bins});
  differentiable("pit_ri_mag", {spectra(sources)}, 18.0 * sources * points,
                 [=](const Variables& in) { return Variables{pit_ri_mag(estimates, mixture, in[0])}; });
}

void optimiser_rows() {
  const Tensor flat = random_tensor({parameters});
  const AdamState state{flat.clone(),
                        flat.clone(),
                        flat.clone(),
                        Tensor::full({1}, 1e-3, DType::float32).to(device),
                        Tensor::zeros({1}, DType::int64, device),
                        Tensor::zeros({1}, DType::int64, device),
                        Tensor::zeros({3}, DType::float64, device)};
  const Tensor norm = l2_norm(flat), loss = Tensor::zeros({1}, DType::float32, device);
  plain("l2_norm", static_cast<double>(flat.bytes()), 2.0 * parameters,
        [=] { benchmark::DoNotOptimize(l2_norm(flat)); });
  plain("adam", 7.0 * static_cast<double>(flat.bytes()), 14.0 * parameters, [=] {
    AdamState own = state;
    adam(own, flat, norm, loss, {});
  });
  // As many pieces as the network has parameters, of their mean size.
  std::vector<Tensor> pieces, targets;
  for (int64_t i = 0; i < 150; ++i) {
    pieces.push_back(random_tensor({parameters / 150}));
    targets.push_back(flat.slice(i * (parameters / 150), (i + 1) * (parameters / 150)));
  }
  plain("copy_all", 2.0 * static_cast<double>(flat.bytes()), 0, [=] { copy_all(pieces, targets); });
}

int64_t count_of(const std::string& flag, const std::string& value) {
  int64_t count = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  if (error != std::errc() || *end != '\0' || count < 1)
    throw_error<UsageError>("{}: expected a whole number of at least 1, got {}", flag, value);
  return count;
}

// Takes our own flags out of the arguments; the rest are Google Benchmark's.
void take_flags(int& argc, char** argv) {
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i], flag = argument.substr(0, argument.find('='));
    const std::string value = argument.substr(std::min(argument.size(), flag.size() + 1));
    if (flag == "--threads") set_num_threads(static_cast<int>(count_of(flag, value)));
    else if (flag == "--batch") batch = count_of(flag, value);
    else if (flag == "--device") device = parse_device(value);
    else argv[kept++] = argv[i];
  }
  argc = kept;
  if (device.device.kind == Device::Kind::cpu) return;
  cuda::check_device(device.device);
}

}  // namespace
}  // namespace sunder

int main(int argc, char** argv) {
  try {
    sunder::take_flags(argc, argv);
  } catch (const sunder::Error& error) {
    std::fprintf(stderr, "sunder-bench-ops: %s\n", error.what());
    return dynamic_cast<const sunder::UsageError*>(&error) ? 2 : 6;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("device", sunder::device.device.kind == sunder::Device::Kind::cpu ? "cpu" : "cuda");
  benchmark::AddCustomContext("threads", std::to_string(sunder::num_threads()));
  benchmark::AddCustomContext("simd", sunder::simd_level());
  benchmark::AddCustomContext("blas", sunder::blas::core_name());
  sunder::elementwise_rows();
  sunder::shape_rows();
  sunder::network_rows();
  sunder::gridnet_rows();
  sunder::signal_rows();
  sunder::microphone_rows();
  sunder::room_rows();
  sunder::filter_rows();
  sunder::optimiser_rows();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
