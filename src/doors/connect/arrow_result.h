#pragma once

// arrow_result.h   Rows as Spark Connect sends them: each message one whole Arrow IPC stream with exactly one record batch.

#include <functional>
#include <string>

#include "types/row_stream.h"

namespace millstream {

// The batch under another schema of the same layout: the engine labels timestamps "UTC", the client expects the session's time zone.
RecordBatchPtr Relabel(const RecordBatchPtr& batch, const ArrowSchemaPtr& schema);
Result<std::string> ToIpcStream(const RecordBatchPtr& batch);
// All batches of an IPC stream; empty text: none. Checks offsets and UTF-8, since the bytes come from outside.
Result<std::vector<RecordBatchPtr>> FromIpcStream(std::shared_ptr<const std::string> bytes, ArrowSchemaPtr* schema);

// Pulls `rows` to their end and hands on batches of a size that suits a message: small ones joined, large ones cut.
// A result without rows gives one batch of no rows.
Status ForEachMessage(RowStream& rows, const std::function<Status(const RecordBatchPtr&)>& send);

}  // namespace millstream
