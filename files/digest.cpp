#include "files/digest.h"

#include <md5.h>
#include <sha1.h>
#include <sha2.h>

namespace sunder {
namespace {

template <size_t size, class Context>
std::array<uint8_t, size> digest(std::string_view message, void (*begin)(Context*),
                                 void (*add)(Context*, const uint8_t*, size_t), void (*end)(uint8_t*, Context*)) {
  Context context;
  begin(&context);
  add(&context, reinterpret_cast<const uint8_t*>(message.data()), message.size());
  std::array<uint8_t, size> result;
  end(result.data(), &context);
  return result;
}

}  // namespace

std::array<uint8_t, 20> sha1(std::string_view message) { return digest<20>(message, SHA1Init, SHA1Update, SHA1Final); }

std::array<uint8_t, 32> sha256(std::string_view message) {
  return digest<32>(message, SHA256Init, SHA256Update, SHA256Final);
}

std::array<uint8_t, 16> md5(std::string_view message) { return digest<16>(message, MD5Init, MD5Update, MD5Final); }

double hash_percentage(std::string_view name) {
  constexpr uint32_t most = (1u << 27) - 1;
  return (low_word(sha1(name)) & most) * (100.0 / most);
}

}  // namespace sunder
