#include "tests/fuzz/mutation.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace sunder {

namespace {

class Mutator {
 public:
  Mutator(const std::vector<Bytes>& seeds, std::mt19937_64& random_bits) : seeds_(seeds), random_bits_(random_bits) {}

  void change(Bytes& bytes) {
    if (bytes.empty()) bytes.push_back(static_cast<uint8_t>(random_bits_()));
    const size_t at = below(bytes.size()), count = 1 + below(std::min<size_t>(bytes.size() - at, 32));
    const Bytes& other = seeds_[below(seeds_.size())];
    const auto place = bytes.begin() + static_cast<ptrdiff_t>(at);
    switch (below(9)) {
      case 0:
        *place ^= static_cast<uint8_t>(1u << below(8));
        break;
      case 1:
        *place = static_cast<uint8_t>(random_bits_());
        break;
      case 2:
        *place = bytes[below(bytes.size())];
        break;  // a letter that has a meaning somewhere
      case 3:
        bytes.resize(at);
        break;
      case 4:
        bytes.erase(place, place + static_cast<ptrdiff_t>(count));
        break;
      case 5: {
        const Bytes block(place, place + static_cast<ptrdiff_t>(count));
        bytes.insert(place, block.begin(), block.end());
        break;
      }
      case 6: {
        const size_t from = below(other.size()), length = below(std::min<size_t>(other.size() - from, 64) + 1);
        bytes.insert(place, other.begin() + static_cast<ptrdiff_t>(from),
                     other.begin() + static_cast<ptrdiff_t>(from + length));
        break;
      }
      case 7:
        set_field(bytes);
        break;
      default:
        set_number(bytes);
        break;
    }
  }

  size_t below(size_t limit) { return limit == 0 ? 0 : random_bits_() % limit; }

 private:
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }

  // A number of 1, 2, 4 or 8 bytes, of either order, such as stands in a header: small, at a limit, or near a size.
  void set_field(Bytes& bytes) {
    const size_t width = std::min(size_t{1} << below(4), bytes.size()), at = below(bytes.size() - width + 1);
    const uint64_t value = one_of<uint64_t>({0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, INT64_MAX,
                                             UINT64_MAX, bytes.size(), bytes.size() - at, below(256), random_bits_()});
    const bool little = below(2) == 0;
    for (size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<uint8_t>(value >> 8 * (little ? i : width - 1 - i));
  }

  // The same where numbers are text.
  void set_number(Bytes& bytes) {
    const auto digit = [](uint8_t c) { return c >= '0' && c <= '9'; };
    const auto begin = std::find_if(bytes.begin() + below(bytes.size()), bytes.end(), digit);
    const auto end = std::find_if_not(begin, bytes.end(), digit);
    if (begin == end) return;
    const std::string_view number = one_of<std::string_view>(
        {"0", "-1", "1", "4", "100", "1.5", "1e999", "nan", "inf", "2147483648", "4294967297", "9223372036854775807",
         "9223372036854775808", "18446744073709551616", "00", "0x10", ""});
    bytes.insert(bytes.erase(begin, end), number.begin(), number.end());
  }

  const std::vector<Bytes>& seeds_;
  std::mt19937_64& random_bits_;
};

}  // namespace

void mutate(Bytes& bytes, const std::vector<Bytes>& seeds, std::mt19937_64& random_bits) {
  Mutator mutator(seeds, random_bits);
  for (size_t rounds = 1 + mutator.below(4); rounds > 0; --rounds) mutator.change(bytes);
}

}  // namespace sunder
