#pragma once

// library_session.h   What the classes of include/millstream/millstream.h share: one session, and how an error of ours becomes the caller's exception.

#include <memory>
#include <utility>

#include "millstream/millstream.h"
#include "session/session.h"

namespace millstream::sql {

struct SessionState {
  // The session goes first: it belongs to the engine.
  std::shared_ptr<Engine> engine;
  std::shared_ptr<Session> session;
};

// Throws what `status` says; returns when it is ok.
void ThrowIfError(const Status& status);
template <typename T>
T ValueOrThrow(Result<T> result) {
  ThrowIfError(result.status());
  return std::move(result).value();
}

}  // namespace millstream::sql
