#pragma once

// status.h   Why something failed, in words that its reader can act on. Success is a null pointer.
//
//   Result<Schema> InferSchema(...) {
//     MS_ASSIGN_OR_RETURN(std::string bytes, fs.ReadFile(path));
//     if (bytes.empty()) return Status::Error(errors::kPathNotFound, {{"path", path}});
//     ...
//   }
//
// The user's fault, and the world's, is a Status. Ours is an MS_CHECK, which stays on in release.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error_class.h"

namespace millstream {

using ErrorParams = std::map<std::string, std::string, std::less<>>;

class [[nodiscard]] Status {
 public:
  Status() = default;
  static Status Ok() { return Status(); }
  // Fills the <placeholders> of error_class.text from params.
  static Status Error(const ErrorClass& error_class, ErrorParams params = {});
  // A failed system call: `operation` ("fsync") on `path` with this errno.
  static Status Errno(std::string_view operation, std::string_view path, int error_number);
  // Our own fault, where going on is safe: INTERNAL_ERROR.
  static Status Internal(std::string message);
  // Not built yet: names the feature and what to do instead.
  static Status Unsupported(std::string feature, std::string hint = "");
  // java.lang.IllegalArgumentException with this text.
  static Status IllegalArgument(std::string message);

  bool ok() const { return rep_ == nullptr; }
  // All below: only for a Status that is not ok.
  const ErrorClass& error_class() const;
  bool Is(const ErrorClass& error_class) const { return rep_ && this->error_class().name == error_class.name; }
  const ErrorParams& params() const;
  // "[CLASS] text SQLSTATE: nnnnn", then one line for each While.
  std::string message() const;
  // The text alone: no class, no SQLSTATE.
  const std::string& text() const;
  // errno of a failed system call, else 0.
  int error_number() const;
  // True: the same call may succeed later, unchanged.
  bool retryable() const;
  Status Retryable() &&;
  // Adds what was being done: "while reading /in/a.json at byte 512".
  Status While(std::string doing) &&;
  const std::vector<std::string>& context() const;
  // Follows the SQLSTATE directly: where in the user's text, " (line 1, pos 9)\n\n== SQL ==\n…" or "; line 1 pos 7".
  Status Where(std::string where) &&;

 private:
  struct Rep;
  std::shared_ptr<const Rep> rep_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::in_place_index<1>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Status status);                                                // NOLINT: implicit on purpose
  template <typename U>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::decay_t<U>, Result<T>> && !std::is_same_v<std::decay_t<U>, Status> &&
           !std::is_same_v<std::decay_t<U>, T>) Result(U&& value)
      : held_(std::in_place_index<1>, std::forward<U>(value)) {}  // NOLINT: implicit on purpose

  bool ok() const { return held_.index() == 1; }
  Status status() const { return ok() ? Status() : std::get<0>(held_); }
  T& value() &;
  const T& value() const&;
  T&& value() &&;
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<Status, T> held_;
};

// Ends the process: a broken promise of our own.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, const std::string& detail);

template <typename T>
Result<T>::Result(Status status) : held_(std::in_place_index<0>, std::move(status)) {
  if (std::get<0>(held_).ok()) CheckFailed(__FILE__, __LINE__, "!status.ok()", "a Result without a value needs an error");
}
template <typename T>
T& Result<T>::value() & {
  if (!ok()) CheckFailed(__FILE__, __LINE__, "ok()", std::get<0>(held_).message());
  return std::get<1>(held_);
}
template <typename T>
const T& Result<T>::value() const& {
  if (!ok()) CheckFailed(__FILE__, __LINE__, "ok()", std::get<0>(held_).message());
  return std::get<1>(held_);
}
template <typename T>
T&& Result<T>::value() && {
  if (!ok()) CheckFailed(__FILE__, __LINE__, "ok()", std::get<0>(held_).message());
  return std::get<1>(std::move(held_));
}

}  // namespace millstream

#define MS_CHECK(condition) (static_cast<bool>(condition) ? (void)0 : ::millstream::CheckFailed(__FILE__, __LINE__, #condition, ""))
#define MS_CHECK_MSG(condition, detail) (static_cast<bool>(condition) ? (void)0 : ::millstream::CheckFailed(__FILE__, __LINE__, #condition, (detail)))

#define MS_CONCAT_INNER(a, b) a##b
#define MS_CONCAT(a, b) MS_CONCAT_INNER(a, b)
#define MS_RETURN_IF_ERROR(expression)                                                    \
  do {                                                                                    \
    if (::millstream::Status ms_status = (expression); !ms_status.ok()) return ms_status; \
  } while (false)
#define MS_ASSIGN_OR_RETURN(declaration, expression) MS_ASSIGN_OR_RETURN_INNER(MS_CONCAT(ms_result_, __LINE__), declaration, expression)
#define MS_ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                      \
  if (!result.ok()) return result.status();                        \
  declaration = std::move(result).value()
