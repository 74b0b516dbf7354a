#include "history.h"

#include <fmt/format.h>

#include <filesystem>

#include "disk.h"
#include "history_check.h"
#include "reference.h"

namespace millstream::simulation {
namespace {

constexpr int kFaultsMax = 3;
constexpr int kLivesMax = 8;
constexpr int64_t kFirstMoment = 1'767'225'600'000;

// The seed's, by the shares of the shapes.
Shape ChooseShape(Random& random) {
  int64_t left = random.Below(1000);
  for (size_t shape = 0; shape < std::size(kShapes); ++shape) {
    if ((left -= kShapes[shape].permille) < 0) return static_cast<Shape>(shape);
  }
  return Shape::kCopy;
}

// One history while it runs.
class History {
 public:
  History(const HistoryOptions& options, const std::string& directory, ComputeEngine& engine)
      : random_(options.seed), engine_(engine), clock_(kFirstMoment), disk_(directory, random_.Next(), options.bug, options.trace) {
    const Shape chosen = ChooseShape(random_);
    spec_.shape = options.shape.value_or(chosen);
    spec_.directory = directory;
    spec_.bug = options.bug;
    const bool has_reference = FactsOf(spec_.shape).has_reference();
    rows_ = random_.Between(1, 80);
    numbers_.resize(FactsOf(spec_.shape).sources);
    for (Numbers& numbers : numbers_) {
      numbers.bug = options.bug;
      numbers.per_batch_max = random_.Between(has_reference ? 4 : 1, 25);
    }
    spec_.conf.min_batches_to_retain = random_.OneOf<int64_t>({1, 2, 3, 100});
    spec_.conf.state_versions_per_snapshot = random_.OneOf<int64_t>({1, 2, 3, 100});
    // In a state that may take nothing every change goes to a run.
    spec_.conf.state_memory_bytes_max = random_.OneOf<int64_t>({1, 1 << 30, 1 << 30});
    faults_left_ = static_cast<int>(random_.Between(1, kFaultsMax));
  }

  HistoryResult Run() {
    disk_.Note(fmt::format("{}: {} rows a source, at most {} a batch; keeps {} batches, a snapshot after {} versions, {} bytes of state in memory",
                           FactsOf(spec_.shape).name, rows_, numbers_[0].per_batch_max, spec_.conf.min_batches_to_retain,
                           spec_.conf.state_versions_per_snapshot, spec_.conf.state_memory_bytes_max));
    for (int life = 0; life < kLivesMax && faults_left_ > 0 && result_.violation.empty(); ++life) LiveAndDie();
    if (result_.violation.empty()) LiveToTheEnd();
    if (result_.violation.empty()) {
      // What the query has acknowledged needs no luck. A planted bug must be found by luck.
      if (spec_.bug == PlantedBug::kNone) disk_.End(/*strictly=*/true);
      disk_.Begin({});
      result_.violation = FactsOf(spec_.shape).has_reference() ? CompareWithReference(disk_, spec_, engine_) : Check(disk_, spec_, rows_);
      disk_.End();
    }
    result_.shape = spec_.shape;
    result_.places = disk_.places();
    return std::move(result_);
  }

 private:
  std::vector<Fault> PlanFaults() {
    std::vector<Fault> faults;
    // Most lives have one; two come when the first is an error that the query may outlive.
    const int count = std::min(faults_left_, random_.Chance(20) ? 2 : 1);
    for (int i = 0; i < count; ++i) {
      const int64_t reach = random_.OneOf<int64_t>({20, 40, 90, 200});
      faults.push_back({.step = random_.Between(1, reach),
                        .counts_writes = random_.Chance(60),
                        .kind = random_.OneOf({Fault::Kind::kDeath, Fault::Kind::kDeath, Fault::Kind::kPowerCut, Fault::Kind::kPowerCut, Fault::Kind::kIoError,
                                               Fault::Kind::kDiskFull}),
                        .after_work = random_.Chance(50)});
    }
    return faults;
  }

  void LiveAndDie() {
    std::vector<Fault> faults = random_.Chance(90) ? PlanFaults() : std::vector<Fault>();
    const int64_t triggers = random_.Between(1, 8);
    for (Numbers& numbers : numbers_) {
      numbers.retries_to_come = random_.Chance(10) ? static_cast<int>(random_.Between(1, 2)) : 0;
      numbers.stops_after = random_.Chance(10) ? random_.Between(0, rows_) : -1;
    }
    Begin(std::move(faults));
    auto cancel = std::make_shared<CancelToken>();
    Status lived = Live(cancel, triggers);
    const bool was_stopped = cancel->cancelled();
    disk_.Note(lived.ok() ? "  the query was ended" : "  the query ended: " + lived.message());
    const int met = disk_.faults_met();
    if (!lived.ok() && met == 0 && !was_stopped) result_.violation = "a life without a fault ended: " + lived.message();
    End();
    faults_left_ -= met;
  }

  void LiveToTheEnd() {
    for (Numbers& numbers : numbers_) {
      numbers.available = rows_;
      numbers.retries_to_come = 0;
      numbers.stops_after = -1;
    }
    Begin({});
    Status lived = Live(std::make_shared<CancelToken>(), 0);
    if (!lived.ok()) result_.violation = "the last life, without a fault, ended: " + lived.message();
    End();
  }

  void Begin(std::vector<Fault> faults) {
    disk_.Note("life " + std::to_string(++result_.lives));
    disk_.Begin(std::move(faults));
  }
  void End() {
    result_.faults += disk_.faults_met();
    result_.steps += disk_.steps();
    disk_.End();
    for (const Numbers& numbers : numbers_) {
      if (result_.violation.empty()) result_.violation = numbers.violation;
    }
  }

  // `triggers` triggers while numbers come; 0: until nothing is new.
  Status Live(const std::shared_ptr<CancelToken>& cancel, int64_t triggers) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<Query> query, Query::Start(disk_, clock_, engine_, spec_, numbers_, cancel));
    const int64_t triggers_max = triggers == 0 ? 4 * rows_ + 5 : triggers;
    for (int64_t trigger = 0; trigger < triggers_max; ++trigger) {
      for (Numbers& numbers : numbers_) {
        if (triggers > 0) numbers.available = std::min(rows_, numbers.available + random_.Between(0, 2 * numbers.per_batch_max));
      }
      clock_.Advance(random_.Between(1, 1000));
      disk_.Note(fmt::format(" trigger with {} rows there", numbers_[0].available));
      MS_ASSIGN_OR_RETURN(bool ran_batch, query->RunTrigger());
      result_.batches += ran_batch ? 1 : 0;
      if (triggers == 0 && !ran_batch) return Status();
    }
    return triggers == 0 ? Status::Internal("it goes on and on") : Status();
  }

  Random random_;
  ComputeEngine& engine_;
  ManualClock clock_;
  Disk disk_;
  QuerySpec spec_;
  std::vector<Numbers> numbers_;
  int64_t rows_ = 0;
  int faults_left_ = 0;
  HistoryResult result_;
};

}  // namespace

class ComputeEngineOfThread : public ComputeEngine {
 public:
  using ComputeEngine::ComputeEngine;
};

HistoryRunner::HistoryRunner(std::string directory)
    : directory_(std::move(directory)), engine_(std::make_unique<ComputeEngineOfThread>(ComputeConf{.threads = 1})) {
  std::filesystem::create_directories(directory_ + "/checkpoint");
}

HistoryRunner::~HistoryRunner() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

HistoryResult HistoryRunner::Run(const HistoryOptions& options) { return History(options, directory_, *engine_).Run(); }

}  // namespace millstream::simulation
