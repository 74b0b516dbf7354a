#include <arrow/record_batch.h>

#include <algorithm>

#include "session/cell_text.h"
#include "session/session.h"

namespace millstream {
namespace {

// A cell, with the lengths that Spark lays tables out by: Java's length counts UTF-16 units, and East Asian wide characters take two places.
struct Cell {
  std::string text;
  size_t width = 0;
};

struct CodePoint {
  uint32_t value = 0;
  size_t bytes = 1;
};

CodePoint DecodeAt(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  const uint32_t first = byte(0);
  auto continues = [&](size_t count) {
    for (size_t i = 1; i <= count; ++i)
      if ((byte(i) & 0xC0) != 0x80) return false;
    return true;
  };
  if (first >= 0xF0 && continues(3)) return {(first & 7) << 18 | (byte(1) & 63) << 12 | (byte(2) & 63) << 6 | (byte(3) & 63), 4};
  if (first >= 0xE0 && first < 0xF0 && continues(2)) return {(first & 15) << 12 | (byte(1) & 63) << 6 | (byte(2) & 63), 3};
  if (first >= 0xC0 && first < 0xE0 && continues(1)) return {(first & 31) << 6 | (byte(1) & 63), 2};
  return {first, 1};
}

size_t JavaLength(CodePoint point) { return point.value >= 0x10000 ? 2 : 1; }

// Spark's Utils.fullWidthRegex.
bool IsFullWidth(uint32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) || (c >= 0xFFE0 && c <= 0xFFE6);
}

std::string EscapeMetaCharacters(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\v':
        out += "\\v";
        break;
      case '\a':
        out += "\\a";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string Truncate(std::string text, int truncate) {
  if (truncate <= 0) return text;
  const size_t limit = static_cast<size_t>(truncate), kept = truncate < 4 ? limit : limit - 3;
  size_t length = 0, cut = 0;
  for (size_t at = 0; at < text.size();) {
    CodePoint point = DecodeAt(text, at);
    if (length + JavaLength(point) <= kept) cut = at + point.bytes;
    length += JavaLength(point);
    at += point.bytes;
    if (length > limit) return text.substr(0, cut) + (truncate < 4 ? "" : "...");
  }
  return text;
}

Cell MakeCell(std::string text) {
  Cell cell{std::move(text)};
  for (size_t at = 0; at < cell.text.size();) {
    CodePoint point = DecodeAt(cell.text, at);
    cell.width += JavaLength(point) + (IsFullWidth(point.value) ? 1 : 0);
    at += point.bytes;
  }
  return cell;
}

constexpr size_t kColumnWidthMin = 3;

std::string Padded(const Cell& cell, size_t width, bool left) {
  std::string padding(width > cell.width ? width - cell.width : 0, ' ');
  return left ? padding + cell.text : cell.text + padding;
}

std::string Horizontal(const std::vector<Cell>& names, const std::vector<std::vector<Cell>>& rows, bool right_aligned) {
  std::vector<size_t> widths;
  for (const Cell& name : names) widths.push_back(std::max(kColumnWidthMin, name.width));
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].width);
  auto line = [&](auto&& cell_text, char separator) {
    std::string text(1, separator);
    for (size_t i = 0; i < widths.size(); ++i) {
      if (i > 0) text += separator;
      text += cell_text(i);
    }
    return text + separator + "\n";
  };
  const std::string rule = line([&](size_t i) { return std::string(widths[i], '-'); }, '+');
  std::string out = rule + line([&](size_t i) { return Padded(names[i], widths[i], right_aligned); }, '|') + rule;
  for (const auto& row : rows) out += line([&](size_t i) { return Padded(row[i], widths[i], right_aligned); }, '|');
  return out + rule;
}

std::string Vertical(const std::vector<Cell>& names, const std::vector<std::vector<Cell>>& rows) {
  size_t name_width = kColumnWidthMin, data_width = kColumnWidthMin;
  for (const Cell& name : names) name_width = std::max(name_width, name.width);
  for (const auto& row : rows)
    for (const Cell& cell : row) data_width = std::max(data_width, cell.width);
  std::string out;
  for (size_t i = 0; i < rows.size(); ++i) {
    std::string header = "-RECORD " + std::to_string(i);
    const size_t width = name_width + data_width + 5;
    if (header.size() < width) header.append(width - header.size(), '-');
    out += header;
    for (size_t j = 0; j < rows[i].size(); ++j) out += "\n " + Padded(names[j], name_width, false) + " | " + Padded(rows[i][j], data_width, false) + " ";
    out += "\n";
  }
  return out;
}

}  // namespace

Result<std::string> ShowString(const StructType& schema, const std::vector<RecordBatchPtr>& batches, int num_rows, int truncate, bool vertical,
                               const std::string& time_zone) {
  const TimeZone* zone = TimeZone::Find(time_zone);
  if (zone == nullptr) zone = &TimeZone::Utc();
  const size_t shown_max = static_cast<size_t>(std::max(num_rows, 0));
  std::vector<Cell> names;
  for (const StructField& field : schema) names.push_back(MakeCell(EscapeMetaCharacters(field.name)));
  std::vector<std::vector<Cell>> rows;
  bool has_more = false;
  for (const RecordBatchPtr& batch : batches) {
    for (int64_t row = 0; row < batch->num_rows() && !has_more; ++row) {
      if (rows.size() == shown_max) {
        has_more = true;
        break;
      }
      std::vector<Cell> cells;
      for (size_t i = 0; i < schema.size(); ++i) {
        std::string text;
        MS_RETURN_IF_ERROR(AppendCellText(*batch->column(static_cast<int>(i)), row, schema[i].type, *zone, text));
        cells.push_back(MakeCell(Truncate(EscapeMetaCharacters(text), truncate)));
      }
      rows.push_back(std::move(cells));
    }
  }
  std::string out = vertical ? Vertical(names, rows) : Horizontal(names, rows, truncate > 0);
  if (vertical && rows.empty()) {
    out += "(0 rows)";
  } else if (has_more) {
    out += "only showing top " + std::to_string(shown_max) + (shown_max == 1 ? " row" : " rows");
  }
  return out;
}

}  // namespace millstream
