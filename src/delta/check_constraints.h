#pragma once

// check_constraints.h   Where a table keeps its CHECK constraints: among its properties, as delta.constraints.<name> (Delta protocol, "CHECK Constraints").

#include <string>
#include <string_view>

namespace millstream {

inline constexpr std::string_view kConstraintPrefix = "delta.constraints.";

inline bool IsConstraint(std::string_view property) { return property.starts_with(kConstraintPrefix); }

}  // namespace millstream
