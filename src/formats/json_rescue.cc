// json_rescue.cc   The rescued data of a JSON record: what fits no field, under the path where it stood.

#include "formats/json_record_parser.h"

namespace millstream {

void JsonRecordParser::OpenRescued(Frame* frame) {
  if (frame == nullptr) {
    if (rescued_.empty()) rescued_ = "{";
    return;
  }
  if (frame->open) return;
  OpenRescued(frame->parent);
  if (rescued_.back() != '{') rescued_ += ',';
  AppendJsonString(frame->name, &rescued_);
  rescued_ += ":{";
  frame->open = true;
}

void JsonRecordParser::Rescue(Frame* frame, std::string_view name, std::string_view raw) {
  if (rescued_index_ < 0) return;
  if (lists_open_ > 0) {
    list_dirty_ = true;
    return;
  }
  OpenRescued(frame);
  if (rescued_.back() != '{') rescued_ += ',';
  AppendJsonString(name, &rescued_);
  rescued_ += ':';
  char c = raw.front();
  bool json = c == '"' || c == '{' || c == '[' || c == '-' || (c >= '0' && c <= '9') || raw == "true" || raw == "false" || raw == "null";
  if (c == '-' && (raw.size() < 2 || raw[1] == 'I')) json = false;
  if (json) {
    rescued_ += ValidUtf8(raw);
  } else {
    if (c == '\'' && raw.size() >= 2) raw = raw.substr(1, raw.size() - 2);
    AppendJsonString(ValidUtf8(raw), &rescued_);
  }
}

void JsonRecordParser::FinishRescued(std::string* text) {
  if (text->back() != '{') *text += ',';
  *text += "\"_file_path\":";
  AppendJsonString(ValidUtf8(file_path_), text);
  *text += '}';
}

}  // namespace millstream
