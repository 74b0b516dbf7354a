#include "session/names.h"

#include <algorithm>

#include "base/ignore_case.h"
#include "session/session_errors.h"
#include "session/warehouse.h"

namespace millstream {
namespace {

// The parts after a leading spark_catalog.
Result<MultipartName> WithoutCatalog(const MultipartName& name, size_t parts_max) {
  MultipartName rest = name;
  if (rest.size() > parts_max) {
    if (!EqualsIgnoreCase(rest.front(), kSessionCatalogName)) {
      if (rest.size() == parts_max + 1)
        return Status::Error(errors::kCatalogNotFound, {{"catalogName", QuoteName({rest.front()})}, {"config", "\"spark.sql.catalog." + rest.front() + "\""}});
    } else {
      rest.erase(rest.begin());
    }
  }
  if (rest.empty() || rest.size() > parts_max)
    return Status::Error(errors::kRequiresSinglePartNamespace, {{"sessionCatalog", std::string(kSessionCatalogName)}, {"identifier", QuoteName(name)}});
  return rest;
}

}  // namespace

Result<TableName> ResolveTableName(const MultipartName& name, const std::string& current_database) {
  MS_ASSIGN_OR_RETURN(MultipartName rest, WithoutCatalog(name, 2));
  TableName resolved{.database = current_database, .table = {}};
  if (rest.size() == 2) {
    MS_ASSIGN_OR_RETURN(resolved.database, NormalizeName(rest[0]));
  }
  MS_ASSIGN_OR_RETURN(resolved.table, NormalizeName(rest.back()));
  return resolved;
}

Result<std::string> ResolveDatabaseName(const MultipartName& name) {
  MS_ASSIGN_OR_RETURN(MultipartName rest, WithoutCatalog(name, 1));
  return NormalizeName(rest[0]);
}

std::string QuoteName(const MultipartName& name) {
  std::string out;
  for (const std::string& part : name) {
    if (!out.empty()) out += '.';
    out += '`';
    for (char c : part) {
      out += c;
      if (c == '`') out += c;
    }
    out += '`';
  }
  return out;
}

std::string DottedName(const MultipartName& name) {
  std::string out;
  for (const std::string& part : name) {
    if (!out.empty()) out += '.';
    const bool plain = !part.empty() && std::all_of(part.begin(), part.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
    out += plain ? part : QuoteName({part});
  }
  return out;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

}  // namespace millstream
