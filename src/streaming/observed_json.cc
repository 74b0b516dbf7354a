#include "streaming/observed_json.h"

#include <arrow/util/base64.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "formats/time_zone.h"
#include "plan/value_text.h"
#include "types/arrow_value.h"

namespace millstream {
namespace {

using Json = nlohmann::ordered_json;

class RowJson {
 public:
  explicit RowJson(const TimeZone& zone) : zone_(zone) {}

  // Depth is bounded by kMaxTypeDepth.
  Json Of(const Value& value, const DataType& type) const {
    if (value.is_null()) return nullptr;
    switch (type.id()) {
      case TypeId::kBoolean:
        return std::get<bool>(value.held);
      case TypeId::kFloat:
        return static_cast<float>(std::get<double>(value.held));
      case TypeId::kDouble:
        return std::get<double>(value.held);
      case TypeId::kDecimal:
        return std::strtod(DecimalText(std::get<DecimalValue>(value.held), type.scale()).c_str(), nullptr);
      case TypeId::kString:
        return std::get<std::string>(value.held);
      case TypeId::kBinary:
        return arrow::util::base64_encode(std::get<std::string>(value.held));
      case TypeId::kDate:
        return DateText(Number(value));
      case TypeId::kTimestamp:
        return Seconds(Number(value) + zone_.OffsetSecondsAt(Number(value)) * 1'000'000);
      case TypeId::kTimestampNtz:
        return Seconds(Number(value));
      case TypeId::kDayTimeInterval:
      case TypeId::kYearMonthInterval:
        return LiteralSql(value, type);
      case TypeId::kArray: {
        Json array = Json::array();
        for (const Value& element : Parts(value)) array.push_back(Of(element, type.element()));
        return array;
      }
      case TypeId::kMap:
        return OfMap(value, type);
      case TypeId::kStruct: {
        Json object = Json::object();
        for (size_t i = 0; i < Parts(value).size(); ++i) object[type.fields()[i].name] = Of(Parts(value)[i], type.fields()[i].type);
        return object;
      }
      default:
        return Number(value);
    }
  }

 private:
  static int64_t Number(const Value& value) { return std::get<int64_t>(value.held); }
  static const std::vector<Value>& Parts(const Value& value) { return *std::get<std::shared_ptr<const std::vector<Value>>>(value.held); }
  static std::string Seconds(int64_t local_us) {
    const std::string text = TimestampText(local_us);
    return text.substr(0, text.find('.'));
  }
  Json OfMap(const Value& value, const DataType& type) const {
    const bool by_text = type.key().id() == TypeId::kString;
    Json entries = by_text ? Json::object() : Json::array();
    const std::vector<Value>& parts = Parts(value);
    for (size_t i = 0; i + 1 < parts.size(); i += 2) {
      if (by_text) {
        entries[std::get<std::string>(parts[i].held)] = Of(parts[i + 1], type.value());
      } else {
        entries.push_back({{"key", Of(parts[i], type.key())}, {"value", Of(parts[i + 1], type.value())}});
      }
    }
    return entries;
  }

  const TimeZone& zone_;
};

}  // namespace

Result<std::string> ObservedJson(const StructType& schema, const arrow::RecordBatch& rows, const std::string& time_zone) {
  const TimeZone* zone = TimeZone::Find(time_zone);
  const RowJson json(zone != nullptr ? *zone : TimeZone::Utc());
  Json object = Json::object();
  for (size_t i = 0; i < schema.size(); ++i) {
    MS_ASSIGN_OR_RETURN(Value value, ValueAt(*rows.column(static_cast<int>(i)), 0, schema[i].type));
    object[schema[i].name] = json.Of(value, schema[i].type);
  }
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace millstream
