#pragma once

// state_rows.h   Entries of a state store as rows: (key, value), or what Spark shows of a variable of transformWithState.

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "streaming/state_schema.h"
#include "types/row_stream.h"

namespace millstream {

class StateRowDecoder {
 public:
  // `facts` outlives this. `flatten`: each element of a list and each entry of a map is a row.
  static Result<std::unique_ptr<StateRowDecoder>> Make(const StateStoreFacts& facts, bool flatten);
  virtual ~StateRowDecoder() = default;
  // nullopt: the entry was removed. STATE_STORE_… errors when the bytes are not such an entry.
  virtual Status Append(std::string_view key, std::optional<std::string_view> value) = 0;
  virtual int64_t rows() const = 0;
  // Whether there are enough rows for a batch. A list or map is never cut.
  virtual bool full() const = 0;
  // The rows so far, and starts anew.
  struct Columns {
    std::vector<std::shared_ptr<arrow::Array>> shown;  // those of ShownColumns
    std::shared_ptr<arrow::Array> value;               // the one that is null where an entry was removed
  };
  virtual Result<Columns> Finish() = 0;
};

StructType ShownColumns(const StateStoreFacts& facts, bool flatten);

inline constexpr int64_t kStateRowsPerBatch = 4096;

// Of a variable of transformWithState, or its timers (state_variable_rows.cc).
bool IsVariable(const StateStoreFacts& facts);
Result<std::unique_ptr<StateRowDecoder>> MakeVariableDecoder(const StateStoreFacts& facts, bool flatten);
StructType ShownColumnsOfVariable(const StateStoreFacts& facts, bool flatten);

}  // namespace millstream
