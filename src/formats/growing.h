#pragma once

// growing.h   An array that grows at its end and becomes an Arrow buffer without a copy.

#include <arrow/buffer.h>
#include <arrow/memory_pool.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/status.h"

namespace millstream {

// T is trivially copyable. Running out of memory ends the process, as it does for any small allocation.
template <typename T>
class Growing {
 public:
  int64_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](int64_t index) { return data_[index]; }
  const T& operator[](int64_t index) const { return data_[index]; }

  // Room for `more` further elements: UncheckedEnd() may be written that far, then AdvanceBy.
  void Reserve(int64_t more) {
    if (size_ + more > capacity_) [[unlikely]]
      Grow(more);
  }
  T* UncheckedEnd() { return data_ + size_; }
  void AdvanceBy(int64_t count) { size_ += count; }
  void Append(T value) {
    Reserve(1);
    data_[size_++] = value;
  }
  void AppendAll(const T* values, int64_t count) {
    Reserve(count);
    if (count > 0) std::memcpy(data_ + size_, values, static_cast<size_t>(count) * sizeof(T));
    size_ += count;
  }
  void AppendCopies(T value, int64_t count) {
    Reserve(count);
    std::fill_n(data_ + size_, count, value);
    size_ += count;
  }
  void Truncate(int64_t size) { size_ = size; }

  // Hands the elements out; empty afterwards.
  std::shared_ptr<arrow::Buffer> Finish() {
    if (!buffer_) Grow(1);
    std::shared_ptr<arrow::ResizableBuffer> out = std::move(buffer_);
    MS_CHECK(out->Resize(size_ * static_cast<int64_t>(sizeof(T)), /*shrink_to_fit=*/false).ok());
    last_size_ = size_;
    data_ = nullptr;
    size_ = capacity_ = 0;
    return out;
  }

 private:
  void Grow(int64_t more) {
    // The next round most likely needs what the last one did.
    int64_t wanted = std::max({size_ + more, size_ * 2, buffer_ ? int64_t{0} : last_size_ + last_size_ / 16, int64_t{64}});
    int64_t bytes = wanted * static_cast<int64_t>(sizeof(T));
    if (!buffer_) {
      auto made = arrow::AllocateResizableBuffer(bytes);
      MS_CHECK_MSG(made.ok(), made.status().ToString());
      buffer_ = std::move(made).ValueUnsafe();
    } else {
      // Resize copies the buffer's size, so that must cover what is written.
      auto status = buffer_->Resize(bytes, false);
      MS_CHECK_MSG(status.ok(), status.ToString());
    }
    data_ = reinterpret_cast<T*>(buffer_->mutable_data());
    capacity_ = buffer_->capacity() / static_cast<int64_t>(sizeof(T));
    if (buffer_->size() < capacity_ * static_cast<int64_t>(sizeof(T))) {
      MS_CHECK(buffer_->Resize(capacity_ * static_cast<int64_t>(sizeof(T)), false).ok());
    }
  }

  std::shared_ptr<arrow::ResizableBuffer> buffer_;
  T* data_ = nullptr;
  int64_t size_ = 0;
  int64_t capacity_ = 0;
  int64_t last_size_ = 0;
};

}  // namespace millstream
