#include "report/tensorboard.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <variant>

#include "files/crc32c.h"
#include "tensor/error.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

template <class T>
T number_at(const std::string& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// A reader of its own for protobuf's wire format: field number -> raw values in order.
struct Wire {
  std::map<int, std::vector<std::string>> bytes;  // length-delimited, fixed32 and fixed64
  std::map<int, std::vector<uint64_t>> varints;

  explicit Wire(const std::string& text) {
    size_t at = 0;
    const auto varint = [&] {
      uint64_t value = 0;
      for (int shift = 0;; shift += 7) {
        const auto byte = static_cast<uint8_t>(text.at(at++));
        value |= static_cast<uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
    };
    while (at < text.size()) {
      const uint64_t key = varint();
      const int field = static_cast<int>(key >> 3);
      size_t size = 0;
      switch (key & 7) {
        case 0:
          varints[field].push_back(varint());
          continue;
        case 1:
          size = 8;
          break;
        case 2:
          size = varint();
          break;
        case 5:
          size = 4;
          break;
        default:
          throw std::runtime_error("unknown wire type");
      }
      bytes[field].push_back(text.substr(at, size));
      at += size;
    }
  }
};

// CRC-32C bit by bit, and the mask as TensorFlow's documentation of TFRecords gives it.
uint32_t slow_masked_crc(const std::string& data) {
  uint32_t crc = 0xffffffffu;
  for (const char c : data) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

std::vector<Wire> read_events(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  std::vector<Wire> events;
  for (size_t at = 0; at < text.size();) {
    const auto length = number_at<uint64_t>(text, at);
    EXPECT_EQ(number_at<uint32_t>(text, at + 8), slow_masked_crc(text.substr(at, 8)));
    const std::string data = text.substr(at + 12, length);
    EXPECT_EQ(number_at<uint32_t>(text, at + 12 + length), slow_masked_crc(data));
    events.emplace_back(data);
    at += 16 + length;
  }
  return events;
}

class TensorBoardTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / fmt::format("sunder-events-{}-{}", ::getpid(), info->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(TensorBoardTest, ScalarsComeBack) {
  TensorBoard board(folder_, 70);
  EXPECT_NE(board.path().string().find("tfevents"), std::string::npos);
  board.scalars(100, {{"loss/train", -12.5}, {"si_snri", 3.25}});
  board.scalars(int64_t{1} << 40, {{"loss/train", std::nan("")}});
  const auto events = read_events(board.path());
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].bytes.at(3).at(0), "brain.Event:2");
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_NEAR(number_at<double>(events[2].bytes.at(1).at(0), 0), now, 60);
  EXPECT_EQ(events[2].varints.at(2).at(0), 100u);
  EXPECT_EQ(events[3].varints.at(2).at(0), uint64_t{1} << 40);
  const Wire summary(events[2].bytes.at(5).at(0));
  ASSERT_EQ(summary.bytes.at(1).size(), 2u);
  const Wire first(summary.bytes.at(1)[0]), second(summary.bytes.at(1)[1]);
  EXPECT_EQ(first.bytes.at(1).at(0), "loss/train");
  EXPECT_EQ(number_at<float>(first.bytes.at(2).at(0), 0), -12.5f);
  EXPECT_EQ(second.bytes.at(1).at(0), "si_snri");
  EXPECT_EQ(number_at<float>(second.bytes.at(2).at(0), 0), 3.25f);
}

TEST_F(TensorBoardTest, PicturesAndSoundsComeBack) {
  TensorBoard board(folder_);
  const Picture picture(9, 4, {1, 2, 3});
  const std::vector<float> samples = {0, 0.5f, -1, 1};
  board.picture(1, "spectrogram/mixture", picture);
  board.audio(2, "estimate/1", samples, 8000);
  const auto events = read_events(board.path());
  ASSERT_EQ(events.size(), 4u);
  const Wire drawn(Wire(events[2].bytes.at(5).at(0)).bytes.at(1).at(0));
  EXPECT_EQ(drawn.bytes.at(1).at(0), "spectrogram/mixture");
  const Wire image(drawn.bytes.at(4).at(0));
  EXPECT_EQ(image.varints.at(1).at(0), 4u);
  EXPECT_EQ(image.varints.at(2).at(0), 9u);
  EXPECT_EQ(image.varints.at(3).at(0), 3u);
  EXPECT_EQ(image.bytes.at(4).at(0), encode_png(picture));
  const Wire heard(Wire(events[3].bytes.at(5).at(0)).bytes.at(1).at(0));
  const Wire audio(heard.bytes.at(6).at(0));
  EXPECT_EQ(number_at<float>(audio.bytes.at(1).at(0), 0), 8000.0f);
  EXPECT_EQ(audio.varints.at(2).at(0), 1u);
  EXPECT_EQ(audio.varints.at(3).at(0), 4u);
  EXPECT_EQ(audio.bytes.at(4).at(0), encode_wav(samples, 8000));
  EXPECT_EQ(audio.bytes.at(5).at(0), "audio/wav");
}

TEST(Wav, IsSixteenBitPcm) {
  const std::vector<float> samples = {0, 0.5f, -1, 1, NAN};
  const std::string wav = encode_wav(samples, 8000);
  ASSERT_EQ(wav.size(), 44u + 10);
  EXPECT_EQ(wav.substr(0, 4), "RIFF");
  EXPECT_EQ(number_at<uint32_t>(wav, 4), wav.size() - 8);
  EXPECT_EQ(wav.substr(8, 8), "WAVEfmt ");
  EXPECT_EQ(number_at<uint32_t>(wav, 24), 8000u);
  EXPECT_EQ(number_at<uint32_t>(wav, 28), 16000u);
  EXPECT_EQ(wav.substr(36, 4), "data");
  EXPECT_EQ(number_at<uint32_t>(wav, 40), 10u);
  const int16_t expected[] = {0, 16384, -32767, 32767, 0};
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(number_at<int16_t>(wav, 44 + 2 * i), expected[i]) << i;
  const std::vector<float> loud = {4, -2};
  EXPECT_EQ(number_at<int16_t>(encode_wav(loud, 8000), 44), 32767);
  EXPECT_EQ(number_at<int16_t>(encode_wav(loud, 8000), 46), -16384);
}

TEST(TfRecord, FramesWithMaskedChecksums) {
  const std::string record = tfrecord("123456789");
  ASSERT_EQ(record.size(), 8u + 4 + 9 + 4);
  EXPECT_EQ(number_at<uint64_t>(record, 0), 9u);
  // The published check value 0xe3069283, rotated right by 15 and raised by 0xa282ead8.
  EXPECT_EQ(number_at<uint32_t>(record, 21), 0xc78ab0e5u);
  EXPECT_EQ(record.substr(12, 9), "123456789");
}

// TensorBoard's rule for files of brain.Event:2 and later (its plugin_event_accumulator): the session log's START,
// field 7 of an event and 1 of its status, drops all that was read before of this event's step and later.
TEST_F(TensorBoardTest, ASessionBeginsAtTheStepThatComesAgain) {
  const TensorBoard board(folder_, 70);
  const auto events = read_events(board.path());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].varints.at(2).at(0), 70u);
  EXPECT_EQ(Wire(events[1].bytes.at(7).at(0)).varints.at(1).at(0), 1u);
}

// TensorBoard reads files in the order of their names.
TEST_F(TensorBoardTest, NamesRiseThoughTheClockWasSetBack) {
  std::vector<std::string> names = {fmt::format("events.out.tfevents.{:010}.000.sunder", std::time(nullptr) + 100000)};
  for (const std::string& other : {names[0], std::string("events.out.tfevents.text"), std::string("notes"),
                                   std::string("events.out.tfevents.99999999999.000.sunder")})
    std::ofstream(folder_ / other) << "x";
  for (int start = 0; start < 3; ++start) names.push_back(TensorBoard(folder_).path().filename());
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end())) << fmt::format("{}", fmt::join(names, " "));
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST_F(TensorBoardTest, EveryStartHasItsOwnFile) {
  const TensorBoard first(folder_), second(folder_);
  EXPECT_NE(first.path(), second.path());
  EXPECT_THROW(TensorBoard(folder_ / "none"), Error);
}

TEST_F(TensorBoardTest, ARecordIsWholeOrAbsent) {
  TensorBoard board(folder_);
  board.scalars(1, {{"a", 1}});
  const auto size = fs::file_size(board.path());
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit low = old;
  low.rlim_cur = size + 9;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  EXPECT_THROW(board.scalars(2, {{"a", 2}}), Error);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(fs::file_size(board.path()), size);
  board.scalars(3, {{"a", 3}});
  EXPECT_EQ(read_events(board.path()).size(), 4u);
}

}  // namespace
}  // namespace sunder
