#include "storage/failpoint.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <map>
#include <mutex>

#include "base/option_table.h"

namespace millstream {

const std::vector<std::string_view>& AllFailpoints() {
  // One name a line, grouped by room, in the order in which a batch passes them.
  static const std::vector<std::string_view> names = {
      // connectors/files: what Auto Loader knows of schemas and files
      "files.schema.before_sync",
      "files.schema.before_link",
      "files.schema.after_link",
      "files.schema.after_dirsync",
      "files.schema_revert.before_sync",
      "files.schema_revert.before_link",
      "files.schema_revert.after_link",
      "files.schema_revert.after_dirsync",
      "files.ledger.before_write",
      "files.ledger.after_write",
      "files.ledger.before_sync",
      "files.ledger.after_sync",
      "files.copy_state.before_sync",
      "files.copy_state.before_link",
      "files.copy_state.after_link",
      "files.copy_state.after_dirsync",
      "files.bad_records.before_sync",
      "files.bad_records.before_link",
      "files.bad_records.after_link",
      "files.bad_records.after_dirsync",
      "files.known.before_sweep",
      "files.known.after_sync",
      "files.clean.before_remove",
      "files.clean.after_remove",
      "files.clean.after_note",
      "files.forget.after_note",
      "files.forget.after_write",
      "files.request.before_publish",
      "files.request.after_publish",
      "files.request.after_dirsync",
      "files.request.after_change",
      "files.request.after_taken",
      "files.request.before_remove",
      "files.request.after_remove",
      "files.part.after_sync",
      "files.retry.before_defer",
      "files.retry.after_defer",
      "files.retry.after_trial",
      "files.source_log.before_sync",
      "files.source_log.before_link",
      "files.source_log.after_link",
      "files.source_log.after_dirsync",
      "files.sink_data.before_publish",
      "files.sink_data.after_publish",
      "files.sink_log.before_sync",
      "files.sink_log.before_link",
      "files.sink_log.after_link",
      "files.sink_log.after_dirsync",
      // streaming: the query's id, once; then each batch
      "stream.metadata.before_sync",
      "stream.metadata.before_link",
      "stream.metadata.after_link",
      "stream.metadata.after_dirsync",
      "stream.offsets.before_sync",
      "stream.offsets.before_link",
      "stream.offsets.after_link",
      "stream.offsets.after_dirsync",
      "stream.before_sink",
      "stream.after_sink",
      // streaming/state: what a query with state remembers, after the sink and before the commit log; then snapshots
      "state.changes.before_sync",
      "state.changes.before_link",
      "state.changes.after_link",
      "state.changes.after_dirsync",
      "state.run.before_publish",
      "state.run.after_publish",
      "state.snapshot.before_sync",
      "state.snapshot.before_link",
      "state.snapshot.after_link",
      "state.snapshot.after_dirsync",
      "state.purge.before",
      "stream.commits.before_sync",
      "stream.commits.before_link",
      "stream.commits.after_link",
      "stream.commits.after_dirsync",
      "stream.source_commit.before",
      "stream.source_commit.after",
      "stream.purge.before",
      // connectors/rate: the moment of the first start
      "rate.start.before_sync",
      "rate.start.before_link",
      "rate.start.after_link",
      "rate.start.after_dirsync",
      // session: databases and external tables
      "session.catalog.before_sync",
      "session.catalog.before_link",
      "session.catalog.after_link",
      "session.catalog.after_dirsync",
      // connectors/delta: where a stream that starts at a time has begun
      "delta.stream_start.before_sync",
      "delta.stream_start.before_link",
      "delta.stream_start.after_link",
      "delta.stream_start.after_dirsync",
      // session: the bad records of a load, between its rows and the commit that has them; then their retry
      "quarantine.before_keep",
      "quarantine.after_keep",
      "quarantine.retry.before_mark",
      "quarantine.retry.after_mark",
      "quarantine.retry.after_load",
      // delta: data files, then the commit that names them, then what maintenance adds
      "delta.data.before_publish",
      "delta.data.after_publish",
      "delta.register.before_publish",
      "delta.register.after_publish",
      "delta.register.after_dirsync",
      "delta.vector.before_sync",
      "delta.vector.before_link",
      "delta.vector.after_link",
      "delta.vector.after_dirsync",
      "delta.commit.before_sync",
      "delta.commit.before_link",
      "delta.commit.after_link",
      "delta.commit.after_dirsync",
      "delta.checkpoint.before_publish",
      "delta.checkpoint.after_publish",
      "delta.checkpoint.before_hint",
      "delta.checkpoint.after_hint",
      "delta.crc.before_publish",
      "delta.crc.after_publish",
      // storage: a test file of the unit tests
      "test.before_sync",
      "test.before_link",
      "test.after_link",
      "test.after_dirsync",
  };
  return names;
}

namespace failpoint_internal {

std::atomic<bool> armed{false};

namespace {

struct Action {
  enum class Kind { kKill, kError, kSleep } kind = Kind::kKill;
  int argument = 0;  // errno, or milliseconds
  int64_t nth = 0;   // 0: every time
  int64_t seen = 0;
};

struct Armed {
  std::mutex mutex;
  std::map<std::string, Action, std::less<>> actions;  // GUARDED_BY(mutex)
};

Armed& TheArmed() {
  static Armed armed_actions;
  return armed_actions;
}

std::optional<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Status ArmOne(std::string_view text) {
  Status bad = Status::IllegalArgument(
      fmt::format("MILLSTREAM_FAILPOINTS: cannot read '{}'; write name=kill, name=error:ERRNO or name=sleep:MS, each with @N for the N-th time", text));
  size_t equals = text.find('=');
  if (equals == std::string_view::npos) return bad;
  std::string name(text.substr(0, equals));
  std::string_view what = text.substr(equals + 1);
  Action action;
  if (size_t at = what.find('@'); at != std::string_view::npos) {
    std::optional<int64_t> nth = Number(what.substr(at + 1));
    if (!nth || *nth < 1) return bad;
    action.nth = *nth;
    what = what.substr(0, at);
  }
  if (what == "kill") {
    action.kind = Action::Kind::kKill;
  } else if (what.starts_with("error:") || what.starts_with("sleep:")) {
    std::optional<int64_t> argument = Number(what.substr(6));
    if (!argument) return bad;
    action.kind = what.starts_with("error:") ? Action::Kind::kError : Action::Kind::kSleep;
    action.argument = static_cast<int>(*argument);
  } else {
    return bad;
  }
  const auto& all = AllFailpoints();
  if (std::find(all.begin(), all.end(), name) == all.end()) {
    std::vector<std::string> names(all.begin(), all.end());
    std::optional<std::string> meant = DidYouMean(name, names);
    return Status::IllegalArgument(fmt::format("MILLSTREAM_FAILPOINTS: there is no failpoint '{}'.{}", name, meant ? " Did you mean '" + *meant + "'?" : ""));
  }
  std::lock_guard lock(TheArmed().mutex);
  TheArmed().actions[name] = action;
  armed.store(true);
  return Status();
}

}  // namespace

Status Hit(std::string_view name) {
  const auto& all = AllFailpoints();
  MS_CHECK_MSG(std::find(all.begin(), all.end(), name) != all.end(), std::string(name) + " is missing in failpoint.cc's table");
  Action action;
  {
    std::lock_guard lock(TheArmed().mutex);
    auto found = TheArmed().actions.find(name);
    if (found == TheArmed().actions.end()) return Status();
    ++found->second.seen;
    if (found->second.nth != 0 && found->second.seen != found->second.nth) return Status();
    action = found->second;
  }
  switch (action.kind) {
    case Action::Kind::kKill:
      ::kill(::getpid(), SIGKILL);
      ::pause();
      return Status();
    case Action::Kind::kError:
      return Status::Errno("failpoint", name, action.argument);
    case Action::Kind::kSleep: {
      timespec time{action.argument / 1000, (action.argument % 1000) * 1000000L};
      ::nanosleep(&time, nullptr);
      return Status();
    }
  }
  return Status();
}

}  // namespace failpoint_internal

Status ArmFailpoints(std::string_view specification) {
  {
    std::lock_guard lock(failpoint_internal::TheArmed().mutex);
    failpoint_internal::TheArmed().actions.clear();
    failpoint_internal::armed.store(false);
  }
  while (!specification.empty()) {
    size_t comma = specification.find(',');
    MS_RETURN_IF_ERROR(failpoint_internal::ArmOne(specification.substr(0, comma)));
    specification = comma == std::string_view::npos ? std::string_view() : specification.substr(comma + 1);
  }
  return Status();
}

Status ArmFailpointsFromEnvironment() {
  const char* specification = std::getenv("MILLSTREAM_FAILPOINTS");
  return specification == nullptr ? Status() : ArmFailpoints(specification);
}

}  // namespace millstream
