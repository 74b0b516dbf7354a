// files_command.cc   millstream files …: what is known of source files, and what can be done with them.

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <variant>

#include "base/option_table.h"
#include "doors/cli/commands.h"
#include "doors/cli/result_printer.h"
#include "plan/sql/parser.h"

namespace millstream {

namespace {

// Longer than this, and somebody who waits wants to see that it goes on.
constexpr auto kQuietTime = std::chrono::seconds(2);

// Says on a terminal how long it takes, until it is destroyed.
class Waiting {
 public:
  explicit Waiting(std::string what) : what_(std::move(what)) {
    if (isatty(STDERR_FILENO)) thread_ = std::thread([this] { Loop(); });
  }
  ~Waiting() {
    {
      std::lock_guard lock(mutex_);
      is_over_ = true;
      wake_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Loop() {
    const auto begin = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    bool shown = false;
    auto pause = kQuietTime;
    while (!wake_.wait_for(lock, pause, [this] { return is_over_; })) {
      pause = std::chrono::seconds(1);
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin).count();
      std::fprintf(stderr, "\r\033[K%s … %lld s", what_.c_str(), static_cast<long long>(seconds));
      shown = true;
    }
    if (shown) std::fprintf(stderr, "\r\033[K");
  }

  const std::string what_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_over_ = false;  // GUARDED_BY(mutex_)
  std::thread thread_;
};

std::string QuotedText(const std::string& text) {
  std::string literal = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') literal += '\\';
    literal += c;
  }
  return literal + "'";
}

// A table by its path need not be written as delta.`/path`.
std::string TableName(const std::string& table) {
  return table.find('/') != std::string::npos && table.find('`') == std::string::npos ? "delta.`" + table + "`" : table;
}

std::string Place(const FilesOptions& options) { return options.table.empty() ? "--stream " + options.stream : "--table " + options.table; }

Status NoOption(const std::string& option) { return Status::IllegalArgument("'" + option + "' is no option: write key=value"); }

Result<std::string> Pairs(const std::vector<std::string>& options) {
  std::string text;
  for (const std::string& option : options) {
    const size_t equals = option.find('=');
    if (equals == std::string::npos || equals == 0) return NoOption(option);
    text += (text.empty() ? "" : ", ") + QuotedText(option.substr(0, equals)) + " = " + QuotedText(option.substr(equals + 1));
  }
  return text;
}

Result<std::string> PlanStatement(const FilesOptions& options) {
  if (options.from.empty() || options.file_format.empty()) {
    return Status::IllegalArgument("plan needs --from and --file-format: millstream files plan " + Place(options) + " --from /landing --file-format json");
  }
  if (options.table.empty()) {
    const std::string path = options.pattern.empty() ? options.from : options.from + "/" + options.pattern;
    std::string sql = "SELECT * FROM cloud_files_plan(" + QuotedText(path) + ", checkpoint => " + QuotedText(options.stream) + ", format => " +
                      QuotedText(options.file_format);
    for (const std::string& option : options.options) {
      const size_t equals = option.find('=');
      if (equals == std::string::npos || equals == 0) return NoOption(option);
      sql += ", `" + option.substr(0, equals) + "` => " + QuotedText(option.substr(equals + 1));
    }
    return sql + ")";
  }
  std::string sql = "EXPLAIN COPY INTO " + TableName(options.table) + " FROM " + QuotedText(options.from) + " FILEFORMAT = " + options.file_format;
  if (!options.pattern.empty()) sql += " PATTERN = " + QuotedText(options.pattern);
  MS_ASSIGN_OR_RETURN(std::string reader, Pairs(options.options));
  MS_ASSIGN_OR_RETURN(std::string load, Pairs(options.load_options));
  if (!reader.empty()) sql += " FORMAT_OPTIONS (" + reader + ")";
  if (!load.empty()) sql += " COPY_OPTIONS (" + load + ")";
  return sql;
}

// What the rows say of files that are not as they should be.
int64_t FindingsIn(const RecordBatchPtr& batch) {
  const auto& findings = static_cast<const arrow::StringArray&>(*batch->column(0));
  int64_t count = 0;
  for (int64_t row = 0; row < findings.length(); ++row) count += findings.GetView(row) != "VERIFIED";
  return count;
}

std::string NextStep(const FilesOptions& options, int64_t findings) {
  if (options.action == "list") return "millstream files history " + Place(options);
  if (options.action == "history") return "millstream files verify " + Place(options);
  if (options.action == "schemas") return "REVERT SCHEMA OF STREAM " + QuotedText(options.stream) + " TO VERSION …";
  if (options.action == "plan") return options.table.empty() ? "start the query" : "the same COPY INTO: millstream sql -c \"COPY INTO …\"";
  if (options.action == "verify" && findings == 0) return "nothing to do: every file is accounted for";
  if (options.action == "verify") {
    return "MISSING files come with the next load; CHANGED ones with a replay (millstream files replay " + Place(options) +
           " --where …); GONE ones keep their rows";
  }
  if (options.action == "undo") return "millstream files redo " + Place(options) + " --where … brings the rows back";
  if (options.action == "retry") return "SELECT * FROM " + options.quarantine + " shows what is still left";
  return "millstream files list " + Place(options);
}

Result<int64_t> Execute(Session& session, const std::string& sql, const FilesOptions& options) {
  MS_ASSIGN_OR_RETURN(std::vector<Statement> statements, ParseStatements(sql));
  if (statements.size() != 1) return Status::IllegalArgument("--where is one condition, without a semicolon");
  Waiting waiting(options.action);
  const Statement& statement = statements.front();
  MS_ASSIGN_OR_RETURN(QueryResult result, std::holds_alternative<PlanPtr>(statement) ? session.Execute(std::get<PlanPtr>(statement))
                                                                                     : session.ExecuteCommand(std::get<Command>(statement)));
  const OutputFormat format = options.format == "json" ? OutputFormat::kJson : options.format == "csv" ? OutputFormat::kCsv : OutputFormat::kTable;
  int64_t findings = 0;
  auto see = [&](const RecordBatchPtr& batch) { findings += options.action == "verify" ? FindingsIn(batch) : 0; };
  MS_RETURN_IF_ERROR(PrintResult(session, std::move(result), format, see).status());
  return findings;
}

// The statement of an action. IllegalArgument: what is missing, or does not go together.
Result<std::string> StatementOf(const FilesOptions& options) {
  const std::string& action = options.action;
  static const std::vector<std::string> actions = {"list", "history", "schemas", "plan", "verify", "undo", "redo", "replay", "forget", "retry"};
  if (std::find(actions.begin(), actions.end(), action) == actions.end()) {
    std::optional<std::string> meant = DidYouMean(action, actions);
    return Status::IllegalArgument("unknown action '" + action + "'." + (meant ? " Did you mean '" + *meant + "'?" : ""));
  }
  const std::string where = options.where.empty() ? "" : " WHERE " + options.where;
  if (action == "retry") {
    if (options.quarantine.empty()) return Status::IllegalArgument("retry needs --quarantine, the table of the records that could not be read");
    return "RETRY QUARANTINE " + TableName(options.quarantine) + where;
  }
  if (options.table.empty() == options.stream.empty()) {
    return Status::IllegalArgument(action + " needs --table, or --stream with the checkpoint of a query" + (options.table.empty() ? "" : ", and not both"));
  }
  if (action == "plan") return PlanStatement(options);
  if (action == "schemas") {
    if (options.stream.empty()) return Status::IllegalArgument("schemas needs --stream: a checkpoint, or the schemaLocation of a stream");
    return "SELECT * FROM cloud_files_schemas(" + QuotedText(options.stream) + ")" + where;
  }
  if (action == "list" || action == "history") {
    const bool is_list = action == "list";
    const std::string function =
        options.table.empty() ? (is_list ? "cloud_files_state" : "cloud_files_history") : (is_list ? "copy_into_state" : "copy_into_history");
    return "SELECT * FROM " + function + "(" + QuotedText(options.table.empty() ? options.stream : options.table) + ")" + where;
  }
  const std::string place = options.table.empty() ? "STREAM " + QuotedText(options.stream) : TableName(options.table);
  if (action == "verify") {
    if (!where.empty()) return Status::IllegalArgument("verify looks at all files: it has no --where");
    if (options.from.empty() && !options.pattern.empty()) return Status::IllegalArgument("--pattern needs --from");
    return "VERIFY FILES IN " + place + (options.from.empty() ? "" : " FROM " + QuotedText(options.from)) +
           (options.pattern.empty() ? "" : " PATTERN " + QuotedText(options.pattern));
  }
  if (where.empty()) return Status::IllegalArgument(action + " needs --where, a condition over the columns that list shows. For all files: --where true");
  std::string verb = action;
  std::transform(verb.begin(), verb.end(), verb.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return verb + " FILES IN " + place + where;
}

}  // namespace

int Files(const FilesOptions& options) {
  Result<std::string> sql = StatementOf(options);
  if (!sql.ok()) {
    PrintError(sql.status());
    std::fprintf(stderr, "next: millstream files --help\n");
    return 2;
  }
  Result<std::unique_ptr<Engine>> engine = Engine::Open(options.engine);
  if (!engine.ok()) {
    PrintError(engine.status());
    return 1;
  }
  const char* user = std::getenv("USER");
  std::shared_ptr<Session> session = (*engine)->NewSession(user ? user : "");
  Result<int64_t> findings = Execute(*session, *sql, options);
  if (!findings.ok()) {
    PrintError(findings.status());
  } else if (isatty(STDERR_FILENO)) {
    std::fprintf(stderr, "next: %s\n", NextStep(options, *findings).c_str());
  }
  session.reset();
  (*engine)->Shutdown();
  return findings.ok() && *findings == 0 ? 0 : 1;
}

}  // namespace millstream
