#include "types/whole_files.h"

namespace millstream {

void WholeFiles::Take() {
  std::lock_guard lock(mutex_);
  ++taken_;
}

void WholeFiles::Refuse(const std::string& why) {
  std::lock_guard lock(mutex_);
  ++refused_[why];
}

void WholeFiles::RefuseAll(const std::string& why) {
  std::lock_guard lock(mutex_);
  all_refused_ = why;
}

int64_t WholeFiles::taken() const {
  std::lock_guard lock(mutex_);
  return taken_;
}

std::string WholeFiles::Refusals(int64_t files) const {
  std::lock_guard lock(mutex_);
  std::map<std::string, int64_t> refused = refused_;
  int64_t left = files - taken_;
  for (const auto& [why, count] : refused) left -= count;
  if (left > 0) refused[all_refused_.empty() ? "it has no rows, or was not read" : all_refused_] += left;
  std::string text;
  for (const auto& [why, count] : refused) text += (text.empty() ? "" : "; ") + std::to_string(count) + ": " + why;
  return text;
}

}  // namespace millstream
