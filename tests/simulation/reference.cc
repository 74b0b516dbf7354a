#include "reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "streaming/commit_log.h"
#include "streaming/offset_seq_log.h"
#include "streaming/state/state_store.h"

namespace millstream::simulation {
namespace {

struct BatchFacts {
  std::vector<int64_t> ends;  // one a source
  int64_t watermark_ms = 0, next_watermark_ms = 0;
  bool operator==(const BatchFacts&) const = default;
};

// Entries by store and key.
using StateFacts = std::map<StateStoreId, std::map<std::string, std::string>>;

std::string PathOfLog(const QuerySpec& spec, const char* log, size_t batch) { return fmt::format("{}/{}/{}", spec.checkpoint(), log, batch); }

// All of them, also those whose entries in the logs are gone.
Result<std::vector<BatchFacts>> ReadBatches(const Disk& disk, const QuerySpec& spec) {
  std::vector<BatchFacts> batches;
  for (size_t batch = 0;; ++batch) {
    const std::string offsets_path = PathOfLog(spec, "offsets", batch), commit_path = PathOfLog(spec, "commits", batch);
    const std::optional<std::string> offsets_text = disk.BytesOf(offsets_path), commit_text = disk.BytesOf(commit_path);
    if (!offsets_text && !commit_text) return batches;
    if (!offsets_text || !commit_text) return Status::Internal(fmt::format("batch {} is not in both logs", batch));
    MS_ASSIGN_OR_RETURN(OffsetSeq offsets, ParseOffsetSeq(*offsets_text, offsets_path));
    MS_ASSIGN_OR_RETURN(CommitMetadata commit, ParseCommit(*commit_text, commit_path));
    BatchFacts facts{.ends = {}, .watermark_ms = offsets.metadata.batch_watermark_ms, .next_watermark_ms = commit.next_batch_watermark_ms};
    for (const std::optional<StreamOffset>& offset : offsets.offsets) facts.ends.push_back(offset ? std::stoll(offset->json) : 0);
    batches.push_back(std::move(facts));
  }
}

Result<StateFacts> ReadState(Fs& fs, const QuerySpec& spec, int64_t version) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<StateStores> stores, StateStores::OpenAt(fs, JoinPath(spec.checkpoint(), "state"), version));
  StateFacts state;
  for (const StateStoreId& id : stores->Ids()) {
    MS_ASSIGN_OR_RETURN(StateStore * store, stores->Store(id));
    MS_ASSIGN_OR_RETURN(std::unique_ptr<StateIterator> walk, store->Scan({}, {}));
    std::string_view key, value;
    for (;;) {
      MS_ASSIGN_OR_RETURN(bool more, walk->Next(&key, &value));
      if (!more) break;
      state[id].emplace(key, value);
    }
    if (static_cast<int64_t>(state[id].size()) != store->rows())
      return Status::Internal(fmt::format("store {} of operator {} miscounts its rows", id.name, id.operator_id));
  }
  return state;
}

// In which life batch `batch` was computed: the state that it has left says it.
int64_t LifeOf(const Disk& disk, const QuerySpec& spec, size_t batch) { return disk.LifeOf(fmt::format("{}/state/{}.changes", spec.checkpoint(), batch + 1)); }

class ReferenceRun {
 public:
  ReferenceRun(Disk& original, Disk& disk, const QuerySpec& spec, ComputeEngine& engine)
      : original_(original), disk_(disk), spec_(spec), engine_(engine), clock_(1), numbers_(FactsOf(spec.shape).sources) {}

  Status Run(const std::vector<BatchFacts>& batches) {
    for (size_t batch = 0; batch < batches.size(); ++batch) {
      const bool starts_again = numbers_.size() > 1 && batch > 0 && LifeOf(original_, spec_, batch) != LifeOf(original_, spec_, batch - 1);
      if (batch == 0 || starts_again) MS_RETURN_IF_ERROR(StartWith(batch));
      for (size_t source = 0; source < numbers_.size(); ++source) {
        numbers_[source].available = batches[batch].ends.at(source);
        numbers_[source].per_batch_max = numbers_[source].available + 1;
      }
      MS_ASSIGN_OR_RETURN(bool ran, query_->RunTrigger());
      if (!ran) return Status::Internal(fmt::format("batch {} has no reason to run", batch));
    }
    query_.reset();
    return Status();
  }

 private:
  // As the life found the logs that has computed the batch: perhaps without the commit before it, perhaps with its offsets.
  Status StartWith(size_t batch) {
    query_.reset();
    const int64_t life = LifeOf(original_, spec_, batch);
    if (batch > 0 && original_.LifeOf(PathOfLog(spec_, "commits", batch - 1)) == life) MS_RETURN_IF_ERROR(disk_.Remove(PathOfLog(spec_, "commits", batch - 1)));
    if (const std::string offsets = PathOfLog(spec_, "offsets", batch); batch > 0 && original_.LifeOf(offsets) != life) {
      const std::optional<std::string> bytes = original_.BytesOf(offsets);
      if (!bytes) return Status::Internal(fmt::format("batch {} has no offsets", batch));
      MS_RETURN_IF_ERROR(disk_.Replace(offsets, *bytes));
    }
    MS_ASSIGN_OR_RETURN(query_, Query::Start(disk_, clock_, engine_, spec_, numbers_, std::make_shared<CancelToken>()));
    return Status();
  }

  Disk& original_;
  Disk& disk_;
  const QuerySpec spec_;
  ComputeEngine& engine_;
  ManualClock clock_;
  std::vector<Numbers> numbers_;
  std::unique_ptr<Query> query_;
};

std::string Compare(Disk& fs, Disk& reference, const QuerySpec& spec, const std::vector<BatchFacts>& batches, const std::vector<BatchFacts>& expected) {
  Result<RowsByBatch> rows = ReadBatchFiles(fs, spec.sink()), expected_rows = ReadBatchFiles(reference, spec.sink());
  if (!rows.ok()) return rows.status().message();
  if (!expected_rows.ok()) return expected_rows.status().message();
  if (rows->size() != batches.size()) return fmt::format("the sink has {} batches, the logs {}", rows->size(), batches.size());
  for (size_t batch = 0; batch < batches.size(); ++batch) {
    if (!(batches[batch] == expected[batch])) {
      return fmt::format("the watermark of batch {} is {}, and then {}; without faults {}, and then {}", batch, batches[batch].watermark_ms,
                         batches[batch].next_watermark_ms, expected[batch].watermark_ms, expected[batch].next_watermark_ms);
    }
    std::vector<std::string>&got = (*rows)[static_cast<int64_t>(batch)], &wanted = (*expected_rows)[static_cast<int64_t>(batch)];
    std::sort(got.begin(), got.end());
    std::sort(wanted.begin(), wanted.end());
    if (got != wanted) return fmt::format("batch {} has the rows [{}], without faults [{}]", batch, fmt::join(got, ", "), fmt::join(wanted, ", "));
  }
  const int64_t version = static_cast<int64_t>(batches.size());
  Result<StateFacts> state = ReadState(fs, spec, version), expected_state = ReadState(reference, spec, version);
  if (!state.ok()) return state.status().message();
  if (!expected_state.ok()) return expected_state.status().message();
  return *state == *expected_state ? "" : "the state is not what it is without faults";
}

}  // namespace

std::string CompareWithReference(Disk& disk, const QuerySpec& spec, ComputeEngine& engine) {
  Result<std::vector<BatchFacts>> batches = ReadBatches(disk, spec);
  if (!batches.ok()) return batches.status().message();
  if (batches->empty()) return "the logs do not begin with batch 0";
  Disk sound_disk(spec.directory, 0, PlantedBug::kNone, nullptr);
  sound_disk.Begin({});
  QuerySpec sound = spec;
  sound.bug = PlantedBug::kNone;
  if (Status run = ReferenceRun(disk, sound_disk, sound, engine).Run(*batches); !run.ok()) return "without faults: " + run.message();
  Result<std::vector<BatchFacts>> expected = ReadBatches(sound_disk, sound);
  if (!expected.ok()) return "without faults: " + expected.status().message();
  if (expected->size() != batches->size()) return fmt::format("{} batches, without faults {}", batches->size(), expected->size());
  return Compare(disk, sound_disk, spec, *batches, *expected);
}

}  // namespace millstream::simulation
