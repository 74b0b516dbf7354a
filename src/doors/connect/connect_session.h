#pragma once

// connect_session.h   A client's session as the door sees it: the engine's Session plus what only the protocol knows of.

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "doors/connect/operation.h"
#include "session/session.h"

namespace millstream {

// The header in which a foreachBatch worker's calls carry its token.
inline constexpr char kBatchMetadata[] = "x-millstream-batch";

// Thread-safe.
class ConnectSession : public std::enable_shared_from_this<ConnectSession> {
 public:
  // Ids of ended operations that are remembered, so that a late reattach is told that they are gone.
  static constexpr size_t kEndedOperationsMax = 10000;
  static constexpr size_t kErrorsMax = 200;
  // What AddArtifacts may leave in memory.
  static constexpr int64_t kArtifactBytesMax = int64_t{4} << 30;

  ConnectSession(std::string user_id, std::string session_id, std::shared_ptr<Session> session, std::shared_ptr<const std::atomic<int>> port);

  const std::string& user_id() const { return user_id_; }
  const std::string& session_id() const { return session_id_; }
  const std::string& server_side_id() const { return server_side_id_; }
  Session& session() { return *session_; }

  void Touch();
  int64_t idle_ms() const;

  // ---- operations
  Result<OperationPtr> NewOperation(const std::string& operation_id, std::vector<std::string> tags, bool reattachable);
  Result<OperationPtr> FindOperation(const std::string& operation_id);
  // nullptr when there is none: releasing twice is fine.
  OperationPtr FindOperationOrNull(const std::string& operation_id);
  void RemoveOperation(const std::string& operation_id);
  // Cancels those for which `which` holds; their ids.
  std::vector<std::string> Interrupt(const std::function<bool(const Operation&)>& which);
  // Gives up on operations whose client has been away for five minutes.
  void DropDetachedOperations();
  bool HasRunningOperation();

  // ---- errors, for FetchErrorDetails
  std::string RememberError(const Status& status);
  std::optional<Status> FindError(const std::string& error_id);

  // ---- artifacts: "cache/<sha256>" → bytes
  bool HasArtifact(const std::string& name);
  Status PutArtifact(const std::string& name, std::string bytes);
  std::shared_ptr<const std::string> FindArtifact(const std::string& name);

  // ---- relations that exist on the server only (CachedRemoteRelation): the batch of a running foreachBatch function
  void PutRelation(const std::string& id, PlanPtr plan);
  PlanPtr FindRelation(const std::string& id);  // nullptr: none
  void RemoveRelation(const std::string& id);
  // The batch that the worker with this token is running; null: none.
  void SetBatchWrites(const std::string& token, std::shared_ptr<BatchWrites> writes);
  std::shared_ptr<BatchWrites> FindBatchWrites(const std::string& token);
  // Where a worker on this machine reaches this session: "sc://localhost:15002/;user_id=…;session_id=…".
  std::string local_url() const;

  // ---- the listener bus: at most one operation carries the session's stream events to the client
  OperationPtr ReplaceListenerBus(OperationPtr operation);
  OperationPtr listener_bus();
  // Clock::MonotonicMicros: events are for the client from then on (RunStreamStart).
  std::shared_ptr<std::atomic<int64_t>> events_from_us() const { return events_from_us_; }

  // Ends everything: operations and streams.
  void Close();

 private:
  const std::string user_id_, session_id_, server_side_id_;
  const std::shared_ptr<Session> session_;
  const std::shared_ptr<const std::atomic<int>> port_;
  std::atomic<int64_t> last_used_ms_;

  std::mutex mutex_;
  // All below are guarded by mutex_.
  std::unordered_map<std::string, OperationPtr> operations_;
  std::unordered_map<std::string, bool> ended_;
  std::deque<std::string> ended_order_;
  std::deque<std::pair<std::string, Status>> errors_;
  std::map<std::string, std::shared_ptr<const std::string>> artifacts_;
  int64_t artifact_bytes_ = 0;
  std::map<std::string, PlanPtr> relations_;
  std::map<std::string, std::shared_ptr<BatchWrites>> batch_writes_;
  OperationPtr listener_bus_;
  const std::shared_ptr<std::atomic<int64_t>> events_from_us_ = std::make_shared<std::atomic<int64_t>>(0);
};

using ConnectSessionPtr = std::shared_ptr<ConnectSession>;

// All sessions of the server, by (user id, session id). Thread-safe.
class SessionRegistry {
 public:
  static constexpr int64_t kIdleMsMax = 60 * 60 * 1000;
  static constexpr size_t kSessionsMax = 10000;

  explicit SessionRegistry(Engine& engine) : engine_(engine) {}

  // Made when it does not exist yet. `observed`: the server-side id that the client has seen, or empty.
  Result<ConnectSessionPtr> GetOrCreate(const std::string& user_id, const std::string& session_id, const std::string& observed);
  // nullptr: no such session.
  ConnectSessionPtr Find(const std::string& user_id, const std::string& session_id);
  Result<ConnectSessionPtr> Clone(ConnectSession& from, const std::string& new_session_id);
  // Later use of the ids is SESSION_CLOSED, unless the client may come back.
  void Release(const std::string& user_id, const std::string& session_id, bool allow_reconnect);
  void DropIdle();
  // Where the server listens; sessions ask when they need it.
  void SetPort(int port) { port_->store(port); }
  void CloseAll();
  std::vector<ConnectSessionPtr> All();

 private:
  using Key = std::pair<std::string, std::string>;
  Engine& engine_;
  const std::shared_ptr<std::atomic<int>> port_ = std::make_shared<std::atomic<int>>(0);
  std::mutex mutex_;
  std::map<Key, ConnectSessionPtr> sessions_;
  std::map<Key, bool> closed_;
  std::deque<Key> closed_order_;
};

}  // namespace millstream
