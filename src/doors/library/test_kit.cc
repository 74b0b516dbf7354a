#include <arrow/array/array_binary.h>
#include <arrow/record_batch.h>

#include <algorithm>

#include "base/uuid.h"
#include "millstream/testing.h"
#include "storage/fs.h"

namespace millstream::sql::testing {
namespace {

constexpr const char* kClock = "millstream.testing.clock";
constexpr const char* kFailpoints = "millstream.testing.failpoints";
constexpr int64_t kCrashWaitMs = 30'000;

std::string ShortId() { return NewUuid().substr(0, 8); }

// What is in `rows` and not in `others`; a row that is there twice counts twice.
std::vector<std::string> Without(std::vector<std::string> rows, const std::vector<std::string>& others) {
  for (const std::string& other : others)
    if (auto found = std::find(rows.begin(), rows.end(), other); found != rows.end()) rows.erase(found);
  return rows;
}

std::string Line(const std::vector<std::string>& rows) {
  std::string text;
  for (const std::string& row : rows) text += " " + row;
  return text;
}

void Compare(const std::vector<std::string>& rows, const std::vector<std::string>& wanted) {
  const std::vector<std::string> missing = Without(wanted, rows), extra = Without(rows, wanted);
  if (!missing.empty() || !extra.empty()) throw TestFailure("missing:" + Line(missing) + "\nnot expected:" + Line(extra));
}

}  // namespace

void HoldClock(const SparkSession& spark, int64_t wall_ms) { spark.setConf(kClock, std::to_string(wall_ms)); }
void AdvanceClock(const SparkSession& spark, int64_t ms) { spark.setConf(kClock, "+" + std::to_string(ms)); }
void ReleaseClock(const SparkSession& spark) { spark.setConf(kClock, "system"); }

MemoryStream::MemoryStream(SparkSession spark, std::string schema) : spark_(std::move(spark)), schema_(std::move(schema)), name_("stream_" + ShortId()) {}

DataFrame MemoryStream::df() const { return spark_.readStream().format("memory").schema(schema_).load(name_); }

void MemoryStream::add(const std::string& values) const {
  // The names and types are the stream's: a relation of no rows in front of the values carries them.
  DataFrame typed = spark_.read().format("memory").schema(schema_).load(name_);
  typed.unionAll(spark_.sql("SELECT * FROM VALUES " + values)).write().format("memory").mode("append").save(name_);
}

StreamTest::StreamTest(SparkSession spark, DataFrame frame, std::string output_mode, std::optional<Trigger> trigger)
    : spark_(std::move(spark)), frame_(std::move(frame)), output_mode_(std::move(output_mode)), name_("test_" + ShortId()), trigger_(std::move(trigger)) {
  // Where files cost no disk, a batch takes a few milliseconds.
  const Result<bool> has_memory = Fs::Local().Exists("/dev/shm");
  checkpoint_ = (has_memory.ok() && *has_memory ? "/dev/shm/millstream-test-" : "/tmp/millstream-test-") + NewUuid();
  spark_.setConf("spark.sql.streaming.pollingDelay", "1ms");
  restart();
}

StreamTest::~StreamTest() {
  try {
    stop();
  } catch (const std::exception&) {
    // Its error has been somebody's to see.
  }
  (void)Fs::Local().RemoveRecursively(checkpoint_).ok();
}

void StreamTest::restart() {
  DataStreamWriter writer = frame_.writeStream();
  writer.format("memory").queryName(name_).outputMode(output_mode_).option("checkpointLocation", checkpoint_).option("millstream.testing.keepsRows", "true");
  if (trigger_) writer.trigger(*trigger_);
  query_.emplace(writer.start());
}

void StreamTest::stop() { query_->stop(); }

void StreamTest::crash(const std::function<void()>& during, const std::string& at) {
  if (!trigger_) query_->processAllAvailable();
  spark_.setConf(kFailpoints, at + "=error:5");
  bool came = false;
  try {
    during();
    query_->awaitTermination(kCrashWaitMs);
  } catch (const SparkException& error) {
    spark_.setConf(kFailpoints, "");
    if (std::string(error.what()).find("failpoint") == std::string::npos) throw;
    came = true;
  }
  spark_.setConf(kFailpoints, "");
  if (!came) throw TestFailure("the query has not come to " + at);
}

void StreamTest::checkAnswer(std::vector<std::string> wanted) {
  seen_ = Rows();
  Compare(seen_, wanted);
}

void StreamTest::checkNew(std::vector<std::string> wanted) {
  std::vector<std::string> rows = Rows();
  const std::vector<std::string> seen = std::exchange(seen_, rows);
  Compare(output_mode_ == "complete" ? rows : Without(std::move(rows), seen), wanted);
}

std::vector<std::string> StreamTest::Rows() const {
  if (!trigger_) query_->processAllAvailable();
  std::vector<std::string> rows;
  for (const auto& batch : spark_.table(name_).select({"CAST(struct(*) AS STRING) AS row"}).collect()) {
    const auto& column = static_cast<const arrow::StringArray&>(*batch->column(0));
    for (int64_t i = 0; i < column.length(); ++i) rows.push_back(column.GetString(i));
  }
  return rows;
}

}  // namespace millstream::sql::testing
