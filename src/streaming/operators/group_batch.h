#pragma once

// group_batch.h   The rows of a batch, group by group: in the order of keys, and within a group in the order in which they came.

#include <string>
#include <string_view>
#include <vector>

#include "streaming/state/row_codec.h"
#include "types/row_stream.h"

namespace millstream {

class GroupBatch {
 public:
  // Some rows, and the groups that they are of.
  struct Chunk {
    struct Group {
      std::string_view key;  // lives as long as the GroupBatch
      int64_t start = 0, rows = 0;
    };
    RecordBatchPtr rows;
    std::vector<Group> groups;
    bool continues = false;  // the first group began in an earlier chunk
    bool more = false;       // the last group goes on in the next chunk
  };

  // The columns are those of `keys`, and then others.
  static Result<GroupBatch> Make(const StructType& keys);
  // Notes the rows at these places.
  Status Add(const RecordBatchPtr& rows, const std::vector<int64_t>& places);
  Status Sort();
  // After Sort. False at the end.
  Result<bool> Next(int64_t rows_max, Chunk* chunk);
  // The same, where only a group of more than `rows_max` rows goes on in another chunk.
  Result<bool> NextWhole(int64_t rows_max, Chunk* chunk);

 private:
  std::string_view KeyAt(size_t sorted) const;
  Result<bool> Take(size_t end, Chunk* chunk);

  std::shared_ptr<RowEncoder> encoder_;
  size_t key_columns_ = 0;
  std::vector<RecordBatchPtr> parts_;
  RecordBatchPtr all_;
  std::string bytes_;         // of the keys, one after the other
  std::vector<size_t> ends_;  // in bytes_, by row
  std::vector<int64_t> order_;
  size_t next_ = 0;  // in order_
};

}  // namespace millstream
