#include "formats/file_format.h"

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
    {"csv", MakeCsvFormat, CsvOptionTable},
    {"parquet", MakeParquetFormat, ParquetOptionTable},
    {"text", MakeTextFormat, TextOptionTable},
    {"binaryFile", MakeBinaryFileFormat, BinaryFileOptionTable},
};

const Maker* FindMaker(std::string_view name) {
  CaseInsensitiveLess less;
  for (const Maker& maker : kMakers) {
    if (!less(maker.name, name) && !less(name, maker.name)) return &maker;
  }
  return nullptr;
}

}  // namespace

void FileOutcomes::Skip(Skipped skipped) {
  std::lock_guard lock(mutex_);
  skipped_.push_back(std::move(skipped));
}

std::vector<FileOutcomes::Skipped> FileOutcomes::skipped() const {
  std::lock_guard lock(mutex_);
  return skipped_;
}

void FileScanStats::Skip(int32_t file, bool is_missing, const Status& reason) {
  ++files_skipped;
  if (outcomes) outcomes->Skip({file, is_missing, reason.text()});
}

Result<std::shared_ptr<const FileFormat>> MakeFileFormat(const std::string& name, const OptionMap& options, const FormatContext& context) {
  const Maker* maker = FindMaker(name);
  if (maker == nullptr) {
    std::string known;
    for (const Maker& each : kMakers) known += (known.empty() ? "" : ", ") + std::string(each.name);
    return Status::Unsupported("The file format " + name, "Formats: " + known + ".");
  }
  return maker->make(options, context);
}

const OptionTable* FileFormatOptions(const std::string& name) {
  const Maker* maker = FindMaker(name);
  return maker == nullptr ? nullptr : &maker->options();
}

}  // namespace millstream
