#pragma once

// names.h   spark_catalog.database.table, resolved and quoted.

#include <string>
#include <vector>

#include "base/status.h"
#include "plan/command.h"

namespace millstream {

inline constexpr std::string_view kSessionCatalogName = "spark_catalog";
inline constexpr std::string_view kGlobalTempDatabase = "global_temp";

// Lower-case parts that can be file names.
struct TableName {
  std::string database, table;
  MultipartName qualified() const { return {std::string(kSessionCatalogName), database, table}; }
};

// [catalog.][database.]table. CATALOG_NOT_FOUND, REQUIRES_SINGLE_PART_NAMESPACE, INVALID_SCHEMA_OR_RELATION_NAME.
Result<TableName> ResolveTableName(const MultipartName& name, const std::string& current_database);
// [catalog.]database
Result<std::string> ResolveDatabaseName(const MultipartName& name);
// `a`.`b`
std::string QuoteName(const MultipartName& name);
// a.b, quoted where needed
std::string DottedName(const MultipartName& name);
std::string LowerCase(std::string_view text);

}  // namespace millstream
