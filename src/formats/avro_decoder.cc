#include "formats/avro_decoder.h"

#include <arrow/util/utf8.h>

#include "formats/avro_step.h"
#include "formats/json_scanner.h"
#include "formats/spark_text.h"

namespace millstream {
namespace {

using Kind = AvroType::Kind;
using Op = AvroStep::Op;

constexpr int kValueDepthMax = 1000;

bool Skip(const AvroType& type, AvroCursor& cursor, int depth);

bool SkipItems(const AvroType& type, bool has_keys, AvroCursor& cursor, int depth) {
  while (true) {
    int64_t count = 0, size = 0;
    std::string_view ignored;
    if (!cursor.Items(&count, &size)) return false;
    if (count == 0) return true;
    if (size >= 0) {
      if (!cursor.Take(size, &ignored)) return false;
      continue;
    }
    for (int64_t i = 0; i < count; ++i) {
      const int64_t before = cursor.left();
      if (has_keys && !cursor.Bytes(&ignored)) return false;
      if (!Skip(type, cursor, depth + 1)) return false;
      if (cursor.left() == before && !cursor.SpendFreeItem()) return false;
    }
  }
}

bool Skip(const AvroType& type, AvroCursor& cursor, int depth) {
  if (depth > kValueDepthMax) return cursor.Fail();
  int64_t number = 0;
  std::string_view ignored;
  switch (type.kind) {
    case Kind::kNull:
      return true;
    case Kind::kBoolean:
      return cursor.Take(1, &ignored);
    case Kind::kInt:
    case Kind::kLong:
    case Kind::kEnum:
      return cursor.Long(&number);
    case Kind::kFloat:
      return cursor.Take(4, &ignored);
    case Kind::kDouble:
      return cursor.Take(8, &ignored);
    case Kind::kBytes:
    case Kind::kString:
      return cursor.Bytes(&ignored);
    case Kind::kFixed:
      return cursor.Take(type.size_bytes, &ignored);
    case Kind::kRecord:
      for (const AvroField& field : type.fields)
        if (!Skip(*field.type, cursor, depth + 1)) return false;
      return true;
    case Kind::kArray:
    case Kind::kMap:
      return SkipItems(*type.branches[0], type.kind == Kind::kMap, cursor, depth);
    case Kind::kUnion:
      if (!cursor.Long(&number) || number < 0 || number >= static_cast<int64_t>(type.branches.size())) return cursor.Fail();
      return Skip(*type.branches[static_cast<size_t>(number)], cursor, depth + 1);
  }
  return cursor.Fail();
}

// A big-endian number in two's complement; nullopt: of more digits than the column has.
std::optional<__int128> Decimal(std::string_view bytes, const AvroStep& step) {
  while (bytes.size() > 16 && (bytes[0] == 0 || bytes[0] == -1) && ((bytes[0] ^ bytes[1]) & 0x80) == 0) bytes.remove_prefix(1);
  if (bytes.size() > 16) return std::nullopt;
  unsigned __int128 bits = !bytes.empty() && (bytes[0] & 0x80) != 0 ? ~static_cast<unsigned __int128>(0) : 0;
  for (char byte : bytes) bits = bits << 8 | static_cast<uint8_t>(byte);
  auto value = static_cast<__int128>(bits);
  __int128 limit = 1;
  for (int i = 0; i < step.precision; ++i) limit *= 10;
  if (value >= limit || value <= -limit) {
    if (step.scale >= step.from_scale) return std::nullopt;
  }
  for (int i = step.from_scale; i < step.scale; ++i) {
    value *= 10;
    if (value >= limit || value <= -limit) return std::nullopt;
  }
  for (int i = step.from_scale; i > step.scale; --i) {
    const __int128 rest = value % 10;
    value /= 10;
    // Only the last digit that goes rounds, half up; those before it are kept in the digit's place.
    if (i == step.scale + 1 && (rest >= 5 || rest <= -5)) value += rest > 0 ? 1 : -1;
  }
  if (value >= limit || value <= -limit) return std::nullopt;
  return value;
}

class Run {
 public:
  Run(AvroCursor& cursor, std::string* reason) : cursor_(cursor), reason_(reason) {}

  bool Value(const AvroStep& step, ColumnBuilder& out, int depth) {
    if (depth > kValueDepthMax) return cursor_.Fail();
    int64_t number = 0;
    std::string_view bytes;
    switch (step.op) {
      case Op::kNull:
        out.AppendNull();
        return true;
      case Op::kBoolean:
        if (!cursor_.Take(1, &bytes)) return false;
        out.AppendFixed(static_cast<uint8_t>(bytes[0] != 0 ? 1 : 0));
        return true;
      case Op::kInteger:
        if (!(step.type->kind == Kind::kInt ? cursor_.Int(&number) : cursor_.Long(&number))) return false;
        out.AppendInteger(number);
        return true;
      case Op::kDays:
        if (!cursor_.Long(&number)) return false;
        out.AppendInteger(static_cast<int32_t>(number / 86'400'000));
        return true;
      case Op::kMicrosOfDays:
        if (!cursor_.Int(&number)) return false;
        out.AppendInteger(number * 86'400'000'000);
        return true;
      case Op::kMicros:
        if (!cursor_.Long(&number)) return false;
        if (__builtin_mul_overflow(number, int64_t{1000}, &number)) return Wrong("a time is too far away for microseconds");
        out.AppendInteger(number);
        return true;
      case Op::kDouble:
      case Op::kFloat:
        return Floating(step, out);
      case Op::kText:
        if (!cursor_.Bytes(&bytes)) return false;
        if (arrow::util::ValidateUTF8(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int64_t>(bytes.size()))) {
          out.AppendBytes(bytes);
        } else {
          out.AppendBytes(ValidUtf8(bytes));
        }
        return true;
      case Op::kBytes:
      case Op::kDecimal:
        if (!(step.type->kind == Kind::kFixed ? cursor_.Take(step.type->size_bytes, &bytes) : cursor_.Bytes(&bytes))) return false;
        if (step.op == Op::kBytes) {
          out.AppendBytes(bytes);
        } else if (auto value = Decimal(bytes, step)) {
          out.AppendFixed(*value);
        } else {
          out.AppendNull();
        }
        return true;
      case Op::kEnum:
        if (!cursor_.Long(&number) || number < 0 || number >= static_cast<int64_t>(step.symbols.size())) return cursor_.Fail();
        if (step.unknown[static_cast<size_t>(number)]) return Wrong("a symbol of an enum is not in avroSchema");
        out.AppendBytes(step.symbols[static_cast<size_t>(number)]);
        return true;
      case Op::kList:
      case Op::kMap:
        return Items(step, out, depth);
      case Op::kStruct:
        return Struct(step, out, depth);
      case Op::kUnion:
        if (!cursor_.Long(&number) || number < 0 || number >= static_cast<int64_t>(step.steps.size())) return cursor_.Fail();
        return Value(step.steps[static_cast<size_t>(number)], out, depth + 1);
      case Op::kWrap:
        for (size_t i = 0; i < out.child_count(); ++i) {
          if (static_cast<int>(i) != step.targets[0]) out.child(i).AppendNull();
        }
        if (!Value(step.steps[0], out.child(static_cast<size_t>(step.targets[0])), depth + 1)) return false;
        out.CloseStruct();
        return true;
      case Op::kDefault: {
        AvroCursor stored(step.bytes);
        return Run(stored, reason_).Value(step.steps[0], out, depth + 1) || cursor_.Fail();
      }
      case Op::kFail:
        return Wrong(step.bytes);
    }
    return cursor_.Fail();
  }

  // The fields of a record, into the children that `column_of` gives.
  template <typename ColumnOf>
  bool Fields(const AvroStep& step, int depth, ColumnOf&& column_of) {
    for (size_t i = 0; i < step.steps.size(); ++i) {
      const int target = step.targets[i];
      if (!(target < 0 ? Skip(*step.steps[i].type, cursor_, depth + 1) : Value(step.steps[i], column_of(target), depth + 1))) return false;
    }
    for (int target : step.missing) column_of(target).AppendNull();
    for (size_t i = 0; i < step.defaults.size(); ++i)
      if (!Value(step.defaults[i], column_of(step.default_targets[i]), depth + 1)) return false;
    return true;
  }

 private:
  bool Wrong(const std::string& reason) {
    if (reason_->empty()) *reason_ = reason;
    return cursor_.Fail();
  }

  bool Floating(const AvroStep& step, ColumnBuilder& out) {
    double value = 0;
    int64_t number = 0;
    float single = 0;
    switch (step.type->kind) {
      case Kind::kFloat:
        if (!cursor_.Fixed(&single)) return false;
        value = single;
        break;
      case Kind::kDouble:
        if (!cursor_.Fixed(&value)) return false;
        break;
      default:
        if (!cursor_.Long(&number)) return false;
        value = static_cast<double>(number);
        single = static_cast<float>(number);
    }
    if (step.op == Op::kFloat) {
      out.AppendFixed(single);
    } else {
      out.AppendFixed(value);
    }
    return true;
  }

  bool Items(const AvroStep& step, ColumnBuilder& out, int depth) {
    const bool has_keys = step.op == Op::kMap;
    while (true) {
      int64_t count = 0, size = 0;
      if (!cursor_.Items(&count, &size)) return false;
      if (count == 0) break;
      for (int64_t i = 0; i < count; ++i) {
        const int64_t before = cursor_.left();
        std::string_view key;
        if (has_keys) {
          if (!cursor_.Bytes(&key)) return false;
          out.child(0).AppendBytes(ValidUtf8(key));
        }
        if (!Value(step.steps[0], out.child(has_keys ? 1 : 0), depth + 1)) return false;
        if (cursor_.left() == before && !cursor_.SpendFreeItem()) return false;
      }
    }
    out.CloseList();
    return true;
  }

  bool Struct(const AvroStep& step, ColumnBuilder& out, int depth) {
    if (!Fields(step, depth, [&](int target) -> ColumnBuilder& { return out.child(static_cast<size_t>(target)); })) return false;
    out.CloseStruct();
    return true;
  }

  AvroCursor& cursor_;
  std::string* reason_;
};

}  // namespace

AvroDecoder::~AvroDecoder() = default;

Result<std::shared_ptr<const AvroDecoder>> AvroDecoder::Make(const AvroType& writer, const AvroType& reader, const std::vector<Column>& columns,
                                                             const AvroReadOptions& options) {
  arrow::util::InitializeUTF8();
  auto root = std::make_unique<AvroStep>();
  root->op = Op::kStruct;
  root->type = &writer;
  root->steps.resize(writer.fields.size());
  root->targets.assign(writer.fields.size(), -1);
  for (size_t i = 0; i < writer.fields.size(); ++i) root->steps[i].type = writer.fields[i].type;
  for (size_t i = 0; i < columns.size(); ++i) {
    MS_ASSIGN_OR_RETURN(AvroFieldSource source, ChooseAvroField(writer, *columns[i].field, &writer == &reader, columns[i].as, options, 0));
    if (source.written >= 0) {
      root->steps[static_cast<size_t>(source.written)] = std::move(source.step);
      root->targets[static_cast<size_t>(source.written)] = static_cast<int>(i);
    } else {
      root->defaults.push_back(std::move(source.step));
      root->default_targets.push_back(static_cast<int>(i));
    }
  }
  std::shared_ptr<AvroDecoder> decoder(new AvroDecoder());
  decoder->root_ = std::move(root);
  return std::shared_ptr<const AvroDecoder>(std::move(decoder));
}

bool AvroDecoder::Record(AvroCursor& cursor, std::vector<ColumnBuilder>& columns, std::string* reason) const {
  return Run(cursor, reason).Fields(*root_, 0, [&](int target) -> ColumnBuilder& { return columns[static_cast<size_t>(target)]; });
}

Status CheckAvroReadable(const AvroType& writer, const AvroType& reader, const DataType& to, const AvroReadOptions& options) {
  return ChooseAvroStep(writer, reader, to, options).status();
}

}  // namespace millstream
