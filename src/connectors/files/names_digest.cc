#include "connectors/files/names_digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <string>

#include "base/uuid.h"

namespace millstream {

void NamesDigest::Add(std::string_view name) {
  static const uint64_t seed = [] {
    const std::string drawn = NewUuid();
    return static_cast<uint64_t>(XXH3_64bits(drawn.data(), drawn.size()));
  }();
  const XXH128_hash_t hash = XXH3_128bits_withSeed(name.data(), name.size(), seed);
  ++count_;
  const uint64_t before = low_;
  low_ += hash.low64;
  high_ += hash.high64 + (low_ < before ? 1 : 0);
}

}  // namespace millstream
