#include "formats/parquet_stats.h"

#include <parquet/statistics.h>

namespace millstream {
namespace {

__int128 BigEndian(const uint8_t* bytes, int size) {
  __int128 value = size > 0 && (bytes[0] & 0x80) ? -1 : 0;
  for (int i = 0; i < size; ++i) value = static_cast<__int128>((static_cast<unsigned __int128>(value) << 8) | bytes[i]);
  return value;
}

Value OfInteger(int64_t number, const DataType& type) {
  if (type.id() == TypeId::kDecimal) return Value{DecimalValue{number}};
  return Value{number};
}

struct Bounds {
  Value min, max;
};

std::optional<Bounds> BoundsOf(const parquet::Statistics& stats, const DataType& type, int fixed_length) {
  switch (stats.physical_type()) {
    case parquet::Type::INT32: {
      const auto& typed = static_cast<const parquet::Int32Statistics&>(stats);
      return Bounds{OfInteger(typed.min(), type), OfInteger(typed.max(), type)};
    }
    case parquet::Type::INT64: {
      const auto& typed = static_cast<const parquet::Int64Statistics&>(stats);
      return Bounds{OfInteger(typed.min(), type), OfInteger(typed.max(), type)};
    }
    case parquet::Type::FLOAT: {
      const auto& typed = static_cast<const parquet::FloatStatistics&>(stats);
      return Bounds{Value{double{typed.min()}}, Value{double{typed.max()}}};
    }
    case parquet::Type::DOUBLE: {
      const auto& typed = static_cast<const parquet::DoubleStatistics&>(stats);
      return Bounds{Value{typed.min()}, Value{typed.max()}};
    }
    case parquet::Type::BYTE_ARRAY: {
      const auto& typed = static_cast<const parquet::ByteArrayStatistics&>(stats);
      auto text = [](const parquet::ByteArray& bytes) { return Value{std::string(reinterpret_cast<const char*>(bytes.ptr), bytes.len)}; };
      return Bounds{text(typed.min()), text(typed.max())};
    }
    case parquet::Type::FIXED_LEN_BYTE_ARRAY: {
      if (type.id() != TypeId::kDecimal) return std::nullopt;
      const auto& typed = static_cast<const parquet::FLBAStatistics&>(stats);
      return Bounds{Value{DecimalValue{BigEndian(typed.min().ptr, fixed_length)}}, Value{DecimalValue{BigEndian(typed.max().ptr, fixed_length)}}};
    }
    default:
      return std::nullopt;
  }
}

bool Less(const Value& a, const Value& b) {
  if (auto* x = std::get_if<int64_t>(&a.held)) return *x < std::get<int64_t>(b.held);
  if (auto* x = std::get_if<double>(&a.held)) return *x < std::get<double>(b.held);
  if (auto* x = std::get_if<DecimalValue>(&a.held)) return x->unscaled < std::get<DecimalValue>(b.held).unscaled;
  return std::get<std::string>(a.held) < std::get<std::string>(b.held);
}

// Spark keeps bounds of these types only (Delta's SkippingEligibleDataType).
bool HasBounds(const DataType& type) {
  switch (type.id()) {
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kDecimal:
    case TypeId::kString:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      return true;
    case TypeId::kNull:
    case TypeId::kBoolean:
    case TypeId::kBinary:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
    case TypeId::kVariant:
      return false;
  }
  return false;
}

int LeavesBelow(const DataType& type) {
  switch (type.id()) {
    case TypeId::kArray:
      return LeavesBelow(type.element());
    case TypeId::kMap:
      return LeavesBelow(type.key()) + LeavesBelow(type.value());
    case TypeId::kVariant:
      return 2;
    case TypeId::kStruct: {
      int leaves = 0;
      for (const StructField& field : type.fields()) leaves += LeavesBelow(field.type);
      return leaves;
    }
    default:
      return 1;
  }
}

bool IsFloat(const DataType& type) { return type.id() == TypeId::kFloat || type.id() == TypeId::kDouble; }

class Collector {
 public:
  // `is_foreign`: others have written the file, its columns are found by their names, and nothing but the footer speaks of them.
  Collector(const parquet::FileMetaData& file, const std::vector<int64_t>& null_counts, const std::set<int>& with_nan, int columns_max, bool is_foreign)
      : file_(file), null_counts_(null_counts), with_nan_(with_nan), columns_max_(columns_max), is_foreign_(is_foreign) {}

  std::vector<ColumnStats> Collect(const StructType& schema) {
    for (size_t i = 0; i < schema.size(); ++i) {
      if (is_foreign_) leaf_ = FirstLeafOf(schema[i].name);
      Visit(schema[i], {}, static_cast<int>(i));
    }
    return std::move(stats_);
  }

 private:
  // -1: the file lacks the column.
  int FirstLeafOf(const std::string& column) const {
    for (int leaf = 0; leaf < file_.num_columns(); ++leaf) {
      if (file_.schema()->GetColumnRoot(leaf)->name() == column) return leaf;
    }
    return -1;
  }

  // `top`: index of the top-level column, or -1 within a struct.
  void Visit(const StructField& field, std::vector<std::string> path, int top) {
    path.push_back(field.name);
    if (field.type.id() == TypeId::kStruct) {
      for (const StructField& child : field.type.fields()) Visit(child, path, -1);
      return;
    }
    int leaf = leaf_;
    if (leaf >= 0) leaf_ += LeavesBelow(field.type);
    if (columns_max_ >= 0 && columns_ >= columns_max_) return;
    ++columns_;
    if (leaf < 0 || (is_foreign_ && (field.type.IsNested() || field.type.id() == TypeId::kVariant))) return;
    if (field.type.IsNested() || field.type.id() == TypeId::kVariant) {
      if (top >= 0) stats_.push_back({.path = std::move(path), .type = field.type, .null_count = null_counts_[top]});
      return;
    }
    Leaf(leaf, field.type, std::move(path));
  }

  void Leaf(int leaf, const DataType& type, std::vector<std::string> path) {
    ColumnStats stats{.path = std::move(path), .type = type};
    bool bounded = HasBounds(type) && with_nan_.count(leaf) == 0 && !(is_foreign_ && IsFloat(type));
    for (int group = 0; group < file_.num_row_groups(); ++group) {
      auto chunk = file_.RowGroup(group)->ColumnChunk(leaf);
      std::shared_ptr<parquet::Statistics> found = chunk->statistics();
      if (!found || !found->HasNullCount()) return;
      stats.null_count += found->null_count();
      if (!bounded || found->null_count() == chunk->num_values()) continue;
      std::optional<Bounds> bounds = found->HasMinMax() ? BoundsOf(*found, type, file_.schema()->Column(leaf)->type_length()) : std::nullopt;
      if (!bounds) {
        bounded = false;
        stats.min.reset();
        stats.max.reset();
        continue;
      }
      if (!stats.min || Less(bounds->min, *stats.min)) stats.min = std::move(bounds->min);
      if (!stats.max || Less(*stats.max, bounds->max)) stats.max = std::move(bounds->max);
    }
    stats_.push_back(std::move(stats));
  }

  const parquet::FileMetaData& file_;
  const std::vector<int64_t>& null_counts_;
  const std::set<int>& with_nan_;
  int columns_max_;
  bool is_foreign_;
  int leaf_ = 0;
  int columns_ = 0;
  std::vector<ColumnStats> stats_;
};

}  // namespace

std::vector<ColumnStats> CollectStats(const parquet::FileMetaData& file, const StructType& schema, const std::vector<int64_t>& null_counts,
                                      const std::set<int>& with_nan, int columns_max) {
  return Collector(file, null_counts, with_nan, columns_max, /*is_foreign=*/false).Collect(schema);
}

std::vector<ColumnStats> CollectFooterStats(const parquet::FileMetaData& file, const StructType& schema, int columns_max) {
  return Collector(file, {}, {}, columns_max, /*is_foreign=*/true).Collect(schema);
}

}  // namespace millstream
