#pragma once

// commands.h   What `millstream` does, one function a command. Each returns the program's exit code and prints what to do next.

#include <string>
#include <vector>

#include "doors/connect/server.h"
#include "session/session.h"

namespace millstream {

struct ServeOptions {
  EngineOptions engine;
  ConnectServerOptions connect;
  int ui_port = 4040;  // 0: no page
};
int Serve(const ServeOptions& options);

struct SqlOptions {
  EngineOptions engine;
  std::string text;  // -c
  std::string file;  // -f; both empty: interactive
};
int Sql(const SqlOptions& options);

struct RunOptions {
  EngineOptions engine;
  std::string script;
  std::vector<std::string> args;
};
int Run(const RunOptions& options);

// What is known of source files: each action is one SQL statement.
struct FilesOptions {
  EngineOptions engine;
  std::string action;         // list, history, schemas, plan, verify, undo, redo, replay, forget, retry
  std::string table, stream;  // --table, --stream: one of them
  std::string quarantine;     // retry
  std::string where, from, pattern;
  std::string file_format;                         // plan
  std::vector<std::string> options, load_options;  // plan: key=value, of FORMAT_OPTIONS and COPY_OPTIONS
  std::string format = "table";                    // table, json, csv
};
// The program's exit code: 1 also when verify has findings, 2 for a command line that means nothing.
int Files(const FilesOptions& options);

// "error: …" on stderr.
void PrintError(const Status& status);

}  // namespace millstream
