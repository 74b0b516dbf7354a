#include "plan/function_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millstream {
namespace {

ExprPtr Column(const std::string& name, DataType type) {
  return MakeExpr(AttributeRef{.name = name, .type = std::move(type), .nullable = true, .id = ExprId(1)});
}
Result<TypedCall> Typed(const std::string& name, std::vector<ExprPtr> args, bool ansi = true) {
  const FunctionDef* function = FindFunction(name);
  return function->rule(*function, std::move(args), {.ansi = ansi});
}

TEST(FunctionRegistry, KnowsFunctionsByAllTheirNamesWithoutRegardToCase) {
  EXPECT_EQ(FindFunction("NVL"), FindFunction("coalesce"));
  EXPECT_EQ(FindFunction("mean")->name, "avg");
  EXPECT_EQ(FindFunction("no_such"), nullptr);
}

TEST(FunctionRegistry, GivesSparksResultTypes) {
  EXPECT_EQ(Typed("sum", {Column("a", DataType::Integer())})->type, DataType::Long());
  EXPECT_EQ(Typed("sum", {Column("a", DataType::Decimal(10, 2))})->type, DataType::Decimal(20, 2));
  EXPECT_EQ(Typed("avg", {Column("a", DataType::Decimal(10, 2))})->type, DataType::Decimal(14, 6));
  EXPECT_EQ(Typed("/", {Column("a", DataType::Integer()), Column("b", DataType::Integer())})->type, DataType::Double());
  EXPECT_EQ(Typed("+", {Column("a", DataType::Integer()), Column("b", DataType::Long())})->type, DataType::Long());
  EXPECT_EQ(Typed("*", {Column("a", DataType::Decimal(38, 10)), Column("b", DataType::Decimal(38, 10))})->type, DataType::Decimal(38, 6));
  EXPECT_EQ(Typed("==", {Column("a", DataType::String()), Column("b", DataType::Integer())})->args[0]->As<Cast>()->to, DataType::Long());
}

TEST(FunctionRegistry, RefusesTypesAsSparkDoes) {
  Status status = Typed("upper", {Column("a", DataType::Array(DataType::Integer()))}).status();
  EXPECT_EQ(status.message(),
            "[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE] Cannot resolve \"upper(a)\" due to data type mismatch: The first parameter requires the \"STRING\" "
            "type, however \"a\" has the type "
            "\"ARRAY<INT>\". SQLSTATE: 42K09");
}

}  // namespace
}  // namespace millstream
