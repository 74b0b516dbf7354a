#include "formats/recorded_files.h"

#include <cstdlib>

#include "storage/fs.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

std::string Decoded(const std::string& base64) {
  std::string out;
  uint32_t bits = 0;
  int have = 0;
  for (char c : base64) {
    int value = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : -1;
    if (value < 0) break;
    bits = bits << 6 | static_cast<uint32_t>(value);
    if ((have += 6) >= 8) out.push_back(static_cast<char>(bits >> (have -= 8)));
  }
  return out;
}

}  // namespace

std::vector<RecordedFile> RecordedFiles(const std::string& format, const std::string& recorded) {
  const char* source = std::getenv("MILLSTREAM_SOURCE");
  const std::string name = !recorded.empty() ? recorded : format == "json" || format == "csv" ? "formats" : format;
  auto bytes = Fs::Local().ReadFile(std::string(source == nullptr ? "." : source) + "/tests/spark/data/" + name + ".json");
  MS_CHECK_MSG(bytes.ok(), bytes.status().message());
  std::vector<RecordedFile> out;
  nlohmann::json cases = nlohmann::json::parse(*bytes);
  for (nlohmann::json& one : cases) {
    if (one["format"] != format) continue;
    RecordedFile file{.content = Decoded(one["content"]), .schema = one.value("schema", "")};
    for (const auto& [name, value] : one["options"].items()) file.options[name] = value.get<std::string>();
    one.erase("content");
    file.answer = std::move(one);
    out.push_back(std::move(file));
  }
  return out;
}

std::vector<std::string> ColumnsOf(const std::string& ddl) {
  std::vector<std::string> names;
  auto schema = SchemaFromDdl(ddl);
  if (!schema.ok()) return names;
  for (const StructField& field : *schema) names.push_back(field.name);
  return names;
}

}  // namespace millstream
