#pragma once

// state_entry.h   One key and its value in memory, in one allocation. The tree and the lists of changes point at it.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace millstream::state_store {

struct Entry {
  uint32_t key_size;
  uint32_t value_size;
  uint32_t value_capacity;
  uint32_t change_index;  // where the store's list of changes names it; only when changed
  bool changed;           // differs from what the runs have
  bool removed;           // the key is known to be absent
  bool in_runs;           // the runs may have the key
  bool used;              // since the last eviction

  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  std::string_view key() const { return {bytes(), key_size}; }
  std::string_view value() const { return {bytes() + key_size, value_size}; }

  static constexpr int64_t kAllocatorBytes = 16;  // what malloc adds, about
  int64_t memory_bytes() const { return static_cast<int64_t>(sizeof(Entry)) + key_size + value_capacity + kAllocatorBytes; }

  // Sizes are below 2 GB: the stores refuse more.
  static Entry* Make(std::string_view key, std::string_view value) {
    // Values change their size a little (counts, sums): a few spare bytes save most allocations.
    uint32_t capacity = (static_cast<uint32_t>(value.size()) + 7) & ~7u;
    auto* entry = static_cast<Entry*>(std::malloc(sizeof(Entry) + key.size() + capacity));
    if (entry == nullptr) std::abort();
    *entry = {.key_size = static_cast<uint32_t>(key.size()),
              .value_size = static_cast<uint32_t>(value.size()),
              .value_capacity = capacity,
              .change_index = 0,
              .changed = false,
              .removed = false,
              .in_runs = false,
              .used = true};
    if (!key.empty()) std::memcpy(entry->bytes(), key.data(), key.size());
    if (!value.empty()) std::memcpy(entry->bytes() + key.size(), value.data(), value.size());
    return entry;
  }
  // False when the value does not fit.
  bool SetValue(std::string_view value) {
    if (value.size() > value_capacity) return false;
    value_size = static_cast<uint32_t>(value.size());
    if (!value.empty()) std::memcpy(bytes() + key_size, value.data(), value.size());
    return true;
  }
  static void Free(Entry* entry) { std::free(entry); }
};

}  // namespace millstream::state_store
