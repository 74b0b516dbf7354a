#include "plan/sql/file_functions.h"

#include "base/ignore_case.h"
#include "plan/plan_errors.h"
#include "plan/stream_functions.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

Status WrongArguments(const std::string& function, std::string expected, size_t actual) {
  return Status::Error(errors::kWrongNumArgs,
                       {{"functionName", "`" + function + "`"}, {"expectedNum", std::move(expected)}, {"actualNum", std::to_string(actual)}});
}

// An option's text: 'json', true, 100.
Result<std::string> OptionText(const std::string& function, const std::string& argument, const Expr& value) {
  const auto* literal = value.As<Literal>();
  if (literal != nullptr) {
    if (const auto* text = std::get_if<std::string>(&literal->value.held)) return *text;
    if (const auto* flag = std::get_if<bool>(&literal->value.held)) return std::string(*flag ? "true" : "false");
    if (const auto* number = std::get_if<int64_t>(&literal->value.held); number != nullptr && literal->type.IsIntegral()) return std::to_string(*number);
  }
  return Status::Unsupported("Anything but a text, a whole number, true or false as " + argument + " of " + function);
}

// read_files('/in', format => 'json', schema => 'id INT', maxFilesPerTrigger => 10)
Result<UnresolvedDataSource> WithPath(const std::string& function, const std::vector<ExprPtr>& arguments, bool is_streaming) {
  UnresolvedDataSource source{.format = function, .schema = {}, .options = {}, .paths = {}, .is_streaming = is_streaming};
  for (const ExprPtr& argument : arguments) {
    const auto* named = argument->As<Alias>();
    const std::string name = named == nullptr ? "path" : named->names[0];
    MS_ASSIGN_OR_RETURN(std::string text, OptionText(function, "the argument " + name, named == nullptr ? *argument : *named->child));
    auto is = [&](std::string_view other) { return EqualsIgnoreCase(name, other); };
    if (is("path")) {
      if (!source.paths.empty()) return WrongArguments(function, "1 path", 2);
      source.paths.push_back(std::move(text));
    } else if (is("schema")) {
      MS_ASSIGN_OR_RETURN(source.schema, SchemaFromDdl(text));
    } else if (!source.options.emplace(name, std::move(text)).second) {
      return Status::Error({"DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE", "4274K", ExceptionKind::kAnalysis,
                            "Call to routine <routineName> is invalid because it includes multiple argument assignments to the same parameter name "
                            "<parameterName>. More than one named argument referred to the same parameter. Please assign a value only once."},
                           {{"routineName", "`" + function + "`"}, {"parameterName", "`" + name + "`"}});
    }
  }
  if (source.paths.empty()) return WrongArguments(function, "1 path", 0);
  return source;
}

// cloud_files_state('/checkpoint'), cloud_files_state(TABLE(t)), cloud_files_history('/checkpoint'), cloud_files_schemas('/checkpoint')
Result<UnresolvedDataSource> OfCheckpoint(const std::string& function, const std::vector<ExprPtr>& arguments) {
  if (arguments.size() != 1) return WrongArguments(function, "1", arguments.size());
  const auto* named = arguments[0]->As<Alias>();
  const auto* table = named != nullptr && named->names[0] == kTableArgument ? named->child->As<UnresolvedAttribute>() : nullptr;
  if (table != nullptr) {
    std::string name;
    for (const std::string& part : table->parts) {
      name += name.empty() ? "`" : ".`";
      for (char c : part) name += c == '`' ? "``" : std::string(1, c);
      name += '`';
    }
    return UnresolvedDataSource{.format = function, .schema = {}, .options = {{kStreamsOfTable, name}}, .paths = {}, .is_streaming = false};
  }
  MS_ASSIGN_OR_RETURN(std::string path, OptionText(function, "the checkpoint", named == nullptr ? *arguments[0] : *named->child));
  return UnresolvedDataSource{.format = function, .schema = {}, .options = {}, .paths = {std::move(path)}, .is_streaming = false};
}

}  // namespace

Result<std::optional<UnresolvedDataSource>> FileFunction(const std::string& name, const std::vector<ExprPtr>& arguments, bool is_streaming) {
  auto is = [&](std::string_view other) { return EqualsIgnoreCase(name, other); };
  if (is("read_files")) {
    MS_ASSIGN_OR_RETURN(UnresolvedDataSource source, WithPath("read_files", arguments, is_streaming));
    return std::optional(std::move(source));
  }
  if (is_streaming) return Status::Unsupported("STREAM " + name + "(…)", "Of the table functions only read_files is a stream.");
  if (is("cloud_files_plan")) {
    MS_ASSIGN_OR_RETURN(UnresolvedDataSource source, WithPath("cloud_files_plan", arguments, is_streaming));
    return std::optional(std::move(source));
  }
  for (const char* function : {"cloud_files_state", "cloud_files_history", "cloud_files_schemas"}) {
    if (!is(function)) continue;
    MS_ASSIGN_OR_RETURN(UnresolvedDataSource source, OfCheckpoint(function, arguments));
    return std::optional(std::move(source));
  }
  return std::optional<UnresolvedDataSource>();
}

}  // namespace millstream
