#include "types/chunk_rows.h"

namespace millstream {

Result<SomeRows> NextOf(RowStream& rows, const ChunkWishes& wishes) {
  if (auto* encoded = dynamic_cast<DeliversChunks*>(&rows)) return encoded->NextChunks(wishes);
  MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows.Next());
  return SomeRows{.batch = std::move(batch), .chunks = std::nullopt};
}

}  // namespace millstream
