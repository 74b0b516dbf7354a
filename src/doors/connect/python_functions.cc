#include "doors/connect/python_functions.h"

#include <nlohmann/json.hpp>

#include "base/uuid.h"
#include "doors/connect/arrow_result.h"
#include "doors/connect/connect_errors.h"
#include "python/python_worker.h"
#include "types/arrow_types.h"
#include "types/spark_json.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

Result<std::unique_ptr<PythonWorker>> StartWorker(ConnectSession& session, const sc::StreamingForeachFunction& function, std::string mode, std::string url,
                                                  const CancelToken& cancel) {
  if (function.function_case() != sc::StreamingForeachFunction::kPythonFunction) return Status::Unsupported("A " + mode + " function that is not Python");
  PythonFunction python{.python = ChoosePython(session.session().GetConf("spark.pyspark.python").value_or("")),
                        .python_version = function.python_function().python_ver(),
                        .mode = std::move(mode),
                        .pickled = function.python_function().command(),
                        .url = std::move(url)};
  return PythonWorker::Start(python, [&cancel] { return cancel.cancelled(); });
}

// The user's exception in the words that Spark has for where it came from.
Status InContext(Status status, const std::string& where) {
  if (!status.Is(errors::kPythonException)) return status;
  return Status::Error(errors::kPythonException, {{"msg", where}, {"traceback", status.params().at("traceback")}});
}

// The function's session is the user's own, so that views and settings are the same; its calls carry a token that says which batch they belong to.
class PythonBatchFunction : public BatchFunction {
 public:
  PythonBatchFunction(std::weak_ptr<ConnectSession> session, std::string token, std::unique_ptr<PythonWorker> worker)
      : session_(std::move(session)), token_(std::move(token)), worker_(std::move(worker)) {}

  Status RunOnBatch(BatchId id, const PlanPtr& batch, const std::shared_ptr<BatchWrites>& writes, const std::function<bool()>& cancelled) override {
    std::shared_ptr<ConnectSession> session = session_.lock();
    if (session == nullptr) return Status::Error(errors::kCancelled);
    const std::string relation = NewUuid();
    session->PutRelation(relation, batch);
    session->SetBatchWrites(token_, writes);
    session->Touch();
    Status status = worker_->Send('B', nlohmann::json{{"relation", relation}, {"batch_id", id.value()}}.dump(), cancelled);
    if (status.ok()) status = worker_->Finish(cancelled);
    session->SetBatchWrites(token_, nullptr);
    session->RemoveRelation(relation);
    return InContext(std::move(status),
                     "[session: " + session->session_id() + "] [userId: " + session->user_id() + "] Found error inside foreachBatch Python process");
  }

 private:
  const std::weak_ptr<ConnectSession> session_;
  const std::string token_;
  const std::unique_ptr<PythonWorker> worker_;
};

class PythonRowsFunction : public RowsFunction {
 public:
  PythonRowsFunction(std::string time_zone, std::unique_ptr<PythonWorker> worker) : time_zone_(std::move(time_zone)), worker_(std::move(worker)) {}

  Status RunOnRows(BatchId id, const StructType& schema, RowStream& rows, const std::function<bool()>& cancelled) override {
    const nlohmann::json header = {{"partition", 0}, {"batch_id", id.value()}, {"schema", nlohmann::json::parse(ToSparkJson(schema))}};
    MS_RETURN_IF_ERROR(worker_->Send('P', header.dump(), cancelled));
    ArrowSchemaPtr client_schema = ToArrowSchema(schema, time_zone_);
    Status fed = ForEachMessage(rows, [&](const RecordBatchPtr& batch) -> Status {
      MS_ASSIGN_OR_RETURN(std::string bytes, ToIpcStream(Relabel(batch, client_schema)));
      return worker_->Send('A', bytes, cancelled);
    });
    if (!fed.ok()) {
      // The writer's close() is told; what it says of that is no news.
      if (worker_->Send('X', "", cancelled).ok()) static_cast<void>(worker_->Finish(cancelled));
      return fed;
    }
    MS_RETURN_IF_ERROR(worker_->Send('E', "", cancelled));
    return InContext(worker_->Finish(cancelled), "An exception was thrown from the Python worker");
  }

 private:
  const std::string time_zone_;
  const std::unique_ptr<PythonWorker> worker_;
};

}  // namespace

Result<std::shared_ptr<BatchFunction>> MakePythonBatchFunction(ConnectSession& session, const sc::StreamingForeachFunction& function,
                                                               const CancelToken& cancel) {
  std::string token = NewUuid();
  MS_ASSIGN_OR_RETURN(std::unique_ptr<PythonWorker> worker,
                      StartWorker(session, function, "foreachBatch", session.local_url() + ";" + kBatchMetadata + "=" + token, cancel));
  return std::shared_ptr<BatchFunction>(std::make_shared<PythonBatchFunction>(session.weak_from_this(), std::move(token), std::move(worker)));
}

Result<std::shared_ptr<RowsFunction>> MakePythonRowsFunction(ConnectSession& session, const sc::StreamingForeachFunction& function, const CancelToken& cancel) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<PythonWorker> worker, StartWorker(session, function, "foreach", "", cancel));
  return std::shared_ptr<RowsFunction>(
      std::make_shared<PythonRowsFunction>(session.session().GetConf("spark.sql.session.timeZone").value_or("UTC"), std::move(worker)));
}

}  // namespace millstream
