#pragma once

// ids.h   Numbers that must not be mixed up are types of their own.

#include <compare>
#include <cstdint>
#include <functional>

namespace millstream {

template <typename Tag>
class StrongId {
 public:
  constexpr StrongId() = default;
  constexpr explicit StrongId(int64_t value) : value_(value) {}
  constexpr int64_t value() const { return value_; }
  constexpr StrongId next() const { return StrongId(value_ + 1); }
  constexpr StrongId previous() const { return StrongId(value_ - 1); }
  constexpr auto operator<=>(const StrongId&) const = default;

 private:
  int64_t value_ = 0;
};

using BatchId = StrongId<struct BatchIdTag>;            // a streaming query's batch, from 0
using TableVersion = StrongId<struct TableVersionTag>;  // a Delta table's version, from 0
using ExprId = StrongId<struct ExprIdTag>;              // an attribute of one analyzed plan

}  // namespace millstream

template <typename Tag>
struct std::hash<millstream::StrongId<Tag>> {
  size_t operator()(const millstream::StrongId<Tag>& id) const noexcept { return std::hash<int64_t>()(id.value()); }
};
