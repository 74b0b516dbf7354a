#pragma once

// action_json.h   Actions ↔ lines of JSON.

#include <string>
#include <string_view>

#include "base/status.h"
#include "delta/actions.h"

namespace millstream {

// One commit file or JSON checkpoint. `path` is for errors: MILLSTREAM_DELTA_LOG_CORRUPT naming the line. An empty file is an error:
// a commit says at least one thing.
Result<CommitActions> ParseActions(const std::string& bytes, const std::string& path);

// One line each, with its newline.
void AppendAction(std::string& out, const AddFile& add);
void AppendAction(std::string& out, const RemoveFile& remove);
void AppendAction(std::string& out, const ChangeFile& change);
void AppendAction(std::string& out, const Metadata& metadata);
void AppendAction(std::string& out, const Protocol& protocol);
void AppendAction(std::string& out, const SetTransaction& txn);
void AppendAction(std::string& out, const DomainMetadata& domain);
// The objects alone, for .crc files.
std::string ToJson(const Metadata& metadata);
std::string ToJson(const Protocol& protocol);
std::string ToJson(const SetTransaction& txn);
std::string ToJson(const DomainMetadata& domain);

// "text" with quotes and escapes.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace millstream
