// VERIFY FILES: what is told of a source that is not as it was loaded.

#include "connectors/files/file_proof.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "connectors/files/fake_format.h"
#include "connectors/files/file_ledger.h"

namespace millstream {
namespace {

using test::TempDir;
using test::WriteFile;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FileProofTest : public ::testing::Test {
 protected:
  LoadedFile Loaded(const std::string& path, int64_t rows = 1) {
    FileInfo info = *Fs::Local().Stat(path);
    return {.size_bytes = info.size_bytes, .modified_ns = info.modified_ns, .rows = rows};
  }
  void Load(const std::vector<std::pair<std::string, LoadedFile>>& files) {
    TableLedger::Changes changes;
    for (const auto& [path, file] : files) changes.emplace_back(ledger_run::KeyOf(path), file);
    std::sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    epoch_ = *(*TableLedger::Open(Fs::Local(), table_.path(), "id", epoch_))->WriteNext(changes);
  }
  // "FINDING name: detail" of each finding; counts_ has the rest.
  std::vector<std::string> Prove(std::optional<ProofSource> source = {}, std::vector<ProvenLoad> loads = {}) {
    TableLedgerPtr ledger = *TableLedger::Open(Fs::Local(), table_.path(), "id", epoch_);
    return Findings({.fs = Fs::Local(),
                     .subject = "t",
                     .known = [ledger] { return Result<std::unique_ptr<KnownFiles>>(KnownFilesOf(ledger)); },
                     .source = std::move(source),
                     .loads = [loads] { return Result<std::vector<ProvenLoad>>(loads); }});
  }
  std::vector<std::string> Findings(FileProof proof) {
    RelationSourcePtr report = OpenFileProof("verify", {std::move(proof)});
    auto rows = dynamic_cast<const BatchRelationSource&>(*report).Scan({.columns = {"finding", "path", "detail"}});
    std::vector<std::string> findings;
    const std::vector<RecordBatchPtr> batches = *Drain(**rows);
    for (const RecordBatchPtr& batch : batches) {
      for (int64_t row = 0; row < batch->num_rows(); ++row) {
        auto text = [&](int column) { return (*batch->column(column)->GetScalar(row))->ToString(); };
        if (text(0) == "VERIFIED") {
          counts_ = nlohmann::json::parse(text(2));
        } else {
          findings.push_back(text(0) + " " + text(1).substr(text(1).rfind('/') + 1) + ": " + text(2));
        }
      }
    }
    return findings;
  }
  ProofSource Below(const std::string& path) { return {.glob = *PathGlob::Parse(path, PathGlob::Mode::kStrict), .partitions_only = true}; }

  TempDir in_, table_;
  int64_t epoch_ = 0;
  nlohmann::json counts_;
};

TEST_F(FileProofTest, FindsNothingWhereAllIsAsItWasLoaded) {
  for (const char* name : {"a", "b", "day=1/a", "day=1/b"}) WriteFile(in_ / name, "xyz");
  Load({{in_ / "a", Loaded(in_ / "a", 3)},
        {in_ / "b", Loaded(in_ / "b")},
        {in_ / "day=1/a", Loaded(in_ / "day=1/a")},
        {in_ / "day=1/b", Loaded(in_ / "day=1/b")}});
  for (const auto& source : {std::optional<ProofSource>(), std::optional(Below(in_.path()))}) {
    EXPECT_THAT(Prove(source), IsEmpty());
    EXPECT_EQ(counts_["files_matched"], 4);
    EXPECT_EQ(counts_["files_listed"], 4);
    EXPECT_EQ(counts_["files_known"], 4);
    EXPECT_EQ(counts_["rows_in_ledger"], 6);
  }
}

TEST_F(FileProofTest, TellsOfFilesThatAreMissingChangedOrGone) {
  for (const char* name : {"a", "b", "c", "day=1/d", "day=1/e"}) WriteFile(in_ / name, "xyz");
  LoadedFile corrupt = Loaded(in_ / "c");
  corrupt.state = LoadedFile::State::kSkippedCorrupt;
  corrupt.first_error = "no gzip";
  Load({{in_ / "a", Loaded(in_ / "a")}, {in_ / "b", Loaded(in_ / "b")}, {in_ / "c", corrupt}, {in_ / "day=1/d", Loaded(in_ / "day=1/d")}});
  WriteFile(in_ / "b", "longer");
  WriteFile(in_ / "empty", "");
  WriteFile(in_ / "other/f", "not read by COPY INTO");
  std::filesystem::remove(in_ / "a");
  std::filesystem::remove_all(in_ / "day=1");
  WriteFile(in_ / "day=2/g", "new");
  const std::string b = "CHANGED b: it had 3 bytes when it was loaded, and has 6", c = "MISSING c: it could not be read: no gzip";
  EXPECT_THAT(Prove(Below(in_.path())),
              ElementsAre(b, c, "GONE a: its rows are loaded", "MISSING g: it is not known: the next load takes it", "GONE d: its rows are loaded"));
  EXPECT_EQ(counts_["findings"], 5);
  EXPECT_EQ(counts_["files_loaded"], 3);
  // Without a source: the directories that are known.
  EXPECT_THAT(Prove(), ElementsAre(b, c, "GONE a: its rows are loaded", "GONE d: its rows are loaded"));
}

TEST_F(FileProofTest, ATouchedFileIsChanged) {
  WriteFile(in_ / "a", "xyz");
  Load({{in_ / "a", Loaded(in_ / "a")}});
  std::filesystem::last_write_time(in_ / "a", std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_THAT(Prove(), ElementsAre("CHANGED a: its time is another than when it was loaded"));
}

TEST_F(FileProofTest, ComparesRowsOfEachLoad) {
  const ProvenLoad good{.version = 1, .ledger_rows = 5, .source_rows = 5, .rows_in_table = 5, .commit_path = "/t/1.json"};
  ProvenLoad bad = good, unknown = good;
  bad.rows_in_table = 4;
  unknown.ledger_rows.reset();
  EXPECT_THAT(Prove({}, {good, unknown, bad}),
              ElementsAre("ROWS_DIFFER 1.json: version 1: the ledger has 5 rows of its files, the commit says that 5 were read, and its data files hold 4"));
  EXPECT_EQ(counts_["loads_proven"], 1);
  EXPECT_EQ(counts_["rows_proven"], 5);
}

TEST_F(FileProofTest, NamesThatAreGlobsAreNames) {
  WriteFile(in_ / "a[1]/{x}*", "xyz");
  WriteFile(in_ / "a1/y", "xyz");
  Load({{in_ / "a[1]/{x}*", Loaded(in_ / "a[1]/{x}*")}});
  EXPECT_THAT(Prove(), IsEmpty());
  EXPECT_EQ(counts_["files_listed"], 1);
}

TEST_F(FileProofTest, OfAStreamKnowsWhatIsCommittedAndWhatWasCleaned) {
  const std::string ledger_path = table_ / "rocksdb";
  {
    auto ledger = *FileLedger::Open(Fs::Local(), ledger_path);
    for (const char* name : {"a", "b", "cleaned", "gone", "waits"}) {
      WriteFile(in_ / name, "xyz");
      FileInfo info = *Fs::Local().Stat(in_ / name);
      ASSERT_TRUE(ledger->Add(in_.path(), name, {.size_bytes = info.size_bytes, .modified_ns = info.modified_ns}).ok());
    }
    ASSERT_TRUE(ledger->Sync().ok());
    ASSERT_TRUE(ledger->RecordBatch(4, {.after = 0, .processed_ms = 1, .committed_ms = 2}).ok());
    ASSERT_TRUE(ledger->RecordCounts(0, {{.rows = 2}, {.rows = 2}, {.rows = 2}, {.rows = 2}}).ok());
    ASSERT_TRUE(ledger->RecordFate(3, {.cleaned = FileFate::Cleaned::kDeleted, .cleaned_ms = 3}).ok());
    ASSERT_TRUE(ledger->Sync().ok());
    std::filesystem::remove(in_ / "cleaned");
    std::filesystem::remove(in_ / "gone");
    WriteFile(in_ / "later", "xyz");
  }
  FileProof proof{.fs = Fs::Local(), .subject = "s", .known = [&] { return OpenKnownFiles(Fs::Local(), ledger_path); }};
  proof.source = ProofSource{.glob = *PathGlob::Parse(in_.path(), PathGlob::Mode::kLoose)};
  EXPECT_THAT(Findings(proof), ElementsAre("MISSING later: it is not known: the next load takes it",
                                           "MISSING waits: it is found, and its batch is not committed yet", "GONE gone: its rows are loaded"));
  EXPECT_EQ(counts_["files_cleaned"], 1);
  EXPECT_EQ(counts_["files_matched"], 2);
  EXPECT_EQ(counts_["rows_in_ledger"], 8);
}

TEST(SourceNote, KeepsAnyPath) {
  const std::string path = "/in/a\nb *";
  std::optional<ProofSource> source = DecodeSourceNote(EncodeSourceNote(path, PathGlob::Mode::kStrict, "*.json", 5, std::nullopt));
  ASSERT_TRUE(source.has_value());
  EXPECT_EQ(source->glob.pattern(), path);
  EXPECT_EQ(source->modified_after_ns, 5);
  EXPECT_FALSE(source->modified_before_ns.has_value());
  EXPECT_TRUE(source->name_filter->Matches("x.json"));
  EXPECT_EQ(source->start_after, "");
  source = DecodeSourceNote(EncodeSourceNote(path, PathGlob::Mode::kStrict, "*.json", 5, std::nullopt, "/in/a\nb c/x"));
  ASSERT_TRUE(source.has_value());
  EXPECT_EQ(source->start_after, "/in/a\nb c/x");
  EXPECT_EQ(source->glob.pattern(), path);
  EXPECT_FALSE(DecodeSourceNote("").has_value());
}

}  // namespace
}  // namespace millstream
