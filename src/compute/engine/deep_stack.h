#pragma once

// deep_stack.h   Runs something that recurses over a user's plan where there is room for the deepest plan that is let in.

#include <pthread.h>

#include <functional>
#include <optional>
#include <type_traits>

namespace millstream::compute {

// kMaxPlanDepth nodes, each with expressions of that depth, at a few kilobytes a level in DuckDB's binder. Reserved, not touched.
inline constexpr size_t kDeepStackBytes = size_t{512} << 20;

void RunOnDeepStack(const std::function<void()>& work);

template <typename F>
auto OnDeepStack(F work) {
  std::optional<std::invoke_result_t<F>> result;
  RunOnDeepStack([&] { result.emplace(work()); });
  return std::move(*result);
}

}  // namespace millstream::compute
