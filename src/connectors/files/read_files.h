#pragma once

// read_files.h   SELECT … FROM read_files('/in', format => 'json', …): Auto Loader's reading without its memory. FROM STREAM read_files(…) is Auto Loader.

#include "connectors/files/files_connector.h"

namespace millstream {

// `call.options`: the named arguments as they are written, `schema` apart. Without `format` the names of the files tell it.
// Errors: as OpenCloudFiles; MILLSTREAM_INVALID_OPTION_VALUE for files whose names tell no format.
Result<RelationSourcePtr> OpenReadFiles(const UnresolvedDataSource& call, const FilesContext& context);

// Named arguments are Auto Loader's options without their prefix, and reader options: as options of a stream.
OptionMap AutoLoaderOptions(const OptionMap& arguments);
// MILLSTREAM_UNKNOWN_OPTION, with "did you mean" by the names that are written here, which have no prefix.
Status CheckArgumentNames(const OptionMap& arguments, const std::string& function, const std::string& format);

}  // namespace millstream
