#include "formats/file_format.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ignore_case.h"
#include "formats/archive_format.h"
#include "formats/bad_records.h"
#include "formats/format_makers.h"

namespace millstream {
namespace {

struct Maker {
  std::string_view name;
  Result<FileFormatPtr> (*make)(const OptionMap&, const FormatContext&);
  const OptionTable& (*options)();
};

constexpr Maker kMakers[] = {
    {"json", MakeJsonFormat, JsonOptionTable},
    {"ndjson", MakeJsonFormat, JsonOptionTable},
    {"csv", MakeCsvFormat, CsvOptionTable},
    {"parquet", MakeParquetFormat, ParquetOptionTable},
    {"avro", MakeAvroFormat, AvroOptionTable},
    {"orc", MakeOrcFormat, OrcOptionTable},
    {"xml", MakeXmlFormat, XmlOptionTable},
    {"text", MakeTextFormat, TextOptionTable},
    {"binaryFile", MakeBinaryFileFormat, BinaryFileOptionTable},
};

const Maker* FindMaker(std::string_view name) {
  for (const Maker& maker : kMakers) {
    if (EqualsIgnoreCase(maker.name, name)) return &maker;
  }
  return nullptr;
}

// What would change the rows that are read is refused, not passed over.
Status RefuseUnbuilt(const OptionMap& options, const Maker& maker) {
  if (options.contains("badRecordsPath")) return Status::Unsupported("The option badRecordsPath here", "Use rescuedDataColumn or columnNameOfCorruptRecord.");
  const auto& specs = maker.options().specs();
  if (options.contains("singleVariantColumn") &&
      std::none_of(specs.begin(), specs.end(), [](const OptionSpec& spec) { return spec.name == "singleVariantColumn"; }))
    return Status::Unsupported("The option singleVariantColumn of the format " + std::string(maker.name), "Formats that have it: csv, json, xml.");
  auto locale = options.find("locale");
  if (locale != options.end() && !locale->second.starts_with("en"))
    return Status::Unsupported("The option locale with \"" + locale->second + "\"", "Dates and numbers are read as en-US has them.");
  return Status();
}

}  // namespace

void FileOutcomes::Skip(Skipped skipped) {
  if (whole_) {
    skipped.file = file_of_[static_cast<size_t>(skipped.file)];
    return whole_->Skip(std::move(skipped));
  }
  std::lock_guard lock(mutex_);
  skipped_.push_back(std::move(skipped));
}

std::vector<FileOutcomes::Skipped> FileOutcomes::skipped() const {
  std::lock_guard lock(mutex_);
  return skipped_;
}

FileOutcomes::Sums FileOutcomes::Total() const {
  Sums total;
  for (const Counts& counts : counts_) {
    total.rows += counts.rows;
    total.rejected += counts.rejected;
    total.quarantined += counts.quarantined;
  }
  return total;
}

void FileScanStats::Skip(int32_t file, bool is_missing, const Status& reason) {
  ++files_skipped;
  if (FileOutcomes* told = parts ? parts.get() : outcomes.get()) told->Skip({file, is_missing, reason.text()});
}

Status FileScanStats::CheckCounts(const BadRecords* bad_records) const {
  int64_t rows = 0, rejected = 0, quarantined = 0;
  if (outcomes) {
    const FileOutcomes::Sums total = outcomes->Total();
    rows = total.rows, rejected = total.rejected, quarantined = total.quarantined;
  }
  const int64_t taken = bad_records ? bad_records->count() : 0;
  const bool agrees = !outcomes || (rows == rows_out && rejected == rows_rejected && quarantined == rows_quarantined);
  if (agrees && rows_in == rows_out + rows_rejected + rows_quarantined && taken == rows_quarantined) return Status();
  return Status::Internal(fmt::format("of {} rows that were read {} came out, {} were rejected and {} quarantined (by files: {}, {} and {}; taken: {})",
                                      rows_in.load(), rows_out.load(), rows_rejected.load(), rows_quarantined.load(), rows, rejected, quarantined, taken));
}

Result<std::shared_ptr<const FileFormat>> MakeFileFormat(const std::string& name, const OptionMap& options, const FormatContext& context) {
  const Maker* maker = FindMaker(name);
  if (maker == nullptr) {
    std::string known;
    for (const Maker& each : kMakers) known += (known.empty() ? "" : ", ") + std::string(each.name);
    return Status::Unsupported("The file format " + name, "Formats: " + known + ".");
  }
  MS_RETURN_IF_ERROR(RefuseUnbuilt(options, *maker));
  MS_ASSIGN_OR_RETURN(FileFormatPtr format, maker->make(options, context));
  return WithArchiveMembers(std::move(format), options);
}

const OptionTable* FileFormatOptions(const std::string& name) {
  const Maker* maker = FindMaker(name);
  return maker == nullptr ? nullptr : &maker->options();
}

}  // namespace millstream
