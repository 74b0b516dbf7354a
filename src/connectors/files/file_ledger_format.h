#pragma once

// file_ledger_format.h   Keys and values of the file ledger: docs/formats/file_ledger.md. Pure.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "connectors/files/file_ledger.h"
#include "connectors/files/file_order.h"

namespace millstream::ledger_format {

inline constexpr std::string_view kVersion = "3";
// Ledgers of version 1 have no `r` records and no retracted files, those of version 2 no files that wait in an order; they become version 3 when they are
// opened.
inline constexpr std::string_view kVersionsBefore[] = {"1", "2"};
bool KnowsVersion(std::string_view version);  // this one, or one before
inline constexpr char kFilePrefix = 'f', kNumberPrefix = 'n', kBatchPrefix = 'b', kFatePrefix = 'e', kReplacementPrefix = 'r', kContentPrefix = 'h',
                      kNotePrefix = 'x', kCountsPrefix = 'c', kWaitingPrefix = 'w', kPartPrefix = 't', kRetryPrefix = 'y';
// A reader has one record of counts in memory: not those of a million files that were loaded at once.
inline constexpr size_t kCountsAtOnce = 4096;

std::string DirectoryKey(std::string_view directory);                    // 'f' directory NUL: the prefix of its files' keys
std::string FileKey(std::string_view directory, std::string_view name);  // 'f' directory NUL name
std::string NumberedKey(char prefix, int64_t number);                    // prefix number, 8 bytes big-endian: what the keys below are
std::string NumberKey(int64_t number);                                   // 'n' number, 8 bytes big-endian
std::string BatchKey(int64_t through);                                   // 'b' last number of the batch, likewise
std::string FateKey(int64_t number);                                     // 'e' number, likewise
std::string ReplacementKey(int64_t number);                              // 'r' number, likewise
std::string CountsKey(int64_t through);                                  // 'c' last number of these files, likewise
std::string PartKey(int64_t number);                                     // 't' number, likewise
std::string RetryKey(int64_t number);                                    // 'y' number, likewise
std::string ContentKey(std::string_view hash);                           // 'h' hash
std::string NoteKey(std::string_view name);                              // 'x' name
// 'w' 'p' path, or 'w' 'm' modified ns (8 bytes, big-endian, the sign bit turned) path: sorted as `order` says.
std::string WaitingKey(FileOrder order, std::string_view path, int64_t modified_ns);

std::string EncodeRecord(const FileRecord& record);
std::optional<FileRecord> DecodeRecord(std::string_view bytes);

struct NumberEntry {
  NumberedFile file;         // without its number, which is in the key
  int64_t bytes_before = 0;  // sizes of all files with smaller numbers, as they were when this one was added
};
std::string EncodeNumber(const NumberEntry& entry);
std::optional<NumberEntry> DecodeNumber(std::string_view bytes);
// nullopt: not a key of this prefix.
std::optional<int64_t> DecodeNumberKey(std::string_view key, char prefix = kNumberPrefix);

struct WaitingEntry {
  std::string path;
  FileRecord record;    // as the file's own, of FileState::kWaiting
  std::string content;  // the hash of its bytes; empty: not asked for
};
std::string EncodeWaiting(const FileRecord& record, const std::string& content);
std::optional<WaitingEntry> DecodeWaiting(std::string_view key, std::string_view bytes);
std::string EncodeReplaced(int64_t replaced);
std::optional<int64_t> DecodeReplaced(std::string_view bytes);
std::string EncodePart(const FilePart& part);
std::optional<FilePart> DecodePart(std::string_view bytes);
std::string EncodeRetry(const FileRetry& retry);
std::optional<FileRetry> DecodeRetry(std::string_view bytes);
std::string EncodeBatch(const BatchRecord& record);
std::optional<BatchRecord> DecodeBatch(std::string_view bytes);
std::string EncodeFate(const FileFate& fate);
std::optional<FileFate> DecodeFate(std::string_view bytes);
std::string EncodeCounts(std::span<const FileCounts> counts);
std::optional<std::vector<FileCounts>> DecodeCounts(std::string_view bytes);

}  // namespace millstream::ledger_format
