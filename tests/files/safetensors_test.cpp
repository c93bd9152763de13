#include "files/safetensors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>

#include "tensor/random.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

class SafeTensorsTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / fmt::format("sunder-safetensors-{}-{}", ::getpid(), info->name());
    fs::create_directories(folder_);
    path_ = folder_ / "model.safetensors";
  }
  void TearDown() override { fs::remove_all(folder_); }

  void put(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }
  std::string get() const {
    std::ifstream stream(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  // The message with which the file is refused; empty if it is read.
  std::string refusal() const {
    try {
      read_safetensors(path_);
    } catch (const ModelError& error) {
      EXPECT_EQ(std::string(error.what()).rfind(path_.string() + ": ", 0), 0u) << error.what();
      return error.what();
    }
    return "";
  }
  std::string refusal(const std::string& header, size_t data_bytes) const {
    put(file(header, std::string(data_bytes, '\1')));
    return refusal();
  }
  static std::string file(const std::string& header, const std::string& data) {
    const uint64_t length = header.size();
    return std::string(reinterpret_cast<const char*>(&length), 8) + header + data;
  }

  fs::path folder_, path_;
};

TEST_F(SafeTensorsTest, StoresRoundedFloat16) {
  std::map<std::string, Tensor> tensors;
  tensors["a"] = Tensor::from(std::vector<float>{1.0f, 1.0f + 0x1p-11f, -65504.0f}, {3});
  tensors["b"] = Tensor::from(std::vector<double>{0.1}, {1});
  tensors["n"] = Tensor::from(std::vector<int64_t>{7}, {1});
  write_safetensors(path_, tensors, {{"key", "value"}}, WeightType::float16);
  const SafeTensors file = read_safetensors(path_);
  EXPECT_EQ(file.metadata.at("key"), "value");
  EXPECT_EQ(file.tensors.at("a").to_vector<float>(), (std::vector<float>{1.0f, 1.0f, -65504.0f}));
  EXPECT_EQ(file.tensors.at("b").to_vector<float>(), std::vector<float>{0.0999755859375f});
  EXPECT_EQ(file.tensors.at("n").to_vector<int64_t>(), std::vector<int64_t>{7});
  const std::string before = get();
  tensors["a"] = Tensor::from(std::vector<float>{1.0f, 7e4f}, {2});
  try {
    write_safetensors(path_, tensors, {}, WeightType::float16);
    FAIL() << "7e4 is beyond float16";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("float16 has numbers up to 65504, tensor 'a' holds 70000"),
              std::string::npos)
        << error.what();
  }
  EXPECT_EQ(get(), before);
}

TEST_F(SafeTensorsTest, RoundTripKeepsEveryBit) {
  const std::vector<float> floats = {0.1f, -0.0f, 1e-45f, INFINITY, std::nanf("7"), 3.0f};
  const std::vector<int64_t> integers = {INT64_MIN, -1, INT64_MAX};
  std::map<std::string, Tensor> tensors;
  tensors["a.weight"] = Tensor::from(floats, {2, 1, 3});
  tensors["b \"quoted\" \xc3\xbc"] = Tensor::from(std::vector<double>{M_PI}, {});
  tensors["c"] = Tensor::from(integers, {3});
  tensors["d.empty"] = Tensor::empty({4, 0}, DType::float32);
  const std::map<std::string, std::string> metadata = {{"config", "[model]\nn_fft = 512\n"}, {"version", "0.1.0"}};
  write_safetensors(path_, tensors, metadata);

  const SafeTensors read = read_safetensors(path_);
  EXPECT_EQ(read.metadata, metadata);
  ASSERT_EQ(read.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const Tensor& other = read.tensors.at(name);
    EXPECT_EQ(other.shape(), tensor.shape());
    EXPECT_EQ(other.dtype(), tensor.dtype());
    EXPECT_TRUE(tensor.bytes() == 0 || std::memcmp(other.raw(), tensor.raw(), tensor.bytes()) == 0) << name;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << "something was left beside the file";
}

TEST_F(SafeTensorsTest, WrittenHeaderIsAsTheFormatSays) {
  write_safetensors(path_, {{"x", Tensor::from(std::vector<float>{1, 2}, {2})}}, {{"k", "v"}});
  const std::string bytes = get();
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  EXPECT_EQ(bytes.size(), 8 + length + 8);
  const std::string header = bytes.substr(8, length);
  EXPECT_EQ(header.substr(0, header.find_last_not_of(' ') + 1),
            R"({"__metadata__":{"k":"v"},"x":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}})");
}

TEST_F(SafeTensorsTest, ReadsHalfPrecisionAsFloat32) {
  // Binary16 and bfloat16 patterns with their values, from the definition of the formats.
  const std::vector<std::pair<uint16_t, float>> half = {{0x3c00, 1.0f},        {0xc000, -2.0f},      {0x7bff, 65504.0f},
                                                        {0x0001, 0x1p-24f},    {0x03ff, 0x3ffp-24f}, {0x0400, 0x1p-14f},
                                                        {0x3555, 0.33325195f}, {0x7c00, INFINITY},   {0x8000, -0.0f}};
  std::string data;
  for (const auto& [word, value] : half) data.append(reinterpret_cast<const char*>(&word), 2);
  const uint16_t brain[2] = {0x3f80, 0xc049};
  data.append(reinterpret_cast<const char*>(brain), 4);
  put(file(R"({"h":{"dtype":"F16","shape":[9],"data_offsets":[0,18]},)"
           R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[18,22]}})",
           data));
  const SafeTensors read = read_safetensors(path_);
  const auto h = read.tensors.at("h").to_vector<float>();
  for (size_t i = 0; i < half.size(); ++i) {
    EXPECT_EQ(h[i], half[i].second) << i;
    EXPECT_EQ(std::signbit(h[i]), std::signbit(half[i].second)) << i;
  }
  EXPECT_EQ(read.tensors.at("b").to_vector<float>(), (std::vector<float>{1.0f, -3.140625f}));
}

TEST_F(SafeTensorsTest, EveryTruncationIsRefused) {
  write_safetensors(path_, {{"w", Tensor::full({3, 5}, 1, DType::float32)}, {"z", Tensor::full({2}, 1, DType::int64)}},
                    {{"architecture", "stft-conv-tasnet"}});
  const std::string whole = get();
  for (size_t size = 0; size < whole.size(); ++size) {
    put(whole.substr(0, size));
    EXPECT_NE(refusal(), "") << "cut at " << size;
  }
  put(whole + '\0');
  EXPECT_NE(refusal().find("1 bytes at the end belong to no tensor"), std::string::npos) << refusal();
  put(whole);
  EXPECT_EQ(refusal(), "");
}

// Whatever the header holds, reading gives tensors or a ModelError: no crash, no other exception.
TEST_F(SafeTensorsTest, DamagedHeadersNeverCrash) {
  write_safetensors(path_, {{"w", Tensor::full({3, 5}, 1, DType::float32)}, {"z", Tensor::full({2}, 1, DType::int64)}},
                    {{"architecture", "stft-conv-tasnet"}});
  const std::string whole = get();
  uint64_t header = 0;
  std::memcpy(&header, whole.data(), 8);
  Random random(0, RandomUse::test);
  const std::string alphabet = "{}[]\",:0123456789-+.eE \\uFIx";
  for (size_t at = 0; at < 8 + header; ++at) {
    for (int round = 0; round < 6; ++round) {
      std::string damaged = whole;
      if (round == 0) damaged[at] = static_cast<char>(damaged[at] ^ (1u << random.below(8)));
      else if (round == 1) damaged.erase(at, 1 + random.below(4));
      else damaged[at] = alphabet[random.below(alphabet.size())];
      put(damaged);
      EXPECT_NO_FATAL_FAILURE(refusal());
    }
  }
}

TEST_F(SafeTensorsTest, LyingHeadersAreNamed) {
  const struct {
    std::string header;
    size_t bytes;
    std::string message;
  } cases[] = {
      {"", 0, "does not begin with '{'"},
      {"[1]", 0, "does not begin with '{'"},
      {"{\"a\":", 0, "not valid JSON"},
      {"{}x", 0, "not valid JSON"},
      {std::string("{}\0 ", 4), 0, "zero byte"},
      {"{\"\xff\":1}", 0, "not valid JSON"},
      {"{} ", 4, "4 bytes at the end belong to no tensor"},
      {R"({"a":1})", 0, "tensor 'a': expected an object, got number"},
      {R"({"a":{"dtype":"F32","shape":[1]}})", 4, "tensor 'a': data_offsets is missing"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}})", 4,
       "tensor 'a': expected dtype, shape and"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, "the key 'a' twice"},
      {R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4, "the key 'dtype' twice"},
      {R"({"__metadata__":{"k":"1","k":"2"}})", 0, "the key 'k' twice"},
      {R"({"__metadata__":{"k":1}})", 0, "__metadata__: expected a string for 'k', got number"},
      {R"({"__metadata__":[]})", 0, "__metadata__: expected an object, got array"},
      {R"({"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}})", 8,
       "expected dtype F32, F64, I64, F16 or BF16, got C64"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1, "got U8"},
      {R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}})", 4, "expected a string as dtype"},
      {R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", 4, "expected an array as shape"},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4, "in shape, got -1"},
      {R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4, "in shape, got 1.0"},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})", 4, "in shape, got 1844"},
      {R"({"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}})", 4, "in shape, got 1e+20"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}})", 4, "overflows"},
      {R"({"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,4]}})", 4, "overflows"},
      {R"({"a":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}})", 0, "overflows"},
      {R"({"a":{"dtype":"F16","shape":[2147483648,0,4294967296],"data_offsets":[0,0]}})", 0, "overflows"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", 4, "expected two data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4, "in data_offsets, got -4"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4, "within the 4 bytes of data, got [4,0]"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4, "within the 4 bytes of data, got [0,8]"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4,
       "F32 [2] takes 8 bytes, but its data_offsets hold 4"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4, "overlaps the tensor before it at byte 0"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, "tensor 'b': overlaps"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
       12, "tensor 'b': bytes 4 to 8 before it belong to no tensor"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "tensor 'a': bytes 0 to 4"},
      {R"({"a":)" + std::string(100000, '[') + "}", 0, "nested deeper"},
  };
  for (const auto& c : cases)
    EXPECT_NE(refusal(c.header, c.bytes).find(c.message), std::string::npos) << c.header.substr(0, 120) << "\n"
                                                                             << refusal();
}

// The format's own abuse case 3: 100,000 tensors in the same bytes, and more bytes behind them.
TEST_F(SafeTensorsTest, ManyTensorsInTheSameBytesAreRefusedAtOnce) {
  std::string header;
  for (int i = 0; i < 100'000; ++i)
    header += fmt::format(R"({}"weight_{}": {{"dtype": "F32", "shape": [200, 200], "data_offsets": [0, 160000]}})",
                          i ? ", " : "{", i);
  const std::clock_t begin = std::clock();
  EXPECT_NE(refusal(header + "}", header.size()).find("overlaps the tensor before it at byte 0"), std::string::npos);
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 10);
}

TEST_F(SafeTensorsTest, ManyTensorsAreWrittenAndReadInTimeToTheirNumber) {
  std::map<std::string, Tensor> tensors;
  for (int i = 0; i < 100'000; ++i)
    tensors[fmt::format("layers.{}.weight", i)] = Tensor::full({1, 1}, i, DType::float32);
  const std::clock_t begin = std::clock();
  write_safetensors(path_, tensors, {{"config", "[model]"}});
  const SafeTensors read = read_safetensors(path_);
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 20);
  ASSERT_EQ(read.tensors.size(), tensors.size());
  EXPECT_EQ(read.tensors.at("layers.77777.weight").to_vector<float>(), std::vector<float>{77777});
}

// As many as the largest networks have. A hundredth of the bound on an idle machine; a reader that compares every
// tensor with every other needs minutes.
TEST_F(SafeTensorsTest, TwentyThousandTensorsAreReadAtOnce) {
  std::map<std::string, Tensor> tensors;
  for (int i = 0; i < 20'000; ++i)
    tensors[fmt::format("blocks.{}.weight", i)] = Tensor::full({2, 3}, i, DType::float32);
  write_safetensors(path_, tensors);
  const std::clock_t begin = std::clock();
  EXPECT_EQ(read_safetensors(path_).tensors.size(), tensors.size());
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 4);
}

TEST_F(SafeTensorsTest, FurtherTypesAreCheckedAndListed) {
  const std::string header =
      R"({"b":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]},"i":{"dtype":"I32","shape":[],"data_offsets":[3,7]},)"
      R"("w":{"dtype":"F16","shape":[1],"data_offsets":[7,9]}})";
  put(file(header, std::string(7, '\1') + std::string("\x00\x3c", 2)));
  const SafeTensors read = read_safetensors_and_others(path_);
  EXPECT_EQ(read.others, (std::map<std::string, std::string>{{"b", "BOOL [3]"}, {"i", "I32 []"}}));
  ASSERT_EQ(read.tensors.size(), 1u);
  EXPECT_EQ(read.tensors.at("w").to_vector<float>(), std::vector<float>{1});
  EXPECT_NE(refusal().find("got BOOL"), std::string::npos) << "only where they are asked for";
  for (const char* wrong : {R"({"b":{"dtype":"BOOL","shape":[4],"data_offsets":[0,3]}})",
                            R"({"b":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}})"}) {
    put(file(wrong, std::string(wrong[16] == 'B' ? 3 : 8, '\1')));
    EXPECT_THROW(read_safetensors_and_others(path_), ModelError) << wrong;
  }
}

TEST_F(SafeTensorsTest, PyTorchsOwnFilesAreNamed) {
  const std::string zip(
      "PK\x03\x04\x00\x00\x08\x08"
      "archive/data.pkl",
      24),
      pickle("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46", 8);
  for (const std::string& start : {zip, pickle}) {
    put(start + std::string(100, 'x'));
    EXPECT_TRUE(is_pytorch_file(path_));
    EXPECT_THROW(read_safetensors(path_), PyTorchFile);
    EXPECT_NE(refusal().find("torch.save"), std::string::npos);
    const std::string bytes = get();
    EXPECT_THROW(parse_safetensors(std::as_bytes(std::span(bytes)), "memory"), PyTorchFile);
  }
  write_safetensors(path_, {{"w", Tensor::full({3}, 1, DType::float32)}});
  EXPECT_FALSE(is_pytorch_file(path_));
  EXPECT_FALSE(is_pytorch_file(folder_ / "missing"));
  put("PK\x03\x04" + std::string(200, 'x'));
  EXPECT_FALSE(is_pytorch_file(path_)) << "another archive";
  EXPECT_NE(refusal().find("expected a header of at most"), std::string::npos);
  // A header of 640 bytes begins with the same two bytes as a pickle.
  const std::string header = "{" + std::string(638, ' ') + "}";
  put(file(header, ""));
  EXPECT_EQ(refusal(), "");
}

TEST_F(SafeTensorsTest, AxesAreLimited) {
  const auto header = [](int axes) {
    std::string shape = "1";
    for (int i = 1; i < axes; ++i) shape += ",1";
    return R"({"a":{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[0,4]}})";
  };
  EXPECT_EQ(refusal(header(64), 4), "");
  EXPECT_NE(refusal(header(65), 4).find("tensor 'a': expected a shape of at most 64 axes, got 65"), std::string::npos);
}

TEST_F(SafeTensorsTest, LyingHeaderLengthsAreRefusedBeforeAnythingIsAllocated) {
  for (const uint64_t length : {uint64_t{3}, safetensors_header_limit, safetensors_header_limit + 1, UINT64_MAX}) {
    put(std::string(reinterpret_cast<const char*>(&length), 8) + "{}");
    EXPECT_NE(refusal(), "") << length;
  }
  EXPECT_NE(refusal().find("expected a header of at most 100000000 bytes, got 18446744073709551615"),
            std::string::npos);
  put("");
  EXPECT_NE(refusal().find("got a file of 0 bytes"), std::string::npos);
}

TEST_F(SafeTensorsTest, MissingFilesAndFoldersAreNamed) {
  EXPECT_NE(refusal().find("no such file"), std::string::npos);
  fs::create_directory(path_);
  EXPECT_NE(refusal().find("got a folder"), std::string::npos);
}

TEST_F(SafeTensorsTest, RefusesWhatTheFormatCannotHold) {
  EXPECT_THROW(write_safetensors(path_, {{"x", Tensor::zeros({1}, DType::complex64)}}), Error);
  EXPECT_THROW(write_safetensors(path_, {{"x", Tensor()}}), Error);
  EXPECT_THROW(write_safetensors(path_, {{"__metadata__", Tensor::zeros({1}, DType::float32)}}), Error);
  EXPECT_THROW(write_safetensors(path_, {}, {{"k", "\xff"}}), Error);
  EXPECT_THROW(write_safetensors(folder_ / "missing" / "x.safetensors", {}), Error);
  EXPECT_TRUE(fs::is_empty(folder_));
}

// Simulates a full disk by a limit on file sizes.
TEST_F(SafeTensorsTest, FailedWriteKeepsTheOldFile) {
  write_safetensors(path_, {{"x", Tensor::full({1}, 1, DType::float32)}});
  const std::string before = get();
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit low = old;
  low.rlim_cur = 10000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  std::string message;
  try {
    write_safetensors(path_, {{"x", Tensor::zeros({100000}, DType::float32)}});
  } catch (const Error& error) {
    message = error.what();
    EXPECT_EQ(error.kind(), ErrorKind::failure);
  }
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message, path_.string() + ": cannot be written: File too large");
  EXPECT_EQ(get(), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

}  // namespace
}  // namespace sunder
