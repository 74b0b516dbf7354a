#include "connectors/files/file_ledger_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <memory>

namespace millstream {

rocksdb::Options FileLedgerOptions() {
  static const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(2 << 20);
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 32 << 10;
  table.format_version = 5;
  // Indexes of open tables are outside of the cache: keys that share their beginnings take a fifth of the memory.
  table.index_block_restart_interval = 16;
  rocksdb::Options options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.create_if_missing = true;
  options.write_buffer_size = 2 << 20;
  options.writable_file_max_buffer_size = 256 << 10;
  options.max_write_buffer_number = 2;
  // Each new file of the first level spans all kinds of records, and is merged with all of the next one: that one is small, and what leaves it is in pieces
  // that mostly lie beyond what is there, and are moved as they are.
  options.max_bytes_for_level_base = 8 << 20;
  options.level0_file_num_compaction_trigger = 8;
  options.target_file_size_base = 2 << 20;
  options.target_file_size_multiplier = 2;
  options.max_open_files = 64;
  // Files come by name and numbers in order: the place of one insert is a good guess for the next of its kind.
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  options.compression = rocksdb::kZSTD;  // paths look alike
  options.compression_opts.level = 1;    // the default level makes them no smaller
  options.max_total_wal_size = 16 << 20;
  options.paranoid_checks = true;
  options.allow_fallocate = false;  // its logs are small: reserving megabytes costs more than it saves
  // The log's tail may be torn by a power cut, beyond what was synced. That synced records are all there is checked by number (LedgerBehindCheckpoint).
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1 << 20;
  options.max_manifest_file_size = 1 << 20;
  options.stats_dump_period_sec = 0;  // an idle ledger wakes nobody
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.max_background_jobs = 2;
  options.allow_concurrent_memtable_write = false;  // one thread writes
  return options;
}

}  // namespace millstream
