#include "formats/columnar_format.h"

#include <algorithm>
#include <map>
#include <set>

#include "formats/formats_errors.h"
#include "formats/json_schema_inference.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// Two fields of one name in a struct of `fields`, below the top level too: these would be one column. nullopt: none are. `sensitive`: names that differ in case
// are two.
std::optional<std::pair<std::string, std::string>> TwiceNamed(const StructType& fields, bool sensitive, bool sensitive_below) {
  std::map<std::string, std::string, CaseInsensitiveLess> by_name;
  std::set<std::string> exact;
  for (const StructField& field : fields) {
    auto [first, is_new] = by_name.emplace(field.name, field.name);
    const bool same = !exact.insert(field.name).second;
    if (same || (!is_new && !sensitive)) return std::pair(same ? field.name : first->second, field.name);
    std::vector<const DataType*> below = {&field.type};
    while (!below.empty()) {
      const DataType& type = *below.back();
      below.pop_back();
      if (type.id() == TypeId::kStruct) {
        if (auto twice = TwiceNamed(type.fields(), sensitive_below, sensitive_below)) return twice;
      } else if (type.id() == TypeId::kArray) {
        below.push_back(&type.element());
      } else if (type.id() == TypeId::kMap) {
        below.push_back(&type.key());
        below.push_back(&type.value());
      }
    }
  }
  return std::nullopt;
}

class ColumnarFormat : public FileFormat {
 public:
  ColumnarFormat(ColumnarKind kind, ColumnarOptions options, ColumnarFormatTraits traits, FormatContext context)
      : kind_(std::move(kind)), options_(options), traits_(std::move(traits)), context_(std::move(context)) {}

  const std::string& name() const override { return kind_.name; }
  bool has_row_index() const override { return kind_.has_row_index; }

  Result<StructType> InferSchema(const std::vector<InputFile>& files) const override { return Infer(files, traits_.merge_schema); }

  Result<StructType> MergeNewFields(const std::vector<InputFile>& files, const StructType& known) const override {
    // New columns may be in any of the files.
    MS_ASSIGN_OR_RETURN(StructType found, Infer(files, true));
    return MergeNewFieldsInto(known, found, context_.case_sensitive);
  }

  Result<RowStreamPtr> Read(std::vector<InputFile> files, const FileScan& scan, std::shared_ptr<FileScanStats> stats) const override {
    MS_ASSIGN_OR_RETURN(ScanPlan plan, ScanPlan::Make(scan, "", context_.time_zone, has_row_index()));
    return MakeColumnarRows(kind_, options_, std::move(plan), scan, std::move(files), std::move(stats));
  }

 private:
  Result<StructType> Infer(const std::vector<InputFile>& files, bool merge) const {
    if (traits_.fixed_schema) return *traits_.fixed_schema;
    StructType schema;
    for (const InputFile& file : files) {
      auto opened = kind_.open(file);
      if (!opened.ok()) {
        const bool missing = opened.status().Is(errors::kFileNotFound);
        if (missing ? options_.ignore_missing_files : options_.ignore_corrupt_files && IsCorruptFile(opened.status())) continue;
        return opened.status();
      }
      MS_RETURN_IF_ERROR((*opened)->InferrableSchema());
      MS_ASSIGN_OR_RETURN(StructType found, (*opened)->SparkSchema());
      if (auto twice = TwiceNamed(found, context_.case_sensitive || (options_.rescues && options_.case_sensitive_rescue), context_.case_sensitive)) {
        std::string lower = twice->first;
        if (!context_.case_sensitive)
          std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        return Status::Error(errors::kColumnTwiceInFile,
                             {{"columnName", lower}, {"path", UriFromPath(file.path)}, {"names", "`" + twice->first + "` and `" + twice->second + "`"}});
      }
      std::vector<StructField> nullable;
      std::set<std::string, CaseInsensitiveLess> names;
      for (const StructField& field : found) {
        // Of names that differ in case only, the first is the column's; the others are rescued.
        if (!context_.case_sensitive && !names.insert(field.name).second) continue;
        nullable.push_back({field.name, NullableThroughout(field.type), true, field.metadata});
      }
      found = StructType(std::move(nullable));
      MS_ASSIGN_OR_RETURN(schema, Widest(MergeNewFieldsInto(schema, found, context_.case_sensitive), found));
      if (!merge) break;
    }
    return schema;
  }

  // Types of `schema` made wide enough for `found`; where neither holds the other the first stays, and values go to rescue.
  Result<StructType> Widest(const StructType& schema, const StructType& found) const {
    std::vector<StructField> fields = schema.fields();
    for (StructField& field : fields) {
      auto at = found.IndexOf(field.name, context_.case_sensitive);
      if (at && !field.type.IsNested() && WidensScalar(field.type, found[*at].type)) field.type = found[*at].type;
    }
    return StructType(std::move(fields));
  }

  const ColumnarKind kind_;
  const ColumnarOptions options_;
  const ColumnarFormatTraits traits_;
  const FormatContext context_;
};

}  // namespace

Result<StructType> ColumnarFile::SparkSchema() const { return FromArrowSchema(*arrow_schema()); }

std::vector<OptionSpec> ColumnarOptionSpecs() {
  using enum OptionType;
  return {{"datetimeRebaseMode", kString, "CORRECTED", "Days and times of files that do not say which calendar they are in: CORRECTED, LEGACY or EXCEPTION.",
           "0.1"},
          {"ignoreCorruptFiles", kBool, "false", "Files that are not of this format are left out and counted.", "0.1"},
          {"ignoreMissingFiles", kBool, "false", "Files that have vanished since they were listed are left out and counted.", "0.1"},
          {"mergeSchema", kBool, "false", "Inference looks at all files, not at the first alone.", "0.1"},
          {"readerCaseSensitive", kBool, "true", "With rescuedDataColumn: columns whose names differ in case only are different columns.", "0.1"},
          {"rescuedDataColumn", kString, "", "The column that holds what fits no other column.", "0.1"}};
}

Result<ColumnarOptions> ColumnarOptionsFrom(const OptionValues& values, const FormatContext& context) {
  ColumnarOptions out{.ignore_missing_files = values.Bool("ignoreMissingFiles"),
                      .ignore_corrupt_files = values.Bool("ignoreCorruptFiles"),
                      .case_sensitive_rescue = values.Bool("readerCaseSensitive"),
                      .case_sensitive = context.case_sensitive,
                      .rescues = !values.String("rescuedDataColumn").value_or("").empty()};
  MS_ASSIGN_OR_RETURN(out.datetime_rebase, ParseCalendarRebase("datetimeRebaseMode", values.String("datetimeRebaseMode").value_or("CORRECTED")));
  if (const TimeZone* zone = TimeZone::Find(context.time_zone)) out.zone = zone;
  return out;
}

FileFormatPtr MakeColumnarFormat(ColumnarKind kind, ColumnarOptions options, ColumnarFormatTraits traits, const FormatContext& context) {
  return std::make_shared<ColumnarFormat>(std::move(kind), options, std::move(traits), context);
}

bool WidensScalar(const DataType& from, const DataType& to) {
  if (from.IsIntegral() && to.IsIntegral()) return from.id() <= to.id();
  if (from.id() == TypeId::kFloat && to.id() == TypeId::kDouble) return true;
  if (from.IsIntegral() && from.id() != TypeId::kLong && to.id() == TypeId::kDouble) return true;
  if (from.id() == TypeId::kDecimal && to.id() == TypeId::kDecimal) {
    return to.scale() >= from.scale() && to.precision() - to.scale() >= from.precision() - from.scale();
  }
  if (from.id() == TypeId::kDate && to.id() == TypeId::kTimestampNtz) return true;
  return (from.id() == TypeId::kTimestampNtz && to.id() == TypeId::kTimestamp) || (from.id() == TypeId::kBinary && to.id() == TypeId::kString);
}

bool WidensType(const DataType& from, const DataType& to) {
  if (from.id() == TypeId::kStruct && to.id() == TypeId::kStruct) {
    // The cast fills in missing fields with null and drops others, by name.
    for (const StructField& field : to.fields()) {
      auto at = from.fields().IndexOf(field.name, true);
      if (at && !WidensType(from.fields()[*at].type, field.type)) return false;
    }
    return true;
  }
  if (from.id() == TypeId::kArray && to.id() == TypeId::kArray) return WidensType(from.element(), to.element());
  if (from.id() == TypeId::kMap && to.id() == TypeId::kMap) return WidensType(from.key(), to.key()) && WidensType(from.value(), to.value());
  return from.SameType(to) || WidensScalar(from, to);
}

}  // namespace millstream
