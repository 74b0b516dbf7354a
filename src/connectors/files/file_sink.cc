// writeStream.format("json" | "csv" | "text" | "parquet"): files, and the log _spark_metadata that says which of them belong to the table.

#include "connectors/api/sink.h"
#include "connectors/files/directory_writer.h"
#include "connectors/files/files_connector.h"
#include "connectors/files/files_errors.h"

namespace millstream {
namespace {

CompactibleLogConf WithAnyStart(CompactibleLogConf conf) {
  conf.may_start_late = true;
  return conf;
}

class FileSink : public Sink {
 public:
  FileSink(Fs& fs, Clock& clock, DirectoryWrite write, CompactibleLogConf conf)
      : fs_(fs), write_(std::move(write)), log_(fs, clock, JoinPath(write_.directory, kSinkLogDirectory), "files.sink_log", WithAnyStart(conf)) {}

  Status Open() { return log_.Open(); }
  std::string description() const override { return "FileSink[" + HadoopPathString(write_.directory) + "]"; }
  Result<std::optional<BatchId>> LastBatch() override {
    std::optional<int64_t> latest = log_.latest();
    return latest ? std::optional(BatchId(*latest)) : std::nullopt;
  }
  Result<BatchResult> AddBatch(BatchId batch_id, const StructType& schema, RowStream& rows) override {
    if (batch_id.value() <= log_.latest().value_or(-1)) return BatchResult{.rows_out = 0, .was_done_before = true};
    MS_ASSIGN_OR_RETURN(DirectoryWritten written, WriteDirectory(fs_, write_, schema, rows));
    LogLines lines;
    for (const SinkFile& file : written.files) lines.push_back(EncodeSinkFile(file));
    MS_RETURN_IF_ERROR(log_.Add(batch_id.value(), lines));
    return BatchResult{.rows_out = -1};  // Spark's file sink does not count
  }

 private:
  Fs& fs_;
  const DirectoryWrite write_;
  CompactibleLog log_;
};

}  // namespace

Status CheckNoFileSinkLog(const FilesContext& context, const std::string& path) {
  CompactibleLog log(context.fs, context.clock, JoinPath(path, kSinkLogDirectory), "files.sink_log", WithAnyStart(context.sink_log));
  MS_RETURN_IF_ERROR(log.OpenForRead());
  if (!log.latest()) return Status();
  return Status::Error(errors::kSinkOfAnotherQuery, {{"path", HadoopPathString(path)}, {"last", std::to_string(*log.latest())}});
}

Result<std::unique_ptr<Sink>> OpenFileSink(const FilesContext& context, const std::string& format, const std::string& path, const SinkContext& sink,
                                           int threads) {
  if (sink.options.contains("retention"))
    return Status::Unsupported("The option retention of a file sink", "Files stay in the log until you remove the directory.");
  DirectoryWrite write{
      .directory = path, .format = format, .options = sink.options, .partition_by = sink.partition_by, .context = context.format, .threads = threads};
  auto opened = std::make_unique<FileSink>(context.fs, context.clock, std::move(write), context.sink_log);
  MS_RETURN_IF_ERROR(opened->Open());
  return std::unique_ptr<Sink>(std::move(opened));
}

}  // namespace millstream
