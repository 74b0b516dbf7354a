#pragma once

// cloud_files_relation.h   What format("cloudFiles").load(path) means once its options are checked and its schema is known. Immutable; becomes a
// CloudFilesSource when the checkpoint is known.

#include <memory>
#include <optional>
#include <string>

#include "connectors/api/source.h"
#include "connectors/api/source_files.h"
#include "connectors/files/cloud_files_options.h"
#include "connectors/files/file_discovery.h"
#include "connectors/files/files_connector.h"
#include "connectors/files/quarantine.h"
#include "connectors/files/row_target.h"
#include "connectors/files/schema_log.h"

namespace millstream {

struct CloudFilesDefinition {
  Fs& fs;
  Clock& clock;
  int64_t sample_files_max, sample_bytes_max;  // as in FilesContext
  CloudFilesOptions options;
  PathGlob glob;
  std::shared_ptr<const FileFormat> format;
  StructType data_schema, partition_schema;
  std::string rescued_data_column;  // empty: none
  SchemaEvolutionMode evolution_mode = SchemaEvolutionMode::kNone;
  EvolutionPolicy policy;          // of that mode
  std::vector<ColumnPath> frozen;  // by REVERT SCHEMA
  StructType schema;  // data, rescued data, partitions
  // Why the stream stops at a new column: what it then does to the schema log. Empty unless the mode is addNewColumns.
  std::optional<std::string> schema_location;
  std::optional<int64_t> schema_number;  // of the schema log's version
  // Null: bad records are the reader's to judge.
  std::shared_ptr<QuarantineTable> quarantine;
  // Not null: bad records do not stop a batch (options.errors), and rows that do not fit their table are bad records too.
  std::shared_ptr<RowTarget> row_target;
  // cloudFiles.knownFrom: what is known elsewhere, opened when the stream starts for the first time. Empty: nothing.
  std::function<Result<std::shared_ptr<KnownElsewhere>>(const std::string& spill_directory)> open_known;
  std::optional<std::string> bad_records_path;  // `quarantine` is that
  OptionMap reader_options;                     // of `format`
  std::shared_ptr<WholeFiles> whole_files = nullptr;  // of the batch that is read; null: options.zero_copy is off

  DiscoveryOptions discovery_options() const;
  FileScan scan(std::vector<std::string> columns) const;
  // What files bring that the schema lacks is not all treated alike, or becomes wider: their columns are looked at before they are read.
  bool looks_before_reading() const { return schema_location && (!policy.is_uniform() || !frozen.empty() || policy.may_widen()); }
  // Goes on with the newest version of the schema log.
  Status TakeLatestSchema();
  // `schema` from its parts.
  void CombineSchema();
};

// Checks the options, and infers the schema where none is given: for a stream it is kept at cloudFiles.schemaLocation. Errors: as OpenCloudFiles.
Result<CloudFilesDefinition> DefineCloudFiles(const UnresolvedDataSource& relation, const FilesContext& context);

class CloudFilesRelation : public StreamingRelationSource, public HasSourceFileColumn, public std::enable_shared_from_this<CloudFilesRelation> {
 public:
  explicit CloudFilesRelation(CloudFilesDefinition definition) : definition_(std::move(definition)) {}
  std::string name() const override;
  const StructType& schema() const override { return definition_.schema; }
  const StructType& metadata_schema() const override { return definition_.format->metadata_schema(); }
  Result<std::unique_ptr<Source>> CreateSource(const std::string& source_checkpoint_directory) const override;
  const CloudFilesDefinition& definition() const { return definition_; }

 private:
  CloudFilesDefinition definition_;
};

}  // namespace millstream
