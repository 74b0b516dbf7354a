#include "python/python_host.h"

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
#include <map>
#include <vector>

#include "python/python_worker.h"
#include "python/worker_script.h"

extern char** environ;

namespace millstream {
namespace {

constexpr int kHostFd = 3;  // as the script has it
constexpr int kAnswerMsMax = 120'000;  // the first answer waits for pandas to be loaded
constexpr size_t kAnswerBytesMax = 512;

// What the workers need of our environment, and what they must not inherit of it.
std::vector<std::string> HostEnvironment() {
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

Result<int> SpawnHost(const std::string& python, int socket) {
  std::vector<std::string> words = {python, "-c", std::string(kWorkerScript)};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> settings = HostEnvironment();
  std::vector<char*> env;
  for (std::string& setting : settings) env.push_back(setting.data());
  env.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  // What a function prints goes where the server's log goes: its stdout is for scripts that start it.
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, socket, kHostFd);
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

struct Hosts {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<PythonHost>> by_python;
};

Hosts& AllHosts() {
  static Hosts hosts;
  return hosts;
}

uint32_t BigEndian(const char* bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace

Result<std::shared_ptr<PythonHost>> PythonHost::Of(const std::string& python) {
  Hosts& hosts = AllHosts();
  std::lock_guard lock(hosts.mutex);
  std::shared_ptr<PythonHost>& host = hosts.by_python[python];
  if (host != nullptr) return host;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return Status::Errno("socketpair", "the Python host", errno);
  // dup2 onto itself would leave close-on-exec set.
  if (ends[1] == kHostFd) {
    const int moved = fcntl(ends[1], F_DUPFD_CLOEXEC, kHostFd + 1);
    close(ends[1]);
    ends[1] = moved;
  }
  const Result<int> pid = SpawnHost(python, ends[1]);
  close(ends[1]);
  if (!pid.ok()) {
    close(ends[0]);
    return pid.status();
  }
  host.reset(new PythonHost(ends[0], *pid));
  return host;
}

void PythonHost::Forget(const std::string& python, const std::shared_ptr<PythonHost>& host) {
  Hosts& hosts = AllHosts();
  std::lock_guard lock(hosts.mutex);
  const auto found = hosts.by_python.find(python);
  if (found != hosts.by_python.end() && found->second == host) hosts.by_python.erase(found);
}

PythonHost::~PythonHost() {
  if (socket_ >= 0) close(socket_);
  kill(-pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

std::string PythonHost::Ask(const std::string& packet, int descriptor) {
  std::lock_guard lock(mutex_);
  if (socket_ < 0) return "";
  iovec text{.iov_base = const_cast<char*>(packet.data()), .iov_len = packet.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  }
  ssize_t done = 0;
  do {
    done = sendmsg(socket_, &message, MSG_NOSIGNAL);
  } while (done < 0 && errno == EINTR);
  std::string answer(kAnswerBytesMax, '\0');
  if (done >= 0) {
    pollfd ready{.fd = socket_, .events = POLLIN, .revents = 0};
    int found = 0;
    do {
      found = poll(&ready, 1, kAnswerMsMax);
    } while (found < 0 && errno == EINTR);
    done = found <= 0 ? -1 : recv(socket_, answer.data(), answer.size(), 0);
  }
  if (done <= 0) {
    // It has ended, or answers no more: later answers would be taken for those of other questions.
    close(socket_);
    socket_ = -1;
    return "";
  }
  answer.resize(static_cast<size_t>(done));
  return answer;
}

Result<std::optional<int>> PythonHost::Fork(int socket) {
  const std::string answer = Ask("F", socket);
  if (answer.size() < 4) return std::optional<int>();
  const auto pid = static_cast<int>(BigEndian(answer.data()));
  if (pid == 0)
    return Status::Error(errors::kPythonRunnerInitialization, {{"resFromPython", "-2"}, {"msg", "cannot start a Python worker: " + answer.substr(4)}});
  return std::optional<int>(pid);
}

std::optional<int> PythonHost::Ended(int pid) {
  const auto id = static_cast<uint32_t>(pid);
  const std::string answer = Ask({'W', static_cast<char>(id >> 24), static_cast<char>(id >> 16), static_cast<char>(id >> 8), static_cast<char>(id)}, -1);
  // Workers of a host that has ended are nobody's children here.
  if (answer.empty()) return kill(pid, 0) == 0 ? std::nullopt : std::optional<int>(0);
  if (answer[0] == 0 || answer.size() < 5) return std::nullopt;
  return static_cast<int>(BigEndian(answer.data() + 1));
}

}  // namespace millstream
