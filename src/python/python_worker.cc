#include "python/python_worker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "python/python_host.h"

namespace millstream {
namespace {

constexpr int kPollMs = 50;
constexpr int kEndPollMs = 10;
constexpr int kPollsPerLook = 20;
constexpr int64_t kDiedGraceMs = 1000;
constexpr int64_t kEndGraceMs = 2000;
constexpr size_t kFrameBytesMax = size_t{1} << 31;

// A worker, and the host that has forked it.
Result<std::pair<std::shared_ptr<PythonHost>, int>> Fork(const std::string& python, int socket) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    MS_ASSIGN_OR_RETURN(std::shared_ptr<PythonHost> host, PythonHost::Of(python));
    MS_ASSIGN_OR_RETURN(const std::optional<int> pid, host->Fork(socket));
    if (pid) return std::pair(std::move(host), *pid);
    PythonHost::Forget(python, host);  // it had nothing to do for a while, and has ended
  }
  return Status::Error(errors::kPythonRunnerInitialization, {{"resFromPython", "-2"}, {"msg", python + " ended before it could run a function"}})
      .While("starting " + python + ": the server's log has what it printed; PYSPARK_PYTHON names another");
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
  auto forked = Fork(function.python, ends[1]);
  close(ends[1]);
  if (!forked.ok()) {
    close(ends[0]);
    return forked.status();
  }
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  std::unique_ptr<PythonWorker> worker(new PythonWorker(ends[0], std::move(forked->first), forked->second, function.python_version));
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
  for (int polls = 1;; ++polls) {
    if (socket_ < 0) return Died();
    if (cancelled && cancelled()) {
      End();
      return Status::Error(errors::kCancelled);
    }
    pollfd ready{.fd = socket_, .events = static_cast<short>(events), .revents = 0};
    const int found = poll(&ready, 1, kPollMs);
    if (found > 0) return Status();
    if (found < 0 && errno != EINTR) return Status::Errno("poll", "the Python worker", errno);
    // The socket of a worker that has died stays open while a process that it has forked has it too. What it has answered before is read first.
    if (ended_) return Died();
    if (polls % kPollsPerLook == 0) HasEnded();
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
  std::string how = "it closed its connection";
  if (EndedWithin(kDiedGraceMs))
    how = WIFSIGNALED(*ended_) ? "signal " + std::to_string(WTERMSIG(*ended_)) : "exit code " + std::to_string(WEXITSTATUS(*ended_));
  End();
  return Status::Error(errors::kPythonWorkerDied, {{"how", how}});
}

bool PythonWorker::HasEnded() {
  if (pid_ > 0) ended_ = host_->Ended(pid_);
  if (ended_) pid_ = 0;
  return ended_.has_value();
}

bool PythonWorker::EndedWithin(int64_t grace_ms) {
  for (int64_t waited_ms = 0; pid_ > 0 && waited_ms < grace_ms; waited_ms += kEndPollMs) {
    if (HasEnded()) break;
    poll(nullptr, 0, kEndPollMs);
  }
  return ended_.has_value();
}

void PythonWorker::End() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
  if (pid_ <= 0) return;
  // It notices the closed socket between two batches; user code that runs on is cut off.
  kill(-pid_, SIGTERM);
  if (EndedWithin(kEndGraceMs)) return;
  kill(-pid_, SIGKILL);
  EndedWithin(kEndGraceMs);
  pid_ = 0;
}

}  // namespace millstream
