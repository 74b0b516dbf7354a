#pragma once

// file_proof.h   VERIFY FILES: lists a source in full, merges the listing with what is known, and tells of every difference. Memory does not grow with the
// number of files: one part of a directory's names is held at a time.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "connectors/files/file_lister.h"
#include "connectors/files/file_report.h"
#include "connectors/files/known_files.h"

namespace millstream {

// What is listed.
struct ProofSource {
  PathGlob glob;
  std::optional<NameGlob> name_filter;
  std::string start_after = {};  // an absolute path; empty: none
  std::optional<int64_t> modified_after_ns, modified_before_ns;
  // COPY INTO: directories that are no partitions (key=value) count only when files of theirs are known.
  bool partitions_only = false;
};

// A load that the table's log and the table's ledger both tell of.
struct ProvenLoad {
  int64_t version = 0;                   // of the table
  std::optional<int64_t> ledger_rows;    // of the files that it loaded; nullopt: that state of the ledger is removed
  std::optional<int64_t> source_rows;    // that its commit says were read; nullopt: the load did not keep all rows (WHERE), or is of an older version
  std::optional<int64_t> rows_in_table;  // of the data files that it added; nullopt: one of them has no statistics
  std::string commit_path;
};

struct FileProof {
  Fs& fs;
  std::string subject;  // what is listed, as the row VERIFIED names it
  std::function<Result<std::unique_ptr<KnownFiles>>()> known;
  // nullopt: the directories in which files are known.
  std::optional<ProofSource> source;
  // Empty: a stream, of whose table nothing is known.
  std::function<Result<std::vector<ProvenLoad>>()> loads = {};
};

// finding, path, detail: MISSING (there and not loaded), CHANGED (not what was loaded), GONE (loaded and no longer there), ROWS_DIFFER; at last VERIFIED, whose
// detail is {"findings": …, "files_listed": …, "files_known": …, "files_loaded": …, "files_matched": …, "files_cleaned": …, "rows_in_ledger": …,
// "loads_proven": …, "rows_proven": …}.
const StructType& FileProofSchema();
// One VERIFIED row for each of them.
RelationSourcePtr OpenFileProof(std::string name, std::vector<FileProof> proofs);

// What a stream lists, as its ledger remembers it (a note of the ledger).
inline constexpr char kSourceNote[] = "source";
std::string EncodeSourceNote(const std::string& pattern, PathGlob::Mode mode, const std::string& name_filter, std::optional<int64_t> modified_after_ns,
                             std::optional<int64_t> modified_before_ns, const std::string& start_after = {});
// nullopt: not a note of this version.
std::optional<ProofSource> DecodeSourceNote(std::string_view note);

}  // namespace millstream
