#include "connectors/rate/rate_batch_source.h"

#include <nlohmann/json.hpp>

#include "connectors/api/source.h"
#include "connectors/rate/rate_rows.h"

namespace millstream {
namespace {

struct RateBatchConf {
  int64_t rows_per_batch = 0, start_ms = 0, advance_ms = 1000, partitions = 1;
};

// {"offset":6,"timestamp":2000}: rows so far, and the moment of the next batch.
struct Place {
  int64_t rows = 0, moment_ms = 0;
};

Result<Place> Decode(const StreamOffset& offset) {
  nlohmann::json json = nlohmann::json::parse(offset.json, nullptr, /*allow_exceptions=*/false);
  auto is_number = [&](const char* key) { return json.contains(key) && json[key].is_number_integer(); };
  if (!json.is_object() || !is_number("offset") || !is_number("timestamp") || json["offset"].get<int64_t>() < 0)
    return Status::IllegalArgument("'" + offset.json + "' is not an offset of the rate-micro-batch source.");
  return Place{json["offset"].get<int64_t>(), json["timestamp"].get<int64_t>()};
}

class RateBatchSource : public Source, public SupportsTriggerAvailableNow {
 public:
  explicit RateBatchSource(RateBatchConf conf) : conf_(conf) {}
  const StructType& schema() const override { return RateSchema(); }
  const StructType& metadata_schema() const override { return none_; }
  std::string description() const override {
    return "RatePerMicroBatchStream[rowsPerBatch=" + std::to_string(conf_.rows_per_batch) + ", numPartitions=" + std::to_string(conf_.partitions) +
           ", startTimestamp=" + std::to_string(conf_.start_ms) + ", advanceMsPerBatch=" + std::to_string(conf_.advance_ms) + "]";
  }
  Status PrepareForTriggerAvailableNow() override {
    one_batch_only_ = true;
    return Status();
  }
  Result<std::optional<StreamOffset>> LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit&) override {
    // There is always one more batch: what is available now is the next one.
    if (one_batch_only_ && last_) return *last_ == start ? std::optional<StreamOffset>() : last_;
    MS_ASSIGN_OR_RETURN(Place place, PlaceOf(start));
    if (__builtin_add_overflow(place.rows, conf_.rows_per_batch, &place.rows)) return std::optional<StreamOffset>();
    place.moment_ms += conf_.advance_ms;
    last_ = StreamOffset{"{\"offset\":" + std::to_string(place.rows) + ",\"timestamp\":" + std::to_string(place.moment_ms) + "}"};
    return last_;
  }
  Result<RowStreamPtr> ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) override {
    MS_ASSIGN_OR_RETURN(Place from, PlaceOf(start));
    MS_ASSIGN_OR_RETURN(Place to, Decode(end));
    rows_ = to.rows - from.rows;
    return MakeRateRows(needs, from.rows, to.rows, from.moment_ms * 1000, 0);
  }
  Status Commit(const StreamOffset&) override { return Status(); }
  int64_t rows_read() const override { return rows_; }

 private:
  Result<Place> PlaceOf(const std::optional<StreamOffset>& offset) const {
    if (!offset) return Place{0, conf_.start_ms};
    return Decode(*offset);
  }

  const RateBatchConf conf_;
  const StructType none_;
  bool one_batch_only_ = false;
  std::optional<StreamOffset> last_;
  int64_t rows_ = 0;
};

class RateBatchRelation : public StreamingRelationSource {
 public:
  explicit RateBatchRelation(RateBatchConf conf) : conf_(conf) {}
  std::string name() const override { return "rate-micro-batch"; }
  const StructType& schema() const override { return RateSchema(); }
  Result<std::unique_ptr<Source>> CreateSource(const std::string&) const override { return std::unique_ptr<Source>(std::make_unique<RateBatchSource>(conf_)); }

 private:
  const RateBatchConf conf_;
};

}  // namespace

const OptionTable& RateBatchOptions() {
  static const OptionTable table("rate-micro-batch",
                                 {{"rowsPerBatch", OptionType::kInt, "0", "How many rows each batch has.", "0.2"},
                                  {"numPartitions", OptionType::kInt, "1", "Taken and shown as Spark does; rows are made by as many threads as pull.", "0.2"},
                                  {"startTimestamp", OptionType::kInt, "0", "The moment of the first batch, in milliseconds.", "0.2"},
                                  {"advanceMillisPerBatch", OptionType::kInt, "1000", "How much later each batch is.", "0.2"}});
  return table;
}

Result<RelationSourcePtr> OpenRateBatch(const OptionMap& options) {
  MS_ASSIGN_OR_RETURN(OptionValues values, RateBatchOptions().ParseKnown(options));
  RateBatchConf conf{.rows_per_batch = *values.Int("rowsPerBatch"),
                     .start_ms = *values.Int("startTimestamp"),
                     .advance_ms = *values.Int("advanceMillisPerBatch"),
                     .partitions = *values.Int("numPartitions")};
  auto invalid = [](int64_t value, const char* option, const char* must) {
    return Status::IllegalArgument("Invalid value '" + std::to_string(value) + "'. The option '" + option + "' must be " + must);
  };
  if (conf.rows_per_batch <= 0) return invalid(conf.rows_per_batch, "rowsPerBatch", "positive");
  if (conf.partitions <= 0) return invalid(conf.partitions, "numPartitions", "positive");
  if (conf.start_ms < 0) return invalid(conf.start_ms, "startTimestamp", "non-negative");
  if (conf.advance_ms < 0) return invalid(conf.advance_ms, "advanceMillisPerBatch", "non-negative");
  return RelationSourcePtr(std::make_shared<RateBatchRelation>(conf));
}

}  // namespace millstream
