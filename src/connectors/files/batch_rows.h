#pragma once

// batch_rows.h   The rows of one batch, and what is learned when reading them fails: new columns go to the schema log, so that the query
// succeeds when it is started again; sizes of files that have grown go to the ledger, so that the batch does when it is run again.

#include <memory>
#include <vector>

#include "connectors/files/cloud_files_relation.h"

namespace millstream {

// `files` and `inputs` are the same files. The stream keeps the ledger open.
Result<RowStreamPtr> ReadBatchRows(const CloudFilesDefinition& definition, std::shared_ptr<FileLedger> ledger, std::vector<NumberedFile> files,
                                   std::vector<InputFile> inputs, const FileScan& scan, std::shared_ptr<FileScanStats> stats);

// Merges the columns of `files` that the latest schema lacks into its next version (Auto Loader's addNewColumns). Idempotent.
Status EvolveSchema(Fs& fs, const std::string& schema_location, const FileFormat& format, const std::vector<SchemaHint>& hints,
                    const std::vector<InputFile>& files);

}  // namespace millstream
