#include "history_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "delta_world.h"
#include "streaming/checkpoint.h"
#include "streaming/state/state_store.h"
#include "world.h"

namespace millstream::simulation {
namespace {

struct Expectation {
  const QuerySpec& spec;
  bool deduplicates = false;
  int64_t rows = 0;
};

struct Found {
  RowsByBatch batches;  // of the sink
  int64_t last_batch = -1;
  std::map<int64_t, int64_t> ends;  // of the batches whose offsets are kept
  int64_t state_version = 0, state_rows = 0, state_rows_walked = 0;
};

// The newest entries of both logs are there without a gap, and agree.
Status ReadLogs(Fs& fs, const Expectation& expected, Found* found) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open(fs, {.directory = expected.spec.checkpoint()}));
  if (checkpoint->query_id().empty()) return Status::Internal("the query has lost its id");
  const std::optional<BatchId> last = checkpoint->offsets().latest();
  if (!last || checkpoint->commits().latest() != last) return Status::Internal("the logs do not end with the same batch");
  found->last_batch = last->value();
  for (BatchId id = *last; id.value() >= 0 && checkpoint->offsets().Contains(id); id = id.previous()) {
    MS_ASSIGN_OR_RETURN(std::optional<OffsetSeq> offsets, checkpoint->offsets().GetOffsets(id));
    if (!offsets || offsets->offsets.size() != 1 || !offsets->offsets[0]) return Status::Internal(fmt::format("offsets/{} is not of one source", id.value()));
    found->ends[id.value()] = std::stoll(offsets->offsets[0]->json);
  }
  return Status();
}

Status ReadState(Fs& fs, const Expectation& expected, Found* found) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<StateStores> stores, StateStores::Open(fs, {.directory = JoinPath(expected.spec.checkpoint(), "state")}));
  found->state_version = stores->version();
  MS_ASSIGN_OR_RETURN(StateStore * store, stores->Store({}));
  found->state_rows = store->rows();
  MS_ASSIGN_OR_RETURN(std::unique_ptr<StateIterator> walk, store->Scan({}, {}));
  std::string_view key, value;
  for (;;) {
    MS_ASSIGN_OR_RETURN(bool more, walk->Next(&key, &value));
    if (!more) return Status();
    ++found->state_rows_walked;
  }
}

std::string ValueOf(int64_t row) { return std::to_string(Numbers::ValueOf(row)); }

std::string CheckAllRows(const Found& found, const Expectation& expected, size_t* distinct) {
  std::map<std::string, int64_t> wanted, got;
  for (int64_t row = 0; row < expected.rows; ++row) ++wanted[ValueOf(row)];
  *distinct = wanted.size();
  if (expected.deduplicates) {
    for (auto& [value, count] : wanted) count = 1;
  }
  for (const auto& [batch, values] : found.batches) {
    for (const std::string& value : values) ++got[value];
  }
  for (const auto& [value, count] : wanted) {
    const int64_t there = got.contains(value) ? got[value] : 0;
    if (there != count) return fmt::format("value {} came out {} times instead of {}: {}", value, there, count, there < count ? "lost" : "doubled");
  }
  for (const auto& [value, count] : got) {
    if (!wanted.contains(value)) return fmt::format("value {} came out, and never came in", value);
  }
  return "";
}

std::string CheckBatches(const Found& found, const Expectation& expected) {
  for (int64_t batch = 0; batch <= found.last_batch; ++batch) {
    if (!found.batches.contains(batch)) return fmt::format("the sink does not have batch {} of {}", batch, found.last_batch);
  }
  if (found.batches.rbegin()->first > found.last_batch)
    return fmt::format("the sink has batch {}, and the logs end with {}", found.batches.rbegin()->first, found.last_batch);
  if (found.ends.rbegin()->second != expected.rows) return fmt::format("the last offset is {} of {}", found.ends.rbegin()->second, expected.rows);
  for (const auto& [batch, end] : found.ends) {
    auto before = found.ends.find(batch - 1);
    if (before == found.ends.end() && batch > 0) continue;
    const int64_t start = batch == 0 ? 0 : before->second;
    if (end < start) return fmt::format("the offset of batch {} is {}, after {}", batch, end, start);
    std::set<std::string> seen;
    if (expected.deduplicates) {
      for (int64_t row = 0; row < start; ++row) seen.insert(ValueOf(row));
    }
    std::vector<std::string> wanted;
    for (int64_t row = start; row < end; ++row) {
      const std::string value = ValueOf(row);
      if (!expected.deduplicates || seen.insert(value).second) wanted.push_back(value);
    }
    if (found.batches.at(batch) != wanted) return fmt::format("batch {} is not what rows {} to {} give", batch, start, end);
  }
  return "";
}

}  // namespace

std::string Check(Fs& fs, const QuerySpec& spec, int64_t rows) {
  const Expectation expected{.spec = spec, .deduplicates = FactsOf(spec.shape).is_stateful, .rows = rows};
  Found found;
  Result<RowsByBatch> batches = FactsOf(spec.shape).writes_delta ? ReadDeltaBatches(fs, spec.sink()) : ReadBatchFiles(fs, spec.sink());
  if (!batches.ok()) return batches.status().message();
  found.batches = *std::move(batches);
  size_t distinct = 0;
  if (std::string wrong = CheckAllRows(found, expected, &distinct); !wrong.empty()) return wrong;
  if (Status read = ReadLogs(fs, expected, &found); !read.ok()) return read.message();
  if (std::string wrong = CheckBatches(found, expected); !wrong.empty()) return wrong;
  if (!expected.deduplicates) return "";
  if (Status read = ReadState(fs, expected, &found); !read.ok()) return read.message();
  if (found.state_version != found.last_batch + 1) return fmt::format("the state has version {} after batch {}", found.state_version, found.last_batch);
  const int64_t keys = static_cast<int64_t>(distinct);
  if (found.state_rows != keys || found.state_rows_walked != keys)
    return fmt::format("the state has {} keys ({} counted) instead of {}", found.state_rows_walked, found.state_rows, keys);
  return "";
}

}  // namespace millstream::simulation
