// parser_fuzz.cc   libFuzzer's entry to the parser: any bytes give a statement or an error, never a crash.
//
//   clang++ -fsanitize=fuzzer,address …   or, in the unit tests, parser_mutation_test.cc.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plan/sql/parser.h"
#include "types/spark_ddl.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view sql(reinterpret_cast<const char*>(data), size);
  (void)millstream::ParseStatements(sql).ok();
  (void)millstream::ParseStatement(sql).ok();
  (void)millstream::ParseExpression(sql).ok();
  (void)millstream::ParseMultipartName(sql).ok();
  (void)millstream::SchemaFromDdl(sql).ok();
  return 0;
}
