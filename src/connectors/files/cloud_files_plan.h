#pragma once

// cloud_files_plan.h   What an Auto Loader stream would load next: the files, in their order, and the batches they would come in. Nothing is written and no
// file is opened.

#include "connectors/files/cloud_files_relation.h"
#include "connectors/files/file_report.h"

namespace millstream {

// batch, path, size, modification_time, state. States: PROCESSING (in a batch that is not committed), WAITING (found), NEW (not found yet).
const StructType& CloudFilesPlanSchema();
// cloud_files_plan('/in', format => 'json', checkpoint => '/cp', maxFilesPerTrigger => 10 …): `call` has the arguments as options, read as those of
// read_files. Without a checkpoint: a first start. Errors: those of the options, PATH_NOT_FOUND.
Result<RelationSourcePtr> OpenCloudFilesPlan(const UnresolvedDataSource& call, const FilesContext& context);

// Of a first start, for EXPLAIN.
struct CloudFilesForecast {
  int64_t files = 0, bytes = 0, batches = 0;
  ListerCounts left_out;
};
Result<CloudFilesForecast> Forecast(const CloudFilesDefinition& definition);

}  // namespace millstream
