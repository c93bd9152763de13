#include "audio/metrics/bss_eval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tensor/parallel.h"
#include "tensor/random.h"

namespace sunder {
namespace {

using Signal = std::vector<double>;

Signal random_signal(uint64_t which, int64_t length) {
  Random random(6, RandomUse::test, 0, which);
  Signal result(length);
  for (double& x : result) x = random.normal();
  return result;
}

Signal mixed(const Signal& a, double factor, const Signal& b) {
  Signal result = a;
  for (size_t i = 0; i < a.size(); ++i) result[i] += factor * b[i];
  return result;
}

double product(const Signal& a, const Signal& b) {
  double total = 0;
  for (size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}
double energy(const Signal& x) { return product(x, x); }

Tensor rows(const std::vector<Signal>& signals) {
  Signal all;
  for (const Signal& signal : signals) all.insert(all.end(), signal.begin(), signal.end());
  return Tensor::from(all, {static_cast<int64_t>(signals.size()), static_cast<int64_t>(signals[0].size())});
}

// An orthonormal basis of the delayed copies of references, by Gram and Schmidt's procedure done twice: no normal
// equations, no Fourier transform.
class Span {
 public:
  Span(const std::vector<Signal>& references, int64_t taps) : taps_(taps) {
    for (const Signal& reference : references)
      for (int64_t delay = 0; delay < taps; ++delay) {
        Signal copy(delay, 0.0);
        copy.insert(copy.end(), reference.begin(), reference.end());
        copy.resize(reference.size() + taps - 1, 0.0);
        for (int pass = 0; pass < 2; ++pass)
          for (const Signal& unit : basis_) copy = mixed(copy, -product(copy, unit), unit);
        const double norm = std::sqrt(energy(copy));
        for (double& x : copy) x /= norm;
        basis_.push_back(copy);
      }
  }
  Signal projection(Signal signal) const {
    signal.resize(signal.size() + taps_ - 1, 0.0);
    Signal result(signal.size(), 0.0);
    for (const Signal& unit : basis_) result = mixed(result, product(signal, unit), unit);
    return result;
  }

 private:
  int64_t taps_;
  std::vector<Signal> basis_;
};

double decibels(const Signal& signal, const Signal& noise) { return 10 * std::log10(energy(signal) / energy(noise)); }

void expect_equals_projections(const std::vector<Signal>& references, const std::vector<Signal>& estimates,
                               int64_t taps, double bound) {
  const auto scores = bss_eval(rows(references), rows(estimates), {}, taps);
  ASSERT_EQ(scores.size(), references.size() * estimates.size());
  const Span all(references, taps);
  for (size_t i = 0; i < references.size(); ++i) {
    const Span own({references[i]}, taps);
    for (size_t k = 0; k < estimates.size(); ++k) {
      const Signal target = own.projection(estimates[k]), joint = all.projection(estimates[k]);
      Signal e = estimates[k];
      e.resize(target.size(), 0.0);
      const BssScores& score = scores[i * estimates.size() + k];
      EXPECT_NEAR(*score.sdr.value, decibels(target, mixed(e, -1, target)), bound) << i << ", " << k;
      EXPECT_NEAR(*score.sir.value, decibels(target, mixed(joint, -1, target)), bound) << i << ", " << k;
      EXPECT_NEAR(*score.sar.value, decibels(joint, mixed(e, -1, joint)), bound) << i << ", " << k;
    }
  }
}

TEST(BssEval, EqualsProjectionsOnTheDelayedReferences) {
  for (const auto& [sources, outputs, length, taps] : std::vector<std::array<int64_t, 4>>{
           {2, 2, 60, 8}, {2, 3, 100, 9}, {3, 1, 77, 5}, {2, 1, 30, 1}, {3, 4, 40, 7}}) {
    std::vector<Signal> references, estimates;
    for (int64_t s = 0; s < sources; ++s) references.push_back(random_signal(s, length));
    for (int64_t k = 0; k < outputs; ++k)
      estimates.push_back(mixed(mixed(random_signal(10 + k, length), 2, references[0]), 0.5, references[k % sources]));
    expect_equals_projections(references, estimates, taps, 1e-9);
  }
}

TEST(BssEval, StaysExactUpTo100Decibels) {
  const Signal a = random_signal(1, 200), b = random_signal(2, 200), noise = random_signal(3, 200);
  for (const double level : {1e-1, 1e-2, 1e-3, 1e-4, 1e-5})  // about 20 to 100 dB
    expect_equals_projections({a, b}, {mixed(mixed(a, level, b), level, noise), mixed(b, level, noise)}, 16, 1e-5);
}

TEST(BssEval, ForgivesAShortFilterAndCountsTheNoise) {
  // The estimate is the reference, two tones that swell and fade, through a filter of 3 taps, plus a tone of another
  // band, orthogonal to every delayed copy, 20 dB below.
  constexpr int64_t length = 16000;
  Signal reference(length), target(length, 0.0), noise(length);
  const auto tone = [](double cycles, int64_t t) {
    return std::pow(std::sin(std::numbers::pi * t / (length - 100)), 2) *
           std::sin(2 * std::numbers::pi * cycles * t / 800);
  };
  for (int64_t t = 0; t < length; ++t) reference[t] = t < length - 100 ? tone(80, t) + tone(101, t) : 0;
  for (int64_t t = 0; t < length; ++t) noise[t] = t < length - 100 ? tone(313, t) : 0;
  for (int64_t t = 2; t < length; ++t) target[t] = 0.5 * reference[t] - 0.3 * reference[t - 1] + 0.7 * reference[t - 2];
  const double gain = std::sqrt(energy(target) / energy(noise) / 100);
  const auto scores = bss_eval(rows({reference}), rows({target, mixed(target, gain, noise)}), {}, 16);
  EXPECT_GE(*scores[0].sdr.value, 100);
  EXPECT_NEAR(*scores[1].sdr.value, 20, 1e-4);
  EXPECT_EQ(*scores[1].sir.value, INFINITY);  // nothing can interfere with a single reference
  EXPECT_EQ(*scores[1].sar.value, *scores[1].sdr.value);
}

TEST(BssEval, TakesDelaysButNotTheOtherWay) {
  const Signal s = random_signal(1, 400);
  Signal late(400, 0.0), early(400, 0.0);
  for (int64_t t = 7; t < 400; ++t) late[t] = s[t - 7];
  for (int64_t t = 0; t < 393; ++t) early[t] = s[t + 7];
  const auto at = [&](int64_t taps) { return bss_eval(rows({s}), rows({late, early}), {}, taps); };
  EXPECT_GT(*at(8)[0].sdr.value, 10);  // the last 7 samples are missing
  EXPECT_LT(*at(7)[0].sdr.value, 0);
  EXPECT_LT(*at(8)[1].sdr.value, 0);
}

TEST(BssEval, ScoresDoNotKnowLevelsOrWhatElseIsScored) {
  const Signal a = random_signal(1, 300), b = random_signal(2, 300), e = mixed(a, 0.3, b);
  const auto scaled = [](Signal x, double factor) {
    for (double& value : x) value *= factor;
    return x;
  };
  const auto plain = bss_eval(rows({a, b}), rows({e}), {}, 32);
  const auto extreme = bss_eval(rows({scaled(a, 1e-200), scaled(b, -1e200)}), rows({scaled(e, 1e-160)}), {}, 32);
  const auto more = bss_eval(rows({a, b}), rows({b, e}), {}, 32);
  const auto sdr_only = bss_eval(rows({a, b}), rows({e}), {.interference = false}, 32);
  const auto no_sdr = bss_eval(rows({a, b}), rows({e}), {.sdr = false}, 32);
  const auto single = bss_eval(rows({a, b}).cast(DType::float32), rows({e}).cast(DType::float32), {}, 32);
  EXPECT_NEAR(*extreme[0].sdr.value, *plain[0].sdr.value, 1e-9);
  EXPECT_NEAR(*extreme[1].sir.value, *plain[1].sir.value, 1e-9);
  EXPECT_NEAR(*more[1].sdr.value, *plain[0].sdr.value, 1e-9);
  EXPECT_NEAR(*sdr_only[0].sdr.value, *plain[0].sdr.value, 1e-9);
  EXPECT_NEAR(*single[0].sdr.value, *plain[0].sdr.value, 1e-5);
  for (const Score& score : {sdr_only[0].sir, sdr_only[0].sar, no_sdr[0].sdr}) {
    EXPECT_FALSE(score.value);
    EXPECT_STREQ(score.missing, "not asked for");
  }
  EXPECT_EQ(*no_sdr[0].sir.value, *plain[0].sir.value);
}

TEST(BssEval, SilenceHasNoScoreAndDoesNotInterfere) {
  const Signal a = random_signal(1, 100), b = random_signal(2, 100), silence(100, 0.0), e = mixed(a, 0.3, b);
  const auto scores = bss_eval(rows({a, silence, b}), rows({e, silence}), {}, 8);
  const auto without = bss_eval(rows({a, b}), rows({e}), {}, 8);
  EXPECT_EQ(*scores[0].sir.value, *without[0].sir.value);
  EXPECT_EQ(*scores[4].sar.value, *without[1].sar.value);
  for (const size_t missing : {1, 2, 3, 5}) EXPECT_FALSE(scores[missing].sdr.value || scores[missing].sir.value);
  EXPECT_STREQ(scores[1].sdr.missing, "the estimate is silent");
  EXPECT_STREQ(scores[2].sar.missing, "the reference is silent");
  const auto none = bss_eval(rows({silence}), rows({silence}));
  EXPECT_STREQ(none[0].sdr.missing, "the reference is silent");
  EXPECT_EQ(*bss_eval(rows({a, silence}), rows({e}), {}, 8)[0].sir.value, INFINITY);
  EXPECT_STREQ(bss_eval(Tensor::zeros({1, 0}, DType::float64), Tensor::zeros({1, 0}, DType::float64))[0].sdr.missing,
               "the reference is silent");
}

TEST(BssEval, EndsAreInfiniteButNeverNaN) {
  // One sample: a multiple of the reference. Half a signal that ends before the reference begins: nothing of it.
  const auto one = bss_eval(rows({{2}}), rows({{-3}}));
  EXPECT_GE(*one[0].sdr.value, 100);
  Signal late = random_signal(1, 2000), early = random_signal(2, 2000);
  std::fill(late.begin(), late.begin() + 1024, 0.0);
  std::fill(early.begin() + 512, early.end(), 0.0);
  const auto apart = bss_eval(rows({late, mixed(late, 1, late)}), rows({early, late}));
  EXPECT_LE(*apart[0].sdr.value, -100);
  EXPECT_TRUE(!apart[0].sir.value || !std::isnan(*apart[0].sir.value));
  EXPECT_GE(*apart[1].sdr.value, 100);
}

TEST(BssEval, TakesReferencesThatDependOnEachOther) {
  // Twice the same reference: the joint projection is its own. A third of the band: the equations are singular.
  const Signal a = random_signal(1, 600), e = mixed(a, 0.1, random_signal(2, 600));
  const auto twice = bss_eval(rows({a, a}), rows({e}), {}, 64);
  EXPECT_NEAR(*twice[0].sar.value, *bss_eval(rows({a}), rows({e}), {}, 64)[0].sdr.value, 1e-6);
  EXPECT_GE(*twice[0].sir.value, 100);
  Signal tones(600), other(600);
  for (int64_t t = 0; t < 600; ++t) tones[t] = std::sin(0.1 * t) + std::sin(0.2 * t + 1);
  for (int64_t t = 0; t < 600; ++t) other[t] = std::cos(0.3 * t);
  const auto scores = bss_eval(rows({tones, other}), rows({mixed(tones, 0.1, other)}), {}, 64);
  for (const Score& score : {scores[0].sdr, scores[0].sir, scores[1].sdr}) EXPECT_TRUE(std::isfinite(*score.value));
  EXPECT_GT(*scores[0].sdr.value, 15);
}

TEST(BssEval, IsTheSameInEveryThread) {
  const Tensor references = rows({random_signal(1, 3000), random_signal(2, 3000)});
  const Tensor estimates = rows({mixed(random_signal(1, 3000), 0.2, random_signal(4, 3000))});
  const auto alone = bss_eval(references, estimates);
  std::vector<BssScores> scores(8);
  set_num_threads(4);
  parallel_for(8, 1, [&](int64_t i, int64_t) { scores[i] = bss_eval(references, estimates)[1]; });
  set_num_threads(0);
  for (const BssScores& score : scores) {
    EXPECT_EQ(*score.sdr.value, *alone[1].sdr.value);
    EXPECT_EQ(*score.sar.value, *alone[1].sar.value);
  }
}

TEST(BssEval, RejectsWhatCannotBeScored) {
  EXPECT_THROW(bss_eval(rows({{1, 2}}), rows({{1, 2, 3}})), Error);
  EXPECT_THROW(bss_eval(Tensor::zeros({2}, DType::float64), rows({{1, 2}})), Error);
  EXPECT_THROW(bss_eval(rows({{1, 2}}), rows({{1, 2}}), {}, 0), Error);
  try {
    bss_eval(rows({{1, 2}}), rows({{1, 2}, {3, NAN}}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[bss_eval] expected estimate 2 of finite samples, got nan at sample 1");
  }
}

// Signals by formula, so that mir_eval's values stand here without any file: mir_eval 0.8.2,
// bss_eval_sources(compute_permutation=False).
TEST(BssEval, EqualsMirEvalOnSignalsByFormula) {
  const auto noise = [](uint32_t state, size_t length) {
    Signal result(length);
    for (double& x : result) {
      state = 1664525u * state + 1013904223u;
      x = static_cast<double>(state) / 2147483648.0 - 1;
    }
    return result;
  };
  // factor * x, `delay` samples late, added to `to`.
  const auto add = [](Signal& to, double factor, const Signal& x, size_t delay) {
    for (size_t t = delay; t < to.size(); ++t) to[t] += factor * x[t - delay];
  };
  const Signal a = noise(1, 4000), b = noise(2, 4000), c = noise(3, 4000), zero(4000, 0.0);
  Signal first = a, second = b, one, two = zero;
  add(first, 0.9, a, 1);
  add(second, -0.7, b, 2);
  one = first;
  add(one, 0.2, second, 3);
  add(one, 0.05, c, 0);
  add(two, 0.5, second, 0);
  add(two, 0.3, second, 5);
  add(two, 0.1, first, 0);
  add(two, -0.02, c, 0);
  const auto scores = bss_eval(rows({first, second}), rows({one, two}));
  EXPECT_NEAR(*scores[0].sdr.value, 15.163316358, 1e-6);
  EXPECT_NEAR(*scores[0].sir.value, 15.307210407, 1e-6);
  EXPECT_NEAR(*scores[0].sar.value, 30.158587516, 1e-6);
  EXPECT_NEAR(*scores[3].sdr.value, 14.961124282, 1e-6);
  EXPECT_NEAR(*scores[3].sir.value, 15.056415160, 1e-6);
  EXPECT_NEAR(*scores[3].sar.value, 31.729503183, 1e-6);
}

}  // namespace
}  // namespace sunder
