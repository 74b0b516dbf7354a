#include "delta/registered_files.h"

#include "delta/value_text.h"
#include "formats/file_format.h"
#include "formats/parquet_whole.h"
#include "storage/clone_file.h"
#include "storage/failpoint.h"

namespace millstream {

bool IsRegisteredFile(const std::string& path) { return std::string_view(BaseName(path)).starts_with(kRegisteredPrefix); }

std::optional<std::string> SourceOfRegistered(const AddFile& add) {
  auto tag = add.tags.find(kSourceFileTag);
  if (tag == add.tags.end()) return std::nullopt;
  return DecodeUriPath(tag->second);
}

std::string WhyNoWholeFiles(const Metadata& table, const StructType& rows) {
  if (!table.partition_columns.empty()) return "the table is partitioned";
  for (const StructField& field : table.schema) {
    if (!field.nullable && !rows.IndexOf(field.name)) return "column " + field.name + " of the table is NOT NULL and has no values";
  }
  return "";
}

Result<RegisteredFile> RegisterFile(Fs& fs, Clock& clock, const std::string& table_path, const std::string& name, const WholeFile& file,
                                    const RegisterOptions& options) {
  const std::string path = JoinPath(table_path, name);
  const FileMeant meant{.size_bytes = file.size_bytes, .modified_ns = file.modified_ns, .inode = file.inode, .device = file.device};
  const auto before_name = [] { return Failpoint("delta.register.before_publish"); };
  const bool is_young = file.modified_ns / 1'000'000 > clock.WallMillis() - options.retention_ms / 2;
  const auto take = file.mode == WholeFileMode::kLink && is_young ? LinkFile : CloneFile;
  Result<bool> is_there = take(file.path, path, meant, before_name);
  if (is_there.status().Is(errors::kFileNotFound)) {
    // The directory, of a new table; or else the file.
    MS_RETURN_IF_ERROR(fs.CreateDirectories(table_path));
    is_there = take(file.path, path, meant, before_name);
    if (is_there.status().Is(errors::kFileNotFound)) is_there = false;
  }
  MS_RETURN_IF_ERROR(is_there.status());
  if (!*is_there) {
    return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(file.path)}, {"detail", "it is another file now"}}).Retryable();
  }
  MS_FAILPOINT("delta.register.after_publish");
  // Of what is in the table now, whatever was seen before.
  MS_ASSIGN_OR_RETURN(const WrittenFile measured, MeasureWhole(fs, path, options.schema, options.stats_columns_max));
  if (measured.rows != file.rows || measured.size_bytes != file.size_bytes) {
    return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(file.path)}, {"detail", "its footer differs"}}).Retryable();
  }
  auto add = std::make_shared<AddFile>();
  add->path = EncodeUriPath(name);
  add->size_bytes = measured.size_bytes;
  add->modified_ms = clock.WallMillis();
  add->stats = StatsJson(measured.rows, measured.columns);
  add->tags[kSourceFileTag] = EncodeUriPath(file.path);
  return RegisteredFile{.add = std::move(add), .rows = measured.rows, .bytes = measured.size_bytes};
}

}  // namespace millstream
