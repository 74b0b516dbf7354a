#include "doors/connect/python_process.h"

#include <nlohmann/json.hpp>

#include "doors/connect/arrow_result.h"
#include "python/python_worker.h"
#include "types/arrow_types.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

// A frame's payload: u32 length of the JSON, the JSON, then for each table u64 length and an Arrow IPC stream. Big-endian.
void PutLength(uint64_t length, int bytes, std::string* out) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out->push_back(static_cast<char>(length >> shift));
}

Result<std::string_view> TakePart(std::string_view* bytes, size_t length_bytes) {
  uint64_t length = 0;
  if (bytes->size() < length_bytes) return Status::Internal("an answer of the Python worker ends early");
  for (size_t i = 0; i < length_bytes; ++i) length = length << 8 | static_cast<unsigned char>((*bytes)[i]);
  bytes->remove_prefix(length_bytes);
  if (length > bytes->size()) return Status::Internal("an answer of the Python worker ends early");
  const std::string_view part = bytes->substr(0, length);
  bytes->remove_prefix(length);
  return part;
}

// The zone of timestamps is that of the session on the way out, and UTC inside the engine.
Result<RecordBatchPtr> InZone(const RecordBatchPtr& batch, const std::string& zone) {
  MS_ASSIGN_OR_RETURN(StructType schema, FromArrowSchema(*batch->schema()));
  return Relabel(batch, ToArrowSchema(schema, zone));
}

class WorkerProcess : public PythonProcess {
 public:
  WorkerProcess(std::unique_ptr<PythonWorker> worker, std::string zone) : worker_(std::move(worker)), zone_(std::move(zone)) {}

  Result<PythonMessage> Exchange(const PythonMessage& message, const std::function<bool()>& cancelled) override {
    std::string payload;
    PutLength(message.json.size(), 4, &payload);
    payload += message.json;
    for (const RecordBatchPtr& table : message.tables) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr labelled, InZone(table, zone_));
      MS_ASSIGN_OR_RETURN(std::string bytes, ToIpcStream(labelled));
      PutLength(bytes.size(), 8, &payload);
      payload += bytes;
    }
    MS_RETURN_IF_ERROR(worker_->Send('C', payload, cancelled));
    Result<std::string> answer = worker_->Receive(cancelled);
    if (answer.status().Is(errors::kPythonException))
      return Status::Error(errors::kPythonException,
                           {{"msg", "An exception was thrown from the Python worker"}, {"traceback", answer.status().params().at("traceback")}});
    if (!answer.ok()) return answer.status();
    return Read(*answer);
  }

 private:
  static Result<PythonMessage> Read(std::string_view bytes) {
    PythonMessage message;
    MS_ASSIGN_OR_RETURN(std::string_view json, TakePart(&bytes, 4));
    message.json = std::string(json);
    while (!bytes.empty()) {
      MS_ASSIGN_OR_RETURN(std::string_view table, TakePart(&bytes, 8));
      ArrowSchemaPtr schema;
      MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> batches, FromIpcStream(std::make_shared<const std::string>(table), &schema));
      if (batches.size() != 1) return Status::Internal("an answer of the Python worker has " + std::to_string(batches.size()) + " batches in a table");
      MS_ASSIGN_OR_RETURN(RecordBatchPtr labelled, InZone(batches[0], "UTC"));
      message.tables.push_back(std::move(labelled));
    }
    return message;
  }

  const std::unique_ptr<PythonWorker> worker_;
  const std::string zone_;
};

class PickledCode : public PythonCode {
 public:
  PickledCode(PythonFunction function, std::string name, std::string zone, nlohmann::json conf)
      : function_(std::move(function)), name_(std::move(name)), zone_(std::move(zone)), conf_(std::move(conf)) {}
  const std::string& name() const override { return name_; }
  Result<std::unique_ptr<PythonProcess>> Start(const std::string& mode, const std::string& settings, const std::function<bool()>& cancelled) const override {
    PythonFunction function = function_;
    function.mode = mode;
    nlohmann::json all = nlohmann::json::parse(settings, nullptr, false);
    all.update(conf_);
    function.settings = all.dump();
    MS_ASSIGN_OR_RETURN(std::unique_ptr<PythonWorker> worker, PythonWorker::Start(function, cancelled));
    return std::unique_ptr<PythonProcess>(std::make_unique<WorkerProcess>(std::move(worker), zone_));
  }

 private:
  const PythonFunction function_;
  const std::string name_, zone_;
  const nlohmann::json conf_;  // the session's, as far as Python follows it
};

bool IsTrue(ConnectSession& session, const char* key, bool otherwise) {
  const std::string value = session.session().GetConf(key).value_or(otherwise ? "true" : "false");
  return value == "true";
}

}  // namespace

Result<std::shared_ptr<const PythonCode>> MakePythonCode(ConnectSession& session, const sc::CommonInlineUserDefinedFunction& function) {
  if (!function.has_python_udf()) return Status::Unsupported("A function that is not Python");
  PythonFunction python{.python = ChoosePython(session.session().GetConf("spark.pyspark.python").value_or("")),
                        .python_version = function.python_udf().python_ver(),
                        .mode = "",
                        .pickled = function.python_udf().command(),
                        .url = ""};
  const std::string zone = session.session().GetConf("spark.sql.session.timeZone").value_or("UTC");
  nlohmann::json conf = {{"time_zone", zone},
                         {"assign_by_name", IsTrue(session, "spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName", true)},
                         {"safe_conversion", IsTrue(session, "spark.sql.execution.pandas.convertToArrowArraySafely", false)}};
  return std::shared_ptr<const PythonCode>(std::make_shared<PickledCode>(std::move(python), function.function_name(), zone, std::move(conf)));
}

}  // namespace millstream
