#include "compute/functions/functions.h"

#include <duckdb/catalog/catalog.hpp>

#include "compute/engine/row_function.h"
#include "compute/functions/variants.h"

namespace millstream::compute {

void RegisterFunctions(duckdb::Connection& connection) {
  FunctionRegistry registry;
  for (auto define :
       {DefineArithmetic, DefineDecimals, DefineMath, DefineNumberCasts, DefineTextCasts, DefineStrings, DefineRegex, DefineDates, DefineDateFormats,
        DefineTimeZones, DefineHashes, DefineCollections, DefineRandom, DefineFormatString, DefineJsonPaths, DefineFromJson, DefineToJson, DefineVariants}) {
    define(registry);
  }
  duckdb::ClientContext& context = *connection.context;
  context.RunFunctionInTransaction([&] {
    auto& catalog = duckdb::Catalog::GetSystemCatalog(context);
    for (const auto& [name, set] : registry.sets()) {
      duckdb::CreateScalarFunctionInfo info(set);
      catalog.CreateFunction(context, info);
    }
    RegisterMoments(context, catalog);
  });
}

}  // namespace millstream::compute
