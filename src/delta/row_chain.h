#pragma once

// row_chain.h   Rows of several streams, one after another.

#include <functional>
#include <vector>

#include "types/row_stream.h"

namespace millstream {

using OpenRows = std::function<Result<RowStreamPtr>()>;

// All of the first part, then all of the next, and so on. A part is opened when every Next of the part before it has returned, so it may depend on what
// those have seen. All parts have the schema `schema`.
RowStreamPtr ChainRows(ArrowSchemaPtr schema, std::vector<OpenRows> parts);

}  // namespace millstream
