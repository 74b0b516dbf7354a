#pragma once

// signals.h   SIGINT and SIGTERM, taken by one thread instead of a handler.

namespace millstream {

// Before any thread starts: all threads leave these signals to NextStopSignal.
void BlockStopSignals();
// Waits for SIGINT or SIGTERM; its number.
int NextStopSignal();
// From now on, one more of them, or `seconds` without an end, ends the process at once.
void EndAtNextSignalOrAfter(int seconds);

}  // namespace millstream
