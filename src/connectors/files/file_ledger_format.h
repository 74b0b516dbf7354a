#pragma once

// file_ledger_format.h   Keys and values of the file ledger: docs/formats/file_ledger.md. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "connectors/files/file_ledger.h"

namespace millstream::ledger_format {

inline constexpr std::string_view kVersion = "1";
inline constexpr char kFilePrefix = 'f', kNumberPrefix = 'n', kNotePrefix = 'x';

std::string DirectoryKey(std::string_view directory);                    // 'f' directory NUL: the prefix of its files' keys
std::string FileKey(std::string_view directory, std::string_view name);  // 'f' directory NUL name
std::string NumberKey(int64_t number);                                   // 'n' number, 8 bytes big-endian
std::string NoteKey(std::string_view name);                              // 'x' name

std::string EncodeRecord(const FileRecord& record);
std::optional<FileRecord> DecodeRecord(std::string_view bytes);

struct NumberEntry {
  NumberedFile file;         // without its number, which is in the key
  int64_t bytes_before = 0;  // sizes of all files with smaller numbers, as they were when this one was added
};
std::string EncodeNumber(const NumberEntry& entry);
std::optional<NumberEntry> DecodeNumber(std::string_view bytes);
// nullopt: not a number key.
std::optional<int64_t> DecodeNumberKey(std::string_view key);

}  // namespace millstream::ledger_format
