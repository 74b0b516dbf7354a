#pragma once

// attribute_name.h   df["a.`b.c`"]: the name of a column as DataFrame calls write it, after Spark's UnresolvedAttribute.parseAttributeName.

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kAttributeNameSyntax{
    "INVALID_ATTRIBUTE_NAME_SYNTAX", "42601", ExceptionKind::kAnalysis,
    "Syntax error in the attribute name: <name>. Check that backticks appear in pairs, a quoted string is a complete name part and use a backtick "
    "only inside quoted name parts."};
}  // namespace errors

// Parts between dots; a part in backticks may hold anything, with a backtick doubled. Unlike SQL, an unquoted part may hold any other character.
Result<std::vector<std::string>> ParseAttributeName(std::string_view name);

}  // namespace millstream
