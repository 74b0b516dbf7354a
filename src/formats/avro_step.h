#pragma once

// avro_step.h   The steps that an AvroDecoder is made of, and how they are chosen. Only for avro_decoder.cc and avro_step.cc.

#include <string>
#include <vector>

#include "formats/avro_decoder.h"

namespace millstream {

struct AvroStep {
  enum class Op {
    kNull,
    kBoolean,
    kInteger,  // into the column's own width
    kDays,     // of milliseconds
    kMicrosOfDays,
    kMicros,  // of milliseconds
    kDouble,  // of any number
    kFloat,   // of int, long or float
    kText,    // of string or bytes, made valid UTF-8
    kBytes,
    kDecimal,  // of bytes or fixed
    kEnum,
    kList,
    kMap,
    kStruct,
    kUnion,    // the branch that is written says what follows
    kWrap,     // into one field of the struct that stands for a union
    kDefault,  // bytes that the reader's schema holds
    kFail,     // a branch that the reader's schema cannot take
  };
  Op op = Op::kNull;
  const AvroType* type = nullptr;  // as written
  std::vector<AvroStep> steps;     // kStruct: of the written fields in order; kList, kMap, kWrap, kDefault: one; kUnion: of the branches
  std::vector<int> targets;        // kStruct, kWrap: which child of the column a step fills; -1: its value is skipped
  std::vector<int> missing;        // kStruct: children that stay null
  std::vector<AvroStep> defaults;  // kStruct: children that the reader's schema fills, and which
  std::vector<int> default_targets;
  std::vector<std::string> symbols;  // kEnum: by number; "" with `unknown`: not of the reader's
  std::vector<bool> unknown;
  std::string bytes;                             // kDefault; kFail: why
  int precision = 0, scale = 0, from_scale = 0;  // kDecimal
};

Result<AvroStep> ChooseAvroStep(const AvroType& writer, const AvroType& reader, const DataType& to, const AvroReadOptions& options, int depth = 0);
// The step of a field of a record: what is written under its name or an alias, or its default.
struct AvroFieldSource {
  int written = -1;  // index among the writer's fields
  AvroStep step;     // else kDefault
};
Result<AvroFieldSource> ChooseAvroField(const AvroType& writer, const AvroField& reader_field, bool same_schema, const DataType& to,
                                        const AvroReadOptions& options, int depth);

}  // namespace millstream
