#pragma once

// gone_files.h   Which loaded files are not in the source any more, so that their rows may leave the table too (cloudFiles.deletedFiles = removed, and that of
// COPY INTO).
//
// A file counts as gone when its directory was read to its end without its name, the kernel says of its path that nothing is there (ENOENT, ENOTDIR), and it says
// so once more some seconds later, while the load path is the directory that it was. Anything else, such as a directory that cannot be read, is an error, and
// nothing is gone. What is loaded is merged directory by directory with the names that are there: memory does not grow with the number of files, and a
// directory whose times are what they were costs one stat.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/error_class.h"
#include "connectors/files/file_ledger.h"
#include "connectors/files/table_ledger.h"
#include "formats/path_glob.h"
#include "storage/fs.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kTooManyFilesGone{
    "MILLSTREAM_TOO_MANY_FILES_GONE", "55019", ExceptionKind::kSpark,
    "<gone> of <known> loaded files below <path> are gone, a larger part than <option> = <fraction> allows. No rows were removed. If the directory is not what it "
    "was (a disk that is not mounted), restore it. If the files were deleted on purpose, set <option> to a larger number, up to 1."};
}  // namespace errors

// cloudFiles.deletedFiles*
struct DeletedFilesOptions {
  bool removes_rows = false;
  double fraction_max = 0.5;      // of the loaded files: when more of them are gone at a time, something else has happened
  int64_t confirm_after_ms = 5'000;
};
// A number above 0 and up to 1. nullopt: the text is none.
std::optional<double> ParseFraction(const std::string& text);

// What is loaded, directory by directory. Not thread-safe.
class LoadedFiles {
 public:
  virtual ~LoadedFiles() = default;
  // The first directory after this one, in an order of its own, in which files are known; "" begins. nullopt: there is none.
  virtual Result<std::optional<std::string>> DirectoryAfter(const std::string& directory) = 0;
  // To the first file of a directory; they come by name.
  virtual Status Seek(const std::string& directory) = 0;
  virtual bool valid() const = 0;  // false: the directory has no more
  virtual std::string_view name() const = 0;
  virtual Status Next() = 0;
  virtual Result<bool> IsLoaded() = 0;
  // It was loaded, has changed, and waits to be loaded in the place of its rows.
  virtual Result<bool> IsToBeReplaced() = 0;
  // It is loaded, and nobody but its owner can have taken it away.
  virtual Result<bool> MayBeRemoved() = 0;
};
// Of a stream: files up to the number `loaded`, but not those up to `cleaned`, which cleanSource may have taken.
std::unique_ptr<LoadedFiles> LoadedFilesOf(std::shared_ptr<FileLedger> ledger, int64_t loaded, int64_t cleaned);
// `ledger` must outlive it.
std::unique_ptr<LoadedFiles> LoadedFilesOf(const TableLedger& ledger);

struct GoneFiles {
  std::vector<std::string> paths;  // the first of them, in the ledger's order
  int64_t gone = 0, loaded = 0;
  uint64_t device = 0, inode = 0;  // of the load path
};

// Not thread-safe.
class GoneFileFinder {
 public:
  GoneFileFinder(Fs& fs, Clock& clock, PathGlob source, DeletedFilesOptions options, std::string option_name)
      : fs_(fs), clock_(clock), source_(std::move(source)), options_(options), option_name_(std::move(option_name)) {}

  // MILLSTREAM_TOO_MANY_FILES_GONE, PATH_NOT_FOUND (of the load path), MILLSTREAM_DIRECTORY_UNREADABLE.
  Result<GoneFiles> Find(LoadedFiles& loaded);
  // Those that are still gone.
  Result<std::vector<std::string>> Confirm(const GoneFiles& gone);

 private:
  struct Seen {
    uint64_t device = 0, inode = 0;
    int64_t changed_ns = 0, loaded = 0;
  };
  Result<FileInfo> LookAtSource() const;
  Status FindIn(const std::string& directory, LoadedFiles& loaded, GoneFiles& found);
  Result<bool> IsGone(const std::string& path) const;

  Fs& fs_;
  Clock& clock_;
  const PathGlob source_;
  const DeletedFilesOptions options_;
  const std::string option_name_;  // of fraction_max
  std::unordered_map<std::string, Seen> seen_;  // directories of which no file was gone
  int64_t seen_since_us_ = 0;
};

}  // namespace millstream
