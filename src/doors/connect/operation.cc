#include "doors/connect/operation.h"

#include <utility>

#include "base/uuid.h"
#include "doors/connect/connect_errors.h"

namespace millstream {

namespace sc = spark::connect;

Operation::Operation(Identity identity, std::vector<std::string> tags, bool reattachable)
    : identity_(std::move(identity)), tags_(tags.begin(), tags.end()), reattachable_(reattachable) {}

void Operation::Append(sc::ExecutePlanResponse response) {
  response.set_session_id(identity_.session_id);
  response.set_server_side_session_id(identity_.server_side_session_id);
  response.set_operation_id(identity_.operation_id);
  response.set_response_id(NewUuid());
  index_by_id_[response.response_id()] = first_index_ + static_cast<int64_t>(stored_.size());
  size_t bytes = response.ByteSizeLong();
  unsent_bytes_ += bytes;
  stored_.push_back({std::make_shared<const sc::ExecutePlanResponse>(std::move(response)), bytes});
  changed_.notify_all();
}

Status Operation::Send(sc::ExecutePlanResponse response) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return state_ != State::kRunning || unsent_bytes_ <= kUnsentBytesMax; });
  if (state_ != State::kRunning) return Status::Error(errors::kCancelled);
  Append(std::move(response));
  return Status();
}

void Operation::Post(sc::ExecutePlanResponse response) {
  std::lock_guard lock(mutex_);
  if (state_ == State::kRunning && unsent_bytes_ <= kUnsentBytesMax) Append(std::move(response));
}

bool Operation::End(State state, Status error) {
  std::vector<std::function<void()>> hooks;
  {
    std::lock_guard lock(mutex_);
    if (state_ != State::kRunning) return false;
    if (state == State::kSucceeded) {
      sc::ExecutePlanResponse complete;
      complete.mutable_result_complete();
      Append(std::move(complete));
    }
    state_ = state;
    error_ = std::move(error);
    if (state == State::kCancelled) execution_.cancel->Cancel();
    hooks.swap(end_hooks_);
    changed_.notify_all();
  }
  for (const std::function<void()>& hook : hooks) hook();
  return true;
}

void Operation::Finish() { End(State::kSucceeded, Status()); }
void Operation::Fail(Status status) { End(State::kFailed, std::move(status)); }
bool Operation::Cancel() { return End(State::kCancelled, Status::Error(errors::kCancelled)); }

void Operation::OnEnd(std::function<void()> hook) {
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::kRunning) {
      end_hooks_.push_back(std::move(hook));
      return;
    }
  }
  hook();
}

int64_t Operation::Attach() {
  std::lock_guard lock(mutex_);
  attached_ = true;
  changed_.notify_all();
  return ++attachment_;
}

void Operation::Detach(int64_t attachment) {
  std::lock_guard lock(mutex_);
  if (attachment != attachment_) return;
  attached_ = false;
  detached_at_ = std::chrono::steady_clock::now();
}

Operation::Next Operation::WaitFor(int64_t index, int64_t attachment, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  auto count = [this] { return first_index_ + static_cast<int64_t>(stored_.size()); };
  changed_.wait_for(lock, timeout, [&] { return attachment != attachment_ || index < count() || state_ != State::kRunning; });
  if (attachment != attachment_) return {Next::Kind::kDisconnected, nullptr, Status()};
  if (index < first_index_)
    return {Next::Kind::kError, nullptr, Status::Error(errors::kCursorPositionNotAvailable, {{"responseId", ""}, {"index", std::to_string(index)}})};
  if (index < count()) {
    Next next{Next::Kind::kResponse, stored_[index - first_index_].response, Status()};
    while (next_unsent_ <= index) {
      size_t bytes = stored_[next_unsent_ - first_index_].bytes;
      unsent_bytes_ -= bytes;
      sent_bytes_ += bytes;
      ++next_unsent_;
    }
    // Without reattach nobody can ask again; with it, the newest answer is always kept.
    if (!reattachable_) {
      DropBefore(index);
    } else {
      while (sent_bytes_ > kRetainedBytesMax && first_index_ < index) DropBefore(first_index_ + 1);
    }
    changed_.notify_all();
    return next;
  }
  if (state_ == State::kSucceeded) return {Next::Kind::kEnd, nullptr, Status()};
  if (state_ != State::kRunning) return {Next::Kind::kError, nullptr, error_};
  return {Next::Kind::kTimeout, nullptr, Status()};
}

void Operation::DropBefore(int64_t index) {
  while (first_index_ < index && first_index_ < next_unsent_ && !stored_.empty()) {
    sent_bytes_ -= stored_.front().bytes;
    stored_.pop_front();
    ++first_index_;
  }
}

Result<int64_t> Operation::IndexAfter(const std::string& response_id) {
  std::lock_guard lock(mutex_);
  auto found = index_by_id_.find(response_id);
  if (found == index_by_id_.end()) return Status::Error(errors::kCursorPositionNotFound, {{"responseId", response_id}});
  int64_t index = found->second + 1;
  if (index < first_index_) {
    return Status::Error(errors::kCursorPositionNotAvailable, {{"responseId", response_id}, {"index", std::to_string(index)}});
  }
  return index;
}

void Operation::ReleaseUntil(const std::string& response_id) {
  std::lock_guard lock(mutex_);
  auto found = index_by_id_.find(response_id);
  if (found == index_by_id_.end()) return;
  DropBefore(found->second + 1);
}

Operation::State Operation::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

std::optional<std::chrono::steady_clock::duration> Operation::DetachedFor() const {
  std::lock_guard lock(mutex_);
  if (attached_) return std::nullopt;
  return std::chrono::steady_clock::now() - detached_at_;
}

}  // namespace millstream
