"""The seeded bugs: each takes away one thing that "exactly once" needs. A check must catch every one of them.

`edits` are (file, text, text in its place); the text must stand in the file exactly once, so that a mutant cannot rot unseen.
`checks` are the checks that may catch it, the cheapest first: "kill", "cut", or the name of a unit test program.
"""
import dataclasses

PENDING = "src/storage/pending_file.cc"
LOCAL_FS = "src/storage/local_fs.cc"
BATCHES = "src/streaming/micro_batch_execution.cc"
RECOVERY = "src/streaming/recovery.cc"
CHECKPOINT = "src/streaming/checkpoint.cc"
SINK = "src/connectors/delta/delta_sink.cc"
DELTA_LOG = "src/delta/delta_log.cc"
CONFLICT = "src/delta/conflict.cc"
DATA_WRITER = "src/delta/data_writer.cc"
DELTA_CHECKPOINT = "src/delta/checkpoint_writer.cc"
SOURCE = "src/connectors/files/cloud_files_source.cc"
DISCOVERY = "src/connectors/files/file_discovery.cc"
LEDGER = "src/connectors/files/file_ledger.cc"

FILE_WRITER = "src/connectors/files/directory_writer.cc"
FILE_SINK = "src/connectors/files/file_sink.cc"
FILE_LOG = "src/connectors/files/compactible_log.cc"
DELTA_STREAM = "src/connectors/delta/delta_stream_source.cc"


@dataclasses.dataclass
class Mutant:
    name: str
    bug: str
    edits: list
    checks: list


MUTANTS = [
    Mutant("unsynced-data", "files are linked without fdatasync",
           [(PENDING, "if (::fdatasync(descriptor_.fd()) != 0)", "if (false)")], ["cut"]),
    Mutant("unsynced-directory", "the name of a published file is not synced",
           [("src/storage/publish.cc", "MS_RETURN_IF_ERROR(fs.SyncDirectory(directory));", "")], ["session_test", "cut"]),
    Mutant("unsynced-data-directory", "a commit names data files whose directory is not synced",
           [(DATA_WRITER, "for (const std::string& directory : shared.directories) MS_RETURN_IF_ERROR(fs.SyncDirectory(directory));", "")],
           ["session_test", "cut"]),
    Mutant("trusts-unsynced-commit", "a Delta commit that a dead process has linked is trusted before it is durable",
           [(SINK, "MS_RETURN_IF_ERROR(log->SyncLog());", "")], ["session_test", "cut"]),
    Mutant("trusts-unsynced-offsets", "an entry of offsets/ that a dead process has linked is trusted before it is durable",
           [("src/streaming/metadata_log.cc", "return ids_.empty() ? Status() : fs_->SyncDirectory(directory_);", "return Status();")], ["session_test"]),
    Mutant("trusts-unsynced-id", "a query's id that a dead process has linked is trusted before it is durable",
           [(CHECKPOINT, "MS_RETURN_IF_ERROR(fs.SyncDirectory(options.directory));", "")], ["session_test"]),
    Mutant("publish-overwrites", "publishing replaces a file that is there",
           [(PENDING, "if (::linkat(AT_FDCWD,", "::unlink(path.c_str());\n    if (::linkat(AT_FDCWD,")], ["storage_test"]),
    Mutant("short-write", "a short write counts as a whole one",
           [("src/storage/descriptor.cc", "bytes.remove_prefix(static_cast<size_t>(written));", "bytes = {};")], ["storage_test"]),
    Mutant("commit-log-first", "commits/N is written before the sink has the batch",
           [(BATCHES, "MS_ASSIGN_OR_RETURN(BatchResult written, WriteBatch(batch, progress));",
             "MS_RETURN_IF_ERROR(checkpoint_->commits().AddCommit(batch.id, CommitMetadata{}));\n"
             "  MS_ASSIGN_OR_RETURN(BatchResult written, WriteBatch(batch, progress));"),
            (BATCHES, 'TriggerProgress::Phase phase(progress, "commitOffsets");\n    MS_RETURN_IF_ERROR(checkpoint_->commits().AddCommit(batch.id, CommitMetadata{}));',
             'TriggerProgress::Phase phase(progress, "commitOffsets");')], ["kill"]),
    Mutant("offsets-last", "offsets/N is written after the sink has the batch",
           [(BATCHES, "MS_RETURN_IF_ERROR(checkpoint_->offsets().AddOffsets(batch.id, offsets));\n", ""),
            (BATCHES, 'MS_FAILPOINT("stream.after_sink");',
             "OffsetSeq offsets;\n  offsets.metadata = {.batch_watermark_ms = 0, .batch_timestamp_ms = batch.timestamp_ms, .conf = conf_.logged};\n"
             "  for (const Input& input : inputs_) offsets.offsets.push_back(input.end);\n"
             "  if (!checkpoint_->offsets().latest() || *checkpoint_->offsets().latest() < batch.id) "
             'MS_RETURN_IF_ERROR(checkpoint_->offsets().AddOffsets(batch.id, offsets));\n  MS_FAILPOINT("stream.after_sink");')], ["kill"]),
    Mutant("no-rerun", "a batch that was begun is not run again after a restart",
           [(RECOVERY, "recovery.step = NextStep::kRerunBatch;\n  recovery.batch = last;", "recovery.step = NextStep::kPlanNextBatch;\n  recovery.batch = last.next();")],
           ["kill"]),
    Mutant("no-txn-check", "the sink does not look for the batch in the table",
           [(SINK, "if (snapshot && snapshot->TransactionVersion(context_.query_id).value_or(-1) >= batch_id.value()) return BatchResult{.was_done_before = true};", "")],
           ["kill"]),
    Mutant("txn-not-written", "the sink does not leave the batch's number in the table",
           [(SINK, "request.actions.transactions.push_back({context_.query_id, batch_id.value(), now_ms});", "")], ["kill"]),
    Mutant("checkpoint-without-txn", "a table checkpoint forgets the numbers of batches",
           [(DELTA_CHECKPOINT, "for (const auto& [app_id, txn] : *snapshot.transactions) {\n    MS_RETURN_IF_ERROR",
             "for (const auto& [app_id, txn] : *snapshot.transactions) {\n    if (app_id.size() > 1) continue;\n    MS_RETURN_IF_ERROR")], ["connectors_delta_test", "kill"]),
    Mutant("no-conflict-of-txn", "two runs of one stream do not conflict",
           [(CONFLICT, "if (ours.app_ids.count(txn.app_id))", "if (false && ours.app_ids.count(txn.app_id))")], ["connectors_delta_test"]),
    Mutant("ledger-unsynced", "an offset is logged before the ledger that it counts in is durable",
           [(SOURCE, "// From here on the engine may log this offset: the numbers must outlive a power cut before it does.\n  MS_RETURN_IF_ERROR(ledger_->Sync());",
             "MS_RETURN_IF_ERROR(ledger_->Write());"),
            (SOURCE, "MS_RETURN_IF_ERROR(discovery_.SweepEverything());\n  MS_RETURN_IF_ERROR(ledger_->Sync());", "MS_RETURN_IF_ERROR(discovery_.SweepEverything());")],
           ["cut"]),
    Mutant("no-dedupe", "a restarted stream does not look into the ledger",
           [(DISCOVERY, "if (!ledger_->empty()) round_->cursor = ledger_->NewCursor();", "if (ledger_->last_number() < 0) round_->cursor = ledger_->NewCursor();")], ["kill"]),
    Mutant("numbers-start-again", "a restarted ledger gives numbers that it gave before",
           [(LEDGER, "next_number_ = *number + 1;", "next_number_ = *number;")], ["kill"]),
    Mutant("old-start-offset", "after a restart the next batch starts where the batch before the last ended",
           [(BATCHES, "if (last.value() > 0) MS_RETURN_IF_ERROR(LoadOffsets(last.previous(), true));\n", "")], ["kill"]),
    Mutant("purges-too-much", "the newest offsets are purged with the old ones",
           [(BATCHES, "const BatchId oldest_kept(latest->value() - conf_.min_batches_to_retain);", "const BatchId oldest_kept(latest->value() + 1);")], ["kill"]),
    Mutant("new-identity", "a restarted query gets a new id",
           [(CHECKPOINT, "checkpoint->query_id_ = **id;", "checkpoint->query_id_ = NewUuid();")], ["kill"]),
    Mutant("no-lock", "two queries may use one checkpoint",
           [(CHECKPOINT, "if (checkpoint->lock_ == nullptr)", "if (false)")], ["streaming_test"]),
    Mutant("file-sink-unsynced-directory", "the log of a file sink names files whose directory is not synced",
           [(FILE_WRITER, "if (status.ok()) status = fs.SyncDirectory(directory);", "")], ["session_test", "cut"]),
    Mutant("trusts-unsynced-file-log", "an entry of a log of files that a dead process has linked is trusted before it is durable",
           [(FILE_LOG, "return ids_.empty() ? Status() : fs_.SyncDirectory(directory_);", "return Status();")], ["session_test", "cut"]),
    Mutant("file-sink-forgets-batches", "a file sink writes a batch that it has already",
           [(FILE_SINK, "if (batch_id.value() <= log_.latest().value_or(-1)) return BatchResult{.rows_out = 0, .was_done_before = true};", "")],
           ["session_test", "kill"]),
    Mutant("delta-stream-trusts-unsynced-commit", "a stream's offset passes a commit that another writer has linked and not synced",
           [(DELTA_STREAM, "MS_RETURN_IF_ERROR(log_->SyncLog());", "")], ["connectors_delta_test"]),
]
