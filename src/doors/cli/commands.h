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

// "error: …" on stderr.
void PrintError(const Status& status);

}  // namespace millstream
