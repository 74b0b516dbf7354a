#pragma once

// variants.h   The functions of VARIANT, as ms_… in DuckDB's SQL.

namespace millstream::compute {

class FunctionRegistry;

void DefineVariants(FunctionRegistry& registry);

}  // namespace millstream::compute
