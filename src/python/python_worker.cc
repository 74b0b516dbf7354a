#include "python/python_worker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "python/worker_script.h"

extern char** environ;

namespace millstream {
namespace {

constexpr int kWorkerFd = 3;  // as the script has it
constexpr int kPollMs = 50;
constexpr int64_t kEndGraceMs = 2000;
constexpr size_t kFrameBytesMax = size_t{1} << 31;

// What the worker needs of our environment, and what it must not inherit of it.
std::vector<std::string> WorkerEnvironment() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry; ++entry) {
    // The function's session is named in its settings: a SPARK_REMOTE of the server would lead elsewhere.
    if (std::strncmp(*entry, "SPARK_REMOTE=", 13) != 0) environment.emplace_back(*entry);
  }
  environment.emplace_back("PYTHONUNBUFFERED=1");
  // A client-only installation of PySpark looks for a Spark that is not there.
  if (std::getenv("SPARK_HOME") == nullptr) environment.emplace_back("SPARK_HOME=/");
  return environment;
}

Result<int> Spawn(const std::string& python, int socket) {
  std::vector<std::string> words = {python, "-c", std::string(kWorkerScript)};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> settings = WorkerEnvironment();
  std::vector<char*> env;
  for (std::string& setting : settings) env.push_back(setting.data());
  env.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  // What the function prints goes where the server's log goes: its stdout is for scripts that start it.
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, socket, kWorkerFd);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  // A group of its own: Ctrl-C at the terminal is for the server, which ends its workers.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int failed = posix_spawnp(&pid, python.c_str(), &files, &attributes, argv.data(), env.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0)
    return Status::Error(errors::kPythonRunnerInitialization, {{"resFromPython", "-2"}, {"msg", "cannot start " + python + ": " + std::strerror(failed)}})
        .While("looking for Python: set PYSPARK_PYTHON, or start the server in the virtual environment of your scripts");
  return static_cast<int>(pid);
}

}  // namespace

std::string ChoosePython(const std::string& configured) {
  if (!configured.empty()) return configured;
  if (const char* chosen = std::getenv("PYSPARK_PYTHON"); chosen && *chosen) return chosen;
  if (const char* venv = std::getenv("VIRTUAL_ENV"); venv && *venv) return std::string(venv) + "/bin/python";
  return "python3";
}

Result<std::unique_ptr<PythonWorker>> PythonWorker::Start(const PythonFunction& function, const Cancelled& cancelled) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return Status::Errno("socketpair", "the Python worker", errno);
  // dup2 onto itself would leave close-on-exec set.
  if (ends[1] == kWorkerFd) {
    const int moved = fcntl(ends[1], F_DUPFD_CLOEXEC, kWorkerFd + 1);
    close(ends[1]);
    ends[1] = moved;
  }
  Result<int> pid = Spawn(function.python, ends[1]);
  close(ends[1]);
  if (!pid.ok()) {
    close(ends[0]);
    return pid.status();
  }
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  std::unique_ptr<PythonWorker> worker(new PythonWorker(ends[0], *pid, function.python_version));
  const nlohmann::json settings = {{"mode", function.mode},
                                   {"python_version", function.python_version},
                                   {"url", function.url},
                                   {"more", nlohmann::json::parse(function.settings, nullptr, false)}};
  Status status = worker->Send('S', settings.dump(), cancelled);
  if (status.ok()) status = worker->Send('F', function.pickled, cancelled);
  if (status.ok()) status = worker->Finish(cancelled);
  if (status.ok()) return worker;
  if (status.Is(errors::kCancelled)) return status;
  return Status::Error(errors::kPythonRunnerInitialization, {{"resFromPython", "-2"}, {"msg", status.text()}})
      .While("starting " + function.python +
             ": it needs PySpark (pyspark or pyspark-client) and the packages that the function imports; PYSPARK_PYTHON names another");
}

PythonWorker::~PythonWorker() { End(); }

Status PythonWorker::Send(char kind, std::string_view payload, const Cancelled& cancelled) {
  if (payload.size() > kFrameBytesMax) return Status::Internal("a frame of " + std::to_string(payload.size()) + " bytes for the Python worker");
  const auto size = static_cast<uint32_t>(payload.size());
  const char header[5] = {static_cast<char>(size >> 24), static_cast<char>(size >> 16), static_cast<char>(size >> 8), static_cast<char>(size), kind};
  MS_RETURN_IF_ERROR(Write(header, sizeof(header), cancelled));
  return Write(payload.data(), payload.size(), cancelled);
}

Status PythonWorker::Finish(const Cancelled& cancelled) { return Receive(cancelled).status(); }

Result<std::string> PythonWorker::Receive(const Cancelled& cancelled) {
  unsigned char header[5];
  MS_RETURN_IF_ERROR(Read(reinterpret_cast<char*>(header), sizeof(header), cancelled));
  const uint32_t size = uint32_t{header[0]} << 24 | uint32_t{header[1]} << 16 | uint32_t{header[2]} << 8 | header[3];
  if (size > kFrameBytesMax) {
    End();
    return Status::Error(errors::kPythonWorkerDied, {{"how", "it answered with " + std::to_string(size) + " bytes"}});
  }
  std::string payload(size, '\0');
  MS_RETURN_IF_ERROR(Read(payload.data(), size, cancelled));
  if (header[4] == 'O') return payload;
  const nlohmann::json error = nlohmann::json::parse(payload, nullptr, false);
  auto field = [&](const char* name) { return error.is_object() && error.contains(name) && error[name].is_string() ? error[name].get<std::string>() : ""; };
  if (field("type") == "PythonVersionMismatch")
    return Status::Error(errors::kPythonVersionMismatch, {{"worker", field("message")}, {"driver", python_version_}});
  return Status::Error(errors::kPythonException, {{"msg", field("type") + ": " + field("message")}, {"traceback", field("traceback")}});
}

Status PythonWorker::Wait(int events, const Cancelled& cancelled) {
  while (true) {
    if (socket_ < 0) return Died();
    if (cancelled && cancelled()) {
      End();
      return Status::Error(errors::kCancelled);
    }
    pollfd ready{.fd = socket_, .events = static_cast<short>(events), .revents = 0};
    const int found = poll(&ready, 1, kPollMs);
    if (found > 0) return Status();
    if (found < 0 && errno != EINTR) return Status::Errno("poll", "the Python worker", errno);
  }
}

Status PythonWorker::Write(const char* data, size_t size, const Cancelled& cancelled) {
  while (size > 0) {
    const ssize_t sent = socket_ < 0 ? -1 : send(socket_, data, size, MSG_NOSIGNAL);
    if (sent >= 0) {
      data += sent;
      size -= static_cast<size_t>(sent);
    } else if (socket_ >= 0 && (errno == EAGAIN || errno == EINTR)) {
      MS_RETURN_IF_ERROR(Wait(POLLOUT, cancelled));
    } else {
      return Died();
    }
  }
  return Status();
}

Status PythonWorker::Read(char* data, size_t size, const Cancelled& cancelled) {
  while (size > 0) {
    const ssize_t got = socket_ < 0 ? 0 : recv(socket_, data, size, 0);
    if (got > 0) {
      data += got;
      size -= static_cast<size_t>(got);
    } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      MS_RETURN_IF_ERROR(Wait(POLLIN, cancelled));
    } else {
      return Died();
    }
  }
  return Status();
}

Status PythonWorker::Died() {
  int status = 0;
  std::string how = "it closed its connection";
  if (pid_ > 0) {
    for (int waited_ms = 0; waited_ms < 1000; waited_ms += 10) {
      if (waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = 0;
        how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : "exit code " + std::to_string(WEXITSTATUS(status));
        break;
      }
      poll(nullptr, 0, 10);
    }
  }
  End();
  return Status::Error(errors::kPythonWorkerDied, {{"how", how}});
}

void PythonWorker::End() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
  if (pid_ <= 0) return;
  // It notices the closed socket between two batches; user code that runs on is cut off.
  kill(-pid_, SIGTERM);
  for (int64_t waited_ms = 0; waited_ms < kEndGraceMs; waited_ms += 10) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = 0;
      return;
    }
    poll(nullptr, 0, 10);
  }
  kill(-pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

}  // namespace millstream
