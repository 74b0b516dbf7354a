#pragma once

// xml_reader.h   A stream of text → the events of XML: elements begin and end, text stands between. Deciding what is well formed as Spark's parser
// does (Woodstox: no namespaces, no DTD, nothing read from outside), in memory for one event and the names of the elements that are open.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/text_source.h"

namespace millstream {

// Deeper elements are malformed, as Woodstox has it.
inline constexpr size_t kXmlDepthMax = 1000;

struct XmlAttribute {
  std::string name, value;
};

struct XmlEvent {
  enum class Kind { kStart, kEnd, kText, kEndDocument, kMalformed };
  Kind kind = Kind::kEndDocument;
  std::string name;                      // of kStart and kEnd
  std::vector<XmlAttribute> attributes;  // of kStart
  std::string text;                      // of kText; of kMalformed: what is wrong
  bool is_early_end = false;             // of kMalformed: the text ended too early
  bool goes_on = false;                  // of kMalformed: the reader can be asked for what follows
  bool is_blank = false;                 // of kText: white space alone
};

// Not thread-safe.
class XmlReader {
 public:
  explicit XmlReader(std::unique_ptr<TextSource> source);
  // The next event, which stays the next one until Take. After kEndDocument, and after kMalformed
  // that does not go on, nothing else comes.
  // Error: the file cannot be read.
  Result<const XmlEvent*> Peek();
  Result<XmlEvent> Take();
  // Where the event that Peek or Take returned last begins in the text.
  int64_t event_offset() const { return event_offset_; }
  // Elements that are open behind the last event.
  size_t depth() const { return open_.size(); }
  // Of the text read so far.
  int64_t offset() const { return offset_ + static_cast<int64_t>(at_); }

 private:
  Status Advance();
  Status Fill(size_t size);
  bool StartsWith(std::string_view text);  // Fill is the caller's
  Result<size_t> FindBehind(std::string_view end, size_t from, size_t size_max);
  void Malformed(std::string why);
  void EndsEarly(std::string why);
  Status Text();
  Status Markup();
  Status Cdata();
  Status Doctype();
  Status StartTag();
  Status EndTag();
  bool Reference(std::string_view name, std::string* out);
  // nullopt: all of it; else where it is malformed, and next_ says so.
  Result<std::optional<size_t>> AppendText(std::string_view raw, bool is_attribute, std::string* out);

  const std::unique_ptr<TextSource> source_;
  std::string buffer_;
  size_t at_ = 0;
  int64_t offset_ = 0;  // of buffer_'s begin
  int64_t event_offset_ = 0;
  bool source_ended_ = false;
  XmlEvent next_;
  bool has_next_ = false, done_ = false;
  bool root_seen_ = false;
  bool empty_element_ = false;  // <a/>: its end comes next
  std::vector<std::string> open_;
};

}  // namespace millstream
