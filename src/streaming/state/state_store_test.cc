#include "streaming/state/state_store.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "base/uuid.h"
#include "storage/crash_fs.h"
#include "streaming/state/state_errors.h"

namespace millstream {
namespace {

using testing_storage::CrashDisk;
using testing_storage::CrashFs;
using Model = std::map<StateStoreId, std::map<std::string, std::string>>;

class StateStoreTest : public testing::Test {
 protected:
  StateStoreTest() : root_(JoinPath(testing::TempDir(), "state-" + NewUuid())) { std::filesystem::create_directories(root_); }
  ~StateStoreTest() override { std::filesystem::remove_all(root_); }

  StateStoresOptions Options() const { return {.directory = JoinPath(root_, "state")}; }
  std::unique_ptr<StateStores> Open(const StateStoresOptions& options, Fs& fs = Fs::Local()) {
    auto stores = StateStores::Open(fs, options);
    EXPECT_TRUE(stores.ok()) << stores.status().message();
    return stores.ok() ? std::move(stores).value() : nullptr;
  }
  std::string PathOf(const std::string& name) const { return JoinPath(JoinPath(root_, "state"), name); }

  std::string root_;
};

const StateStoreId kCounts{.operator_id = 0, .partition = 0, .name = "default"};
const StateStoreId kOther{.operator_id = 1, .partition = 0, .name = "left"};

void Check(StateStores& stores, const Model& model) {
  for (const auto& [id, rows] : model) {
    StateStore* store = stores.Store(id).value();
    ASSERT_EQ(store->rows(), static_cast<int64_t>(rows.size()));
    auto scan = store->Scan("", "").value();
    std::string_view key, value;
    for (const auto& [k, v] : rows) {
      auto next = scan->Next(&key, &value);
      ASSERT_TRUE(next.ok()) << next.status().message();
      ASSERT_TRUE(*next);
      ASSERT_EQ(key, k);
      ASSERT_EQ(value, v);
    }
    ASSERT_FALSE(scan->Next(&key, &value).value());
  }
}

// One batch of random changes, on the stores and on the model.
Status RandomBatch(std::mt19937_64& random, StateStores& stores, Model& model, int changes, int keys) {
  for (int i = 0; i < changes; ++i) {
    const StateStoreId& id = random() % 3 == 0 ? kOther : kCounts;
    MS_ASSIGN_OR_RETURN(StateStore * store, stores.Store(id));
    std::string key = "key" + std::to_string(random() % static_cast<uint64_t>(keys)), value;
    MS_ASSIGN_OR_RETURN(bool found, store->Get(key, &value));
    auto known = model[id].find(key);
    EXPECT_EQ(found, known != model[id].end());
    if (found && known != model[id].end()) {
      EXPECT_EQ(value, known->second);
    }
    if (random() % 3 == 0) {
      MS_RETURN_IF_ERROR(store->Remove(key));
      model[id].erase(key);
    } else {
      value.assign(random() % 60, static_cast<char>('a' + random() % 26));
      MS_RETURN_IF_ERROR(store->Put(key, value));
      model[id][key] = value;
    }
  }
  return Status();
}

TEST_F(StateStoreTest, RemembersWhatWasCommittedAndNothingElse) {
  {
    auto stores = Open(Options());
    EXPECT_EQ(stores->version(), 0);
    StateStore* store = stores->Store(kCounts).value();
    ASSERT_TRUE(store->Put("a", "1").ok());
    ASSERT_TRUE(store->Put("b", "2").ok());
    ASSERT_TRUE(stores->Commit(1, "first").ok());
    ASSERT_TRUE(store->Remove("a").ok());
    ASSERT_TRUE(store->Put("c", "").ok());
  }
  auto stores = Open(Options());
  EXPECT_EQ(stores->version(), 1);
  EXPECT_EQ(stores->Note(1).value(), "first");
  EXPECT_THAT(stores->Ids(), testing::ElementsAre(kCounts));
  Check(*stores, {{kCounts, {{"a", "1"}, {"b", "2"}}}});
}

TEST_F(StateStoreTest, AbortForgetsTheBatch) {
  auto stores = Open(Options());
  StateStore* store = stores->Store(kCounts).value();
  ASSERT_TRUE(store->Put("a", "1").ok());
  ASSERT_TRUE(stores->Commit(1, "").ok());
  ASSERT_TRUE(store->Put("a", "2").ok());
  ASSERT_TRUE(stores->Store(kOther).value()->Put("x", "y").ok());
  ASSERT_TRUE(stores->Abort().ok());
  Check(*stores, {{kCounts, {{"a", "1"}}}, {kOther, {}}});
}

TEST_F(StateStoreTest, ScansARangeWhileItIsChanged) {
  auto stores = Open(Options());
  StateStore* store = stores->Store(kCounts).value();
  for (int i = 10; i < 40; ++i) ASSERT_TRUE(store->Put(std::to_string(i), "").ok());
  auto scan = store->Scan("15", "30").value();
  std::string_view key, value;
  std::vector<std::string> seen;
  while (scan->Next(&key, &value).value()) {
    seen.emplace_back(key);
    ASSERT_TRUE(store->Remove(key).ok());
    ASSERT_TRUE(store->Put("0" + seen.back(), "new").ok());
  }
  EXPECT_EQ(seen.size(), 15u);
  EXPECT_EQ(seen.front(), "15");
  EXPECT_EQ(seen.back(), "29");
  EXPECT_EQ(store->rows(), 30);
}

TEST_F(StateStoreTest, IsWhatAMapIsThroughRestartsRollbacksAndLittleMemory) {
  for (int64_t memory : {int64_t{1} << 30, int64_t{40} << 10, int64_t{0}}) {
    for (uint64_t seed = 1; seed <= 2; ++seed) {
      SCOPED_TRACE("memory " + std::to_string(memory) + ", seed " + std::to_string(seed));
      std::mt19937_64 random(seed);
      StateStoresOptions options{.directory = JoinPath(root_, std::to_string(memory) + "-" + std::to_string(seed)),
                                 .memory_bytes_max = memory,
                                 .versions_kept = 6,
                                 .versions_per_snapshot = 4};
      std::map<int64_t, Model> versions;
      auto stores = Open(options);
      Model model;
      for (int step = 0; step < 50; ++step) {
        ASSERT_TRUE(RandomBatch(random, *stores, model, static_cast<int>(random() % 400), 1000).ok());
        int64_t version = stores->version();
        switch (random() % 10) {
          case 0:
            ASSERT_TRUE(stores->Abort().ok());
            model = versions[version];
            break;
          case 1: {
            int64_t to = std::max<int64_t>(0, version - static_cast<int64_t>(random() % 6));
            Status rolled = stores->RollBackTo(to);
            ASSERT_TRUE(rolled.ok()) << rolled.message();
            ASSERT_EQ(stores->version(), to);
            model = versions[to];
            break;
          }
          case 2:
            stores = Open(options);
            ASSERT_EQ(stores->version(), version);
            model = versions[version];
            break;
          default: {
            Status committed = stores->Commit(version + 1, "note " + std::to_string(version + 1));
            ASSERT_TRUE(committed.ok()) << committed.message();
            versions[version + 1] = model;
          }
        }
        if (step % 5 == 0) {
          ASSERT_NO_FATAL_FAILURE(Check(*stores, model));
        }
        if (stores->version() > 0) {
          EXPECT_EQ(stores->Note(stores->version()).value(), "note " + std::to_string(stores->version()));
        }
      }
      // Files of versions that nobody may ask for are gone.
      int files = 0;
      for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(options.directory)) ++files;
      EXPECT_LT(files, 40);
    }
  }
}

// Dies at every step that there is, and again in the life after, killed or with the power cut.
TEST_F(StateStoreTest, ComesBackWithTheLastCommitOrTheOneBeforeWhereverItDies) {
  int lives = 0;
  for (bool cut : {false, true}) {
    for (int dies_at = 1;; ++dies_at) {
      ++lives;
      StateStoresOptions options{.directory = JoinPath(root_, std::to_string(lives)),
                                 .memory_bytes_max = dies_at % 2 == 0 ? 2000 : 1 << 20,
                                 .versions_kept = 2,
                                 .versions_per_snapshot = 2};
      CrashDisk disk(JoinPath(root_, "disk" + std::to_string(lives)));
      std::mt19937_64 random(static_cast<uint64_t>(dies_at));
      std::map<int64_t, Model> versions;
      int64_t durable = 0, tried = 0;
      auto live = [&](CrashFs& fs) -> Status {
        MS_ASSIGN_OR_RETURN(auto stores, StateStores::Open(fs, options));
        EXPECT_TRUE(stores->version() == durable || stores->version() == tried) << stores->version() << " of " << durable << " or " << tried;
        durable = stores->version();
        Model model = versions[durable];
        Check(*stores, model);
        for (int batch = 0; batch < 6; ++batch) {
          if (batch == 4) {
            int64_t back = durable - 1;
            Status rolled = stores->RollBackTo(back);
            if (!rolled.ok()) {
              tried = durable;
              durable = back;  // either
              return rolled;
            }
            durable = back;
            model = versions[back];
          }
          tried = durable + 1;
          if (Status changed = RandomBatch(random, *stores, model, 100, 150); !changed.ok()) return changed;
          versions[tried] = model;
          MS_RETURN_IF_ERROR(stores->Commit(tried, ""));
          durable = tried;
        }
        return Status();
      };
      CrashFs first(disk, dies_at);
      Status died = live(first);
      if (died.ok() && !first.dead()) break;
      if (cut) disk.CutPower();
      CrashFs second(disk);
      Status lived = live(second);
      ASSERT_TRUE(lived.ok()) << lived.message() << " after dying at step " << dies_at << (cut ? ", power cut" : "");
      ASSERT_FALSE(HasFailure()) << "dying at step " << dies_at << (cut ? ", power cut" : "");
    }
  }
  EXPECT_GT(lives, 60);
}

// Killed between the link and the sync of the directory: whoever finds the version logs its batch as done.
TEST_F(StateStoreTest, KeepsAVersionThatItHasShownThroughAPowerCut) {
  int found = 0;
  for (int dies_at = 1; dies_at < 20; ++dies_at) {
    StateStoresOptions options = Options();
    options.directory = JoinPath(root_, std::to_string(dies_at));
    CrashDisk disk(JoinPath(root_, "disk" + std::to_string(dies_at)));
    auto commit = [&](CrashFs& fs) -> Status {
      MS_ASSIGN_OR_RETURN(auto stores, StateStores::Open(fs, options));
      MS_ASSIGN_OR_RETURN(StateStore * store, stores->Store(kCounts));
      MS_RETURN_IF_ERROR(store->Put("key", "value"));
      return stores->Commit(1, "");
    };
    CrashFs first(disk, dies_at);
    if (commit(first).ok()) break;
    CrashFs second(disk);
    const int64_t shown = (*StateStores::Open(second, options))->version();
    found += shown == 1 ? 1 : 0;
    disk.CutPower();
    CrashFs third(disk);
    EXPECT_EQ((*StateStores::Open(third, options))->version(), shown) << "after dying at step " << dies_at;
  }
  EXPECT_GT(found, 0);
}

TEST_F(StateStoreTest, ShowsAnyKeptVersionToAReaderAndChangesNothingForIt) {
  StateStoresOptions options = Options();
  options.versions_per_snapshot = 3;
  options.memory_bytes_max = 1;
  auto writer = Open(options);
  for (int version = 1; version <= 8; ++version) {
    ASSERT_TRUE(writer->Store(kCounts).value()->Put("key" + std::to_string(version), "value").ok());
    ASSERT_TRUE(writer->Commit(version, "").ok());
  }
  auto names = [&] {
    std::set<std::string> all;
    const std::vector<DirectoryEntry> entries = Fs::Local().List(options.directory).value();
    for (const DirectoryEntry& entry : entries) all.insert(entry.name);
    return all;
  };
  const std::set<std::string> before = names();
  for (int64_t version = 0; version <= 8; ++version) {
    auto reader = StateStores::OpenAt(Fs::Local(), options.directory, version);
    ASSERT_TRUE(reader.ok()) << reader.status().message();
    StateStore* store = (*reader)->Store(kCounts).value();
    EXPECT_EQ(store->rows(), version);
    auto walk = store->Scan({}, {}).value();
    std::string_view key, value;
    int64_t walked = 0;
    while (walk->Next(&key, &value).value()) ++walked;
    EXPECT_EQ(walked, version);
    EXPECT_FALSE((*reader)->Commit(version + 1, "").ok());
  }
  EXPECT_EQ(names(), before);
  EXPECT_TRUE(StateStores::OpenAt(Fs::Local(), options.directory, 9).status().Is(errors::kStateVersionMissing));
}

TEST_F(StateStoreTest, NamesTheFileThatIsDamagedOrMissing) {
  StateStoresOptions options = Options();
  options.versions_per_snapshot = 3;
  {
    auto stores = Open(options);
    for (int version = 1; version <= 5; ++version) {
      ASSERT_TRUE(stores->Store(kCounts).value()->Put("key" + std::to_string(version), "value").ok());
      ASSERT_TRUE(stores->Commit(version, "").ok());
    }
  }
  for (std::string name : {"5.changes", "4.changes", "3.snapshot", "1.run"}) {
    auto size = std::filesystem::file_size(PathOf(name));
    for (size_t at = 0; at < size; at += 3) {
      std::fstream file(PathOf(name), std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(static_cast<std::streamoff>(at));
      int byte = file.get();
      file.seekp(static_cast<std::streamoff>(at));
      file.put(static_cast<char>(byte ^ 0x55));
      file.close();
      auto stores = StateStores::Open(Fs::Local(), options);
      // The trailing offset of the last frame only serves notes.
      if (!stores.ok()) {
        EXPECT_TRUE(stores.status().Is(errors::kStateDamaged)) << stores.status().message();
        EXPECT_THAT(stores.status().message(), testing::HasSubstr(PathOf(name)));
      } else {
        EXPECT_TRUE(name.ends_with(".changes") && at + 4 >= size) << name << " " << at;
      }
      std::fstream back(PathOf(name), std::ios::in | std::ios::out | std::ios::binary);
      back.seekp(static_cast<std::streamoff>(at));
      back.put(static_cast<char>(byte));
    }
  }
  std::filesystem::remove(PathOf("4.changes"));
  auto stores = StateStores::Open(Fs::Local(), options);
  ASSERT_FALSE(stores.ok());
  EXPECT_THAT(stores.status().message(), testing::HasSubstr("4.changes: it is missing"));
}

TEST_F(StateStoreTest, RefusesWhatSparkHasWritten) {
  std::filesystem::create_directories(PathOf("0/0"));
  auto stores = StateStores::Open(Fs::Local(), Options());
  ASSERT_FALSE(stores.ok());
  EXPECT_TRUE(stores.status().Is(errors::kStateForeign));
}

TEST_F(StateStoreTest, RefusesACommitThatAnotherRunWasFirstWith) {
  auto one = Open(Options()), two = Open(Options());
  ASSERT_TRUE(one->Commit(1, "one").ok());
  EXPECT_TRUE(two->Commit(1, "two").Is(errors::kStateConcurrent));
  EXPECT_EQ(Open(Options())->Note(1).value(), "one");
}

TEST_F(StateStoreTest, SaysWhichVersionsThereAre) {
  StateStoresOptions options = Options();
  options.versions_kept = 2;
  options.versions_per_snapshot = 2;
  auto stores = Open(options);
  for (int version = 1; version <= 10; ++version) ASSERT_TRUE(stores->Commit(version, "").ok());
  Status rolled = stores->RollBackTo(3);
  EXPECT_TRUE(rolled.Is(errors::kStateVersionMissing)) << rolled.message();
  EXPECT_TRUE(stores->RollBackTo(8).ok());
  EXPECT_TRUE(stores->Commit(9, "again").ok());
  EXPECT_EQ(Open(options)->Note(9).value(), "again");
}

}  // namespace
}  // namespace millstream
