#include <string>

#include "base/ignore_case.h"
#include "base/option_table.h"
#include "doors/connect/message_parts.h"
#include "doors/connect/plan_decoder.h"
#include "doors/connect/python_functions.h"
#include "plan/sql/parser.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

// "5 seconds", "interval 5 seconds", or milliseconds.
Result<int64_t> TriggerInterval(const std::string& text) {
  std::optional<int64_t> ms = ParseDurationMillis(text);
  if (!ms) return Status::Error(errors::kInvalidInterval, {{"input", text}});
  if (*ms < 0) return Status::IllegalArgument("requirement failed: the interval of trigger should not be negative");
  return *ms;
}

}  // namespace

Result<Command> PlanDecoder::Write(const sc::WriteOperation& message) {
  WriteData write;
  MS_ASSIGN_OR_RETURN(write.query, Relation(message.input()));
  write.format = message.source();
  write.options = OptionsOf(message.options());
  write.partition_by.assign(message.partitioning_columns().begin(), message.partitioning_columns().end());
  if (message.has_bucket_by()) return Status::Unsupported("WriteOperation.bucket_by", "Partition the table, or write it without buckets.");
  if (message.sort_column_names_size() > 0) return Status::Unsupported("WriteOperation.sort_column_names (sortBy)");
  if (message.clustering_columns_size() > 0) return Status::Unsupported("WriteOperation.clustering_columns (clusterBy)", "Partition the table instead.");
  if (message.with_schema_evolution()) write.options["mergeSchema"] = "true";
  switch (message.mode()) {
    case sc::WriteOperation::SAVE_MODE_APPEND:
      write.mode = SaveMode::kAppend;
      break;
    case sc::WriteOperation::SAVE_MODE_OVERWRITE:
      write.mode = SaveMode::kOverwrite;
      break;
    case sc::WriteOperation::SAVE_MODE_IGNORE:
      write.mode = SaveMode::kIgnore;
      break;
    default:
      write.mode = SaveMode::kErrorIfExists;
  }
  switch (message.save_type_case()) {
    case sc::WriteOperation::kPath:
      write.path = message.path();
      break;
    case sc::WriteOperation::kTable: {
      MS_ASSIGN_OR_RETURN(write.table, ParseMultipartName(message.table().table_name()));
      write.insert_into = message.table().save_method() == sc::WriteOperation::SaveTable::TABLE_SAVE_METHOD_INSERT_INTO;
      // df.write.insertInto(t) appends where no mode is given.
      if (write.insert_into && message.mode() == sc::WriteOperation::SAVE_MODE_UNSPECIFIED) write.mode = SaveMode::kAppend;
      break;
    }
    case sc::WriteOperation::SAVE_TYPE_NOT_SET:
      // df.write.format("noop").save(), or the path among the options.
      if (auto path = write.options.find("path"); path != write.options.end()) write.path = path->second;
      break;
  }
  return Command{std::move(write)};
}

Result<Command> PlanDecoder::WriteV2(const sc::WriteOperationV2& message) {
  WriteData write;
  MS_ASSIGN_OR_RETURN(write.query, Relation(message.input()));
  MS_ASSIGN_OR_RETURN(write.table, ParseMultipartName(message.table_name()));
  write.format = message.provider();
  write.options = OptionsOf(message.options());
  write.by_name = true;
  for (const sc::Expression& column : message.partitioning_columns()) {
    MS_ASSIGN_OR_RETURN(ExprPtr expression, Expression(column));
    const UnresolvedAttribute* attribute = expression->As<UnresolvedAttribute>();
    if (attribute == nullptr || attribute->parts.size() != 1) return Status::Unsupported("WriteOperationV2.partitioning_columns with a transform");
    write.partition_by.push_back(attribute->parts[0]);
  }
  if (message.clustering_columns_size() > 0) return Status::Unsupported("WriteOperationV2.clustering_columns (clusterBy)");
  if (message.with_schema_evolution()) write.options["mergeSchema"] = "true";
  switch (message.mode()) {
    case sc::WriteOperationV2::MODE_APPEND:
      write.mode = SaveMode::kAppend;
      write.insert_into = true;
      return Command{std::move(write)};
    case sc::WriteOperationV2::MODE_CREATE:
    case sc::WriteOperationV2::MODE_REPLACE:
    case sc::WriteOperationV2::MODE_CREATE_OR_REPLACE: {
      CreateTable create;
      create.name = *write.table;
      create.or_replace = message.mode() != sc::WriteOperationV2::MODE_CREATE;
      create.provider = write.format;
      create.partition_columns = write.partition_by;
      for (const auto& [key, value] : message.table_properties()) create.properties[key] = value;
      create.options = write.options;
      create.query = write.query;
      return Command{std::move(create)};
    }
    case sc::WriteOperationV2::MODE_OVERWRITE:
    case sc::WriteOperationV2::MODE_OVERWRITE_PARTITIONS:
      return Status::Unsupported("WriteOperationV2 with mode " + sc::WriteOperationV2::Mode_Name(message.mode()), "Use df.write.mode(\"overwrite\").");
    default:
      return Malformed("WriteOperationV2 has no mode.");
  }
}

Result<StartStream> PlanDecoder::StreamStart(const sc::WriteStreamOperationStart& message) {
  StartStream start;
  if (message.clustering_column_names_size() > 0) return Status::Unsupported("WriteStreamOperationStart.clustering_column_names (clusterBy)");
  MS_ASSIGN_OR_RETURN(start.query, Relation(message.input()));
  start.format = message.format();
  start.options = OptionsOf(message.options());
  start.partition_by.assign(message.partitioning_column_names().begin(), message.partitioning_column_names().end());
  start.query_name = message.query_name();
  switch (message.trigger_case()) {
    case sc::WriteStreamOperationStart::kProcessingTimeInterval: {
      MS_ASSIGN_OR_RETURN(start.trigger.interval_ms, TriggerInterval(message.processing_time_interval()));
      break;
    }
    case sc::WriteStreamOperationStart::kAvailableNow:
      start.trigger.kind = Trigger::Kind::kAvailableNow;
      break;
    case sc::WriteStreamOperationStart::kOnce:
      start.trigger.kind = Trigger::Kind::kOnce;
      break;
    case sc::WriteStreamOperationStart::kContinuousCheckpointInterval: {
      start.trigger.kind = Trigger::Kind::kContinuous;
      MS_ASSIGN_OR_RETURN(start.trigger.interval_ms, TriggerInterval(message.continuous_checkpoint_interval()));
      break;
    }
    case sc::WriteStreamOperationStart::kRealTimeBatchDuration: {
      start.trigger.kind = Trigger::Kind::kRealTime;
      MS_ASSIGN_OR_RETURN(start.trigger.interval_ms, TriggerInterval(message.real_time_batch_duration()));
      break;
    }
    case sc::WriteStreamOperationStart::TRIGGER_NOT_SET:
      break;  // as fast as possible
  }
  auto is = [&](std::string_view name) { return EqualsIgnoreCase(message.output_mode(), name); };
  if (message.output_mode().empty() || is("append")) {
    start.output_mode = OutputMode::kAppend;
  } else if (is("update")) {
    start.output_mode = OutputMode::kUpdate;
  } else if (is("complete")) {
    start.output_mode = OutputMode::kComplete;
  } else {
    return Status::Error(errors::kOutputModeInvalid, {{"outputMode", message.output_mode()}});
  }
  if (message.has_foreach_batch()) {
    MS_ASSIGN_OR_RETURN(start.foreach_batch, MakePythonBatchFunction(session_, message.foreach_batch(), *under_.cancel));
  } else if (message.has_foreach_writer()) {
    MS_ASSIGN_OR_RETURN(start.foreach, MakePythonRowsFunction(session_, message.foreach_writer(), *under_.cancel));
  }
  switch (message.sink_destination_case()) {
    case sc::WriteStreamOperationStart::kPath:
      start.path = message.path();
      break;
    case sc::WriteStreamOperationStart::kTableName: {
      MS_ASSIGN_OR_RETURN(start.table, ParseMultipartName(message.table_name()));
      break;
    }
    case sc::WriteStreamOperationStart::SINK_DESTINATION_NOT_SET:
      if (auto path = start.options.find("path"); path != start.options.end()) start.path = path->second;
      break;
  }
  return start;
}

}  // namespace millstream
