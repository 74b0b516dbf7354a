#include "session/stream_sinks.h"

#include <cstdio>

#include "session/session.h"

namespace millstream {
namespace {

class NoopSink : public Sink {
 public:
  std::string description() const override { return "NoopTable"; }
  Result<BatchResult> AddBatch(BatchId, const StructType&, RowStream& rows) override {
    BatchResult result;
    while (true) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows.Next());
      if (batch == nullptr) return result;
      result.rows_out += batch->num_rows();
    }
  }
};

class ConsoleSink : public Sink {
 public:
  ConsoleSink(int num_rows, int truncate, std::string time_zone) : num_rows_(num_rows), truncate_(truncate), time_zone_(std::move(time_zone)) {}
  std::string description() const override { return "org.apache.spark.sql.execution.streaming.ConsoleTable$"; }
  Result<BatchResult> AddBatch(BatchId batch_id, const StructType& schema, RowStream& rows) override {
    BatchResult result;
    std::vector<RecordBatchPtr> shown;
    while (true) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows.Next());
      if (batch == nullptr) break;
      // One row more than is shown tells that there are more.
      if (result.rows_out <= num_rows_) shown.push_back(batch);
      result.rows_out += batch->num_rows();
    }
    MS_ASSIGN_OR_RETURN(std::string text, ShowString(schema, shown, num_rows_, truncate_, false, time_zone_));
    const std::string rule(43, '-');
    std::printf("%s\nBatch: %lld\n%s\n%s\n", rule.c_str(), static_cast<long long>(batch_id.value()), rule.c_str(), text.c_str());
    std::fflush(stdout);
    return result;
  }

 private:
  const int num_rows_, truncate_;
  const std::string time_zone_;
};

const OptionTable& ConsoleOptions() {
  static const OptionTable table("console", {{"numRows", OptionType::kInt, "20", "How many rows of a batch are printed.", "0.1"},
                                             {"truncate", OptionType::kBool, "true", "Whether long cells are cut to 20 characters.", "0.1"}});
  return table;
}

}  // namespace

std::unique_ptr<Sink> MakeNoopSink() { return std::make_unique<NoopSink>(); }

Result<std::unique_ptr<Sink>> MakeConsoleSink(const OptionMap& options, std::string time_zone) {
  MS_ASSIGN_OR_RETURN(OptionValues values, ConsoleOptions().ParseKnown(options));
  return std::unique_ptr<Sink>(std::make_unique<ConsoleSink>(static_cast<int>(*values.Int("numRows")), values.Bool("truncate") ? 20 : 0, std::move(time_zone)));
}

}  // namespace millstream
