#pragma once

// names_digest.h   A set of names in 24 bytes, whatever their order: whether a directory holds the names that it held when it was listed before.

#include <cstdint>
#include <string_view>

namespace millstream {

// The sum of 128-bit hashes (XXH3, with a seed that each process draws for itself): two sets that differ have the same digest once in 2^128 times, and nobody
// can choose names for which they have.
class NamesDigest {
 public:
  void Add(std::string_view name);
  int64_t count() const { return count_; }
  uint64_t low() const { return low_; }  // half of the hash, for tables
  bool operator==(const NamesDigest&) const = default;

 private:
  int64_t count_ = 0;
  uint64_t low_ = 0, high_ = 0;
};

}  // namespace millstream
