// crash_job   The main job (cloudFiles → Delta table, availableNow) as a small process, for the crash tests to kill.
//
// Prints "batch N rows M" after each batch that it believes to be durable: what was printed before a crash must be there after it.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "session/session.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

struct JobOptions {
  std::string warehouse, landing, table, checkpoint, schema, format = "json";
  int max_files = 1000;
};

// numOutputRows and batchId out of a progress event, without a JSON parser: the format is ours.
long NumberAfter(const std::string& json, const std::string& key) {
  size_t at = json.find("\"" + key + "\":");
  return at == std::string::npos ? -1 : std::strtol(json.c_str() + at + key.size() + 3, nullptr, 10);
}

Status RunJob(const JobOptions& options) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, Engine::Open({.warehouse = options.warehouse}));
  std::shared_ptr<Session> session = engine->NewSession("crash");
  session->AddListener([](const StreamingQueryEvent& event) {
    if (event.kind != StreamingQueryEvent::Kind::kProgress) return;
    std::printf("batch %ld rows %ld\n", NumberAfter(event.json, "batchId"), NumberAfter(event.json, "numInputRows"));
    std::fflush(stdout);
  });
  StartStream start;
  start.query = MakePlan(UnresolvedDataSource{.format = "cloudFiles",
                                              .schema = std::nullopt,
                                              .options = {{"cloudFiles.format", options.format},
                                                          {"cloudFiles.schemaLocation", options.schema},
                                                          {"cloudFiles.maxFilesPerTrigger", std::to_string(options.max_files)}},
                                              .paths = {options.landing},
                                              .is_streaming = true});
  start.format = "delta";
  start.path = options.table;
  start.options = {{"checkpointLocation", options.checkpoint}, {"mergeSchema", "true"}};
  start.trigger.kind = Trigger::Kind::kAvailableNow;
  MS_ASSIGN_OR_RETURN(StreamingQueryPtr query, session->StartStreamingQuery(start));
  Status ended = query->AwaitTermination(std::nullopt).status();
  engine->Shutdown();
  return ended;
}

}  // namespace
}  // namespace millstream

int main(int argc, char** argv) {
  CLI::App app("Loads new files into a Delta table and ends; killed by the crash tests.");
  millstream::JobOptions options;
  bool list_failpoints = false;
  app.add_flag("--list-failpoints", list_failpoints, "Print the names of all failpoints");
  app.add_option("--warehouse", options.warehouse, "Catalog directory");
  app.add_option("--landing", options.landing, "Where new files arrive");
  app.add_option("--table", options.table, "The Delta table's directory");
  app.add_option("--checkpoint", options.checkpoint, "checkpointLocation");
  app.add_option("--schema", options.schema, "cloudFiles.schemaLocation");
  app.add_option("--format", options.format, "cloudFiles.format");
  app.add_option("--max-files", options.max_files, "cloudFiles.maxFilesPerTrigger");
  CLI11_PARSE(app, argc, argv);
  if (list_failpoints) {
    for (std::string_view name : millstream::AllFailpoints()) std::printf("%.*s\n", static_cast<int>(name.size()), name.data());
    return 0;
  }
  millstream::Status status = millstream::ArmFailpointsFromEnvironment();
  if (status.ok()) status = millstream::RunJob(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "crash_job: %s\n", status.message().c_str());
  return 1;
}
