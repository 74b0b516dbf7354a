// json_variants.cc   Records, and values within them, that become VARIANTs.

#include <algorithm>

#include "formats/json_record_parser.h"

namespace millstream {

// The record as one value, whatever it is.
Status JsonRecordParser::WholeRecord(const char* begin) {
  const int64_t first_row = rows_.size();
  rescued_before_ = rescued_rows_;
  rescued_.clear();
  bool is_json = true;
  const Status built = variants_.Value(scanner_, 0, &is_json);
  if (!built.ok() || !is_json) {
    const std::string_view text(begin, static_cast<size_t>(scanner_.end() - begin));
    const std::string reason = !built.ok()          ? built.text()
                               : shape_.quarantines ? "not JSON at byte " + std::to_string(std::min(scanner_.position(), scanner_.end()) - begin)
                                                    : "";
    scanner_.set_position(scanner_.end());
    return HandleBad(first_row, text, false, reason);
  }
  if (variant_index_ >= 0) {
    ColumnBuilder& column = rows_.child(static_cast<size_t>(variant_index_));
    column.child(0).AppendBytes(variants_.builder().value());
    column.child(1).AppendBytes(variants_.builder().metadata());
    column.CloseStruct();
  }
  FillRow();
  return Status::Ok();
}

JsonRecordParser::Outcome JsonRecordParser::Variant(ColumnBuilder& out, int depth) {
  bool syntax_ok = true;
  const char* begin = scanner_.position();
  const Status built = variants_.Value(scanner_, depth, &syntax_ok);
  if (!built.ok()) {
    scanner_.set_position(begin);
    return Mismatch(depth);
  }
  if (!syntax_ok) return Outcome::kSyntax;
  out.child(0).AppendBytes(variants_.builder().value());
  out.child(1).AppendBytes(variants_.builder().metadata());
  out.CloseStruct();
  return Outcome::kOk;
}

}  // namespace millstream
