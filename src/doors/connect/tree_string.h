#pragma once

// tree_string.h   df.printSchema(): Spark's StructType.treeString.

#include <string>

#include "types/data_type.h"

namespace millstream {

// `level`: nesting to show; anything below 1 is all of it.
std::string SchemaTreeString(const StructType& schema, int level);

}  // namespace millstream
