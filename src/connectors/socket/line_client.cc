#include "connectors/socket/line_client.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace millstream {
namespace {

constexpr size_t kLineBytesMax = 64 << 20;

}  // namespace

Result<std::unique_ptr<LineClient>> LineClient::Connect(const std::string& host, int port, Clock& clock) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0)
    return Status::IllegalArgument("The socket source cannot find " + host + ": " + ::gai_strerror(error));
  int failure = 0, connected = -1;
  for (addrinfo* address = found; address != nullptr && connected < 0; address = address->ai_next) {
    const int handle = ::socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);
    if (handle < 0) {
      failure = errno;
    } else if (::connect(handle, address->ai_addr, address->ai_addrlen) == 0) {
      connected = handle;
    } else {
      failure = errno;
      ::close(handle);
    }
  }
  ::freeaddrinfo(found);
  if (connected < 0) return Status::IllegalArgument("The socket source cannot connect to " + host + ":" + std::to_string(port) + ": " + std::strerror(failure));
  return std::unique_ptr<LineClient>(new LineClient(connected, clock));
}

LineClient::LineClient(int socket, Clock& clock) : socket_(socket), clock_(clock), reader_([this] { Read(); }) {}

LineClient::~LineClient() {
  ::shutdown(socket_, SHUT_RDWR);
  reader_.join();
  ::close(socket_);
}

void LineClient::Read() {
  std::string open;
  bool after_return = false;
  std::vector<char> bytes(64 << 10);
  for (;;) {
    const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (ssize_t i = 0; i < got; ++i) {
      const char c = bytes[static_cast<size_t>(i)];
      const bool second_half = c == '\n' && after_return;
      after_return = c == '\r';
      if (second_half) continue;
      if (c == '\n' || c == '\r' || open.size() >= kLineBytesMax) {
        Append(std::exchange(open, {}));
      } else {
        open += c;
      }
    }
  }
  if (!open.empty()) Append(std::move(open));
}

void LineClient::Append(std::string line) {
  std::lock_guard lock(mutex_);
  lines_.push_back({std::move(line), clock_.WallMillis()});
}

int64_t LineClient::count() const {
  std::lock_guard lock(mutex_);
  return released_ + static_cast<int64_t>(lines_.size());
}

std::vector<ReceivedLine> LineClient::Lines(int64_t from, int64_t to) const {
  std::lock_guard lock(mutex_);
  const int64_t first = std::max<int64_t>(from - released_, 0), end = std::min<int64_t>(to - released_, static_cast<int64_t>(lines_.size()));
  if (first >= end) return {};
  return {lines_.begin() + first, lines_.begin() + end};
}

void LineClient::Release(int64_t to) {
  std::lock_guard lock(mutex_);
  const int64_t count = std::clamp<int64_t>(to - released_, 0, static_cast<int64_t>(lines_.size()));
  lines_.erase(lines_.begin(), lines_.begin() + count);
  released_ += count;
}

}  // namespace millstream
