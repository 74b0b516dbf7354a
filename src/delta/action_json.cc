#include "delta/action_json.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "delta/delta_errors.h"
#include "types/spark_json.h"

namespace millstream {
namespace {

using Json = nlohmann::json;

// Deeper than any log that makes sense; what walks a value below may recurse that deep.
constexpr int kDepthMax = 200;

// What is wrong with a line; thrown and caught within this file.
struct Malformed {
  std::string reason;
};

// nullptr: missing, or null.
const Json* Find(const Json& in, std::string_view key) {
  auto found = in.find(key);
  return found == in.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::string> OptionalString(const Json& in, std::string_view key) {
  const Json* found = Find(in, key);
  if (!found) return std::nullopt;
  if (!found->is_string()) throw Malformed{std::string(key) + " is not a string"};
  return found->get<std::string>();
}

std::string String(const Json& in, std::string_view key) {
  std::optional<std::string> text = OptionalString(in, key);
  if (!text) throw Malformed{std::string(key) + " is missing"};
  return *text;
}

bool FitsInt64(const Json& value) {
  return value.is_number_integer() && (!value.is_number_unsigned() || value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
}

std::optional<int64_t> OptionalInt(const Json& in, std::string_view key) {
  const Json* found = Find(in, key);
  if (!found) return std::nullopt;
  if (!FitsInt64(*found)) throw Malformed{std::string(key) + " is not a 64-bit integer"};
  return found->get<int64_t>();
}

int64_t Int(const Json& in, std::string_view key) {
  std::optional<int64_t> number = OptionalInt(in, key);
  if (!number) throw Malformed{std::string(key) + " is missing"};
  return *number;
}

int SmallInt(const Json& in, std::string_view key) {
  int64_t number = Int(in, key);
  if (number < 0 || number > 1000000) throw Malformed{std::string(key) + " is out of range"};
  return static_cast<int>(number);
}

bool Bool(const Json& in, std::string_view key, bool otherwise) {
  const Json* found = Find(in, key);
  if (!found) return otherwise;
  if (!found->is_boolean()) throw Malformed{std::string(key) + " is not a boolean"};
  return found->get<bool>();
}

const Json* OptionalObject(const Json& in, std::string_view key) {
  const Json* found = Find(in, key);
  if (found && !found->is_object()) throw Malformed{std::string(key) + " is not an object"};
  return found;
}

std::optional<std::vector<std::string>> OptionalStrings(const Json& in, std::string_view key) {
  const Json* found = Find(in, key);
  if (!found) return std::nullopt;
  if (!found->is_array()) throw Malformed{std::string(key) + " is not an array"};
  std::vector<std::string> strings;
  for (const Json& item : *found) {
    if (!item.is_string()) throw Malformed{std::string(key) + " holds something other than strings"};
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

std::map<std::string, std::string> StringMap(const Json& in, std::string_view key) {
  std::map<std::string, std::string> map;
  const Json* found = OptionalObject(in, key);
  if (!found) return map;
  for (const auto& [name, value] : found->items()) {
    if (value.is_null()) continue;
    if (!value.is_string()) throw Malformed{std::string(key) + " holds something other than strings"};
    map[name] = value.get<std::string>();
  }
  return map;
}

PartitionValues ParsePartitionValues(const Json& in) {
  PartitionValues values;
  const Json* found = OptionalObject(in, "partitionValues");
  if (!found) return values;
  for (const auto& [name, value] : found->items()) {
    std::optional<std::string>& text = values[name];
    if (value.is_null()) continue;
    if (!value.is_string()) throw Malformed{"partitionValues holds something other than strings"};
    // An empty string is null, by the protocol.
    if (!value.get_ref<const std::string&>().empty()) text = value.get<std::string>();
  }
  return values;
}

std::optional<DeletionVectorDescriptor> ParseDeletionVector(const Json& in) {
  const Json* found = OptionalObject(in, "deletionVector");
  if (!found) return std::nullopt;
  return DeletionVectorDescriptor{.storage_type = String(*found, "storageType"),
                                  .path_or_inline_dv = String(*found, "pathOrInlineDv"),
                                  .offset = OptionalInt(*found, "offset"),
                                  .size_bytes = Int(*found, "sizeInBytes"),
                                  .cardinality = Int(*found, "cardinality")};
}

AddFile ParseAdd(const Json& in) {
  AddFile add;
  add.path = String(in, "path");
  add.partition_values = ParsePartitionValues(in);
  add.size_bytes = Int(in, "size");
  add.modified_ms = OptionalInt(in, "modificationTime").value_or(0);
  add.data_change = Bool(in, "dataChange", true);
  add.stats = OptionalString(in, "stats").value_or("");
  add.deletion_vector = ParseDeletionVector(in);
  add.tags = StringMap(in, "tags");
  add.base_row_id = OptionalInt(in, "baseRowId");
  add.default_row_commit_version = OptionalInt(in, "defaultRowCommitVersion");
  add.clustering_provider = OptionalString(in, "clusteringProvider").value_or("");
  return add;
}

RemoveFile ParseRemove(const Json& in) {
  RemoveFile remove;
  remove.path = String(in, "path");
  remove.deleted_ms = OptionalInt(in, "deletionTimestamp");
  remove.data_change = Bool(in, "dataChange", true);
  remove.extended = Bool(in, "extendedFileMetadata", false);
  remove.partition_values = ParsePartitionValues(in);
  remove.size_bytes = OptionalInt(in, "size");
  remove.deletion_vector = ParseDeletionVector(in);
  remove.base_row_id = OptionalInt(in, "baseRowId");
  remove.default_row_commit_version = OptionalInt(in, "defaultRowCommitVersion");
  return remove;
}

Metadata ParseMetadata(const Json& in) {
  Metadata metadata;
  metadata.id = String(in, "id");
  metadata.name = OptionalString(in, "name");
  metadata.description = OptionalString(in, "description");
  if (const Json* format = OptionalObject(in, "format")) {
    metadata.provider = String(*format, "provider");
    metadata.format_options = StringMap(*format, "options");
  }
  metadata.schema_string = String(in, "schemaString");
  metadata.partition_columns = OptionalStrings(in, "partitionColumns").value_or(std::vector<std::string>());
  metadata.configuration = StringMap(in, "configuration");
  metadata.created_ms = OptionalInt(in, "createdTime");
  return metadata;
}

Protocol ParseProtocol(const Json& in) {
  return {.min_reader_version = SmallInt(in, "minReaderVersion"),
          .min_writer_version = SmallInt(in, "minWriterVersion"),
          .reader_features = OptionalStrings(in, "readerFeatures"),
          .writer_features = OptionalStrings(in, "writerFeatures")};
}

void ParseLine(const Json& root, CommitActions& actions) {
  if (!root.is_object()) throw Malformed{"not a JSON object"};
  for (const auto& [name, in] : root.items()) {
    if (!in.is_object()) continue;  // an action that we do not know
    if (name == "add") {
      actions.adds.push_back(std::make_shared<const AddFile>(ParseAdd(in)));
    } else if (name == "remove") {
      actions.removes.push_back(std::make_shared<const RemoveFile>(ParseRemove(in)));
    } else if (name == "cdc") {
      actions.changes.push_back(std::make_shared<const ChangeFile>(ChangeFile{String(in, "path"), ParsePartitionValues(in), Int(in, "size")}));
    } else if (name == "metaData") {
      actions.metadata = ParseMetadata(in);
    } else if (name == "protocol") {
      actions.protocol = ParseProtocol(in);
    } else if (name == "txn") {
      actions.transactions.push_back({String(in, "appId"), Int(in, "version"), OptionalInt(in, "lastUpdated")});
    } else if (name == "domainMetadata") {
      actions.domains.push_back({String(in, "domain"), OptionalString(in, "configuration").value_or(""), Bool(in, "removed", false)});
    } else if (name == "sidecar") {
      actions.sidecars.push_back({String(in, "path"), OptionalInt(in, "sizeInBytes").value_or(0)});
    } else if (name == "commitInfo") {
      const Json* timestamp = Find(in, "timestamp");
      actions.commit_info = CommitInfo{.json = in.dump(-1, ' ', false, Json::error_handler_t::replace),
                                       .timestamp_ms = timestamp && FitsInt64(*timestamp) ? OptionalInt(in, "timestamp") : std::nullopt,
                                       .in_commit_timestamp_ms = OptionalInt(in, "inCommitTimestamp"),
                                       .txn_id = OptionalString(in, "txnId").value_or("")};
    }
  }
}

Status Corrupt(const std::string& path, std::string reason) { return Status::Error(errors::kDeltaLogCorrupt, {{"path", path}, {"reason", std::move(reason)}}); }

// ---- writing

class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  void Close() { out_ += '}'; }
  std::string& Key(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    AppendJsonString(out_, key);
    out_ += ':';
    return out_;
  }
  void Text(std::string_view key, std::string_view text) { AppendJsonString(Key(key), text); }
  void Number(std::string_view key, int64_t number) { Key(key) += std::to_string(number); }
  void Flag(std::string_view key, bool flag) { Key(key) += flag ? "true" : "false"; }
  void Text(std::string_view key, const std::optional<std::string>& text) {
    if (text) Text(key, std::string_view(*text));
  }
  void Number(std::string_view key, const std::optional<int64_t>& number) {
    if (number) Number(key, *number);
  }
  void Map(std::string_view key, const std::map<std::string, std::string>& map) {
    ObjectWriter inner(Key(key));
    for (const auto& [name, text] : map) inner.Text(name, std::string_view(text));
    inner.Close();
  }
  void Map(std::string_view key, const PartitionValues& map) {
    ObjectWriter inner(Key(key));
    for (const auto& [name, text] : map) {
      if (text) {
        inner.Text(name, std::string_view(*text));
      } else {
        inner.Key(name) += "null";
      }
    }
    inner.Close();
  }
  void List(std::string_view key, const std::vector<std::string>& list) {
    Key(key) += '[';
    for (size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out_ += ',';
      AppendJsonString(out_, list[i]);
    }
    out_ += ']';
  }
  void DeletionVector(const std::optional<DeletionVectorDescriptor>& vector) {
    if (!vector) return;
    ObjectWriter inner(Key("deletionVector"));
    inner.Text("storageType", std::string_view(vector->storage_type));
    inner.Text("pathOrInlineDv", std::string_view(vector->path_or_inline_dv));
    inner.Number("offset", vector->offset);
    inner.Number("sizeInBytes", vector->size_bytes);
    inner.Number("cardinality", vector->cardinality);
    inner.Close();
  }

 private:
  std::string& out_;
  bool first_ = true;
};

void AppendObject(std::string& out, const Metadata& metadata) {
  ObjectWriter object(out);
  object.Text("id", std::string_view(metadata.id));
  object.Text("name", metadata.name);
  object.Text("description", metadata.description);
  {
    ObjectWriter format(object.Key("format"));
    format.Text("provider", std::string_view(metadata.provider));
    format.Map("options", metadata.format_options);
    format.Close();
  }
  object.Text("schemaString", std::string_view(metadata.schema_string));
  object.List("partitionColumns", metadata.partition_columns);
  object.Map("configuration", metadata.configuration);
  object.Number("createdTime", metadata.created_ms);
  object.Close();
}

void AppendObject(std::string& out, const Protocol& protocol) {
  ObjectWriter object(out);
  object.Number("minReaderVersion", protocol.min_reader_version);
  object.Number("minWriterVersion", protocol.min_writer_version);
  if (protocol.reader_features) object.List("readerFeatures", *protocol.reader_features);
  if (protocol.writer_features) object.List("writerFeatures", *protocol.writer_features);
  object.Close();
}

void AppendObject(std::string& out, const SetTransaction& txn) {
  ObjectWriter object(out);
  object.Text("appId", std::string_view(txn.app_id));
  object.Number("version", txn.version);
  object.Number("lastUpdated", txn.last_updated_ms);
  object.Close();
}

void AppendObject(std::string& out, const DomainMetadata& domain) {
  ObjectWriter object(out);
  object.Text("domain", std::string_view(domain.domain));
  object.Text("configuration", std::string_view(domain.configuration));
  object.Flag("removed", domain.removed);
  object.Close();
}

template <typename Action>
void AppendLine(std::string& out, std::string_view name, const Action& action) {
  out += "{\"";
  out += name;
  out += "\":";
  AppendObject(out, action);
  out += "}\n";
}

template <typename Action>
std::string ObjectOf(const Action& action) {
  std::string out;
  AppendObject(out, action);
  return out;
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[c >> 4];
          out += kHex[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

Result<CommitActions> ParseActions(const std::string& bytes, const std::string& path) {
  CommitActions actions;
  auto check_depth = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kDepthMax) throw Malformed{"nested too deep"};
    return true;
  };
  int64_t line_number = 0, lines = 0;
  for (size_t start = 0; start < bytes.size();) {
    size_t end = std::min(bytes.find('\n', start), bytes.size());
    ++line_number;
    std::string_view line(bytes.data() + start, end - start);
    start = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    ++lines;
    try {
      ParseLine(Json::parse(line, check_depth), actions);
    } catch (const Malformed& malformed) {
      return Corrupt(path, "line " + std::to_string(line_number) + ": " + malformed.reason);
    } catch (const Json::exception& error) {
      return Corrupt(path, "line " + std::to_string(line_number) + ": " + error.what());
    }
  }
  if (lines == 0) return Corrupt(path, "it is empty");
  if (actions.metadata) {
    Result<StructType> schema = SchemaFromSparkJson(actions.metadata->schema_string);
    if (!schema.ok()) return std::move(schema).status().While("reading the table schema in " + path);
    actions.metadata->schema = std::move(schema).value();
  }
  return actions;
}

void AppendAction(std::string& out, const AddFile& add) {
  out += "{\"add\":";
  ObjectWriter object(out);
  object.Text("path", std::string_view(add.path));
  object.Map("partitionValues", add.partition_values);
  object.Number("size", add.size_bytes);
  object.Number("modificationTime", add.modified_ms);
  object.Flag("dataChange", add.data_change);
  if (!add.stats.empty()) object.Text("stats", std::string_view(add.stats));
  if (!add.tags.empty()) object.Map("tags", add.tags);
  object.DeletionVector(add.deletion_vector);
  object.Number("baseRowId", add.base_row_id);
  object.Number("defaultRowCommitVersion", add.default_row_commit_version);
  if (!add.clustering_provider.empty()) object.Text("clusteringProvider", std::string_view(add.clustering_provider));
  object.Close();
  out += "}\n";
}

void AppendAction(std::string& out, const RemoveFile& remove) {
  out += "{\"remove\":";
  ObjectWriter object(out);
  object.Text("path", std::string_view(remove.path));
  object.Number("deletionTimestamp", remove.deleted_ms);
  object.Flag("dataChange", remove.data_change);
  object.Flag("extendedFileMetadata", remove.extended);
  if (remove.extended) object.Map("partitionValues", remove.partition_values);
  object.Number("size", remove.size_bytes);
  object.DeletionVector(remove.deletion_vector);
  object.Number("baseRowId", remove.base_row_id);
  object.Number("defaultRowCommitVersion", remove.default_row_commit_version);
  object.Close();
  out += "}\n";
}

void AppendAction(std::string& out, const ChangeFile& change) {
  out += "{\"cdc\":";
  ObjectWriter object(out);
  object.Text("path", std::string_view(change.path));
  object.Map("partitionValues", change.partition_values);
  object.Number("size", change.size_bytes);
  object.Flag("dataChange", false);
  object.Close();
  out += "}\n";
}

void AppendAction(std::string& out, const Metadata& metadata) { AppendLine(out, "metaData", metadata); }
void AppendAction(std::string& out, const Protocol& protocol) { AppendLine(out, "protocol", protocol); }
void AppendAction(std::string& out, const SetTransaction& txn) { AppendLine(out, "txn", txn); }
void AppendAction(std::string& out, const DomainMetadata& domain) { AppendLine(out, "domainMetadata", domain); }
std::string ToJson(const Metadata& metadata) { return ObjectOf(metadata); }
std::string ToJson(const Protocol& protocol) { return ObjectOf(protocol); }
std::string ToJson(const SetTransaction& txn) { return ObjectOf(txn); }
std::string ToJson(const DomainMetadata& domain) { return ObjectOf(domain); }

}  // namespace millstream
