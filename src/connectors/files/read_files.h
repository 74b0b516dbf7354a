#pragma once

// read_files.h   SELECT … FROM read_files('/in', format => 'json', …): Auto Loader's reading without its memory. FROM STREAM read_files(…) is Auto Loader.

#include "connectors/files/files_connector.h"

namespace millstream {

// `call.options`: the named arguments as they are written, `schema` apart. Without `format` the names of the files tell it.
// Errors: as OpenCloudFiles; MILLSTREAM_INVALID_OPTION_VALUE for files whose names tell no format.
Result<RelationSourcePtr> OpenReadFiles(const UnresolvedDataSource& call, const FilesContext& context);

}  // namespace millstream
