#pragma once

// actions.h   What one line of a Delta commit says. Unknown actions and unknown fields are not kept: no commit of ours rewrites them.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "types/data_type.h"

namespace millstream {

// Column → its value as text; nullopt: null. Keys are physical names.
using PartitionValues = std::map<std::string, std::optional<std::string>>;

struct DeletionVectorDescriptor {
  std::string storage_type;  // "u": relative UUID, "i": inline, "p": absolute path
  std::string path_or_inline_dv;
  std::optional<int64_t> offset;
  int64_t size_bytes = 0;
  int64_t cardinality = 0;
  // Two entries with the same path and unique id are the same logical file.
  std::string UniqueId() const;
  bool operator==(const DeletionVectorDescriptor&) const = default;
};

struct AddFile {
  std::string path;  // as in the log: a URI reference, percent-encoded
  PartitionValues partition_values;
  int64_t size_bytes = 0;
  int64_t modified_ms = 0;
  bool data_change = true;
  std::string stats;  // JSON; empty: none
  std::optional<DeletionVectorDescriptor> deletion_vector;
  std::map<std::string, std::string> tags;
  std::optional<int64_t> base_row_id, default_row_commit_version;
  std::string clustering_provider;
};
using AddFilePtr = std::shared_ptr<const AddFile>;

struct RemoveFile {
  std::string path;
  std::optional<int64_t> deleted_ms;
  bool data_change = true;
  bool extended = false;  // partition_values and size are known
  PartitionValues partition_values;
  std::optional<int64_t> size_bytes;
  std::optional<DeletionVectorDescriptor> deletion_vector;
  std::optional<int64_t> base_row_id, default_row_commit_version;
};
using RemoveFilePtr = std::shared_ptr<const RemoveFile>;

// Rows of a change data feed: a file below _change_data, with a column _change_type.
struct ChangeFile {
  std::string path;
  PartitionValues partition_values;
  int64_t size_bytes = 0;
};
using ChangeFilePtr = std::shared_ptr<const ChangeFile>;

struct Metadata {
  std::string id;
  std::optional<std::string> name, description;
  std::string provider = "parquet";
  std::map<std::string, std::string> format_options;
  std::string schema_string;
  std::vector<std::string> partition_columns;
  std::map<std::string, std::string> configuration;
  std::optional<int64_t> created_ms;
  StructType schema;  // of schema_string

  // A table property; nullopt: not set.
  std::optional<std::string> Property(const std::string& key) const;
  bool IsTrue(const std::string& key) const;
};
using MetadataPtr = std::shared_ptr<const Metadata>;

struct Protocol {
  int min_reader_version = 1;
  int min_writer_version = 2;
  std::optional<std::vector<std::string>> reader_features, writer_features;
  bool operator==(const Protocol&) const = default;
};

struct SetTransaction {
  std::string app_id;
  int64_t version = 0;
  std::optional<int64_t> last_updated_ms;
};

// Under this name a table's newest `txn` tells which run of its file ledger (connectors/files/table_ledger.h) is valid; 0: no file is known.
inline constexpr char kFileLedgerAppId[] = "millstream.files";

struct DomainMetadata {
  std::string domain, configuration;
  bool removed = false;
};

struct CommitInfo {
  std::string json;  // the whole object, as it stands in the log
  std::optional<int64_t> timestamp_ms, in_commit_timestamp_ms;
  std::string txn_id;
};

// A file of a V2 checkpoint.
struct Sidecar {
  std::string path;  // a name within _delta_log/_sidecars, or a URI
  int64_t size_bytes = 0;
};

// All that one commit (or checkpoint) says.
struct CommitActions {
  std::vector<AddFilePtr> adds;
  std::vector<RemoveFilePtr> removes;
  std::vector<ChangeFilePtr> changes;
  std::optional<Metadata> metadata;
  std::optional<Protocol> protocol;
  std::vector<SetTransaction> transactions;
  std::vector<DomainMetadata> domains;
  std::optional<CommitInfo> commit_info;
  std::vector<Sidecar> sidecars;
};

// The key under which a file is live or removed.
std::string FileKey(const std::string& path, const std::optional<DeletionVectorDescriptor>& deletion_vector);

}  // namespace millstream
