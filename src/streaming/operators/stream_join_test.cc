#include "streaming/operators/stream_join.h"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "base/uuid.h"
#include "plan/function_registry.h"
#include "streaming/operators/stream_join_plan.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

class Table : public RelationSource {
 public:
  explicit Table(StructType schema) : schema_(std::move(schema)) {}
  std::string name() const override { return "test"; }
  const StructType& schema() const override { return schema_; }
  bool is_streaming() const override { return true; }

 private:
  StructType schema_;
};

constexpr int64_t kMinuteUs = 60000000;

struct Row {
  std::optional<int32_t> key;
  std::optional<int64_t> minute;
  int64_t value = 0;
};
using Rows = std::vector<Row>;

ExprPtr CallOf(const char* name, std::vector<ExprPtr> args, DataType type = DataType::Boolean()) {
  return MakeExpr(Call{.function = FindFunction(name), .args = std::move(args), .type = std::move(type), .nullable = true});
}

class JoinHarness {
 public:
  JoinHarness(JoinType type, bool with_values, bool time_is_key) : engine_(ComputeConf{}), type_(type), with_values_(with_values), time_is_key_(time_is_key) {
    directory_ = JoinPath(testing::TempDir(), "join-" + NewUuid());
    std::vector<AttributeRef> left = Attributes("l", 1), right = Attributes("r", 11);
    auto column = [](const AttributeRef& attribute) { return MakeExpr(AttributeRef(attribute)); };
    ExprPtr all = CallOf("==", {column(left[0]), column(right[0])});
    auto add = [&](ExprPtr more) { all = CallOf("and", {all, std::move(more)}); };
    if (time_is_key) {
      add(CallOf("==", {column(left[1]), column(right[1])}));
    } else {
      ExprPtr ten = MakeExpr(Literal{.value = {10 * kMinuteUs}, .type = DataType::DayTimeInterval()});
      add(CallOf(">=", {column(right[1]), column(left[1])}));
      add(CallOf("<=", {column(right[1]), CallOf("+", {column(left[1]), ten}, DataType::Timestamp())}));
    }
    if (with_values) {
      add(CallOf("<", {column(left[2]), column(right[2])}));
      add(CallOf("<", {column(left[2]), MakeExpr(Literal{.value = {int64_t{80}}, .type = DataType::Long()})}));
    }
    Join join{.type = type, .condition = all, .left = Scan(left), .right = Scan(right)};
    int64_t next_id = 100;
    auto planned = PlanStreamJoin(join, {{ExprId(2), 0}}, {{ExprId(12), 0}}, engine_, {}, [&] { return ExprId(next_id++); });
    EXPECT_TRUE(planned.ok()) << planned.status().message();
    plan_ = std::move(planned).value();
    left_ = CompiledPlan::Compile(plan_.left, engine_, {}).value();
    right_ = CompiledPlan::Compile(plan_.right, engine_, {}).value();
    Reopen();
  }
  ~JoinHarness() { std::filesystem::remove_all(directory_); }

  void Reopen() { stores_ = StateStores::Open(Fs::Local(), {.directory = directory_}).value(); }

  // Values of the rows that come out, "-" for null, sorted.
  std::vector<std::string> RunBatch(const Rows& left, const Rows& right, int64_t late_minute, int64_t eviction_minute) {
    BatchContext batch{
        .id = BatchId(stores_->version()), .late_watermark_ms = late_minute * 60000, .eviction_watermark_ms = eviction_minute * 60000, .stores = stores_.get()};
    std::vector<RowStreamPtr> inputs;
    inputs.push_back(left_->Run(Inputs(*left_, left)).value());
    inputs.push_back(right_->Run(Inputs(*right_, right)).value());
    auto rows = plan_.join->Run(batch, std::move(inputs));
    EXPECT_TRUE(rows.ok()) << rows.status().message();
    std::vector<std::string> out;
    for (;;) {
      auto part = (*rows)->Next();
      EXPECT_TRUE(part.ok()) << part.status().message();
      if (!part.ok() || *part == nullptr) break;
      EXPECT_TRUE((*part)->ValidateFull().ok());
      auto text = [&](int index, int64_t row) {
        const auto& values = static_cast<const arrow::Int64Array&>(*(*part)->column(index));
        return values.IsNull(row) ? std::string("-") : std::to_string(values.Value(row));
      };
      for (int64_t row = 0; row < (*part)->num_rows(); ++row) out.push_back(text(2, row) + (type_ == JoinType::kLeftSemi ? "" : " " + text(5, row)));
    }
    Status committed = stores_->Commit(stores_->version() + 1, "");
    EXPECT_TRUE(committed.ok()) << committed.message();
    std::sort(out.begin(), out.end());
    return out;
  }
  StateOperatorProgress progress() const { return plan_.join->progress(); }
  StreamJoinOperator& join() { return *plan_.join; }

 private:
  static std::vector<AttributeRef> Attributes(const std::string& side, int64_t id) {
    return {{.name = side + "k", .type = DataType::Integer(), .id = ExprId(id)},
            {.name = side + "t", .type = DataType::Timestamp(), .id = ExprId(id + 1)},
            {.name = side + "v", .type = DataType::Long(), .id = ExprId(id + 2)}};
  }
  static PlanPtr Scan(const std::vector<AttributeRef>& attributes) {
    std::vector<StructField> fields;
    for (const AttributeRef& attribute : attributes) fields.push_back({.name = attribute.name, .type = attribute.type});
    return MakePlan(ScanRelation{.source = std::make_shared<Table>(StructType(fields)), .output = attributes});
  }
  static std::vector<RowStreamPtr> Inputs(CompiledPlan& plan, const Rows& rows) {
    const auto& [source, needs] = plan.scans().at(0);
    arrow::Int32Builder keys;
    arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), arrow::default_memory_pool());
    arrow::Int64Builder values;
    for (const Row& row : rows) {
      EXPECT_TRUE((row.key ? keys.Append(*row.key) : keys.AppendNull()).ok());
      EXPECT_TRUE((row.minute ? times.Append(*row.minute * kMinuteUs) : times.AppendNull()).ok());
      EXPECT_TRUE(values.Append(row.value).ok());
    }
    auto all = arrow::RecordBatch::Make(ToArrowSchema(source->schema()), static_cast<int64_t>(rows.size()),
                                        {keys.Finish().ValueOrDie(), times.Finish().ValueOrDie(), values.Finish().ValueOrDie()});
    std::vector<std::shared_ptr<arrow::Field>> fields;
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const std::string& name : needs.columns) {
      fields.push_back(all->schema()->GetFieldByName(name));
      columns.push_back(all->GetColumnByName(name));
    }
    auto needed = arrow::RecordBatch::Make(arrow::schema(fields), all->num_rows(), columns);
    std::vector<RowStreamPtr> inputs;
    inputs.push_back(MakeRowStream(needed->schema(), rows.empty() ? std::vector<RecordBatchPtr>() : std::vector<RecordBatchPtr>{needed}));
    return inputs;
  }

  ComputeEngine engine_;
  const JoinType type_;
  [[maybe_unused]] const bool with_values_, time_is_key_;
  std::string directory_;
  StreamJoinPlan plan_;
  std::unique_ptr<CompiledPlan> left_, right_;
  std::unique_ptr<StateStores> stores_;
};

// What Spark's operator does, row by row and with lists.
class SlowJoin {
 public:
  SlowJoin(JoinType type, bool with_values, bool time_is_key) : type_(type), with_values_(with_values), time_is_key_(time_is_key) {}

  std::vector<std::string> RunBatch(const Rows& left, const Rows& right, int64_t late, int64_t watermark) {
    out_.clear();
    dropped = 0;
    const bool left_alone = type_ == JoinType::kLeftOuter || type_ == JoinType::kFullOuter;
    const bool right_alone = type_ == JoinType::kRightOuter || type_ == JoinType::kFullOuter;
    if (type_ == JoinType::kLeftSemi) TakeRight(right, late, watermark);
    for (const Row& row : left) {
      if (with_values_ && !left_alone && row.value >= 80) continue;
      if (!left_alone && (!row.key || !row.minute)) continue;
      if (row.minute && *row.minute <= late) {
        ++dropped;
        continue;
      }
      if (with_values_ && row.value >= 80) {
        Add(row, std::nullopt);
        continue;
      }
      bool met = false;
      for (auto& [other, other_met] : right_) {
        if (!Matches(row, other)) continue;
        met = other_met = true;
        if (type_ != JoinType::kLeftSemi) Add(row, other);
      }
      if (met && type_ == JoinType::kLeftSemi) {
        Add(row, std::nullopt);
      } else if (type_ != JoinType::kLeftSemi || !row.minute || *row.minute > LeftBound(watermark)) {
        left_.push_back({row, met});
      }
    }
    if (type_ != JoinType::kLeftSemi) TakeRight(right, late, watermark);
    LetGo(left_, LeftBound(watermark), [&](const Row& row) {
      if (left_alone) Add(row, std::nullopt);
    });
    LetGo(right_, RightBound(watermark), [&](const Row& row) {
      if (right_alone) Add(std::nullopt, row);
    });
    std::sort(out_.begin(), out_.end());
    return out_;
  }
  void TakeRight(const Rows& right, int64_t late, int64_t watermark) {
    const bool right_alone = type_ == JoinType::kRightOuter || type_ == JoinType::kFullOuter;
    for (const Row& row : right) {
      if (!right_alone && (!row.key || !row.minute)) continue;
      if (row.minute && *row.minute <= late) {
        ++dropped;
        continue;
      }
      bool met = false;
      for (auto& [other, other_met] : left_) {
        if (!Matches(other, row) || (type_ == JoinType::kLeftSemi && other_met)) continue;
        met = other_met = true;
        Add(other, row);
      }
      if (type_ == JoinType::kLeftSemi) std::erase_if(left_, [](const auto& entry) { return entry.second; });
      bool goes = (type_ != JoinType::kLeftSemi || !time_is_key_) && row.minute && *row.minute <= RightBound(watermark);
      if (!goes || (right_alone && !met)) right_.push_back({row, met});
    }
  }
  int64_t rows() const { return static_cast<int64_t>(left_.size() + right_.size()); }
  int64_t dropped = 0;

 private:
  using Kept = std::vector<std::pair<Row, bool>>;
  // u <= t + 10 min, u > watermark: t > watermark - 10 min - 1 ms or later; t <= u: u > watermark - 1 ms.
  int64_t LeftBound(int64_t watermark) const { return time_is_key_ ? watermark : watermark - 11; }
  int64_t RightBound(int64_t watermark) const { return time_is_key_ ? watermark : watermark - 1; }
  template <typename Emit>
  static void LetGo(Kept& kept, int64_t bound, Emit emit) {
    for (const auto& [row, met] : kept) {
      if (row.minute && *row.minute <= bound && !met) emit(row);
    }
    std::erase_if(kept, [&](const auto& entry) { return entry.first.minute && *entry.first.minute <= bound; });
  }
  bool Matches(const Row& left, const Row& right) const {
    if (left.key != right.key) return false;
    if (time_is_key_) {
      if (left.minute != right.minute) return false;
    } else if (!left.minute || !right.minute || *right.minute < *left.minute || *right.minute > *left.minute + 10) {
      return false;
    }
    return !with_values_ || left.value < right.value;
  }
  void Add(const std::optional<Row>& left, const std::optional<Row>& right) {
    auto text = [](const std::optional<Row>& row) { return row ? std::to_string(row->value) : std::string("-"); };
    out_.push_back(text(left) + (type_ == JoinType::kLeftSemi ? "" : " " + text(right)));
  }
  const JoinType type_;
  const bool with_values_, time_is_key_;
  Kept left_, right_;
  std::vector<std::string> out_;
};

Rows RandomRows(std::mt19937_64& random, int64_t now) {
  Rows rows(random() % 40);
  for (Row& row : rows) {
    if (random() % 20 != 0) row.key = static_cast<int32_t>(random() % 6);
    if (random() % 20 != 0) row.minute = now - 20 + static_cast<int64_t>(random() % 30);
    row.value = static_cast<int64_t>(random() % 100);
  }
  return rows;
}

TEST(StreamJoin, IsWhatSparksAlgorithmIs) {
  for (JoinType type : {JoinType::kInner, JoinType::kLeftOuter, JoinType::kRightOuter, JoinType::kFullOuter, JoinType::kLeftSemi}) {
    for (bool with_values : {false, true}) {
      for (bool time_is_key : {false, true}) {
        SCOPED_TRACE("type " + std::to_string(static_cast<int>(type)) + (with_values ? ", values" : "") + (time_is_key ? ", time is key" : ""));
        std::mt19937_64 random(static_cast<uint64_t>(type) * 10 + with_values * 2 + time_is_key);
        JoinHarness join(type, with_values, time_is_key);
        SlowJoin slow(type, with_values, time_is_key);
        int64_t now = 1000, watermark = 0, last = 0;
        for (int batch = 0; batch < 14; ++batch) {
          Rows left = RandomRows(random, now), right = RandomRows(random, now);
          ASSERT_EQ(join.RunBatch(left, right, last, watermark), slow.RunBatch(left, right, last, watermark)) << "batch " << batch;
          ASSERT_EQ(join.progress().rows_total, slow.rows()) << "batch " << batch;
          ASSERT_EQ(join.progress().rows_dropped_by_watermark, slow.dropped) << "batch " << batch;
          if (batch % 4 == 3) join.Reopen();
          last = watermark;
          now += 5;
          if (batch > 1) watermark = now - 15;
        }
      }
    }
  }
}

TEST(StreamJoin, LetsItsOutputFollowTheRowsThatItKeeps) {
  JoinHarness range(JoinType::kInner, false, false), key(JoinType::kInner, false, true);
  // Left rows wait for right ones that are up to ten minutes younger.
  EXPECT_EQ(range.join().OutputWatermark(3600000), 3600000 - 600000 - 1);
  EXPECT_EQ(key.join().OutputWatermark(3600000), 3600000);
  EXPECT_TRUE(range.join().ShouldRunAnotherBatch(1, 2));
  EXPECT_FALSE(range.join().ShouldRunAnotherBatch(2, 2));
}

}  // namespace
}  // namespace millstream
