#pragma once

// file_report.h   Relations that say something of files, row by row: a history, a plan, a proof. Rows are made while they are read, none of them is kept.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/api/table.h"

namespace millstream {

struct ReportCell {
  enum class Kind { kNull, kNumber, kText } kind = Kind::kNull;
  int64_t number = 0;  // a long, or a timestamp in microseconds
  std::string text;

  ReportCell() = default;
  ReportCell(int64_t value) : kind(Kind::kNumber), number(value) {}             // NOLINT(google-explicit-constructor): rows are lists of values
  ReportCell(std::string value) : kind(Kind::kText), text(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  ReportCell(const char* value) : kind(Kind::kText), text(value) {}             // NOLINT(google-explicit-constructor)
};
using ReportRow = std::vector<ReportCell>;

// An empty text, and the time zero, are nulls.
inline ReportCell TextCell(std::string text) { return text.empty() ? ReportCell() : ReportCell(std::move(text)); }
inline ReportCell MillisCell(int64_t ms) { return ms == 0 ? ReportCell() : ReportCell(ms * 1000); }

// Not thread-safe.
class ReportRows {
 public:
  virtual ~ReportRows() = default;
  // nullopt at the end.
  virtual Result<std::optional<ReportRow>> Next() = 0;
};

// `schema`: of strings, longs and timestamps. `begin` makes the rows of one scan.
RelationSourcePtr MakeFileReport(std::string name, StructType schema, std::function<Result<std::unique_ptr<ReportRows>>()> begin);

}  // namespace millstream
