#pragma once

// whole_file_rows.h   zeroCopy: the rows of files, of which some come as whole files to who can take these (types/chunk_rows.h).

#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "types/row_stream.h"
#include "types/whole_files.h"

namespace millstream {

// off, copy (also true) or link; nullopt within: off. An error says what is expected; `format` is that of the files.
Result<std::optional<WholeFileMode>> ParseZeroCopy(const std::string& option, const std::string& value, const std::string& owner, const std::string& format);

// Passes on the wish for whole files, and says to `files` when nobody can take them.
RowStreamPtr WithWholeFiles(RowStreamPtr rows, std::shared_ptr<WholeFiles> files);

}  // namespace millstream
