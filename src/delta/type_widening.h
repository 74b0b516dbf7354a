#pragma once

// type_widening.h   Columns that become wider while their old files stay as they are (table feature typeWidening): which changes that allows, and where a
// table's schema says that they have been made.

#include "types/data_type.h"

namespace millstream {

// byte, short, int → wider integers, double, decimal; long → decimal; float → double; decimal → wider decimal; date → timestamp_ntz.
bool CanWiden(const DataType& from, const DataType& to);

// `after` with an entry in delta.typeChanges for each type that differs from `before`, at the nearest field above it. Fields are matched by name.
StructType WithTypeChanges(const StructType& before, const StructType& after);

}  // namespace millstream
