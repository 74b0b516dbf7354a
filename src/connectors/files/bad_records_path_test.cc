#include "connectors/files/bad_records_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "connectors/files/fake_format.h"
#include "connectors/files/files_errors.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;

class BadRecordsPathTest : public testing::Test {
 protected:
  void TearDown() override { (void)ArmFailpoints(""); }
  // The bad records of one batch, kept at `seconds` since the epoch by a process of its own.
  Status Keep(int64_t batch, int64_t seconds, const std::vector<std::string>& records, const std::string& unread = "") {
    QuarantineRows rows({{.path = "/in/a b.json"}});
    for (const std::string& record : records) {
      MS_RETURN_IF_ERROR(rows.Add({.byte_length = static_cast<int64_t>(record.size()), .reason = "no \"JSON\"", .raw = record}));
    }
    if (!unread.empty()) rows.AddFile({.path = unread}, "gone");
    BadRecordsPath path(Fs::Local(), dir_.path());
    MS_RETURN_IF_ERROR(path.Prepare());
    return path.Keep({.loader = "stream:q/1", .load_id = batch, .loaded_ms = seconds * 1000}, rows);
  }
  // "20260102T030405/bad_records/name: line" …
  std::vector<std::string> Lines() {
    std::vector<std::string> lines;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_.path())) {
      if (!entry.is_regular_file()) continue;
      const std::string text = *Fs::Local().ReadFile(entry.path().string());
      for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find('\n', at), text.size());
        lines.push_back(std::filesystem::relative(entry.path(), dir_.path()).string() + ": " + text.substr(at, end - at));
        at = end + 1;
      }
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  TempDir dir_;
};

TEST_F(BadRecordsPathTest, WritesWhatDatabricksWrites) {
  ASSERT_TRUE(Keep(7, 1767323045, {"{\"a\":", "x"}, "/in/b.json").ok());
  EXPECT_THAT(
      Lines(),
      ElementsAre("20260102T030405/bad_files/part-7-stream-q-1: {\"path\":\"file:/in/b.json\",\"reason\":\"gone\"}",
                  "20260102T030405/bad_records/part-7-stream-q-1: {\"path\":\"file:/in/a b.json\",\"record\":\"x\",\"reason\":\"no \\\"JSON\\\"\"}",
                  "20260102T030405/bad_records/part-7-stream-q-1: {\"path\":\"file:/in/a b.json\",\"record\":\"{\\\"a\\\":\",\"reason\":\"no \\\"JSON\\\"\"}"));
  ASSERT_TRUE(Keep(8, 1767323045, {}).ok());
  EXPECT_EQ(Lines().size(), 3u);
}

// Killed before its commit, a batch runs again, perhaps with other records: they take the place of the first ones.
TEST_F(BadRecordsPathTest, ABatchThatRunsAgainReplacesWhatItHasLeft) {
  ASSERT_TRUE(Keep(1, 1000, {"one"}).ok());
  ASSERT_TRUE(Keep(2, 2000, {"two", "three"}, "/in/gone").ok());
  for (const char* step : {"before_sync", "before_link", "after_link", "after_dirsync"}) {
    ASSERT_TRUE(ArmFailpoints(std::string("files.bad_records.") + step + "=error:5").ok());
    EXPECT_FALSE(Keep(2, 3000, {"three"}).ok());
    ASSERT_TRUE(ArmFailpoints("").ok());
    EXPECT_LE(Lines().size(), 2u) << step;
  }
  ASSERT_TRUE(Keep(2, 4000, {"three"}).ok());
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("\"one\""), HasSubstr("\"three\"")));
  ASSERT_TRUE(Keep(2, 5000, {}).ok());
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("\"one\"")));
}

// What the next COPY INTO takes out is what the table's log does not confirm.
TEST_F(BadRecordsPathTest, ACopyTakesOutWhatAKilledOneHasLeft) {
  auto keep = [&](const std::string& table, int64_t epoch, std::optional<int64_t> confirmed, const std::vector<std::string>& records) {
    QuarantineRows rows({{.path = "/in/a.json"}});
    for (const std::string& record : records) {
      EXPECT_TRUE(rows.Add({.byte_length = static_cast<int64_t>(record.size()), .reason = "bad", .raw = record}).ok());
    }
    CopyBadRecordsPath path(Fs::Local(), dir_.path());
    MS_RETURN_IF_ERROR(path.Prepare());
    return path.KeepCopy({.loader = "copy:" + table, .load_id = epoch, .loaded_ms = epoch * 1000}, records.empty() ? nullptr : &rows, confirmed, {});
  };
  auto records = [&] {
    std::vector<std::string> lines = Lines();
    std::erase_if(lines, [](const std::string& line) { return line.starts_with("_"); });
    return lines;
  };
  CopyBadRecordsPath path(Fs::Local(), dir_.path());
  for (const char* step : {"before_sync", "before_link", "after_link", "after_dirsync"}) {
    ASSERT_TRUE(ArmFailpoints(std::string("files.bad_records.") + step + "=error:5").ok());
    (void)path.Prepare();
    ASSERT_TRUE(ArmFailpoints("").ok());
  }
  ASSERT_TRUE(path.Prepare().ok());
  const std::string id = *path.ConfirmationId();
  EXPECT_THAT(id, testing::MatchesRegex("millstream.badRecords.[0-9a-f-]{36}"));

  ASSERT_TRUE(keep("t", 3, std::nullopt, {"three"}).ok());  // committed
  ASSERT_TRUE(keep("u", 9, std::nullopt, {"of another"}).ok());
  ASSERT_TRUE(keep("t", 5, 3, {"five"}).ok());  // killed before its commit
  EXPECT_THAT(records(), ElementsAre(HasSubstr("\"three\""), HasSubstr("\"five\""), HasSubstr("\"of another\"")));
  for (const char* step : {"before_sync", "before_link", "after_link", "after_dirsync"}) {
    ASSERT_TRUE(ArmFailpoints(std::string("files.bad_records.") + step + "=error:5").ok());
    EXPECT_FALSE(keep("t", 6, 3, {"five", "six"}).ok());
    ASSERT_TRUE(ArmFailpoints("").ok());
    EXPECT_LE(records().size(), 4u) << step;
  }
  ASSERT_TRUE(keep("t", 7, 3, {"five", "six"}).ok());
  EXPECT_THAT(records(), ElementsAre(HasSubstr("\"three\""), HasSubstr("\"five\""), HasSubstr("\"six\""), HasSubstr("\"of another\"")));
  ASSERT_TRUE(keep("t", 8, 7, {}).ok());
  EXPECT_EQ(records().size(), 4u);
  ASSERT_TRUE(keep("t", 8, 7, {"eight"}).ok());
  EXPECT_EQ(records().size(), 5u);
  // Only what is noted is looked at: other times may be many.
  std::filesystem::create_directories(dir_.path() + "/20260101T000000/bad_records");
  std::filesystem::permissions(dir_.path() + "/20260101T000000", std::filesystem::perms::none);
  ASSERT_TRUE(keep("t", 9, 7, {}).ok());
  std::filesystem::permissions(dir_.path() + "/20260101T000000", std::filesystem::perms::owner_all);
  EXPECT_THAT(records(), ElementsAre(HasSubstr("\"three\""), HasSubstr("\"five\""), HasSubstr("\"six\""), HasSubstr("\"of another\"")));
  EXPECT_EQ(*path.ConfirmationId(), id);
}

// What a commit has replaced goes after it, by the next load at the latest, whenever it was kept.
TEST_F(BadRecordsPathTest, BadRecordsOfReplacedFilesLeave) {
  auto keep = [&](int64_t epoch, std::optional<int64_t> confirmed, const std::vector<std::string>& paths, const std::vector<ReplacedFile>& replaced) {
    std::vector<InputFile> files;
    for (const std::string& path : paths) files.push_back({.path = path});
    QuarantineRows rows(files);
    for (size_t i = 0; i < paths.size(); ++i) {
      const std::string record = std::to_string(epoch) + " of " + paths[i];
      EXPECT_TRUE(rows.Add({.file = static_cast<int32_t>(i), .byte_length = 1, .reason = "bad", .raw = record}).ok());
    }
    CopyBadRecordsPath path(Fs::Local(), dir_.path());
    MS_RETURN_IF_ERROR(path.Prepare());
    return path.KeepCopy({.loader = "copy:t", .load_id = epoch, .loaded_ms = epoch * 1000}, paths.empty() ? nullptr : &rows, confirmed, replaced);
  };
  auto records = [&] {
    std::vector<std::string> found;
    for (const std::string& line : Lines()) {
      if (size_t at = line.find("\"record\":\""); at != std::string::npos) found.push_back(line.substr(at + 10, line.find("\",\"reason") - at - 10));
    }
    return found;
  };
  ASSERT_TRUE(keep(1, std::nullopt, {"/in/a.json", "/in/a.json2", "/in/b \"\\.json"}, {}).ok());
  ASSERT_TRUE(keep(2, 1, {"/in/z.zip", "/in/c.json"}, {}).ok());
  const std::vector<ReplacedFile> replaced = {{"/in/a.json", 1, 1, 1000}, {"/in/b \"\\.json", 1, 1, 1000}, {"/in/z.zip", 1, 2, 2000}};
  // Killed before the commit: all is as it was.
  ASSERT_TRUE(keep(3, 2, {"/in/a.json"}, replaced).ok());
  EXPECT_EQ(records().size(), 6u);
  ASSERT_TRUE(keep(4, 2, {"/in/a.json"}, replaced).ok());
  EXPECT_THAT(records(), testing::UnorderedElementsAre("1 of /in/a.json", "1 of /in/a.json2", "1 of /in/b \\\"\\\\.json", "2 of /in/z.zip", "2 of /in/c.json",
                                                       "4 of /in/a.json"));
  // Killed behind it, and while the next one takes them out.
  ASSERT_TRUE(keep(5, 4, {}, {}).ok());
  EXPECT_THAT(records(), testing::UnorderedElementsAre("1 of /in/a.json2", "2 of /in/c.json", "4 of /in/a.json"));
  // One that is put back by nobody: the notes are gone.
  EXPECT_TRUE(CopyLoadNotes(Fs::Local(), dir_.path(), "copy:t").All()->empty());
  ASSERT_TRUE(keep(5, 4, {}, {}).ok());
  EXPECT_EQ(records().size(), 3u);
}

TEST_F(BadRecordsPathTest, SaysThatItsDirectoryCannotBeMade) {
  for (const char* place : {"/proc/no/such", "/dev/null/x"}) {
    Status made = BadRecordsPath(Fs::Local(), place).Prepare();
    EXPECT_TRUE(made.Is(errors::kBadRecordsPath)) << made.text();
    EXPECT_THAT(made.text(), HasSubstr(place));
  }
  EXPECT_TRUE(RefuseBadRecordsInTable("/lake/t/bad", "/lake/t").Is(errors::kBadRecordsPath));
  EXPECT_TRUE(RefuseBadRecordsInTable("/lake/t/", "/lake/t").Is(errors::kBadRecordsPath));
  EXPECT_TRUE(RefuseBadRecordsInTable("/lake/t_bad", "/lake/t").ok());
}

TEST_F(BadRecordsPathTest, IsTakenOutOfTheOptions) {
  OptionMap options{{"badRecordsPath", "file:/bad"}, {"ignoreMissingFiles", "false"}, {"multiLine", "true"}};
  EXPECT_EQ(**TakeBadRecordsPath(options), "/bad");
  EXPECT_EQ(options, (OptionMap{{"ignoreCorruptFiles", "true"}, {"ignoreMissingFiles", "false"}, {"mode", "DROPMALFORMED"}, {"multiLine", "true"}}));
  EXPECT_FALSE(TakeBadRecordsPath(options)->has_value());
  options = {{"badRecordsPath", "/bad"}, {"mode", "failfast"}};
  EXPECT_TRUE(TakeBadRecordsPath(options).status().Is(errors::kInvalidOptionValue));
}

}  // namespace
}  // namespace millstream
