// orc_format.cc   ORC files as rows of a schema, through Arrow's adapter of the ORC library.

#include <arrow/adapters/orc/adapter.h>
#include <arrow/compute/cast.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>

#include "formats/columnar_format.h"
#include "formats/datetime_columns.h"
#include "formats/failed_read.h"
#include "formats/formats_errors.h"
#include "formats/input_bytes.h"
#include "formats/orc_tail.h"
#include "formats/parquet_io.h"
#include "types/arrow_types.h"
#include "types/spark_ddl.h"

namespace millstream {

const OptionTable& OrcOptionTable() {
  static const OptionTable table("orc", ColumnarOptionSpecs());
  return table;
}

namespace {

using arrow::adapters::orc::ORCFileReader;

Status Bad(const std::string& path, const arrow::Status& status) { return FailedRead(path, "As ORC: " + status.message()); }

// Runs `body`, which calls the library, and turns what it throws into a Status: Arrow's adapter catches the library's own exceptions alone.
template <typename Body>
auto Guarded(const std::string& path, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    return Bad(path, arrow::Status::Invalid(error.what()));
  }
}

// Spark's types of what the library makes: its timestamp without zone is a wall-clock time, which Spark takes for an instant.
Result<DataType> SparkType(const arrow::Field& field) {
  if (field.metadata() && field.metadata()->Contains("spark.sql.catalyst.type")) {
    return DataTypeFromDdl(*field.metadata()->Get("spark.sql.catalyst.type"));
  }
  const arrow::DataType& type = *field.type();
  switch (type.id()) {
    case arrow::Type::TIMESTAMP:
      return DataType::Timestamp();
    case arrow::Type::STRUCT: {
      std::vector<StructField> fields;
      for (const auto& child : type.fields()) {
        MS_ASSIGN_OR_RETURN(DataType inner, SparkType(*child));
        fields.push_back({child->name(), std::move(inner)});
      }
      return DataType::Struct(StructType(std::move(fields)));
    }
    case arrow::Type::LIST: {
      MS_ASSIGN_OR_RETURN(DataType element, SparkType(*static_cast<const arrow::ListType&>(type).value_field()));
      return DataType::Array(std::move(element));
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      MS_ASSIGN_OR_RETURN(DataType key, SparkType(*map.key_field()));
      MS_ASSIGN_OR_RETURN(DataType value, SparkType(*map.item_field()));
      return DataType::Map(std::move(key), std::move(value));
    }
    default:
      return FromArrowType(type);
  }
}

class OpenOrc : public ColumnarFile, public std::enable_shared_from_this<OpenOrc> {
 public:
  OpenOrc(std::string path, std::shared_ptr<ReadableFile> file, int64_t size_bytes, const TimeZone& zone)
      : path_(std::move(path)), file_(std::move(file)), size_bytes_(size_bytes), zone_(zone) {}

  Status ReadFooter() {
    return Guarded(path_, [&] { return ReadFooterUnguarded(); });
  }
  Status ReadFooterUnguarded() {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<ORCFileReader> reader, Open());
    auto schema = reader->ReadSchema();
    if (!schema.ok()) return Bad(path_, schema.status());
    for (const auto& field : (*schema)->fields()) {
      MS_ASSIGN_OR_RETURN(DataType type, SparkType(*field));
      if (NestingDepth(type) > kMaxTypeDepth) return Status::Unsupported("A type nested deeper than 200 levels");
      types_.Add({field->name(), std::move(type)});
    }
    arrow_schema_ = ToArrowSchema(types_);
    if (!ParseOrcTail(reader->GetSerializedFileTail(), &tail_)) return Bad(path_, arrow::Status::Invalid("its footer is damaged"));
    for (int64_t stripe = 0; stripe < reader->NumberOfStripes(); ++stripe) {
      const auto information = reader->GetStripeInformation(stripe);
      if (information.num_rows > 0) stripes_.push_back(stripe);
    }
    return Status();
  }

  const ArrowSchemaPtr& arrow_schema() const override { return arrow_schema_; }
  int parts() const override { return static_cast<int>(stripes_.size()); }
  bool CanReadAs(int column, const DataType& to) const override {
    const DataType& from = types_[static_cast<size_t>(column)].type;
    return WidensType(from, to) || (from.id() == TypeId::kTimestamp && to.id() == TypeId::kTimestampNtz);
  }
  CalendarRebase DatetimeRebase(CalendarRebase) const override { return tail_.is_hybrid_calendar ? CalendarRebase::kLegacy : CalendarRebase::kCorrected; }

  Result<std::unique_ptr<ColumnarRows>> ReadPart(int part, const std::vector<Column>& columns, int64_t batch_rows) const override {
    return Guarded(path_, [&] { return ReadStripe(part, columns, batch_rows); });
  }
  Result<std::unique_ptr<ColumnarRows>> ReadStripe(int part, const std::vector<Column>& columns, int64_t batch_rows) const;

  // An array of the library → Spark's type of the column.
  Result<std::shared_ptr<arrow::Array>> Converted(const std::shared_ptr<arrow::Array>& array, const Column& column) const {
    const bool is_wall = column.as && column.as->id() == TypeId::kTimestampNtz;
    const auto as = is_wall ? ToArrowType(*column.as) : arrow_schema_->field(column.index)->type();
    if (array->type()->Equals(*as)) return array;
    const std::shared_ptr<arrow::DataType> instant = ToArrowType(DataType::Timestamp()), wall = ToArrowType(DataType::TimestampNtz());
    DatetimeMap label;
    label.from = instant;
    label.to = wall;
    label.micros = [](int64_t micros) -> Result<int64_t> { return micros; };
    // Through an array of wall-clock times everywhere, so that the cast changes no value.
    auto empty = arrow::MakeEmptyArray(as);
    if (!empty.ok()) return FromArrowStatus(empty.status(), "reading " + path_);
    MS_ASSIGN_OR_RETURN(auto shape, MapDatetimes(*empty, label));
    auto cast = arrow::compute::Cast(*array, shape->type(), arrow::compute::CastOptions::Unsafe());
    if (!cast.ok()) return FromArrowStatus(cast.status(), "reading " + path_);
    if (as->Equals(*shape->type())) return *cast;
    DatetimeMap at_zone;
    at_zone.from = wall;
    at_zone.to = instant;
    at_zone.micros = [this](int64_t micros) -> Result<int64_t> { return zone_.LocalToUtcMicros(micros); };
    return MapDatetimes(*cast, at_zone);
  }

  Result<std::unique_ptr<ORCFileReader>> Open() const {
    auto reader = ORCFileReader::Open(std::make_shared<ReadableFileSource>(file_, size_bytes_), arrow::default_memory_pool());
    if (!reader.ok()) return Bad(path_, reader.status());
    return *std::move(reader);
  }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  const std::shared_ptr<ReadableFile> file_;
  const int64_t size_bytes_;
  const TimeZone& zone_;
  StructType types_;
  ArrowSchemaPtr arrow_schema_;
  OrcTail tail_;
  std::vector<int64_t> stripes_;  // those that have rows
};

// The rows of a stripe, which the library reads as a whole.
class OrcRows : public ColumnarRows {
 public:
  OrcRows(std::shared_ptr<arrow::RecordBatch> stripe, int64_t batch_rows) : stripe_(std::move(stripe)), batch_rows_(batch_rows) {}

  Result<RecordBatchPtr> Next() override {
    if (at_ >= stripe_->num_rows()) return RecordBatchPtr();
    RecordBatchPtr rows = stripe_->Slice(at_, batch_rows_);
    at_ += rows->num_rows();
    return rows;
  }

 private:
  const std::shared_ptr<arrow::RecordBatch> stripe_;
  const int64_t batch_rows_;
  int64_t at_ = 0;
};

Result<std::unique_ptr<ColumnarRows>> OpenOrc::ReadStripe(int part, const std::vector<Column>& columns, int64_t batch_rows) const {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ORCFileReader> reader, Open());
  std::vector<int> wanted, order;
  for (const Column& column : columns) {
    wanted.push_back(column.index);
    if (static_cast<size_t>(column.index) < tail_.beyond_nanoseconds.size() && tail_.beyond_nanoseconds[static_cast<size_t>(column.index)]) {
      return Status::Unsupported(
          "An ORC timestamp before 1677-09-21 or after 2262-04-11 (" + types_[static_cast<size_t>(column.index)].name + " in " + path_ + ")",
          "Leave the column out, or write it as a string or as Parquet.");
    }
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  for (const Column& column : columns) order.push_back(static_cast<int>(std::lower_bound(wanted.begin(), wanted.end(), column.index) - wanted.begin()));
  // Without columns the library would read all; one is enough to count rows.
  if (wanted.empty() && !types_.empty()) wanted.push_back(0);
  // Seeking to a row instead would read the stripe's index, and the library trusts what a damaged index says.
  auto stripe = reader->ReadStripe(stripes_[static_cast<size_t>(part)], wanted);
  if (!stripe.ok()) return Bad(path_, stripe.status());
  arrow::ArrayVector arrays;
  arrow::FieldVector fields;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (order[i] >= (*stripe)->num_columns()) return Bad(path_, arrow::Status::Invalid("a stripe lacks a column"));
    // Strings that are no UTF-8, and lengths that a damaged stripe gets wrong.
    if (arrow::Status valid = (*stripe)->column(order[i])->ValidateFull(); !valid.ok()) return Bad(path_, valid);
    MS_ASSIGN_OR_RETURN(auto array, Converted((*stripe)->column(order[i]), columns[i]));
    fields.push_back(arrow::field((*stripe)->schema()->field(order[i])->name(), array->type()));
    arrays.push_back(std::move(array));
  }
  auto rows = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), (*stripe)->num_rows(), std::move(arrays));
  return std::unique_ptr<ColumnarRows>(std::make_unique<OrcRows>(std::move(rows), batch_rows));
}

}  // namespace

Result<FileFormatPtr> MakeOrcFormat(const OptionMap& options, const FormatContext& context) {
  MS_ASSIGN_OR_RETURN(OptionValues values, OrcOptionTable().ParseKnown(options));
  MS_ASSIGN_OR_RETURN(ColumnarOptions columnar, ColumnarOptionsFrom(values, context));
  ColumnarKind kind;
  kind.name = "orc";
  kind.reads_empty_files = false;
  kind.open = [zone = columnar.zone](const InputFile& file) -> Result<std::shared_ptr<const ColumnarFile>> {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> opened, OpenInputAnywhere(Fs::Local(), file));
    auto orc = std::make_shared<OpenOrc>(file.path, std::shared_ptr<ReadableFile>(std::move(opened)), file.size_bytes, *zone);
    MS_RETURN_IF_ERROR(orc->ReadFooter());
    return std::shared_ptr<const ColumnarFile>(std::move(orc));
  };
  kind.mismatch = [](const InputFile& file, const ColumnarFile& opened, int index, const std::string& column, const DataType& to) {
    return FailedRead(file.path, "The ORC column " + column + " is " + opened.arrow_schema()->field(index)->type()->ToString() + " and cannot be read as " +
                                     to.Sql() + ".");
  };
  return MakeColumnarFormat(std::move(kind), columnar, {.merge_schema = values.Bool("mergeSchema")}, context);
}

}  // namespace millstream
