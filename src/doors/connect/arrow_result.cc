#include "doors/connect/arrow_result.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/table.h>
#include <arrow/util/byte_size.h>

#include "types/arrow_types.h"

namespace millstream {

namespace {

// A message holds up to this much; the client's limit is 128 MiB.
constexpr int64_t kMessageBytes = int64_t{4} << 20;
constexpr int64_t kMessageRowsMax = 100000;

std::shared_ptr<arrow::ArrayData> Retype(const std::shared_ptr<arrow::ArrayData>& data, const std::shared_ptr<arrow::DataType>& type) {
  if (data->type->Equals(*type, /*check_metadata=*/true)) return data;
  std::shared_ptr<arrow::ArrayData> copy = data->Copy();
  copy->type = type;
  for (size_t i = 0; i < copy->child_data.size() && static_cast<int>(i) < type->num_fields(); ++i) {
    copy->child_data[i] = Retype(copy->child_data[i], type->field(static_cast<int>(i))->type());
  }
  return copy;
}

// Keeps the client's bytes alive for as long as arrays point into them.
class HeldBuffer : public arrow::Buffer {
 public:
  explicit HeldBuffer(std::shared_ptr<const std::string> bytes)
      : Buffer(reinterpret_cast<const uint8_t*>(bytes->data()), static_cast<int64_t>(bytes->size())), bytes_(std::move(bytes)) {}

 private:
  std::shared_ptr<const std::string> bytes_;
};

}  // namespace

RecordBatchPtr Relabel(const RecordBatchPtr& batch, const ArrowSchemaPtr& schema) {
  std::vector<std::shared_ptr<arrow::ArrayData>> columns;
  columns.reserve(batch->num_columns());
  for (int i = 0; i < batch->num_columns(); ++i) columns.push_back(Retype(batch->column_data(i), schema->field(i)->type()));
  return arrow::RecordBatch::Make(schema, batch->num_rows(), std::move(columns));
}

Result<std::string> ToIpcStream(const RecordBatchPtr& batch) {
  const std::string doing = "encoding rows for the client";
  auto sink = arrow::io::BufferOutputStream::Create(4096 + arrow::util::TotalBufferSize(*batch) / 4);
  if (!sink.ok()) return FromArrowStatus(sink.status(), doing);
  auto writer = arrow::ipc::MakeStreamWriter(*sink, batch->schema());
  if (!writer.ok()) return FromArrowStatus(writer.status(), doing);
  if (auto written = (*writer)->WriteRecordBatch(*batch); !written.ok()) return FromArrowStatus(written, doing);
  if (auto closed = (*writer)->Close(); !closed.ok()) return FromArrowStatus(closed, doing);
  auto buffer = (*sink)->Finish();
  if (!buffer.ok()) return FromArrowStatus(buffer.status(), doing);
  return (*buffer)->ToString();
}

Result<std::vector<RecordBatchPtr>> FromIpcStream(std::shared_ptr<const std::string> bytes, ArrowSchemaPtr* schema) {
  const std::string doing = "decoding rows from the client";
  std::vector<RecordBatchPtr> batches;
  if (bytes->empty()) return batches;
  auto input = std::make_shared<arrow::io::BufferReader>(std::make_shared<HeldBuffer>(std::move(bytes)));
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  auto reader = arrow::ipc::RecordBatchStreamReader::Open(input, options);
  if (!reader.ok()) return Status::IllegalArgument("Input data is not a valid Arrow stream: " + reader.status().message());
  *schema = (*reader)->schema();
  while (true) {
    RecordBatchPtr batch;
    if (auto read = (*reader)->ReadNext(&batch); !read.ok()) {
      return Status::IllegalArgument("Input data is not a valid Arrow stream: " + read.message());
    }
    if (!batch) return batches;
    if (auto valid = batch->ValidateFull(); !valid.ok()) {
      return Status::IllegalArgument("Input data is not a valid Arrow stream: " + valid.message());
    }
    batches.push_back(std::move(batch));
  }
}

Status ForEachMessage(RowStream& rows, const std::function<Status(const RecordBatchPtr&)>& send) {
  std::vector<RecordBatchPtr> gathered;
  int64_t gathered_rows = 0, gathered_bytes = 0;
  bool sent_any = false;
  auto flush = [&]() -> Status {
    if (gathered.empty()) return Status();
    RecordBatchPtr batch = gathered.front();
    if (gathered.size() > 1) {
      auto joined = arrow::ConcatenateRecordBatches(gathered);
      if (!joined.ok()) return FromArrowStatus(joined.status(), "joining result batches");
      batch = *joined;
    }
    gathered.clear();
    int64_t slice = batch->num_rows();
    if (gathered_bytes > 2 * kMessageBytes) slice = std::max<int64_t>(1, slice * kMessageBytes / gathered_bytes);
    slice = std::min(slice, kMessageRowsMax);
    for (int64_t at = 0; at < batch->num_rows(); at += slice) MS_RETURN_IF_ERROR(send(batch->Slice(at, std::min(slice, batch->num_rows() - at))));
    sent_any = true;
    gathered_rows = gathered_bytes = 0;
    return Status();
  };
  while (true) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows.Next());
    if (!batch) break;
    if (batch->num_rows() == 0) continue;
    gathered_rows += batch->num_rows();
    auto bytes = arrow::util::ReferencedBufferSize(*batch);
    gathered_bytes += bytes.ok() ? *bytes : arrow::util::TotalBufferSize(*batch);
    gathered.push_back(std::move(batch));
    if (gathered_bytes >= kMessageBytes || gathered_rows >= kMessageRowsMax) MS_RETURN_IF_ERROR(flush());
  }
  MS_RETURN_IF_ERROR(flush());
  if (sent_any) return Status();
  auto empty = arrow::RecordBatch::MakeEmpty(rows.schema());
  if (!empty.ok()) return FromArrowStatus(empty.status(), "making an empty result");
  return send(*empty);
}

}  // namespace millstream
