#include "audio/sets/librimix.h"

#include <sndfile.h>

#include "audio/sets/mixture_set.h"
#include "files/csv.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

class LibriMixTest : public ScratchFolder {
 protected:
  void write_flac(const std::string& name, const std::vector<float>& samples, int rate = 16000) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    SF_INFO info{};
    info.samplerate = rate;
    info.channels = 1;
    info.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
    SNDFILE* file = sf_open((folder_ / name).c_str(), SFM_WRITE, &info);
    ASSERT_NE(file, nullptr);
    sf_write_float(file, samples.data(), static_cast<sf_count_t>(samples.size()));
    sf_close(file);
  }
};

std::vector<float> saw(int count) {
  std::vector<float> signal(count);
  for (int i = 0; i < count; ++i) signal[i] = static_cast<float>((i * 37) % 101 - 50) / 50;
  return signal;
}

// scipy 1.17.1: firwin(41, 0.5, window=('kaiser', 5.0)), the odd taps up to the middle.
TEST(HalveRateTest, FilterEqualsScipy) {
  const double expected[] = {-0.0010514587726751215, 0.0025089668121477146, -0.004894834339287572, 0.008556559002481406,
                             -0.01398997323843515,   0.022023120574074614,  -0.03434017988174492,  0.05528828391185702,
                             -0.10093019739773386,   0.31670034568030075};
  for (int i = 0; i < 10; ++i) {
    EXPECT_NEAR(half_band_filter()[2 * i + 1], expected[i], 1e-15);
    EXPECT_NEAR(half_band_filter()[39 - 2 * i], expected[i], 1e-15);
    EXPECT_NEAR(half_band_filter()[2 * i], 0, 1e-16);
  }
  EXPECT_NEAR(half_band_filter()[20], 0.5002587352980301, 1e-15);
}

// scipy 1.17.1: resample_poly([((i * 37) % 101 - 50) / 50 for i in range(67)], 8000, 16000)
TEST(HalveRateTest, EqualsResamplePoly) {
  const double expected[] = {
      -0.4624496042,   -0.1664095391,  -0.04192189646, 0.009769195213, 0.3551985175,   -0.2260670574,  -0.276107058,
      -0.002379393206, 0.001158316731, 0.2795491372,   0.2204799695,   -0.34487763,    -0.02731903525, 0.06988756537,
      0.1249666731,    0.4952613227,   -0.1449666731,  -0.08988756537, 0.007319035253, 0.32487763,     -0.2404799695,
      -0.2992547287,   -0.02099863125, -0.01900136875, 0.2593598746,   0.199766431,    -0.3643146308,  -0.0473439014,
      0.04895796924,   0.1069321304,   0.4726027807,   -0.1614038224,  -0.1124165717,  -0.03088513668};
  const std::vector<float> output = halve_rate(saw(67));
  ASSERT_EQ(output.size(), 34u);
  for (size_t i = 0; i < 34; ++i) EXPECT_NEAR(output[i], expected[i], 1e-7) << i;
  EXPECT_EQ(halve_rate(saw(1)).size(), 1u);
}

TEST_F(LibriMixTest, WritesTheTreeThatMixtureSetReads) {
  write_flac("libri/dev-clean/1/a.flac", saw(4001));
  write_flac("libri/dev-clean/2/b.flac", saw(3000));
  write("meta/libri2mix_dev-clean.csv",
        "mixture_ID,source_1_path,source_1_gain,source_2_path,source_2_gain,noise_path,noise_gain\n"
        "1-a_2-b,dev-clean/1/a.flac,0.5,dev-clean/2/b.flac,0.125,cv/n.wav,0.3\n");
  const auto list = folder_ / "meta/libri2mix_dev-clean.csv";
  EXPECT_EQ(write_librimix(list, folder_ / "libri", folder_ / "out", MixLength::min), 1);
  EXPECT_EQ(write_librimix(list, folder_ / "libri", folder_ / "out", MixLength::max), 1);
  EXPECT_EQ(audio_info(folder_ / "out/wav8k/max/dev/s2/1-a_2-b.wav").frames, 2001);
  const MixtureSet set = MixtureSet::open(folder_ / "out", "valid");
  ASSERT_EQ(set.size(), 1);
  EXPECT_EQ(set.length(0), 1500);
  const Mixture item = set.load(0);
  const auto mixture = item.mixture.to_vector<float>(), sources = item.sources.to_vector<float>();
  const std::vector<float> first = halve_rate(read_mono(folder_ / "libri/dev-clean/1/a.flac").samples);
  for (size_t t = 0; t < 1500; ++t) {
    ASSERT_NEAR(sources[t], 0.5f * first[t], 1.0 / 32768);
    // The sum is taken before the rounding to 16 bits: up to two steps off the sum of the rounded.
    ASSERT_NEAR(mixture[t], sources[t] + sources[1500 + t], 2.0 / 32768);
  }
  const CsvTable table = CsvTable::read(folder_ / "out/wav8k/min/metadata/mixture_dev_mix_clean.csv");
  EXPECT_EQ(table.at(0, "mixture_ID"), "1-a_2-b");
  EXPECT_EQ(table.integer(0, "length"), 1500);
}

TEST_F(LibriMixTest, BadInputIsNamed) {
  const auto fails = [&](const std::string& text, const std::vector<std::string>& parts) {
    const auto list = write("libri2mix_test-clean.csv", text);
    expect_error<InputError>([&] { write_librimix(list, folder_, folder_ / "out", MixLength::min); }, parts);
  };
  const std::string header = "mixture_ID,source_1_path,source_1_gain,source_2_path,source_2_gain\n";
  fails("mixture_ID,source_1_path\nx,a\n", {"missing: source_1_gain,source_2_path,source_2_gain"});
  fails(header, {"lists no mixtures"});
  fails(header + "x,a.flac,loud,b.flac,1\n", {"line 2", "source_1_gain", "loud"});
  fails(header + "x,a.flac,1,b.flac,1\n",
        {"line 2: ", "a.flac: no such file; 2 of 2 files are missing, also ", "b.flac"});
  for (const char* name : {"a.flac", "b.flac"}) write_flac(name, saw(1000), 8000);
  fails(header + "x,a.flac,1,b.flac,1\n", {"a.flac", "16000 Hz, got 8000"});
}

TEST(LibriMixSubsetTest, NamesOfTheMetadataFiles) {
  EXPECT_EQ(librimix_subset("m/libri2mix_train-clean-360.csv"), "train-360");
  EXPECT_EQ(librimix_subset("libri3mix_dev-clean.csv"), "dev");
  EXPECT_EQ(librimix_subset("libri2mix_test-clean_info.csv"), "");
  EXPECT_EQ(librimix_subset("readme.csv"), "");
}

}  // namespace
}  // namespace sunder
