#include <editline/readline.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <variant>

#include "base/clock.h"
#include "doors/cli/commands.h"
#include "doors/cli/result_printer.h"
#include "plan/sql/parser.h"
#include "storage/fs.h"

namespace millstream {

namespace {

Status RunOne(Session& session, const Statement& statement, bool talk) {
  const int64_t begin = Clock::System().MonotonicMicros();
  Result<QueryResult> result =
      std::holds_alternative<PlanPtr>(statement) ? session.Execute(std::get<PlanPtr>(statement)) : session.ExecuteCommand(std::get<Command>(statement));
  if (!result.ok()) return result.status();
  MS_ASSIGN_OR_RETURN(int64_t rows, PrintResult(session, std::move(*result), OutputFormat::kTable));
  if (talk) {
    std::fprintf(stderr, "%lld row%s, %.3f s\n", static_cast<long long>(rows), rows == 1 ? "" : "s",
                 static_cast<double>(Clock::System().MonotonicMicros() - begin) / 1e6);
  }
  return Status();
}

Status RunAll(Session& session, const std::string& text, bool talk) {
  MS_ASSIGN_OR_RETURN(std::vector<Statement> statements, ParseStatements(text));
  for (const Statement& statement : statements) MS_RETURN_IF_ERROR(RunOne(session, statement, talk));
  return Status();
}

std::string ReadStandardInput() {
  std::string text;
  char buffer[4096];
  while (size_t bytes = std::fread(buffer, 1, sizeof(buffer), stdin)) text.append(buffer, bytes);
  return text;
}

// A statement may go over several lines; it runs when a line ends with a semicolon.
void Interact(Session& session) {
  std::fprintf(stderr, "millstream SQL. End a statement with ;   leave with exit or Ctrl-D. Try: SHOW TABLES;\n");
  std::string text;
  rl_initialize();
  while (true) {
    char* line = readline(text.empty() ? "millstream> " : "        ... ");
    if (line == nullptr) break;
    std::string typed = line;
    std::free(line);
    if (text.empty() && (typed == "exit" || typed == "quit" || typed == "exit;" || typed == "quit;")) break;
    if (!typed.empty()) add_history(typed.c_str());
    text += typed + "\n";
    size_t last = text.find_last_not_of(" \t\r\n");
    if (last == std::string::npos) {
      text.clear();
    } else if (text[last] == ';') {
      if (Status status = RunAll(session, text, true); !status.ok()) PrintError(status);
      text.clear();
    }
  }
  if (text.find_first_not_of(" \t\r\n") != std::string::npos) {
    if (Status status = RunAll(session, text, true); !status.ok()) PrintError(status);
  }
}

}  // namespace

int Sql(const SqlOptions& options) {
  std::string text = options.text;
  if (!options.file.empty()) {
    Result<std::string> read = Fs::Local().ReadFile(options.file);
    if (!read.ok()) {
      PrintError(read.status());
      return 1;
    }
    text = std::move(*read);
  }
  Result<std::unique_ptr<Engine>> engine = Engine::Open(options.engine);
  if (!engine.ok()) {
    PrintError(engine.status());
    return 1;
  }
  const char* user = std::getenv("USER");
  std::shared_ptr<Session> session = (*engine)->NewSession(user ? user : "");
  const bool talk = isatty(STDERR_FILENO) != 0;
  int code = 0;
  const bool piped = options.text.empty() && options.file.empty() && isatty(STDIN_FILENO) == 0;
  if (piped) text = ReadStandardInput();
  if (options.text.empty() && options.file.empty() && !piped) {
    Interact(*session);
  } else if (Status status = RunAll(*session, text, talk); !status.ok()) {
    PrintError(status);
    code = 1;
  } else if (talk) {
    std::fprintf(stderr, "next: millstream serve --warehouse %s     to use these tables from PySpark\n", options.engine.warehouse.c_str());
  }
  session.reset();
  (*engine)->Shutdown();
  return code;
}

}  // namespace millstream
