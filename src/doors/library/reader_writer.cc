#include "doors/library/library_session.h"
#include "plan/sql/parser.h"
#include "types/spark_ddl.h"

namespace millstream::sql {
namespace {

OptionMap OptionsOf(const Options& options) { return OptionMap(options.begin(), options.end()); }

std::optional<MultipartName> TableOf(const std::string& name) {
  if (name.empty()) return std::nullopt;
  return ValueOrThrow(ParseMultipartName(name));
}

}  // namespace

DataFrameReader& DataFrameReader::format(std::string source) {
  format_ = std::move(source);
  return *this;
}
DataFrameReader& DataFrameReader::option(std::string key, std::string value) {
  options_[std::move(key)] = std::move(value);
  return *this;
}
DataFrameReader& DataFrameReader::options(const Options& options) {
  for (const auto& [key, value] : options) options_[key] = value;
  return *this;
}
DataFrameReader& DataFrameReader::schema(std::string ddl) {
  schema_ = std::move(ddl);
  return *this;
}
DataFrame DataFrameReader::load(const std::string& path) const {
  UnresolvedDataSource source{.format = format_, .options = OptionsOf(options_), .is_streaming = is_stream_};
  if (!schema_.empty()) source.schema = ValueOrThrow(SchemaFromDdl(schema_));
  if (!path.empty()) source.paths.push_back(path);
  return DataFrame(session_, MakePlan(std::move(source)));
}
DataFrame DataFrameReader::table(const std::string& name) const {
  return DataFrame(session_,
                   MakePlan(UnresolvedRelation{.name = ValueOrThrow(ParseMultipartName(name)), .options = OptionsOf(options_), .is_streaming = is_stream_}));
}

DataFrameWriter& DataFrameWriter::format(std::string source) {
  format_ = std::move(source);
  return *this;
}
DataFrameWriter& DataFrameWriter::option(std::string key, std::string value) {
  options_[std::move(key)] = std::move(value);
  return *this;
}
DataFrameWriter& DataFrameWriter::mode(const std::string& save_mode) {
  mode_ = save_mode;
  return *this;
}
DataFrameWriter& DataFrameWriter::partitionBy(std::vector<std::string> columns) {
  partition_by_ = std::move(columns);
  return *this;
}
void DataFrameWriter::save(const std::string& path) const { Write(path, "", false); }
void DataFrameWriter::saveAsTable(const std::string& name) const { Write("", name, false); }
void DataFrameWriter::insertInto(const std::string& name) const { Write("", name, true); }

void DataFrameWriter::Write(const std::string& path, const std::string& table, bool insert_into) const {
  static const std::map<std::string, SaveMode> kModes = {
      {"append", SaveMode::kAppend},       {"overwrite", SaveMode::kOverwrite},         {"ignore", SaveMode::kIgnore},
      {"error", SaveMode::kErrorIfExists}, {"errorifexists", SaveMode::kErrorIfExists}, {"default", SaveMode::kErrorIfExists}};
  auto mode = kModes.find(mode_);
  if (mode == kModes.end()) ThrowIfError(Status::IllegalArgument("Unknown save mode '" + mode_ + "'. Use append, overwrite, ignore or error."));
  WriteData write{.query = plan_,
                  .format = format_,
                  .table = TableOf(table),
                  .insert_into = insert_into,
                  .mode = mode->second,
                  .options = OptionsOf(options_),
                  .partition_by = partition_by_};
  if (!path.empty()) write.path = path;
  ThrowIfError(session_->session->ExecuteCommand(Command{std::move(write)}).status());
}

DataStreamWriter& DataStreamWriter::format(std::string sink) {
  format_ = std::move(sink);
  return *this;
}
DataStreamWriter& DataStreamWriter::option(std::string key, std::string value) {
  options_[std::move(key)] = std::move(value);
  return *this;
}
DataStreamWriter& DataStreamWriter::queryName(std::string name) {
  name_ = std::move(name);
  return *this;
}
DataStreamWriter& DataStreamWriter::outputMode(const std::string& mode) {
  mode_ = mode;
  return *this;
}
DataStreamWriter& DataStreamWriter::partitionBy(std::vector<std::string> columns) {
  partition_by_ = std::move(columns);
  return *this;
}
DataStreamWriter& DataStreamWriter::trigger(const Trigger& trigger) {
  trigger_ = trigger;
  return *this;
}
StreamingQuery DataStreamWriter::toTable(const std::string& name) const { return Start("", name); }
StreamingQuery DataStreamWriter::start(const std::string& path) const { return Start(path, ""); }

StreamingQuery DataStreamWriter::Start(const std::string& path, const std::string& table) const {
  static const std::map<std::string, OutputMode> kModes = {
      {"append", OutputMode::kAppend}, {"update", OutputMode::kUpdate}, {"complete", OutputMode::kComplete}};
  auto mode = kModes.find(mode_);
  if (mode == kModes.end()) ThrowIfError(Status::IllegalArgument("Unknown output mode '" + mode_ + "'. Use append, update or complete."));
  StartStream start{.query = plan_,
                    .format = format_,
                    .table = TableOf(table),
                    .options = OptionsOf(options_),
                    .partition_by = partition_by_,
                    .output_mode = mode->second,
                    .query_name = name_};
  if (!path.empty()) start.path = path;
  if (trigger_) {
    using Kind = millstream::Trigger::Kind;
    start.trigger.kind = trigger_->kind_ == Trigger::Kind::kOnce           ? Kind::kOnce
                         : trigger_->kind_ == Trigger::Kind::kAvailableNow ? Kind::kAvailableNow
                                                                           : Kind::kProcessingTime;
    start.trigger.interval_ms = trigger_->interval_ms_;
  }
  return StreamingQuery(ValueOrThrow(session_->session->StartStreamingQuery(start)));
}

std::string StreamingQuery::id() const { return query_->id(); }
std::string StreamingQuery::runId() const { return query_->run_id(); }
std::string StreamingQuery::name() const { return query_->name(); }
bool StreamingQuery::isActive() const { return query_->is_active(); }
std::optional<std::string> StreamingQuery::lastProgress() const { return query_->last_progress(); }
std::vector<std::string> StreamingQuery::recentProgress() const { return query_->recent_progress(); }
void StreamingQuery::awaitTermination() const { ThrowIfError(query_->AwaitTermination(std::nullopt).status()); }
bool StreamingQuery::awaitTermination(int64_t timeout_ms) const { return ValueOrThrow(query_->AwaitTermination(timeout_ms)); }
void StreamingQuery::processAllAvailable() const { ThrowIfError(query_->ProcessAllAvailable()); }
void StreamingQuery::stop() const { ThrowIfError(query_->Stop()); }

}  // namespace millstream::sql
