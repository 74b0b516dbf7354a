#pragma once

// file_ledger_options.h   What one ledger may hold in memory: two write buffers, and a share of one small cache. A stream's ledger is written in order and
// read in order, so that more would buy nothing.

#include <rocksdb/options.h>

namespace millstream {

rocksdb::Options FileLedgerOptions();

}  // namespace millstream
