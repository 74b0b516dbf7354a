#include <cmath>

#include "compute/engine/row_function.h"
#include "compute/functions/functions.h"

namespace millstream::compute {
namespace {

// The n-th draw of a seed on this thread. Spark's sequence depends on its partitions, which we do not have: same distribution, other numbers.
double Draw(int64_t seed) {
  thread_local int64_t last_seed = 0;
  thread_local uint64_t state = 0;
  if (state == 0 || seed != last_seed) {
    last_seed = seed;
    state = static_cast<uint64_t>(seed) * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u;
  }
  // SplitMix64.
  state += 0x9e3779b97f4a7c15u;
  uint64_t bits = state;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  bits ^= bits >> 31;
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

}  // namespace

void DefineRandom(FunctionRegistry& registry) {
  constexpr bool kVolatile = true;
  Define(
      registry, "ms_rand", [](int64_t seed) { return Draw(seed); }, kVolatile);
  Define(
      registry, "ms_randn",
      [](int64_t seed) {
        const double radius = std::sqrt(-2 * std::log(1 - Draw(seed)));
        return radius * std::cos(2 * M_PI * Draw(seed));
      },
      kVolatile);
}

}  // namespace millstream::compute
