#pragma once

// archive_format.h   A FileFormat that reads the members of archives as files of their own, and other files as the format that it wraps does.

#include "base/option_table.h"
#include "formats/format_makers.h"

namespace millstream {

// archiveMembers, archiveMemberGlob and the limits: options of every reader of files.
const OptionTable& ArchiveOptionTable();
// `format` itself unless archiveMembers is set.
Result<FileFormatPtr> WithArchiveMembers(FileFormatPtr format, const OptionMap& options);

}  // namespace millstream
