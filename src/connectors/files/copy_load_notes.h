#pragma once

// copy_load_notes.h   What a COPY INTO is about to do to the bad records of earlier loads, written down beside them before it commits: files
// <place>/_loads/<load id>-<loader>. The next load that names the place finishes what one that was killed has begun, without looking at the rest of the place.
//
// Format: lines of JSON. {"version":1,"directory":"20260102T030405"}, then {"path":"/in/a.json","first":3,"last":5,"loadedMs":…} of each replaced file.

#include <cstdint>
#include <string>
#include <vector>

#include "connectors/files/copy_bad_records.h"

namespace millstream {

struct CopyLoadNote {
  int64_t load_id = 0;
  std::string directory;  // of badRecordsPath: where the load's bad records are; else empty
  std::vector<ReplacedFile> replaced;
};

// The notes of one loader. Not thread-safe: under the place's lock.
class CopyLoadNotes {
 public:
  CopyLoadNotes(Fs& fs, const std::string& place, const std::string& loader);
  // In the order of their load ids. MILLSTREAM_BAD_RECORDS_PATH: one cannot be read.
  Result<std::vector<CopyLoadNote>> All() const;
  // Durable when it returns.
  Status Add(const CopyLoadNote& note) const;
  Status Remove(int64_t load_id) const;

 private:
  std::string PathOf(int64_t load_id) const;

  Fs& fs_;
  const std::string directory_;
  const std::string name_end_;
};

// What is told of a loader in names of files: "copy:<id>" → "copy-<id>".
std::string LoaderInNames(std::string loader);

}  // namespace millstream
