#include "connectors/rate/rate_source.h"

#include <algorithm>
#include <charconv>

#include "connectors/api/source.h"
#include "connectors/rate/rate_rows.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

// Thirty years of them can be counted.
constexpr int64_t kRowsPerSecondMax = 9'000'000'000;

struct RateConf {
  int64_t rows_per_second = 1;
  int64_t ramp_up_seconds = 0;
  std::string partitions = "default";
};

Result<int64_t> ParseSeconds(const std::string& text) {
  int64_t seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0)
    return Status::IllegalArgument("'" + text + "' is not an offset of the rate source.");
  return seconds;
}

// Spark's short time text, which has no spaces: 30s, 2m, 100ms, or a bare number of seconds. In whole seconds.
Result<int64_t> ParseTimeString(const std::string& text) {
  static constexpr std::pair<std::string_view, int64_t> kMicros[] = {{"us", 1},       {"ms", 1000},      {"", 1000000},     {"s", 1000000},
                                                                     {"m", 60000000}, {"min", 60000000}, {"h", 3600000000}, {"d", 86400000000}};
  int64_t amount = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  const auto* found = std::find_if(std::begin(kMicros), std::end(kMicros), [&](const auto& known) { return known.first == unit; });
  int64_t micros = 0;
  if (error != std::errc() || amount < 0 || found == std::end(kMicros) || __builtin_mul_overflow(amount, found->second, &micros))
    return Status::IllegalArgument("Invalid value '" + text + "'. The option 'rampUpTime' must be a time such as 30s or 2m, and not negative");
  return micros / 1000000;
}

class RateSource : public Source, public SupportsTriggerAvailableNow {
 public:
  RateSource(RateConf conf, Clock& clock, int64_t created_ms) : conf_(std::move(conf)), clock_(clock), created_ms_(created_ms) {}
  const StructType& schema() const override { return RateSchema(); }
  const StructType& metadata_schema() const override { return none_; }
  std::string description() const override {
    // Spark's own text has no closing bracket.
    return "RateStreamV2[rowsPerSecond=" + std::to_string(conf_.rows_per_second) + ", rampUpTimeSeconds=" + std::to_string(conf_.ramp_up_seconds) +
           ", numPartitions=" + conf_.partitions;
  }
  Status PrepareForTriggerAvailableNow() override {
    frozen_ = Now();
    return Status();
  }
  Result<std::optional<StreamOffset>> LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit&) override {
    int64_t from = 0;
    if (start) {
      MS_ASSIGN_OR_RETURN(from, ParseSeconds(start->json));
    }
    const int64_t to = frozen_ >= 0 ? frozen_ : Now();
    // A clock that was set back gives no rows, and never an offset before the start.
    if (start && to <= from) return std::optional<StreamOffset>();
    return std::optional<StreamOffset>(StreamOffset{std::to_string(std::max(from, to))});
  }
  Result<RowStreamPtr> ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) override {
    int64_t from_s = 0;
    if (start) {
      MS_ASSIGN_OR_RETURN(from_s, ParseSeconds(start->json));
    }
    MS_ASSIGN_OR_RETURN(int64_t to_s, ParseSeconds(end.json));
    const int64_t first = RateValueAtSecond(from_s, conf_.rows_per_second, conf_.ramp_up_seconds);
    const int64_t last = RateValueAtSecond(to_s, conf_.rows_per_second, conf_.ramp_up_seconds);
    rows_ = last - first;
    const double us_per_row = rows_ == 0 ? 0 : static_cast<double>(to_s - from_s) * 1e6 / static_cast<double>(rows_);
    return MakeRateRows(needs, first, last, created_ms_ * 1000 + from_s * 1'000'000, us_per_row);
  }
  Status Commit(const StreamOffset&) override { return Status(); }
  int64_t rows_read() const override { return rows_; }

 private:
  int64_t Now() const { return std::max<int64_t>(0, (clock_.WallMillis() - created_ms_) / 1000); }

  const RateConf conf_;
  Clock& clock_;
  const int64_t created_ms_;
  const StructType none_;
  int64_t frozen_ = -1;
  int64_t rows_ = 0;
};

class RateRelation : public StreamingRelationSource {
 public:
  RateRelation(RateConf conf, Clock& clock, Fs& fs) : conf_(std::move(conf)), clock_(clock), fs_(fs) {}
  std::string name() const override { return "rate"; }
  const StructType& schema() const override { return RateSchema(); }
  // sources/<i>/0 holds the moment of the first start: "v1\n1700000000000", as Spark writes it.
  Result<std::unique_ptr<Source>> CreateSource(const std::string& directory) const override {
    MS_RETURN_IF_ERROR(fs_.CreateDirectories(directory));
    const std::string path = JoinPath(directory, "0");
    int64_t created_ms = clock_.WallMillis();
    Status published = Publish(fs_, path, "v1\n" + std::to_string(created_ms), "rate.start");
    if (published.Is(errors::kFileAlreadyExists)) {
      MS_ASSIGN_OR_RETURN(std::string text, fs_.ReadFile(path, 1024));
      if (!text.starts_with("v1\n")) return Status::IllegalArgument("Log file " + path + " was malformed: it does not start with v1");
      MS_ASSIGN_OR_RETURN(created_ms, ParseSeconds(text.substr(3)));
    } else if (!published.ok()) {
      return published;
    }
    return std::unique_ptr<Source>(std::make_unique<RateSource>(conf_, clock_, created_ms));
  }

 private:
  RateConf conf_;
  Clock& clock_;
  Fs& fs_;
};

}  // namespace

const OptionTable& RateOptions() {
  static const OptionTable table(
      "rate", {{"rowsPerSecond", OptionType::kInt, "1", "How many rows are made in a second.", "0.1"},
               {"rampUpTime", OptionType::kString, "0s", "How long the rate takes to rise to rowsPerSecond: 30s, 2m, or a number of seconds.", "0.1"},
               {"numPartitions", OptionType::kInt, "", "Taken and shown as Spark does; rows are made by as many threads as pull.", "0.1"}});
  return table;
}

Result<RelationSourcePtr> OpenRate(const OptionMap& options, Clock& clock, Fs& fs) {
  MS_ASSIGN_OR_RETURN(OptionValues values, RateOptions().Parse(options));
  RateConf conf;
  conf.rows_per_second = values.Int("rowsPerSecond").value_or(1);
  MS_ASSIGN_OR_RETURN(conf.ramp_up_seconds, ParseTimeString(*values.String("rampUpTime")));
  if (values.Has("numPartitions")) conf.partitions = std::to_string(*values.Int("numPartitions"));
  if (conf.rows_per_second <= 0)
    return Status::IllegalArgument("Invalid value '" + std::to_string(conf.rows_per_second) + "'. The option 'rowsPerSecond' must be positive");
  if (conf.rows_per_second > kRowsPerSecondMax)
    return Status::IllegalArgument("Invalid value '" + std::to_string(conf.rows_per_second) + "'. The option 'rowsPerSecond' is at most " +
                                   std::to_string(kRowsPerSecondMax));
  return RelationSourcePtr(std::make_shared<RateRelation>(std::move(conf), clock, fs));
}

int64_t RateValueAtSecond(int64_t seconds, int64_t rows_per_second, int64_t ramp_up_seconds) {
  // The speed rises by the same step each second: the sum of an arithmetic progression.
  const int64_t speed_delta = rows_per_second / (ramp_up_seconds + 1);
  if (seconds <= ramp_up_seconds) {
    if (seconds % 2 == 1) return (seconds + 1) / 2 * seconds * speed_delta;
    return seconds / 2 * (seconds + 1) * speed_delta;
  }
  const int64_t at_ramp_end = RateValueAtSecond(ramp_up_seconds, rows_per_second, ramp_up_seconds);
  return at_ramp_end + (seconds - ramp_up_seconds) * rows_per_second;
}

}  // namespace millstream
