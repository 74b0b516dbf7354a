#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "doors/cli/commands.h"
#include "doors/cli/progress_line.h"
#include "doors/cli/signals.h"

extern char** environ;

namespace millstream {

namespace {

constexpr int kDefaultPort = 15002;
constexpr int64_t kRunGraceMs = 1000;

std::string Python() {
  if (const char* chosen = std::getenv("PYSPARK_PYTHON"); chosen && *chosen) return chosen;
  if (const char* venv = std::getenv("VIRTUAL_ENV"); venv && *venv) return std::string(venv) + "/bin/python";
  return "python3";
}

// The script's process, or an errno.
int Spawn(const std::string& python, const RunOptions& options, int port, pid_t* pid) {
  std::vector<std::string> words = {python, options.script};
  words.insert(words.end(), options.args.begin(), options.args.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  std::vector<std::string> settings = {"SPARK_REMOTE=sc://localhost:" + std::to_string(port)};
  std::vector<char*> env;
  for (char** entry = environ; *entry; ++entry) {
    if (std::strncmp(*entry, "SPARK_REMOTE=", 13) != 0) env.push_back(*entry);
  }
  for (std::string& setting : settings) env.push_back(setting.data());
  env.push_back(nullptr);

  // The script gets the signals that we keep for ourselves.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  int failed = posix_spawnp(pid, python.c_str(), nullptr, &attributes, argv.data(), env.data());
  posix_spawnattr_destroy(&attributes);
  return failed;
}

}  // namespace

int Run(const RunOptions& options) {
  if (access(options.script.c_str(), R_OK) != 0) {
    PrintError(Status::Errno("open", options.script, errno));
    return 2;
  }
  Result<std::unique_ptr<Engine>> engine = Engine::Open(options.engine);
  if (!engine.ok()) {
    PrintError(engine.status());
    return 1;
  }
  Result<std::unique_ptr<ConnectServer>> server = ConnectServer::Start(**engine, {"localhost", 0});
  if (!server.ok()) {
    PrintError(server.status());
    return 1;
  }
  // Scripts name the usual address; where another server has it, SPARK_REMOTE still leads here.
  Result<std::unique_ptr<ConnectServer>> usual = ConnectServer::Start(**engine, {"localhost", kDefaultPort});
  ConnectServer& shown = usual.ok() ? **usual : **server;

  pid_t pid = 0;
  const std::string python = Python();
  if (int failed = Spawn(python, options, (*server)->port(), &pid); failed != 0) {
    PrintError(Status::Errno("start", python, failed));
    std::fprintf(stderr, "next: activate a virtual environment that has pyspark-client, or set PYSPARK_PYTHON\n");
    return 127;
  }
  // Ctrl-C reaches the script too, which decides; a SIGTERM is handed on.
  std::thread([pid] {
    while (true) {
      if (NextStopSignal() == SIGTERM) kill(pid, SIGTERM);
    }
  }).detach();
  int status = 0;
  {
    ProgressLine line_usual(shown);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (usual.ok()) (*usual)->Stop(kRunGraceMs);
  (*server)->Stop(kRunGraceMs);
  (*engine)->Shutdown();
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (isatty(STDERR_FILENO)) {
    if (code == 0) {
      std::fprintf(stderr, "next: millstream sql --warehouse %s -c \"SHOW TABLES\"\n", options.engine.warehouse.c_str());
    } else {
      std::fprintf(stderr, "%s ended with exit code %d\n", options.script.c_str(), code);
    }
  }
  return code;
}

}  // namespace millstream
