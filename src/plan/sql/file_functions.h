#pragma once

// file_functions.h   read_files(…) and cloud_files_state(…): table functions over files, which are data sources by other words.

#include <optional>
#include <string>
#include <vector>

#include "plan/logical_plan.h"

namespace millstream {

// nullopt: another function. A named argument is an Alias. Errors: WRONG_NUM_ARGS, arguments that are no literals, STREAM before what is no stream.
Result<std::optional<UnresolvedDataSource>> FileFunction(const std::string& name, const std::vector<ExprPtr>& arguments, bool is_streaming);

}  // namespace millstream
