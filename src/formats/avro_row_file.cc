#include "formats/avro_row_file.h"

#include <arrow/array.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "formats/block_codec.h"
#include "formats/formats_errors.h"
#include "types/avro_schema.h"

namespace millstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kBlockBytes = 64'000;

int DecimalBytes(int precision) {
  __int128 largest = 1;
  for (int i = 0; i < precision; ++i) largest *= 10;
  int bytes = 1;
  while (bytes < 16 && (static_cast<__int128>(1) << (8 * bytes - 1)) < largest) ++bytes;
  return bytes;
}

bool IsAvroName(const std::string& name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::string Below(const std::string& space, const std::string& name) { return space.empty() ? name : space + "." + name; }

// Recursion ends where the type does.
Result<Json> Schema(const DataType& type, bool nullable, const std::string& name, const std::string& space) {
  auto logical = [](const char* plain, const char* what) { return Json{{"type", plain}, {"logicalType", what}}; };
  Json json;
  switch (type.id()) {
    case TypeId::kNull:
      return Json("null");
    case TypeId::kBoolean:
      json = "boolean";
      break;
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
      json = "int";
      break;
    case TypeId::kLong:
      json = "long";
      break;
    case TypeId::kFloat:
      json = "float";
      break;
    case TypeId::kDouble:
      json = "double";
      break;
    case TypeId::kDecimal:
      json = Json{{"type", "fixed"},
                  {"name", "fixed"},
                  {"namespace", Below(space, name)},
                  {"size", DecimalBytes(type.precision())},
                  {"logicalType", "decimal"},
                  {"precision", type.precision()},
                  {"scale", type.scale()}};
      break;
    case TypeId::kString:
      json = "string";
      break;
    case TypeId::kBinary:
      json = "bytes";
      break;
    case TypeId::kDate:
      json = logical("int", "date");
      break;
    case TypeId::kTimestamp:
      json = logical("long", "timestamp-micros");
      break;
    case TypeId::kTimestampNtz:
      json = logical("long", "local-timestamp-micros");
      break;
    case TypeId::kDayTimeInterval:
      json = Json{{"type", "long"}, {"spark.sql.catalyst.type", type.SimpleString()}};
      break;
    case TypeId::kYearMonthInterval:
      json = Json{{"type", "int"}, {"spark.sql.catalyst.type", type.SimpleString()}};
      break;
    case TypeId::kArray: {
      MS_ASSIGN_OR_RETURN(Json items, Schema(type.element(), type.contains_null(), name, space));
      json = Json{{"type", "array"}, {"items", std::move(items)}};
      break;
    }
    case TypeId::kMap: {
      MS_ASSIGN_OR_RETURN(Json values, Schema(type.value(), type.contains_null(), name, space));
      json = Json{{"type", "map"}, {"values", std::move(values)}};
      break;
    }
    case TypeId::kStruct: {
      if (!IsAvroName(name)) return Status::Error(errors::kAvroSchema, {{"reason", "\"" + name + "\" is no name that Avro allows"}});
      Json fields = Json::array();
      for (const StructField& field : type.fields()) {
        if (!IsAvroName(field.name)) return Status::Error(errors::kAvroSchema, {{"reason", "\"" + field.name + "\" is no name that Avro allows"}});
        MS_ASSIGN_OR_RETURN(Json inner, Schema(field.type, field.nullable, field.name, Below(space, name)));
        fields.push_back(Json{{"name", field.name}, {"type", std::move(inner)}});
      }
      json = Json{{"type", "record"}, {"name", name}};
      if (!space.empty()) json["namespace"] = space;
      json["fields"] = std::move(fields);
      break;
    }
    case TypeId::kVariant:
      return Status::Internal("a variant has no Avro type");
  }
  if (nullable) json = Json::array({std::move(json), "null"});
  return json;
}

void AppendLong(int64_t value, std::string& out) {
  uint64_t bits = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  for (; bits >= 0x80; bits >>= 7) out.push_back(static_cast<char>(bits | 0x80));
  out.push_back(static_cast<char>(bits));
}

void AppendBytes(std::string_view bytes, std::string& out) {
  AppendLong(static_cast<int64_t>(bytes.size()), out);
  out += bytes;
}

template <typename T>
void AppendRaw(T value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
auto ValueOf(const arrow::Array& array, int64_t row) {
  return static_cast<const arrow::NumericArray<T>&>(array).Value(row);
}

void AppendValue(const arrow::Array& array, int64_t row, const DataType& type, bool nullable, std::string& out) {
  if (type.id() == TypeId::kNull) return;
  const bool is_null = array.IsNull(row);
  if (nullable) AppendLong(is_null ? 1 : 0, out);
  if (nullable && is_null) return;
  switch (type.id()) {
    case TypeId::kNull:
    case TypeId::kVariant:
      return;
    case TypeId::kBoolean:
      return out.push_back(static_cast<const arrow::BooleanArray&>(array).Value(row) ? 1 : 0);
    case TypeId::kByte:
      return AppendLong(ValueOf<arrow::Int8Type>(array, row), out);
    case TypeId::kShort:
      return AppendLong(ValueOf<arrow::Int16Type>(array, row), out);
    case TypeId::kInteger:
      return AppendLong(ValueOf<arrow::Int32Type>(array, row), out);
    case TypeId::kLong:
      return AppendLong(ValueOf<arrow::Int64Type>(array, row), out);
    case TypeId::kFloat:
      return AppendRaw(ValueOf<arrow::FloatType>(array, row), out);
    case TypeId::kDouble:
      return AppendRaw(ValueOf<arrow::DoubleType>(array, row), out);
    case TypeId::kDecimal: {
      const auto* little_endian = static_cast<const arrow::Decimal128Array&>(array).GetValue(row);
      for (int i = DecimalBytes(type.precision()) - 1; i >= 0; --i) out.push_back(static_cast<char>(little_endian[i]));
      return;
    }
    case TypeId::kString:
    case TypeId::kBinary:
      return AppendBytes(static_cast<const arrow::BinaryArray&>(array).GetView(row), out);
    case TypeId::kDate:
      return AppendLong(ValueOf<arrow::Date32Type>(array, row), out);
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      return AppendLong(ValueOf<arrow::TimestampType>(array, row), out);
    case TypeId::kDayTimeInterval:
      return AppendLong(ValueOf<arrow::DurationType>(array, row), out);
    case TypeId::kYearMonthInterval:
      return AppendLong(ValueOf<arrow::MonthIntervalType>(array, row), out);
    case TypeId::kArray:
    case TypeId::kMap: {
      // A map is a list of its entries.
      const auto& list = static_cast<const arrow::ListArray&>(array);
      const int64_t begin = list.value_offset(row), end = list.value_offset(row + 1);
      if (end > begin) AppendLong(end - begin, out);
      for (int64_t i = begin; i < end; ++i) {
        if (type.id() == TypeId::kArray) {
          AppendValue(*list.values(), i, type.element(), type.contains_null(), out);
          continue;
        }
        const auto& map = static_cast<const arrow::MapArray&>(array);
        AppendValue(*map.keys(), i, type.key(), false, out);
        AppendValue(*map.items(), i, type.value(), type.contains_null(), out);
      }
      return AppendLong(0, out);
    }
    case TypeId::kStruct: {
      const auto& nested = static_cast<const arrow::StructArray&>(array);
      for (size_t i = 0; i < type.fields().size(); ++i) {
        AppendValue(*nested.field(static_cast<int>(i)), row, type.fields()[i].type, type.fields()[i].nullable, out);
      }
      return;
    }
  }
}

struct AvroFileShape {
  StructType schema;
  std::string schema_json;
  BlockCodec codec = BlockCodec::kSnappy;
  std::string codec_name;
};

class AvroFileWriter : public RowFileWriter {
 public:
  AvroFileWriter(std::unique_ptr<PendingFile> file, std::string path, std::shared_ptr<const AvroFileShape> shape)
      : file_(std::move(file)), path_(std::move(path)), shape_(std::move(shape)) {
    // A marker that is the file's own: names of files are never used again.
    uint64_t state = std::hash<std::string>()(path_);
    for (size_t i = 0; i < sync_.size(); ++i) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      sync_[i] = static_cast<char>(state >> 56);
    }
  }

  Status WriteHeader() {
    std::string header("Obj\x01", 4);
    AppendLong(2, header);
    AppendBytes("avro.schema", header);
    AppendBytes(shape_->schema_json, header);
    AppendBytes("avro.codec", header);
    AppendBytes(shape_->codec_name, header);
    AppendLong(0, header);
    return file_->Append(header + std::string(sync_.data(), sync_.size()));
  }

  Status Write(const arrow::RecordBatch& rows) override {
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      for (size_t i = 0; i < shape_->schema.size(); ++i) {
        const StructField& field = shape_->schema[i];
        AppendValue(*rows.column(static_cast<int>(i)), row, field.type, field.nullable, block_);
      }
      ++records_;
      if (block_.size() >= kBlockBytes) MS_RETURN_IF_ERROR(EndBlock());
    }
    return Status();
  }

  Result<int64_t> Close() override {
    MS_RETURN_IF_ERROR(EndBlock());
    MS_RETURN_IF_ERROR(file_->Publish(path_));
    return file_->size_bytes();
  }

 private:
  Status EndBlock() {
    if (records_ == 0) return Status();
    std::string packed, framed;
    if (!CompressBlock(shape_->codec, block_, &packed)) return Status::Internal("a block of Avro cannot be compressed");
    AppendLong(records_, framed);
    AppendBytes(packed, framed);
    framed.append(sync_.data(), sync_.size());
    block_.clear();
    records_ = 0;
    return file_->Append(framed);
  }

  const std::unique_ptr<PendingFile> file_;
  const std::string path_;
  const std::shared_ptr<const AvroFileShape> shape_;
  std::array<char, 16> sync_{};
  std::string block_;
  int64_t records_ = 0;
};

class AvroRowFileFormat : public RowFileFormat {
 public:
  explicit AvroRowFileFormat(AvroFileShape shape) : shape_(std::make_shared<const AvroFileShape>(std::move(shape))) {}
  std::string extension() const override { return ".avro"; }
  Result<std::unique_ptr<RowFileWriter>> Create(Fs& fs, const std::string& path) const override {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<PendingFile> file, fs.CreatePending(std::string(ParentPath(path))));
    auto writer = std::make_unique<AvroFileWriter>(std::move(file), path, shape_);
    MS_RETURN_IF_ERROR(writer->WriteHeader());
    return std::unique_ptr<RowFileWriter>(std::move(writer));
  }

 private:
  const std::shared_ptr<const AvroFileShape> shape_;
};

bool HasAvroType(const DataType& type) {
  if (type.id() == TypeId::kVariant) return false;
  if (type.id() == TypeId::kArray) return HasAvroType(type.element());
  if (type.id() == TypeId::kMap) return type.key().id() == TypeId::kString && HasAvroType(type.value());
  if (type.id() != TypeId::kStruct) return true;
  return std::all_of(type.fields().begin(), type.fields().end(), [](const StructField& field) { return HasAvroType(field.type); });
}

}  // namespace

Result<std::string> AvroSchemaOf(const StructType& schema, const std::string& record_name, const std::string& record_namespace) {
  MS_ASSIGN_OR_RETURN(Json json, Schema(DataType::Struct(schema), false, record_name, record_namespace));
  return json.dump();
}

Result<std::shared_ptr<const RowFileFormat>> MakeAvroRowFileFormat(const OptionMap& options, const StructType& schema) {
  auto option = [&](const char* name, const char* otherwise) {
    auto found = options.find(name);
    return found == options.end() ? std::string(otherwise) : found->second;
  };
  if (options.contains("avroSchema")) return Status::Unsupported("Writing Avro with avroSchema", "Cast the columns to the types that the files shall have.");
  for (const StructField& field : schema) {
    if (NestingDepth(field.type) <= kMaxTypeDepth && HasAvroType(field.type)) continue;
    return Status::Error(errors::kUnsupportedDataTypeForSource,
                         {{"format", "Avro"}, {"columnName", "`" + field.name + "`"}, {"columnType", "\"" + field.type.Sql() + "\""}});
  }
  AvroFileShape shape{.schema = schema};
  MS_ASSIGN_OR_RETURN(shape.schema_json, AvroSchemaOf(schema, option("recordName", "topLevelRecord"), option("recordNamespace", "")));
  std::string codec = option("compression", "snappy");
  std::transform(codec.begin(), codec.end(), codec.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (codec == "uncompressed" || codec == "none") codec = "null";
  const auto known = BlockCodecNamed(codec);
  if (!known) return Status::Unsupported("Writing Avro with compression \"" + codec + "\"", "Use uncompressed, deflate, snappy, zstandard, bzip2 or xz.");
  shape.codec = *known;
  shape.codec_name = codec;
  return std::shared_ptr<const RowFileFormat>(std::make_shared<AvroRowFileFormat>(std::move(shape)));
}

}  // namespace millstream
