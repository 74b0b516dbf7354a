#include "doors/cli/signals.h"

#include <unistd.h>

#include <csignal>
#include <ctime>
#include <thread>

namespace millstream {

namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

void BlockStopSignals() {
  sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A client or pipe that has gone is an error of that write, not the end of the server.
  std::signal(SIGPIPE, SIG_IGN);
}

int NextStopSignal() {
  sigset_t signals = StopSignals();
  int number = 0;
  while (sigwait(&signals, &number) != 0) {
  }
  return number;
}

void EndAtNextSignalOrAfter(int seconds) {
  std::thread([seconds] {
    sigset_t signals = StopSignals();
    timespec limit{seconds, 0};
    sigtimedwait(&signals, nullptr, &limit);
    _exit(130);
  }).detach();
}

}  // namespace millstream
