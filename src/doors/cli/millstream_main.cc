// millstream_main.cc   The program: reads the command line and hands over to one command.

#include <malloc.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/option_table.h"
#include "doors/cli/commands.h"
#include "doors/cli/signals.h"
#include "storage/failpoint.h"

namespace {

using namespace millstream;

constexpr char kVersion[] = "millstream 0.1.0 (speaks Spark Connect 4.2.0)";

void AddEngineOptions(CLI::App* command, EngineOptions* engine, int64_t* memory_mb) {
  command->add_option("--warehouse", engine->warehouse, "Directory of databases and tables; made when missing")->capture_default_str();
  command->add_option("--threads", engine->threads, "Threads for queries")->capture_default_str()->check(CLI::Range(1, 1024));
  command->add_option("--memory-mb", *memory_mb, "Memory that queries may use, in MiB")->capture_default_str()->check(CLI::Range(64, 1 << 30));
}

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// What was typed that nothing here understands, with what was probably meant.
int ExplainUnknown(const CLI::App& app, const std::vector<std::string>& extras) {
  const CLI::App* command = app.get_subcommands().empty() ? &app : app.get_subcommands().front();
  const std::string word = extras.empty() ? "" : extras.front().substr(0, extras.front().find('='));
  std::vector<std::string> candidates = OptionNames(*command);
  if (command == &app && !word.starts_with("-")) {
    for (const CLI::App* known : app.get_subcommands([](const CLI::App*) { return true; })) candidates.push_back(known->get_name());
  }
  std::string hint;
  if (auto meant = DidYouMean(word, candidates)) hint = " Did you mean '" + *meant + "'?";
  std::fprintf(stderr, "error: unknown %s '%s'.%s\nnext: millstream%s%s --help\n", word.starts_with("-") ? "option" : "command", word.c_str(), hint.c_str(),
               command == &app ? "" : " ", command == &app ? "" : command->get_name().c_str());
  return 2;
}

// `run [options] SCRIPT args…`: takes out the args, which are the script's own business whatever they look like.
std::vector<std::string> TakeScriptArgs(std::vector<std::string>* words) {
  if (words->empty() || words->front() != "run") return {};
  size_t at = 1;
  // Options of ours stand before the script, each with its value in the same or the next word.
  while (at < words->size() && (*words)[at].starts_with("-")) {
    bool value_follows = (*words)[at].find('=') == std::string::npos && (*words)[at] != "--help" && (*words)[at] != "-h";
    at += value_follows ? 2 : 1;
  }
  if (at >= words->size()) return {};
  std::vector<std::string> args(words->begin() + static_cast<long>(at) + 1, words->end());
  words->resize(at + 1);
  return args;
}

void InitLogs(const std::string& level) {
  auto logger = spdlog::stderr_color_mt("millstream");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  spdlog::set_default_logger(std::move(logger));
  spdlog::set_level(spdlog::level::from_str(level == "error" ? "err" : level));
}

}  // namespace

int main(int argc, char** argv) {
  // Many threads that each work a little: arenas of their own would cost more memory than they save time.
  mallopt(M_ARENA_MAX, 4);
  // Arrow's choice, mimalloc, gives pages back so eagerly that loading a file costs a fifth more CPU and memory.
  setenv("ARROW_DEFAULT_MEMORY_POOL", "jemalloc", 0);
  setenv("GRPC_VERBOSITY", "NONE", 0);  // what gRPC would log, a port that is taken, is said in our words
  BlockStopSignals();

  CLI::App app{"Streams of files into Delta tables, with Spark's words and no JVM.", "millstream"};
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(0, 1);
  app.footer("first steps: millstream serve     then, in Python: SparkSession.builder.remote(\"sc://localhost:15002\").getOrCreate()");
  std::string log_level = "warn";
  EngineOptions engine;
  engine.warehouse = "spark-warehouse";
  engine.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  int64_t memory_mb = engine.memory_bytes_max >> 20;

  ServeOptions serve;
  CLI::App* serve_command = app.add_subcommand("serve", "Serve Spark Connect to PySpark on this machine");
  bool list_failpoints = false;
  AddEngineOptions(serve_command, &engine, &memory_mb);
  serve_command->add_option("--port", serve.connect.port, "Port of Spark Connect; 0: any free one")->capture_default_str()->check(CLI::Range(0, 65535));
  serve_command->add_option("--ui-port", serve.ui_port, "Port of the page with running queries; 0: none")->capture_default_str()->check(CLI::Range(0, 65535));
  serve_command->add_option("--host", serve.connect.host, "Address to listen on: this machine only")->capture_default_str();
  serve_command->add_flag("--testing", engine.testing, "For tests of streams: memory sources, a clock that can be held, failures on request");
  serve_command->add_flag("--list-failpoints", list_failpoints, "Print the places where tests can make the server fail, and exit");

  SqlOptions sql;
  CLI::App* sql_command = app.add_subcommand("sql", "Run SQL, from the command line, a file or a prompt");
  AddEngineOptions(sql_command, &engine, &memory_mb);
  auto* text = sql_command->add_option("-c,--command", sql.text, "Statements to run, separated by semicolons");
  sql_command->add_option("-f,--file", sql.file, "File of statements")->excludes(text);

  RunOptions run;
  CLI::App* run_command = app.add_subcommand("run", "Run a PySpark script against a server of its own");
  AddEngineOptions(run_command, &engine, &memory_mb);
  run_command->add_option("script", run.script, "The script")->required();
  run_command->footer("What follows the script's name goes to the script. Python: $PYSPARK_PYTHON, the active virtual environment, or python3.");

  FilesOptions files;
  CLI::App* files_command = app.add_subcommand("files", "What is known of source files: list, history, schemas, plan, verify, undo, redo, replay, forget, retry");
  AddEngineOptions(files_command, &engine, &memory_mb);
  files_command->add_option("action", files.action, "list · history · schemas (of a stream) · plan (dry run of COPY INTO) · verify · undo · redo · replay · forget · retry")
      ->required();
  files_command->add_option("--table", files.table, "The table that COPY INTO loads: its name, or its path");
  files_command->add_option("--stream", files.stream, "The checkpoint of an Auto Loader query");
  files_command->add_option("--where", files.where, "Which files: a condition over the columns that list shows");
  files_command->add_option("--from", files.from, "plan, verify: the directory of the source");
  files_command->add_option("--pattern", files.pattern, "plan, verify: a glob below --from");
  files_command->add_option("--file-format", files.file_format, "plan: csv, json, parquet …");
  files_command->add_option("--option", files.options, "plan: a reader option, key=value; may be repeated");
  files_command->add_option("--copy-option", files.load_options, "plan: force=true, mergeSchema=true");
  files_command->add_option("--quarantine", files.quarantine, "retry: the table of the records that could not be read");
  files_command->add_option("--format", files.format, "How rows are printed")->capture_default_str()->check(CLI::IsMember({"table", "json", "csv"}));
  files_command->footer("Ends with 1 when verify has findings.");

  for (CLI::App* command : {serve_command, sql_command, run_command, files_command}) {
    command->add_option("--log-level", log_level, "What to log on stderr")
        ->capture_default_str()
        ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}));
    command->allow_extras();
  }
  app.allow_extras();

  std::vector<std::string> words(argv + 1, argv + argc);
  run.args = TakeScriptArgs(&words);
  std::reverse(words.begin(), words.end());
  try {
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::vector<std::string> extras = app.remaining(false);
  for (CLI::App* command : {serve_command, sql_command, run_command, files_command}) {
    std::vector<std::string> more = command->remaining(false);
    extras.insert(extras.end(), more.begin(), more.end());
  }
  if (!extras.empty()) return ExplainUnknown(app, extras);
  if (list_failpoints) {
    for (std::string_view name : AllFailpoints()) std::printf("%.*s\n", static_cast<int>(name.size()), name.data());
    return 0;
  }
  InitLogs(log_level);
  if (Status armed = ArmFailpointsFromEnvironment(); !armed.ok()) {
    PrintError(armed);
    return 2;
  }
  engine.memory_bytes_max = memory_mb << 20;
  serve.engine = sql.engine = run.engine = files.engine = engine;
  if (serve_command->parsed()) return Serve(serve);
  if (sql_command->parsed()) return Sql(sql);
  if (run_command->parsed()) return Run(run);
  if (files_command->parsed()) return Files(files);
  std::fputs(app.help().c_str(), stdout);
  return 0;
}
