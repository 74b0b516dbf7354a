#include "doors/connect/connect_session.h"

#include <fmt/format.h>

#include <cctype>
#include <chrono>

#include "base/clock.h"
#include "base/uuid.h"
#include "doors/connect/connect_errors.h"

namespace millstream {

namespace {
int64_t NowMs() { return Clock::System().MonotonicMicros() / 1000; }
constexpr auto kDetachedMax = std::chrono::minutes(5);
}  // namespace

ConnectSession::ConnectSession(std::string user_id, std::string session_id, std::shared_ptr<Session> session, std::shared_ptr<const std::atomic<int>> port)
    : user_id_(std::move(user_id)),
      session_id_(std::move(session_id)),
      server_side_id_(NewUuid()),
      session_(std::move(session)),
      port_(std::move(port)),
      last_used_ms_(NowMs()) {}

void ConnectSession::Touch() { last_used_ms_.store(NowMs()); }
int64_t ConnectSession::idle_ms() const { return NowMs() - last_used_ms_.load(); }

Result<OperationPtr> ConnectSession::NewOperation(const std::string& operation_id, std::vector<std::string> tags, bool reattachable) {
  if (!operation_id.empty() && !IsUuid(operation_id)) return Status::Error(errors::kHandleFormat, {{"handle", operation_id}});
  std::string id = operation_id.empty() ? NewUuid() : operation_id;
  auto operation = std::make_shared<Operation>(Operation::Identity{session_id_, server_side_id_, id}, std::move(tags), reattachable);
  std::lock_guard lock(mutex_);
  if (ended_.count(id)) return Status::Error(errors::kOperationAbandoned, {{"handle", id}});
  if (!operations_.emplace(id, operation).second) return Status::Error(errors::kOperationAlreadyExists, {{"handle", id}});
  return operation;
}

Result<OperationPtr> ConnectSession::FindOperation(const std::string& operation_id) {
  if (!IsUuid(operation_id)) return Status::Error(errors::kHandleFormat, {{"handle", operation_id}});
  std::lock_guard lock(mutex_);
  auto found = operations_.find(operation_id);
  if (found != operations_.end()) return found->second;
  return Status::Error(ended_.count(operation_id) ? errors::kOperationAbandoned : errors::kOperationNotFound, {{"handle", operation_id}});
}

OperationPtr ConnectSession::FindOperationOrNull(const std::string& operation_id) {
  std::lock_guard lock(mutex_);
  auto found = operations_.find(operation_id);
  return found == operations_.end() ? nullptr : found->second;
}

void ConnectSession::RemoveOperation(const std::string& operation_id) {
  OperationPtr removed;
  {
    std::lock_guard lock(mutex_);
    auto found = operations_.find(operation_id);
    if (found == operations_.end()) return;
    removed = std::move(found->second);
    operations_.erase(found);
    ended_.emplace(operation_id, true);
    ended_order_.push_back(operation_id);
    if (ended_order_.size() > kEndedOperationsMax) {
      ended_.erase(ended_order_.front());
      ended_order_.pop_front();
    }
  }
  removed->Cancel();
}

std::vector<std::string> ConnectSession::Interrupt(const std::function<bool(const Operation&)>& which) {
  std::vector<OperationPtr> chosen;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, operation] : operations_) {
      // Events must go on reaching the client's listeners.
      if (operation != listener_bus_ && which(*operation)) chosen.push_back(operation);
    }
  }
  std::vector<std::string> ids;
  for (const OperationPtr& operation : chosen) {
    if (operation->Cancel()) ids.push_back(operation->id());
  }
  return ids;
}

void ConnectSession::DropDetachedOperations() {
  std::vector<std::string> dropped;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, operation] : operations_) {
      auto detached = operation->DetachedFor();
      if (detached && *detached > kDetachedMax) dropped.push_back(id);
    }
  }
  for (const std::string& id : dropped) RemoveOperation(id);
}

bool ConnectSession::HasRunningOperation() {
  std::lock_guard lock(mutex_);
  for (const auto& [id, operation] : operations_) {
    if (operation->state() == Operation::State::kRunning) return true;
  }
  return false;
}

std::string ConnectSession::RememberError(const Status& status) {
  std::string id = NewUuid();
  std::lock_guard lock(mutex_);
  errors_.emplace_back(id, status);
  if (errors_.size() > kErrorsMax) errors_.pop_front();
  return id;
}

std::optional<Status> ConnectSession::FindError(const std::string& error_id) {
  std::lock_guard lock(mutex_);
  for (const auto& [id, status] : errors_) {
    if (id == error_id) return status;
  }
  return std::nullopt;
}

bool ConnectSession::HasArtifact(const std::string& name) { return FindArtifact(name) != nullptr; }

Status ConnectSession::PutArtifact(const std::string& name, std::string bytes) {
  std::lock_guard lock(mutex_);
  auto& slot = artifacts_[name];
  int64_t before = slot ? static_cast<int64_t>(slot->size()) : 0;
  int64_t after = artifact_bytes_ - before + static_cast<int64_t>(bytes.size());
  if (after > kArtifactBytesMax) {
    if (!slot) artifacts_.erase(name);
    return Status::IllegalArgument("The session's cached data would exceed " + std::to_string(kArtifactBytesMax) + " bytes.");
  }
  artifact_bytes_ = after;
  slot = std::make_shared<const std::string>(std::move(bytes));
  return Status();
}

std::shared_ptr<const std::string> ConnectSession::FindArtifact(const std::string& name) {
  std::lock_guard lock(mutex_);
  auto found = artifacts_.find(name);
  return found == artifacts_.end() ? nullptr : found->second;
}

void ConnectSession::PutRelation(const std::string& id, PlanPtr plan) {
  std::lock_guard lock(mutex_);
  relations_[id] = std::move(plan);
}

PlanPtr ConnectSession::FindRelation(const std::string& id) {
  std::lock_guard lock(mutex_);
  auto found = relations_.find(id);
  return found == relations_.end() ? nullptr : found->second;
}

void ConnectSession::RemoveRelation(const std::string& id) {
  std::lock_guard lock(mutex_);
  relations_.erase(id);
}

void ConnectSession::SetBatchWrites(const std::string& token, std::shared_ptr<BatchWrites> writes) {
  std::lock_guard lock(mutex_);
  if (writes == nullptr) {
    batch_writes_.erase(token);
  } else {
    batch_writes_[token] = std::move(writes);
  }
}

std::shared_ptr<BatchWrites> ConnectSession::FindBatchWrites(const std::string& token) {
  std::lock_guard lock(mutex_);
  auto found = batch_writes_.find(token);
  return found == batch_writes_.end() ? nullptr : found->second;
}

std::string ConnectSession::local_url() const {
  std::string user;
  for (unsigned char byte : user_id_) user += std::isalnum(byte) ? std::string(1, static_cast<char>(byte)) : fmt::format("%{:02X}", byte);
  return fmt::format("sc://localhost:{}/;{}session_id={}", port_->load(), user.empty() ? "" : "user_id=" + user + ";", session_id_);
}

OperationPtr ConnectSession::ReplaceListenerBus(OperationPtr operation) {
  std::lock_guard lock(mutex_);
  std::swap(listener_bus_, operation);
  return operation;
}

OperationPtr ConnectSession::listener_bus() {
  std::lock_guard lock(mutex_);
  return listener_bus_;
}

void ConnectSession::Close() {
  std::unordered_map<std::string, OperationPtr> operations;
  {
    std::lock_guard lock(mutex_);
    operations.swap(operations_);
    artifacts_.clear();
    artifact_bytes_ = 0;
    listener_bus_ = nullptr;
  }
  for (const auto& [id, operation] : operations) operation->Cancel();
  session_->StopAllQueries();
}

Result<ConnectSessionPtr> SessionRegistry::GetOrCreate(const std::string& user_id, const std::string& session_id, const std::string& observed) {
  if (!IsUuid(session_id)) return Status::Error(errors::kHandleFormat, {{"handle", session_id}});
  std::lock_guard lock(mutex_);
  Key key(user_id, session_id);
  auto found = sessions_.find(key);
  if (found == sessions_.end()) {
    if (closed_.count(key)) return Status::Error(errors::kSessionClosed, {{"handle", session_id}});
    if (!observed.empty()) return Status::Error(errors::kSessionChanged, {{"handle", session_id}});
    if (sessions_.size() >= kSessionsMax) return Status::IllegalArgument("The server has too many sessions open: stop some with spark.stop().");
    found = sessions_.emplace(key, std::make_shared<ConnectSession>(user_id, session_id, engine_.NewSession(user_id), port_)).first;
  } else if (!observed.empty() && observed != found->second->server_side_id()) {
    return Status::Error(errors::kSessionChanged, {{"handle", session_id}});
  }
  found->second->Touch();
  return found->second;
}

ConnectSessionPtr SessionRegistry::Find(const std::string& user_id, const std::string& session_id) {
  std::lock_guard lock(mutex_);
  auto found = sessions_.find({user_id, session_id});
  return found == sessions_.end() ? nullptr : found->second;
}

Result<ConnectSessionPtr> SessionRegistry::Clone(ConnectSession& from, const std::string& new_session_id) {
  std::string id = new_session_id.empty() ? NewUuid() : new_session_id;
  if (Find(from.user_id(), id)) return Status::Error(errors::kInvalidClone, {{"targetSessionId", id}});
  MS_ASSIGN_OR_RETURN(ConnectSessionPtr clone, GetOrCreate(from.user_id(), id, ""));
  for (const auto& [key, value] : from.session().AllConf()) (void)clone->session().SetConf(key, value);
  MS_RETURN_IF_ERROR(clone->session().SetCurrentDatabase(from.session().current_database()));
  return clone;
}

void SessionRegistry::Release(const std::string& user_id, const std::string& session_id, bool allow_reconnect) {
  ConnectSessionPtr session;
  {
    std::lock_guard lock(mutex_);
    Key key(user_id, session_id);
    auto found = sessions_.find(key);
    if (found != sessions_.end()) {
      session = found->second;
      sessions_.erase(found);
    }
    if (!allow_reconnect && closed_.emplace(key, true).second) {
      closed_order_.push_back(key);
      if (closed_order_.size() > kSessionsMax) {
        closed_.erase(closed_order_.front());
        closed_order_.pop_front();
      }
    }
  }
  if (session) session->Close();
}

void SessionRegistry::DropIdle() {
  for (const ConnectSessionPtr& session : All()) {
    session->DropDetachedOperations();
    // A session whose streams run is in use, whether or not its client looks.
    if (session->idle_ms() > kIdleMsMax && !session->HasRunningOperation() && session->session().ActiveQueries().empty()) {
      Release(session->user_id(), session->session_id(), false);
    }
  }
}

void SessionRegistry::CloseAll() {
  std::map<Key, ConnectSessionPtr> sessions;
  {
    std::lock_guard lock(mutex_);
    sessions.swap(sessions_);
  }
  for (const auto& [key, session] : sessions) session->Close();
}

std::vector<ConnectSessionPtr> SessionRegistry::All() {
  std::lock_guard lock(mutex_);
  std::vector<ConnectSessionPtr> all;
  for (const auto& [key, session] : sessions_) all.push_back(session);
  return all;
}

}  // namespace millstream
