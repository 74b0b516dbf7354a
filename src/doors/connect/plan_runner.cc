#include "doors/connect/plan_runner.h"

#include <zstd.h>

#include <exception>
#include <string>

#include "doors/connect/arrow_result.h"
#include "doors/connect/connect_errors.h"
#include "doors/connect/decode_changes.h"
#include "doors/connect/observed_metrics.h"
#include "doors/connect/parse_message.h"
#include "doors/connect/plan_decoder.h"
#include "types/arrow_types.h"
#include "types/spark_json.h"
#include "types/spark_proto.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

Status SendSchema(Operation& operation, const StructType& schema) {
  sc::ExecutePlanResponse response;
  ToSparkProto(schema, response.mutable_schema());
  return operation.Send(std::move(response));
}

Status SendRows(ConnectSession& session, Operation& operation, const StructType& schema, RowStream& rows) {
  ArrowSchemaPtr client_schema = ToArrowSchema(schema, session.session().GetConf("spark.sql.session.timeZone").value_or("UTC"));
  MS_RETURN_IF_ERROR(SendSchema(operation, schema));
  int64_t offset = 0;
  return ForEachMessage(rows, [&](const RecordBatchPtr& batch) -> Status {
    if (operation.cancel_token()->cancelled()) return Status::Error(errors::kCancelled);
    sc::ExecutePlanResponse response;
    sc::ExecutePlanResponse::ArrowBatch* message = response.mutable_arrow_batch();
    message->set_row_count(batch->num_rows());
    message->set_start_offset(offset);
    MS_ASSIGN_OR_RETURN(*message->mutable_data(), ToIpcStream(Relabel(batch, client_schema)));
    offset += batch->num_rows();
    return operation.Send(std::move(response));
  });
}

Status RunRelation(ConnectSession& session, Operation& operation, const sc::Relation& relation) {
  PlanDecoder decoder(session, operation.execution());
  MS_ASSIGN_OR_RETURN(PlanPtr plan, decoder.Relation(relation));
  if (const LocalRelation* local = plan->As<LocalRelation>()) {
    RowStreamPtr rows = MakeRowStream(ToArrowSchema(local->schema), local->batches);
    return SendRows(session, operation, local->schema, *rows);
  }
  MS_ASSIGN_OR_RETURN(QueryResult result, session.session().Execute(plan, operation.execution()));
  return SendRows(session, operation, result.schema, *result.rows);
}

// A query is sent back as it came, and runs when the client asks for its rows; a command runs now, and its rows are sent back as a relation, so that
// looking at them does not run it again.
Status RunSqlCommand(ConnectSession& session, Operation& operation, const sc::SqlCommand& command) {
  sc::Relation input;
  if (command.has_input()) {
    input = command.input();
  } else {
    sc::SQL* sql = input.mutable_sql();
    sql->set_query(command.sql());
    *sql->mutable_args() = command.args();
    *sql->mutable_pos_args() = command.pos_args();
    *sql->mutable_named_arguments() = command.named_arguments();
    *sql->mutable_pos_arguments() = command.pos_arguments();
  }
  PlanDecoder decoder(session, operation.execution());
  MS_ASSIGN_OR_RETURN(Statement statement, decoder.SqlStatement(input));
  sc::ExecutePlanResponse response;
  sc::Relation* relation = response.mutable_sql_command_result()->mutable_relation();
  const Command* parsed = std::get_if<Command>(&statement);
  if (parsed == nullptr) {
    *relation = std::move(input);
    return operation.Send(std::move(response));
  }
  MS_ASSIGN_OR_RETURN(PlanPtr plan, decoder.CommandToLocal(*parsed));
  const LocalRelation& local = *plan->As<LocalRelation>();
  sc::LocalRelation* rows = relation->mutable_local_relation();
  rows->set_schema(ToSparkJson(local.schema));
  if (!local.batches.empty()) {
    // One stream holds one batch, as the client expects of local data too.
    RowStreamPtr stream = MakeRowStream(ToArrowSchema(local.schema), local.batches);
    std::vector<RecordBatchPtr> joined;
    MS_RETURN_IF_ERROR(ForEachMessage(*stream, [&](const RecordBatchPtr& batch) {
      joined.push_back(batch);
      return Status();
    }));
    if (joined.size() > 1) return Status::Unsupported("A SQL command with a result this large", "Query the table instead.");
    MS_ASSIGN_OR_RETURN(*rows->mutable_data(), ToIpcStream(joined.front()));
  }
  return operation.Send(std::move(response));
}

Status RunCommand(ConnectSession& session, const OperationPtr& operation, const sc::Command& command, bool* held) {
  PlanDecoder decoder(session, operation->execution());
  switch (command.command_type_case()) {
    case sc::Command::kSqlCommand:
      return RunSqlCommand(session, *operation, command.sql_command());
    case sc::Command::kWriteOperation: {
      MS_ASSIGN_OR_RETURN(Command write, decoder.Write(command.write_operation()));
      return session.session().ExecuteCommand(write, operation->execution()).status();
    }
    case sc::Command::kWriteOperationV2: {
      MS_ASSIGN_OR_RETURN(Command write, decoder.WriteV2(command.write_operation_v2()));
      return session.session().ExecuteCommand(write, operation->execution()).status();
    }
    case sc::Command::kCreateDataframeView: {
      const sc::CreateDataFrameViewCommand& view = command.create_dataframe_view();
      MS_ASSIGN_OR_RETURN(PlanPtr plan, decoder.Relation(view.input()));
      return session.session().CreateTempView(view.name(), plan, view.replace(), view.is_global());
    }
    case sc::Command::kWriteStreamOperationStart:
      return RunStreamStart(session, *operation, command.write_stream_operation_start());
    case sc::Command::kStreamingQueryCommand:
      return RunStreamCommand(session, *operation, command.streaming_query_command());
    case sc::Command::kStreamingQueryManagerCommand:
      return RunStreamManagerCommand(session, *operation, command.streaming_query_manager_command());
    case sc::Command::kStreamingQueryListenerBusCommand:
      return RunListenerBusCommand(session, operation, command.streaming_query_listener_bus_command(), held);
    case sc::Command::kMergeIntoTableCommand: {
      MS_ASSIGN_OR_RETURN(Command merge, DecodeMergeInto(decoder, command.merge_into_table_command()));
      return session.session().ExecuteCommand(merge, operation->execution()).status();
    }
    case sc::Command::kExtension:
      return decoder.RunExtension(command.extension());
    case sc::Command::kGetResourcesCommand: {
      sc::ExecutePlanResponse response;
      response.mutable_get_resources_command_result();
      return operation->Send(std::move(response));
    }
    case sc::Command::kRemoveCachedRemoteRelationCommand:
      session.RemoveRelation(command.remove_cached_remote_relation_command().relation().relation_id());
      return Status();
    case sc::Command::kMlCommand:
      // Sent by every client when it exits.
      if (command.ml_command().has_clean_cache()) {
        sc::ExecutePlanResponse response;
        response.mutable_ml_command_result()->mutable_param()->set_integer(0);
        return operation->Send(std::move(response));
      }
      return NotSupported(command.ml_command(), "command");
    case sc::Command::kRegisterFunction:
      return PlanDecoder(session, operation->execution()).RegisterFunction(command.register_function());
    case sc::Command::kRegisterTableFunction:
    case sc::Command::kRegisterDataSource:
    case sc::Command::kCreateResourceProfileCommand:
    case sc::Command::kCheckpointCommand:
    case sc::Command::kExecuteExternalCommand:
    case sc::Command::kPipelineCommand:
    case sc::Command::COMMAND_TYPE_NOT_SET:
      break;
  }
  return NotSupported(command, "command_type");
}

Status Run(ConnectSession& session, const OperationPtr& operation, const sc::Plan& sent, bool* held) {
  sc::Plan space;
  MS_ASSIGN_OR_RETURN(const sc::Plan* plan, Decompressed(sent, &space));
  if (!plan->has_root() && !plan->has_command()) return NotSupported(*plan, "op_type");
  MS_RETURN_IF_ERROR(plan->has_root() ? RunRelation(session, *operation, plan->root()) : RunCommand(session, operation, plan->command(), held));
  const std::vector<ObservedMetrics> observed = operation->execution().observed->Take();
  if (observed.empty()) return Status();
  MS_ASSIGN_OR_RETURN(sc::ExecutePlanResponse response, ToResponse(observed));
  return operation->Send(std::move(response));
}

}  // namespace

void RunPlan(ConnectSession& session, const OperationPtr& operation, const sc::Plan& plan) {
  Status status;
  bool held = false;
  try {
    status = Run(session, operation, plan, &held);
  } catch (const std::exception& caught) {
    // Out of memory, or a library's exception that passed its border: the server goes on.
    status = Status::Internal(caught.what());
  }
  if (!status.ok()) {
    operation->Fail(std::move(status));
  } else if (!held) {
    operation->Finish();
  }
}

Result<const sc::Plan*> Decompressed(const sc::Plan& plan, sc::Plan* space) {
  if (!plan.has_compressed_operation()) return &plan;
  const auto& compressed = plan.compressed_operation();
  auto wrong = [](std::string message) { return Status::Error(errors::kPlanMalformed, {{"message", std::move(message)}}); };
  if (compressed.compression_codec() != sc::COMPRESSION_CODEC_ZSTD) return wrong("Its compression is not zstd.");
  unsigned long long size = ZSTD_getFrameContentSize(compressed.data().data(), compressed.data().size());
  if (size == ZSTD_CONTENTSIZE_ERROR) return wrong("Its compressed data is broken.");
  std::string bytes;
  std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(), ZSTD_freeDStream);
  ZSTD_inBuffer in{compressed.data().data(), compressed.data().size(), 0};
  std::string block(ZSTD_DStreamOutSize(), '\0');
  size_t left = 1;
  while (left != 0) {
    ZSTD_outBuffer out{block.data(), block.size(), 0};
    left = ZSTD_decompressStream(stream.get(), &out, &in);
    if (ZSTD_isError(left)) return wrong("Its compressed data is broken.");
    bytes.append(block, 0, out.pos);
    if (bytes.size() > kPlanBytesMax) return wrong("It is larger than " + std::to_string(kPlanBytesMax) + " bytes.");
    if (left != 0 && in.pos == in.size && out.pos < block.size()) return wrong("Its compressed data is cut off.");
  }
  bool parsed = false;
  switch (compressed.op_type()) {
    case sc::Plan::CompressedOperation::OP_TYPE_RELATION:
      parsed = ParseBounded(bytes, space->mutable_root());
      break;
    case sc::Plan::CompressedOperation::OP_TYPE_COMMAND:
      parsed = ParseBounded(bytes, space->mutable_command());
      break;
    default:
      return wrong("Its compressed part is neither a relation nor a command.");
  }
  if (!parsed) return wrong("It cannot be parsed: broken, or nested deeper than " + std::to_string(kMessageDepthMax) + " messages.");
  return space;
}

}  // namespace millstream
