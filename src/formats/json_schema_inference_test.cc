#include "formats/json_schema_inference.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace millstream {
namespace {

std::string RandomValue(std::mt19937& random, int depth) {
  switch (random() % (depth > 2 ? 7 : 10)) {
    case 0:
      return "null";
    case 1:
      return "true";
    case 2:
      return std::to_string(random() % 1000);
    case 3:
      return "12345678901234567890123";
    case 4:
      return "1.25e" + std::to_string(random() % 30);
    case 5:
      return "\"2024-01-0" + std::to_string(1 + random() % 9) + "\"";
    case 6:
      return "\"x\"";
    case 7:
      return "[" + RandomValue(random, depth + 1) + "," + RandomValue(random, depth + 1) + "]";
    default: {
      std::string text = "{";
      for (unsigned i = 0; i <= random() % 3; ++i) {
        const char name = static_cast<char>((random() % 4 == 0 ? 'A' : 'a') + random() % 4);
        text += std::string(i == 0 ? "\"" : ",\"") + name + "\":" + RandomValue(random, depth + 1);
      }
      return text + "}";
    }
  }
}

// Records are seen by one, or by several in any order, each of which sees its part in order.
TEST(JsonSchemaInference, OfPartsIsThatOfTheWhole) {
  for (const OptionMap& map : std::vector<OptionMap>{{}, {{"prefersDecimal", "true"}, {"inferTimestamp", "true"}}, {{"dropFieldIfAllNull", "true"}}}) {
    const JsonOptions options = *JsonOptions::From(map, {});
    for (unsigned seed = 0; seed < 300; ++seed) {
      std::mt19937 random(seed);
      JsonSchemaInference whole(options, true), one(options, true), other(options, true);
      for (int i = 0; i < 6; ++i) {
        std::string record = "{\"a\":" + RandomValue(random, 0) + ",\"b\":" + RandomValue(random, 0) + "}";
        if (random() % 10 == 0) record = "{\"a\":";
        record.append(64, '\0');
        const char *begin = record.data(), *end = begin + record.size() - 64;
        whole.SetPlace(0, i);
        EXPECT_TRUE(whole.Record(begin, end).ok());
        JsonSchemaInference& part = random() % 2 == 0 ? one : other;
        part.SetPlace(0, i);
        EXPECT_TRUE(part.Record(begin, end).ok());
      }
      if (seed % 2 == 0) {
        one.Merge(other);
        EXPECT_EQ(DataType::Struct(one.Finish()).SimpleString(), DataType::Struct(whole.Finish()).SimpleString()) << "seed " << seed;
      } else {
        other.Merge(one);
        EXPECT_EQ(DataType::Struct(other.Finish()).SimpleString(), DataType::Struct(whole.Finish()).SimpleString()) << "seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace millstream
