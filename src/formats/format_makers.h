#pragma once

// format_makers.h   One maker per format, for MakeFileFormat's table.

#include <memory>

#include "formats/file_format.h"

namespace millstream {

using FileFormatPtr = std::shared_ptr<const FileFormat>;

Result<FileFormatPtr> MakeJsonFormat(const OptionMap& options, const FormatContext& context);
const OptionTable& JsonOptionTable();
Result<FileFormatPtr> MakeCsvFormat(const OptionMap& options, const FormatContext& context);
const OptionTable& CsvOptionTable();
Result<FileFormatPtr> MakeParquetFormat(const OptionMap& options, const FormatContext& context);
const OptionTable& ParquetOptionTable();
Result<FileFormatPtr> MakeAvroFormat(const OptionMap& options, const FormatContext& context);
const OptionTable& AvroOptionTable();
Result<FileFormatPtr> MakeOrcFormat(const OptionMap& options, const FormatContext& context);
const OptionTable& OrcOptionTable();
Result<FileFormatPtr> MakeXmlFormat(const OptionMap& options, const FormatContext& context);
const OptionTable& XmlOptionTable();
Result<FileFormatPtr> MakeTextFormat(const OptionMap& options, const FormatContext& context);
const OptionTable& TextOptionTable();
Result<FileFormatPtr> MakeBinaryFileFormat(const OptionMap& options, const FormatContext& context);
const OptionTable& BinaryFileOptionTable();

}  // namespace millstream
