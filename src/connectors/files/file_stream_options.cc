#include "connectors/files/file_stream_options.h"

#include <algorithm>
#include <charconv>

#include "storage/fs.h"

namespace millstream {
namespace {

const std::string* Find(const OptionMap& user, const char* name) {
  auto found = user.find(name);
  return found == user.end() ? nullptr : &found->second;
}

Status Invalid(const std::string& value, const char* name, const char* must) {
  return Status::IllegalArgument("Invalid value '" + value + "' for option '" + name + "', must be " + must);
}

Result<std::optional<int64_t>> PositiveInteger(const OptionMap& user, const char* name, const char* must) {
  const std::string* text = Find(user, name);
  if (text == nullptr) return std::optional<int64_t>();
  int64_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value <= 0) return Invalid(*text, name, must);
  return std::optional(value);
}

Result<bool> Flag(const OptionMap& user, const char* name, bool otherwise) {
  const std::string* text = Find(user, name);
  if (text == nullptr) return otherwise;
  std::optional<bool> value = ParseBool(*text);
  if (!value) return Invalid(*text, name, "'true' or 'false'");
  return *value;
}

// Spark's JavaUtils.timeStringAs, and intervals such as "7 days".
std::optional<int64_t> ParseAgeMillis(const std::string& text) {
  static constexpr std::pair<std::string_view, double> kMillis[] = {{"us", 1e-3}, {"ms", 1},    {"", 1},       {"s", 1000},
                                                                    {"m", 6e4},   {"min", 6e4}, {"h", 3600e3}, {"d", 86400e3}};
  int64_t amount = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  if (error == std::errc()) {
    for (const auto& [name, millis] : kMillis)
      if (name == unit) return static_cast<int64_t>(static_cast<double>(amount) * millis);
  }
  return ParseDurationMillis(text);
}

Status ParseCleaning(const OptionMap& user, FileStreamOptions& options) {
  const std::string* mode = Find(user, "cleanSource");
  if (mode == nullptr) return Status();
  std::string upper = *mode;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (upper == "OFF") return Status();
  if (upper == "DELETE") {
    options.clean = FileStreamOptions::Clean::kDelete;
    return Status();
  }
  if (upper != "ARCHIVE") return Status::IllegalArgument("Invalid mode for clean source option Some(" + *mode + "). Must be one of ARCHIVE,DELETE,OFF");
  const std::string* directory = Find(user, "sourceArchiveDir");
  if (directory == nullptr) return Status::IllegalArgument("Archive mode must be used with 'sourceArchiveDir' option.");
  options.clean = FileStreamOptions::Clean::kArchive;
  MS_ASSIGN_OR_RETURN(options.archive_directory, PathFromUri(*directory));
  return Status();
}

}  // namespace

const OptionTable& FileStreamOptionTable() {
  static const OptionTable table(
      "file stream", {{"maxFilesPerTrigger", OptionType::kInt, "", "At most so many files in a batch.", "0.2"},
                      {"maxBytesPerTrigger", OptionType::kBytes, "", "At most so many bytes in a batch, but one file at least.", "0.2"},
                      {"maxFileAge", OptionType::kDuration, "7d", "Files that are so much older than the newest are left out and forgotten.", "0.2"},
                      {"latestFirst", OptionType::kBool, "false", "The newest files come first.", "0.2"},
                      {"fileNameOnly", OptionType::kBool, "false", "Files of the same name are the same file, wherever they lie.", "0.2"},
                      {"maxCachedFiles", OptionType::kInt, "10000", "How many files that were found are kept for the next batches.", "0.2"},
                      {"discardCachedInputRatio", OptionType::kString, "0.2", "Fewer kept files than this part of a batch are looked up again.", "0.2"},
                      {"cleanSource", OptionType::kEnum, "off", "What becomes of files that have been processed.", "0.2", {"archive", "delete", "off"}},
                      {"sourceArchiveDir", OptionType::kString, "", "Where archived files go, under their whole path.", "0.2"}});
  return table;
}

Result<FileStreamOptions> ParseFileStreamOptions(const OptionMap& user) {
  for (const char* name : {"modifiedBefore", "modifiedAfter"}) {
    if (Find(user, name) == nullptr) continue;
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return Status::IllegalArgument("option '" + lower + "' is not allowed in file stream sources");
  }
  FileStreamOptions options;
  MS_ASSIGN_OR_RETURN(options.files_max, PositiveInteger(user, "maxFilesPerTrigger", "a positive integer"));
  MS_ASSIGN_OR_RETURN(options.bytes_max, PositiveInteger(user, "maxBytesPerTrigger", "a positive integer"));
  if (options.files_max && options.bytes_max)
    return Status::IllegalArgument("Options 'maxFilesPerTrigger' and 'maxBytesPerTrigger' can't be both set at the same time");
  if (const std::string* age = Find(user, "maxFileAge")) {
    std::optional<int64_t> millis = ParseAgeMillis(*age);
    if (!millis)
      return Status::IllegalArgument("Failed to parse time string: " + *age +
                                     ". Time must be specified as seconds (s), milliseconds (ms), "
                                     "microseconds (us), minutes (m or min), hour (h), or day (d). E.g. 50s, 100ms, or 250us.");
    options.max_file_age_ms = *millis;
  }
  MS_ASSIGN_OR_RETURN(options.latest_first, Flag(user, "latestFirst", false));
  MS_ASSIGN_OR_RETURN(options.file_name_only, Flag(user, "fileNameOnly", false));
  if (const std::string* text = Find(user, "maxCachedFiles")) {
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), options.cached_files_max);
    if (error != std::errc() || end != text->data() + text->size() || options.cached_files_max < 0)
      return Invalid(*text, "maxCachedFiles", "an integer greater than or equal to 0");
  }
  if (const std::string* text = Find(user, "discardCachedInputRatio")) {
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), options.discard_cached_ratio);
    if (error != std::errc() || end != text->data() + text->size() || options.discard_cached_ratio < 0 || options.discard_cached_ratio > 1)
      return Invalid(*text, "discardCachedInputRatio", "a positive decimal between 0.0 and 1.0");
  }
  // The newest first, so many at a time: an age would drop the rest.
  if (options.latest_first && (options.files_max || options.bytes_max)) options.max_file_age_ms = INT64_MAX;
  MS_RETURN_IF_ERROR(ParseCleaning(user, options));
  return options;
}

}  // namespace millstream
