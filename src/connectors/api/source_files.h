#pragma once

// source_files.h   Which source file each row came from, on its way from a source of files to a sink that writes it down (delta/source_runs.h). The rows
// carry a number in a hidden column (formats/source_file_column.h); these are small abilities beside Source and Sink, found by dynamic_cast.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "delta/source_runs.h"

namespace millstream {

// Of a relation whose scan delivers kSourceFileColumn when it is asked for.
class HasSourceFileColumn {
 public:
  virtual ~HasSourceFileColumn() = default;
};

// Of a Source whose relation has the column.
class NamesSourceFiles {
 public:
  virtual ~NamesSourceFiles() = default;
  // What the numbers in the rows of the last ReadBatch mean. Never null after it.
  virtual SourceFileNames source_files() const = 0;
};

// Of a Sink that keeps what the column says. Its rows have the column last, behind those of the query.
class KeepsSourceFiles {
 public:
  virtual ~KeepsSourceFiles() = default;
  // For the next AddBatch alone. Null: its rows do not have the column.
  virtual void SetSourceFiles(SourceFileNames names) = 0;
};

}  // namespace millstream
