#pragma once

// generator_call.h   Generators called as table functions: FROM explode(…), t, LATERAL variant_explode(input => t.v).

#include "plan/logical_plan.h"

namespace millstream {

// The call of a generator that the table function is; null: it is none.
ExprPtr GeneratorCallOf(const UnresolvedTableFunction& function);
// What a LATERAL join with a generator does to the rows on its left, as LATERAL VIEW does; the join's condition is still to be looked at. nullopt: its right side
// is something else.
std::optional<Generate> LateralGenerator(const Join& join);

}  // namespace millstream
