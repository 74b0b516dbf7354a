#include "base/status.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace millstream {

struct Status::Rep {
  ErrorClass error_class;
  ErrorParams params;
  std::string text;
  std::string where;
  std::vector<std::string> context;
  int error_number = 0;
  bool retryable = false;
};

namespace {

std::string FillPlaceholders(std::string_view text, const ErrorParams& params) {
  std::string filled;
  for (size_t at = 0; at < text.size();) {
    size_t open = text.find('<', at);
    size_t close = open == std::string_view::npos ? open : text.find('>', open);
    if (close == std::string_view::npos) {
      filled += text.substr(at);
      break;
    }
    filled += text.substr(at, open - at);
    auto param = params.find(text.substr(open + 1, close - open - 1));
    filled += param == params.end() ? std::string(text.substr(open, close - open + 1)) : param->second;
    at = close + 1;
  }
  while (!filled.empty() && filled.back() == ' ') filled.pop_back();
  return filled;
}

}  // namespace

Status Status::Error(const ErrorClass& error_class, ErrorParams params) {
  auto rep = std::make_shared<Rep>();
  rep->error_class = error_class;
  rep->text = FillPlaceholders(error_class.text, params);
  rep->params = std::move(params);
  Status status;
  status.rep_ = std::move(rep);
  return status;
}

Status Status::Errno(std::string_view operation, std::string_view path, int error_number) {
  Status status = Error(errors::kIo, {{"operation", std::string(operation)}, {"path", std::string(path)}, {"reason", std::strerror(error_number)}});
  auto rep = std::make_shared<Rep>(*status.rep_);
  rep->error_number = error_number;
  status.rep_ = std::move(rep);
  return status;
}

Status Status::Internal(std::string message) { return Error(errors::kInternal, {{"message", std::move(message)}}); }

Status Status::Unsupported(std::string feature, std::string hint) {
  return Error(errors::kUnsupportedFeature, {{"feature", std::move(feature)}, {"hint", std::move(hint)}});
}

Status Status::IllegalArgument(std::string message) { return Error(errors::kIllegalArgument, {{"message", std::move(message)}}); }

const ErrorClass& Status::error_class() const {
  MS_CHECK(rep_ != nullptr);
  return rep_->error_class;
}
const ErrorParams& Status::params() const {
  MS_CHECK(rep_ != nullptr);
  return rep_->params;
}
const std::string& Status::text() const {
  MS_CHECK(rep_ != nullptr);
  return rep_->text;
}
int Status::error_number() const { return rep_ ? rep_->error_number : 0; }
bool Status::retryable() const { return rep_ && rep_->retryable; }

const std::vector<std::string>& Status::context() const {
  MS_CHECK(rep_ != nullptr);
  return rep_->context;
}

std::string Status::message() const {
  if (!rep_) return "ok";
  std::string message;
  // Spark keeps the names that it means to replace to itself (SparkThrowableHelper.getMessage).
  if (!rep_->error_class.name.empty() && !rep_->error_class.name.starts_with("_LEGACY_ERROR_TEMP_"))
    message += "[" + std::string(rep_->error_class.name) + "] ";
  message += rep_->text;
  if (!rep_->error_class.sql_state.empty()) message += " SQLSTATE: " + std::string(rep_->error_class.sql_state);
  message += rep_->where;
  for (const std::string& doing : rep_->context) message += "\n  " + doing;
  return message;
}

Status Status::Retryable() && {
  if (!rep_) return *this;
  auto rep = std::make_shared<Rep>(*rep_);
  rep->retryable = true;
  rep_ = std::move(rep);
  return *this;
}

Status Status::While(std::string doing) && {
  if (!rep_) return *this;
  auto rep = std::make_shared<Rep>(*rep_);
  rep->context.push_back(std::move(doing));
  rep_ = std::move(rep);
  return *this;
}

Status Status::Where(std::string where) && {
  if (!rep_) return *this;
  auto rep = std::make_shared<Rep>(*rep_);
  rep->where = std::move(where);
  rep_ = std::move(rep);
  return *this;
}

void CheckFailed(const char* file, int line, const char* condition, const std::string& detail) {
  std::fprintf(stderr, "%s:%d: check failed: %s %s\n", file, line, condition, detail.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace millstream
