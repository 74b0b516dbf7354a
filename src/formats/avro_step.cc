#include "formats/avro_step.h"

#include <algorithm>

#include "base/ignore_case.h"
#include "base/option_table.h"
#include "formats/avro_default.h"

namespace millstream {
namespace {

using Kind = AvroType::Kind;
using Op = AvroStep::Op;

Status Refuse(std::string reason) { return Status::Error(errors::kAvroSchema, {{"reason", std::move(reason)}}); }

const char* KindName(Kind kind) {
  static constexpr const char* kNames[] = {"null",   "boolean", "int",  "long",  "float", "double", "bytes",
                                           "string", "record",  "enum", "array", "map",   "union",  "fixed"};
  return kNames[static_cast<int>(kind)];
}

Status Incompatible(const AvroType& type, const DataType& to) {
  std::string shown = KindName(type.kind);
  if (!type.logical_type.empty()) shown += " (" + type.logical_type + ")";
  return Refuse("Avro type " + shown + " cannot become SQL type " + to.Sql());
}

// Avro's promotions of what is written to what the reader's schema says.
bool Promotes(Kind from, Kind to) {
  if (from == to) return true;
  switch (to) {
    case Kind::kLong:
      return from == Kind::kInt;
    case Kind::kFloat:
      return from == Kind::kInt || from == Kind::kLong;
    case Kind::kDouble:
      return from == Kind::kInt || from == Kind::kLong || from == Kind::kFloat;
    case Kind::kString:
      return from == Kind::kBytes;
    case Kind::kBytes:
      return from == Kind::kString;
    default:
      return false;
  }
}

bool SameName(std::string_view a, std::string_view b, bool case_sensitive) {
  if (a == b) return true;
  return !case_sensitive && EqualsIgnoreCase(a, b);
}

AvroStep Simple(Op op, const AvroType& writer) {
  AvroStep step;
  step.op = op;
  step.type = &writer;
  return step;
}

// Of a type that is neither nested nor a union, and is written as something that promotes to it.
Result<AvroStep> ChooseScalar(const AvroType& writer, const AvroType& reader, const DataType& to) {
  const TypeId id = to.id();
  switch (reader.kind) {
    case Kind::kNull:
      if (id == TypeId::kNull) return Simple(Op::kNull, writer);
      break;
    case Kind::kBoolean:
      if (id == TypeId::kBoolean) return Simple(Op::kBoolean, writer);
      break;
    case Kind::kInt:
      if (id == TypeId::kInteger || id == TypeId::kLong || id == TypeId::kYearMonthInterval) return Simple(Op::kInteger, writer);
      if (id == TypeId::kDate && reader.catalyst_type.empty()) return Simple(Op::kInteger, writer);
      if (id == TypeId::kDouble) return Simple(Op::kDouble, writer);
      if (id == TypeId::kTimestampNtz && reader.logical_type == "date") return Simple(Op::kMicrosOfDays, writer);
      break;
    case Kind::kLong: {
      if (id == TypeId::kLong || id == TypeId::kDayTimeInterval) return Simple(Op::kInteger, writer);
      if (!reader.catalyst_type.empty()) break;
      if (id == TypeId::kDate) return Simple(Op::kDays, writer);
      if (id != TypeId::kTimestamp && id != TypeId::kTimestampNtz) break;
      const std::string local = id == TypeId::kTimestampNtz ? "local-" : "";
      if (reader.logical_type.empty() || reader.logical_type == local + "timestamp-millis") return Simple(Op::kMicros, writer);
      if (reader.logical_type == local + "timestamp-micros") return Simple(Op::kInteger, writer);
      break;
    }
    case Kind::kFloat:
      if (id == TypeId::kFloat) return Simple(Op::kFloat, writer);
      if (id == TypeId::kDouble) return Simple(Op::kDouble, writer);
      break;
    case Kind::kDouble:
      if (id == TypeId::kDouble) return Simple(Op::kDouble, writer);
      break;
    case Kind::kString:
      if (id == TypeId::kString) return Simple(Op::kText, writer);
      break;
    case Kind::kBytes:
    case Kind::kFixed:
      if (id == TypeId::kBinary) return Simple(Op::kBytes, writer);
      if (id == TypeId::kDecimal && reader.logical_type == "decimal" && reader.precision - reader.scale <= to.precision() - to.scale()) {
        AvroStep step = Simple(Op::kDecimal, writer);
        step.precision = to.precision();
        step.scale = to.scale();
        step.from_scale = reader.scale;
        return step;
      }
      break;
    case Kind::kEnum:
      if (id == TypeId::kString) {
        AvroStep step = Simple(Op::kEnum, writer);
        for (const std::string& symbol : writer.symbols) {
          const bool known = &writer == &reader || std::find(reader.symbols.begin(), reader.symbols.end(), symbol) != reader.symbols.end();
          step.symbols.push_back(known ? symbol : reader.default_symbol.value_or(""));
          step.unknown.push_back(!known && !reader.default_symbol);
        }
        return step;
      }
      break;
    case Kind::kRecord:
    case Kind::kArray:
    case Kind::kMap:
    case Kind::kUnion:
      break;
  }
  return Incompatible(reader, to);
}

Result<AvroStep> ChooseRecord(const AvroType& writer, const AvroType& reader, const DataType& to, const AvroReadOptions& options, int depth) {
  if (to.id() != TypeId::kStruct) return Incompatible(reader, to);
  AvroStep step = Simple(Op::kStruct, writer);
  step.steps.resize(writer.fields.size());
  step.targets.assign(writer.fields.size(), -1);
  for (size_t i = 0; i < writer.fields.size(); ++i) step.steps[i].type = writer.fields[i].type;
  for (size_t child = 0; child < to.fields().size(); ++child) {
    const StructField& wanted = to.fields()[child];
    const AvroField* found = nullptr;
    for (bool exact : {true, false}) {
      for (const AvroField& field : reader.fields)
        if (found == nullptr && SameName(field.name, wanted.name, exact || options.case_sensitive)) found = &field;
    }
    const int target = static_cast<int>(child);
    if (found == nullptr) {
      step.missing.push_back(target);
      continue;
    }
    MS_ASSIGN_OR_RETURN(AvroFieldSource source, ChooseAvroField(writer, *found, &writer == &reader, wanted.type, options, depth));
    if (source.written >= 0) {
      step.steps[static_cast<size_t>(source.written)] = std::move(source.step);
      step.targets[static_cast<size_t>(source.written)] = target;
    } else {
      step.defaults.push_back(std::move(source.step));
      step.default_targets.push_back(target);
    }
  }
  return step;
}

// What is written is a union: each branch has its own step.
Result<AvroStep> ChooseWrittenUnion(const AvroType& writer, const AvroType& reader, const DataType& to, const AvroReadOptions& options, int depth) {
  AvroStep step = Simple(Op::kUnion, writer);
  const bool same = &writer == &reader;
  const AvroUnion parts = SplitAvroUnion(writer);
  if (same && !parts.widened && parts.types.size() > 1 && (to.id() != TypeId::kStruct || to.fields().size() != parts.types.size())) {
    return Incompatible(reader, to);
  }
  bool any = false;
  for (const AvroType* branch : writer.branches) {
    if (same && branch->kind == Kind::kNull) {
      step.steps.push_back(Simple(Op::kNull, *branch));
      continue;
    }
    Result<AvroStep> chosen = AvroStep();
    if (same && !parts.widened && parts.types.size() > 1) {
      const auto index = static_cast<size_t>(std::find(parts.types.begin(), parts.types.end(), branch) - parts.types.begin());
      chosen = ChooseAvroStep(*branch, *branch, to.fields()[index].type, options, depth + 1);
      if (!chosen.ok()) return chosen;
      AvroStep wrap = Simple(Op::kWrap, *branch);
      wrap.targets.push_back(static_cast<int>(index));
      wrap.steps.push_back(*std::move(chosen));
      step.steps.push_back(std::move(wrap));
      any = true;
      continue;
    }
    // int and long, float and double: one column takes both, whatever the branch is promoted from.
    const AvroType& as = same ? *branch : reader;
    chosen = ChooseAvroStep(*branch, as, to, options, depth + 1);
    if (chosen.ok()) {
      step.steps.push_back(*std::move(chosen));
      any = true;
    } else if (same) {
      return chosen;
    } else {
      step.steps.push_back(Simple(Op::kFail, *branch));
      step.steps.back().bytes = chosen.status().message();
    }
  }
  if (!any && !same) return Incompatible(reader, to);
  return step;
}

// The reader's schema is a union, and what is written is none.
Result<AvroStep> ChooseReadUnion(const AvroType& writer, const AvroType& reader, const DataType& to, const AvroReadOptions& options, int depth) {
  const AvroUnion parts = SplitAvroUnion(reader);
  if (writer.kind == Kind::kNull && parts.has_null) return Simple(Op::kNull, writer);
  size_t found = parts.types.size();
  for (bool exact : {true, false}) {
    for (size_t i = 0; i < parts.types.size() && found == parts.types.size(); ++i) {
      const AvroType& branch = *parts.types[i];
      if (exact ? branch.kind == writer.kind && branch.name == writer.name : Promotes(writer.kind, branch.kind)) found = i;
    }
  }
  if (found == parts.types.size())
    return Refuse(std::string("a value written as ") + KindName(writer.kind) + " is none of the types of the union in avroSchema");
  if (parts.types.size() == 1 || parts.widened) return ChooseAvroStep(writer, *parts.types[found], to, options, depth + 1);
  if (to.id() != TypeId::kStruct || to.fields().size() != parts.types.size()) return Incompatible(reader, to);
  AvroStep wrap = Simple(Op::kWrap, writer);
  wrap.targets.push_back(static_cast<int>(found));
  MS_ASSIGN_OR_RETURN(AvroStep inner, ChooseAvroStep(writer, *parts.types[found], to.fields()[found].type, options, depth + 1));
  wrap.steps.push_back(std::move(inner));
  return wrap;
}

}  // namespace

Result<AvroStep> ChooseAvroStep(const AvroType& writer, const AvroType& reader, const DataType& to, const AvroReadOptions& options, int depth) {
  if (depth > kMaxTypeDepth) return Refuse("it is nested too deeply");
  if (writer.kind == Kind::kUnion) return ChooseWrittenUnion(writer, reader, to, options, depth);
  if (reader.kind == Kind::kUnion) return ChooseReadUnion(writer, reader, to, options, depth);
  if (!Promotes(writer.kind, reader.kind)) {
    return Refuse(std::string("what is written as ") + KindName(writer.kind) + " cannot be read as the " + KindName(reader.kind) + " of avroSchema");
  }
  if (reader.kind == Kind::kRecord) return ChooseRecord(writer, reader, to, options, depth);
  if (reader.kind == Kind::kFixed && writer.size_bytes != reader.size_bytes) return Refuse("a fixed has another size in avroSchema");
  if (reader.kind != Kind::kArray && reader.kind != Kind::kMap) return ChooseScalar(writer, reader, to);
  const bool is_list = reader.kind == Kind::kArray;
  if (to.id() != (is_list ? TypeId::kArray : TypeId::kMap)) return Incompatible(reader, to);
  if (!is_list && to.key().id() != TypeId::kString) return Incompatible(reader, to);
  AvroStep step = Simple(is_list ? Op::kList : Op::kMap, writer);
  MS_ASSIGN_OR_RETURN(AvroStep element, ChooseAvroStep(*writer.branches[0], *reader.branches[0], is_list ? to.element() : to.value(), options, depth + 1));
  step.steps.push_back(std::move(element));
  return step;
}

Result<AvroFieldSource> ChooseAvroField(const AvroType& writer, const AvroField& reader_field, bool same_schema, const DataType& to,
                                        const AvroReadOptions& options, int depth) {
  AvroFieldSource source;
  for (size_t i = 0; i < writer.fields.size() && source.written < 0; ++i)
    if (writer.fields[i].name == reader_field.name) source.written = static_cast<int>(i);
  for (const std::string& alias : reader_field.aliases) {
    for (size_t i = 0; i < writer.fields.size() && source.written < 0 && !same_schema; ++i)
      if (writer.fields[i].name == alias) source.written = static_cast<int>(i);
  }
  if (source.written >= 0) {
    MS_ASSIGN_OR_RETURN(source.step, ChooseAvroStep(*writer.fields[static_cast<size_t>(source.written)].type, *reader_field.type, to, options, depth + 1));
    return source;
  }
  if (!reader_field.default_value) return Refuse("the field " + reader_field.name + " of avroSchema is not in the file and has no default");
  source.step.op = Op::kDefault;
  MS_ASSIGN_OR_RETURN(source.step.bytes, EncodeAvroDefault(*reader_field.type, *reader_field.default_value));
  MS_ASSIGN_OR_RETURN(AvroStep inner, ChooseAvroStep(*reader_field.type, *reader_field.type, to, options, depth + 1));
  source.step.steps.push_back(std::move(inner));
  return source;
}

}  // namespace millstream
