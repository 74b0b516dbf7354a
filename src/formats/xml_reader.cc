#include "formats/xml_reader.h"

#include <arrow/util/utf8.h>

#include <algorithm>

#include "formats/failed_read.h"
#include "formats/formats_errors.h"
#include "formats/input_chunks.h"

namespace millstream {
namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr size_t kMarkupBytesMax = 16 << 20;  // of a tag, a comment, a processing instruction

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || static_cast<unsigned char>(c) >= 0x80; }
bool IsNameChar(char c) { return IsNameStart(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xC0 | code >> 6));
    out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | code >> 12));
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xF0 | code >> 18));
    out->push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

bool IsXmlCharacter(uint32_t code) {
  return code == 9 || code == 10 || code == 13 || (code >= 0x20 && code <= 0xD7FF) || (code >= 0xE000 && code <= 0xFFFD) ||
         (code >= 0x10000 && code <= 0x10FFFF);
}

}  // namespace

XmlReader::XmlReader(std::unique_ptr<TextSource> source) : source_(std::move(source)) { arrow::util::InitializeUTF8(); }

Result<const XmlEvent*> XmlReader::Peek() {
  if (!has_next_) {
    if (!done_) MS_RETURN_IF_ERROR(Advance());
    has_next_ = true;
  }
  return &next_;
}

Result<XmlEvent> XmlReader::Take() {
  MS_RETURN_IF_ERROR(Peek().status());
  if (done_) return next_;
  has_next_ = false;
  return std::move(next_);
}

Status XmlReader::Fill(size_t size) {
  while (buffer_.size() - at_ < size && !source_ended_) {
    if (at_ > 0) {
      buffer_.erase(0, at_);
      offset_ += static_cast<int64_t>(at_);
      at_ = 0;
    }
    const size_t before = buffer_.size();
    buffer_.resize(before + std::max(kReadBytes, before));
    Result<int64_t> got = source_->Read(buffer_.data() + before, static_cast<int64_t>(buffer_.size() - before));
    buffer_.resize(before + static_cast<size_t>(got.ok() ? *got : 0));
    MS_RETURN_IF_ERROR(got.status());
    source_ended_ = *got == 0;
  }
  return Status();
}

bool XmlReader::StartsWith(std::string_view text) { return std::string_view(buffer_).substr(at_).starts_with(text); }

// Bytes from `at_` on until behind `end`, which is looked for after `from` of them; npos: it does not come.
Result<size_t> XmlReader::FindBehind(std::string_view end, size_t from, size_t size_max) {
  while (true) {
    const size_t found = buffer_.find(end, at_ + from);
    if (found != std::string::npos) return found - at_ + end.size();
    const size_t have = buffer_.size() - at_;
    if (source_ended_ || have > size_max) return std::string::npos;
    from = std::max(from, have >= end.size() ? have - end.size() + 1 : 0);
    MS_RETURN_IF_ERROR(Fill(have + 1));
  }
}

void XmlReader::Malformed(std::string why) {
  next_ = XmlEvent();
  next_.kind = XmlEvent::Kind::kMalformed;
  next_.text = std::move(why) + " at byte " + std::to_string(offset());
  done_ = true;
}

void XmlReader::EndsEarly(std::string why) {
  Malformed(std::move(why));
  next_.is_early_end = source_ended_;
}

Status XmlReader::Advance() {
  next_ = XmlEvent();
  event_offset_ = offset();
  if (empty_element_) {
    empty_element_ = false;
    next_.kind = XmlEvent::Kind::kEnd;
    next_.name = std::move(open_.back());
    open_.pop_back();
    return Status();
  }
  while (true) {
    MS_RETURN_IF_ERROR(Fill(1));
    event_offset_ = offset();
    if (at_ == buffer_.size()) {
      if (!open_.empty() || !root_seen_) {
        EndsEarly("the text ends too early");
      } else {
        done_ = true;
      }
      return Status();
    }
    if (buffer_[at_] != '<') return Text();
    MS_RETURN_IF_ERROR(Fill(9));
    if (StartsWith("<!--")) {
      MS_ASSIGN_OR_RETURN(size_t size, FindBehind("-->", 4, kMarkupBytesMax));
      if (size == std::string::npos) return EndsEarly("a comment does not end"), Status();
      at_ += size;
      continue;
    }
    if (StartsWith("<?")) {
      MS_ASSIGN_OR_RETURN(size_t size, FindBehind("?>", 2, kMarkupBytesMax));
      if (size == std::string::npos) return EndsEarly("a processing instruction does not end"), Status();
      at_ += size;
      continue;
    }
    if (StartsWith("<![CDATA[")) return Text();
    if (StartsWith("<!DOCTYPE")) {
      MS_RETURN_IF_ERROR(Doctype());
      if (done_) return Status();
      continue;
    }
    if (StartsWith("</")) return EndTag();
    return StartTag();
  }
}

// Text and CDATA sections that touch are one event; a comment between them makes two.
Status XmlReader::Text() {
  next_.kind = XmlEvent::Kind::kText;
  while (true) {
    MS_RETURN_IF_ERROR(Fill(9));
    if (at_ == buffer_.size()) break;
    if (buffer_[at_] == '<') {
      if (!StartsWith("<![CDATA[")) break;
      MS_ASSIGN_OR_RETURN(size_t size, FindBehind("]]>", 9, static_cast<size_t>(kRecordBytesMax)));
      if (size == std::string::npos) return EndsEarly("a CDATA section does not end"), Status();
      for (size_t i = at_ + 9; i < at_ + size - 3; ++i) {
        const char c = buffer_[i];
        if (c == '\r') {
          next_.text.push_back('\n');
          if (buffer_[i + 1] == '\n') ++i;
        } else {
          next_.text.push_back(c);
        }
      }
      at_ += size;
    } else {
      MS_ASSIGN_OR_RETURN(size_t size, FindBehind("<", 0, static_cast<size_t>(kRecordBytesMax)));
      const size_t length = size == std::string::npos ? buffer_.size() - at_ : size - 1;
      MS_ASSIGN_OR_RETURN(std::optional<size_t> bad, AppendText(std::string_view(buffer_).substr(at_, length), false, &next_.text));
      if (bad) {
        // Woodstox goes on behind these two faults: behind ]]>, and behind the text that has a wrong &.
        const char fault = buffer_[at_ + *bad];
        if (fault != '&' && fault != '>') return Status();
        done_ = false;
        next_.goes_on = true;
        at_ += fault == '&' ? length : *bad + 1;
        return Status();
      }
      at_ += length;
    }
    if (next_.text.size() > static_cast<size_t>(kRecordBytesMax)) return Malformed("a text has more than 64 MiB"), Status();
  }
  next_.is_blank = std::all_of(next_.text.begin(), next_.text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; });
  if (open_.empty() && !next_.is_blank) Malformed("text stands outside of the root element");
  return Status();
}

Result<std::optional<size_t>> XmlReader::AppendText(std::string_view raw, bool is_attribute, std::string* out) {
  if (!arrow::util::ValidateUTF8(reinterpret_cast<const uint8_t*>(raw.data()), static_cast<int64_t>(raw.size()))) {
    return FailedRead(source_->path(), "Its text is not in the encoding that it should be in.");
  }
  for (size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (c == '&') {
      const size_t end = raw.find(';', i);
      if (end == std::string_view::npos || end - i > 64 || !Reference(raw.substr(i + 1, end - i - 1), out)) {
        Malformed("an & begins no known reference");
        return std::optional(i);
      }
      i = end;
    } else if (c == '\r') {
      out->push_back(is_attribute ? ' ' : '\n');
      if (i + 1 < raw.size() && raw[i + 1] == '\n') ++i;
    } else if (is_attribute && (c == '\n' || c == '\t')) {
      out->push_back(' ');
    } else if (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t') {
      Malformed("a control character stands in the text");
      return std::optional(i);
    } else if (!is_attribute && c == '>' && i >= 2 && raw[i - 1] == ']' && raw[i - 2] == ']') {
      Malformed("]]> stands in the text");
      return std::optional(i);
    } else {
      out->push_back(c);
    }
  }
  return std::optional<size_t>();
}

bool XmlReader::Reference(std::string_view name, std::string* out) {
  if (name == "lt" || name == "gt" || name == "amp" || name == "quot" || name == "apos") {
    out->push_back(name == "lt" ? '<' : name == "gt" ? '>' : name == "amp" ? '&' : name == "quot" ? '"' : '\'');
    return true;
  }
  if (name.size() < 2 || name[0] != '#') return false;
  const bool is_hex = name[1] == 'x';
  uint32_t code = 0;
  const std::string_view digits = name.substr(is_hex ? 2 : 1);
  for (char c : digits) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : is_hex && c >= 'a' && c <= 'f' ? c - 'a' + 10 : is_hex && c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0 || code > 0x10FFFF) return false;
    code = code * (is_hex ? 16 : 10) + static_cast<uint32_t>(digit);
  }
  if (digits.empty() || !IsXmlCharacter(code)) return false;
  AppendUtf8(code, out);
  return true;
}

// Passed over; entities that it declares are not known.
Status XmlReader::Doctype() {
  if (root_seen_) return Malformed("a document type stands behind the root element"), Status();
  size_t size = 9;
  int depth = 0;
  char quote = 0;
  while (true) {
    MS_RETURN_IF_ERROR(Fill(size + 1));
    if (at_ + size >= buffer_.size() || size > kMarkupBytesMax) return EndsEarly("a document type does not end"), Status();
    const char c = buffer_[at_ + size++];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '<') {
      ++depth;
    } else if (c == ']' || (c == '>' && depth > 0)) {
      --depth;
    } else if (c == '>') {
      break;
    }
  }
  at_ += size;
  return Status();
}

Status XmlReader::EndTag() {
  MS_ASSIGN_OR_RETURN(size_t size, FindBehind(">", 2, kMarkupBytesMax));
  if (size == std::string::npos) return EndsEarly("a tag does not end"), Status();
  std::string_view name = std::string_view(buffer_).substr(at_ + 2, size - 3);
  while (!name.empty() && IsSpace(name.back())) name.remove_suffix(1);
  if (open_.empty() || open_.back() != name) return Malformed("the tag </" + std::string(name.substr(0, 100)) + "> ends no element that is open"), Status();
  next_.kind = XmlEvent::Kind::kEnd;
  next_.name = std::move(open_.back());
  open_.pop_back();
  at_ += size;
  return Status();
}

Status XmlReader::StartTag() {
  if (open_.empty() && root_seen_) return Malformed("a second root element begins"), Status();
  size_t i = 1;
  const auto more = [&]() -> Result<bool> {
    MS_RETURN_IF_ERROR(Fill(i + 1));
    return at_ + i < buffer_.size() && i <= kMarkupBytesMax;
  };
  const auto take_name = [&](std::string* name) -> Status {
    MS_ASSIGN_OR_RETURN(bool there, more());
    while (there && (name->empty() ? IsNameStart(buffer_[at_ + i]) : IsNameChar(buffer_[at_ + i]))) {
      name->push_back(buffer_[at_ + i++]);
      MS_ASSIGN_OR_RETURN(there, more());
    }
    return Status();
  };
  const auto skip_space = [&]() -> Result<bool> {
    bool any = false;
    MS_ASSIGN_OR_RETURN(bool there, more());
    while (there && IsSpace(buffer_[at_ + i])) {
      any = true;
      ++i;
      MS_ASSIGN_OR_RETURN(there, more());
    }
    return any;
  };
  std::string name;
  MS_RETURN_IF_ERROR(take_name(&name));
  if (name.empty()) return Malformed("a < begins no tag"), Status();
  std::vector<XmlAttribute> attributes;
  while (true) {
    MS_ASSIGN_OR_RETURN(bool spaced, skip_space());
    MS_ASSIGN_OR_RETURN(bool there, more());
    if (!there) return EndsEarly("a tag does not end"), Status();
    char c = buffer_[at_ + i];
    if (c == '>' || c == '/') {
      ++i;
      empty_element_ = c == '/';
      if (empty_element_) {
        MS_ASSIGN_OR_RETURN(there, more());
        if (!there || buffer_[at_ + i++] != '>') return empty_element_ = false, Malformed("a / stands in a tag"), Status();
      }
      break;
    }
    XmlAttribute attribute;
    MS_RETURN_IF_ERROR(take_name(&attribute.name));
    if (!spaced || attribute.name.empty()) return Malformed("something that is no attribute stands in the tag <" + name.substr(0, 100) + ">"), Status();
    MS_RETURN_IF_ERROR(skip_space().status());
    MS_ASSIGN_OR_RETURN(there, more());
    if (!there || buffer_[at_ + i++] != '=') return Malformed("the attribute " + attribute.name.substr(0, 100) + " has no value"), Status();
    MS_RETURN_IF_ERROR(skip_space().status());
    MS_ASSIGN_OR_RETURN(there, more());
    const char quote = there ? buffer_[at_ + i++] : ' ';
    if (quote != '"' && quote != '\'') return Malformed("the attribute " + attribute.name.substr(0, 100) + " has no quotes"), Status();
    MS_ASSIGN_OR_RETURN(size_t end, FindBehind(std::string_view(&quote, 1), i, kMarkupBytesMax));
    if (end == std::string::npos) return EndsEarly("the attribute " + attribute.name.substr(0, 100) + " does not end"), Status();
    const std::string_view raw = std::string_view(buffer_).substr(at_ + i, end - 1 - i);
    if (raw.find('<') != std::string_view::npos) return Malformed("a < stands in the attribute " + attribute.name.substr(0, 100)), Status();
    MS_ASSIGN_OR_RETURN(std::optional<size_t> bad, AppendText(raw, true, &attribute.value));
    if (bad) return Status();
    i = end;
    for (const XmlAttribute& other : attributes)
      if (other.name == attribute.name) return Malformed("the attribute " + attribute.name.substr(0, 100) + " is there twice"), Status();
    attributes.push_back(std::move(attribute));
    if (attributes.size() > 1000) return Malformed("an element has more than 1000 attributes"), Status();
  }
  if (open_.size() >= kXmlDepthMax) return Malformed("elements are nested deeper than " + std::to_string(kXmlDepthMax) + " levels"), Status();
  root_seen_ = true;
  open_.push_back(name);
  next_.kind = XmlEvent::Kind::kStart;
  next_.name = std::move(name);
  next_.attributes = std::move(attributes);
  at_ += i;
  return Status();
}

}  // namespace millstream
