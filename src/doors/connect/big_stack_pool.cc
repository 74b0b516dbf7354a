#include "doors/connect/big_stack_pool.h"

#include <utility>

namespace millstream {

BigStackPool::~BigStackPool() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
  ended_.wait(lock, [this] { return threads_ == 0; });
}

Status BigStackPool::Submit(std::function<void()> task) {
  std::unique_lock lock(mutex_);
  if (tasks_.size() < idle_) {
    tasks_.push_back(std::move(task));
    wake_.notify_one();
    return Status();
  }
  if (threads_ >= kThreadsMax) return Status::IllegalArgument("Too many requests run at the same time.");
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  tasks_.push_back(std::move(task));
  pthread_t thread;
  int failed = pthread_create(&thread, &attributes, &BigStackPool::Loop, this);
  pthread_attr_destroy(&attributes);
  if (failed != 0) {
    tasks_.pop_back();
    return Status::Errno("pthread_create", "thread", failed);
  }
  ++threads_;
  return Status();
}

Status BigStackPool::Run(const std::function<void()>& task) {
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  MS_RETURN_IF_ERROR(Submit([&] {
    task();
    std::lock_guard lock(mutex);
    done = true;
    finished.notify_one();
  }));
  std::unique_lock lock(mutex);
  finished.wait(lock, [&] { return done; });
  return Status();
}

void* BigStackPool::Loop(void* pool) {
  static_cast<BigStackPool*>(pool)->Work();
  return nullptr;
}

void BigStackPool::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    while (!tasks_.empty()) {
      std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      task = nullptr;
      lock.lock();
    }
    if (stopping_ || idle_ >= kIdleThreadsMax) break;
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    --idle_;
  }
  --threads_;
  ended_.notify_all();
}

}  // namespace millstream
