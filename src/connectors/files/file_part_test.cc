// cloudFiles.changedFiles = continued: files of lines that grow.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "connectors/files/cloud_files_relation.h"
#include "connectors/files/fake_format.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/retraction_fixture.h"

namespace millstream {
namespace {

using test::TempDir;
using test::WriteFile;
using ::testing::Optional;

FileInfo InfoOf(const std::string& path) { return *Fs::Local().Stat(path); }

void Append(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::app | std::ios::binary) << text; }

TEST(FilePart, EndsBehindTheLastWholeLine) {
  TempDir dir;
  const std::string path = dir / "a";
  const PartReader reader(Fs::Local(), std::nullopt);
  WriteFile(path, "one\ntwo\nthr");
  FilePart part = *reader.Plan(path, {});
  EXPECT_EQ(part.start, 0);
  EXPECT_EQ(part.end, 8);
  EXPECT_THAT(*reader.Read(path, part), Optional(std::string("one\ntwo\n")));
  EXPECT_EQ(*LookAtGrowth(Fs::Local(), path, InfoOf(path), part), Growth::kNone);
  Append(path, "ee");
  EXPECT_EQ(*LookAtGrowth(Fs::Local(), path, InfoOf(path), part), Growth::kNone);
  Append(path, "\nfour");
  EXPECT_EQ(*LookAtGrowth(Fs::Local(), path, InfoOf(path), part), Growth::kGrown);
  // The same rows as before, whatever has come since.
  EXPECT_THAT(*reader.Read(path, part), Optional(std::string("one\ntwo\n")));
  FilePart next = *reader.Plan(path, {.start = part.end, .inode = part.inode, .hash = part.hash});
  EXPECT_EQ(next.start, 8);
  EXPECT_THAT(*reader.Read(path, next), Optional(std::string("three\n")));
  WriteFile(dir / "b", "no line");
  part = *reader.Plan(dir / "b", {});
  EXPECT_EQ(part.end, 0);
  EXPECT_THAT(*reader.Read(dir / "b", part), Optional(std::string()));
}

TEST(FilePart, OtherBytesAreAnotherFile) {
  TempDir dir;
  const std::string path = dir / "a";
  const PartReader reader(Fs::Local(), std::nullopt);
  WriteFile(path, "one\ntwo\n");
  const FilePart part = *reader.Plan(path, {});
  // Truncated.
  std::filesystem::resize_file(path, 4);
  EXPECT_EQ(*LookAtGrowth(Fs::Local(), path, InfoOf(path), part), Growth::kReplaced);
  EXPECT_EQ(*reader.Read(path, part), std::nullopt);
  // Truncated, and longer than before by now.
  std::filesystem::resize_file(path, 0);
  Append(path, "uno\ndos\ntres\n");
  EXPECT_EQ(*LookAtGrowth(Fs::Local(), path, InfoOf(path), part), Growth::kReplaced);
  EXPECT_EQ(reader.Plan(path, {.start = part.end, .inode = part.inode, .hash = part.hash})->start, 0);
  // The same bytes under another inode.
  WriteFile(dir / "b", "one\ntwo\nthree\n");
  std::filesystem::rename(dir / "b", path);
  EXPECT_EQ(*LookAtGrowth(Fs::Local(), path, InfoOf(path), part), Growth::kReplaced);
  std::filesystem::remove(path);
  EXPECT_EQ(*reader.Read(path, part), std::nullopt);
  EXPECT_FALSE(LookAtGrowth(Fs::Local(), path, {}, part).ok());
}

TEST(FilePart, LaterPartsBeginWithTheHeader) {
  TempDir dir;
  const std::string path = dir / "a.csv";
  const PartReader reader(Fs::Local(), PartReader::Header{.comment = '#'});
  WriteFile(path, "\xEF\xBB\xBF# made by hand\n\nid,name\n1,a\n");
  const FilePart part = *reader.Plan(path, {});
  EXPECT_THAT(*reader.Read(path, part), Optional(std::string("# made by hand\n\nid,name\n1,a\n")));
  Append(path, "2,b\n");
  const FilePart next = *reader.Plan(path, {.start = part.end, .inode = part.inode, .hash = part.hash});
  EXPECT_THAT(*reader.Read(path, next), Optional(std::string("id,name\n2,b\n")));
}

TEST(FilePart, HugeFilesComeInPieces) {
  TempDir dir;
  const std::string path = dir / "a";
  const PartReader reader(Fs::Local(), std::nullopt);
  const std::string line = std::string(1023, 'x') + "\n";
  {
    std::ofstream out(path, std::ios::binary);
    for (int i = 0; i < 70 << 10; ++i) out << line;
  }
  const FilePart part = *reader.Plan(path, {});
  EXPECT_EQ(part.end, int64_t{64} << 20);
  const FilePart rest = *reader.Plan(path, {.start = part.end, .inode = part.inode, .hash = part.hash});
  EXPECT_EQ(rest.end, int64_t{70} << 20);
  // A line that is longer than a piece is one.
  WriteFile(dir / "b", std::string(65 << 20, 'y') + "\nz");
  EXPECT_EQ(reader.Plan(dir / "b", {})->end, (int64_t{65} << 20) + 1);
}

// Files grow, are truncated and replaced, and the process dies between any two steps: each line comes once.
class GrowingHistory : public test::RetractedFiles, public ::testing::WithParamInterface<int> {};

TEST_P(GrowingHistory, EachLineComesOnce) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  options_ = {{"cloudFiles.changedFiles", "continued"}, {"cloudFiles.maxFilesPerTrigger", std::to_string(1 + random() % 20)}};
  constexpr const char* kPoints[] = {"files.ledger.before_write", "files.ledger.after_write", "files.ledger.before_sync", "files.ledger.after_sync", "files.part.after_sync"};
  std::multiset<std::string> expected;
  std::map<std::string, std::string> rests;  // of half lines
  int lines = 0;
  for (int round = 0; round < 15; ++round) {
    std::set<std::string> written;
    for (int i = static_cast<int>(random() % 5); i >= 0; --i) {
      const std::string name = std::to_string(random() % 12);
      const std::string path = in_ / name;
      if (written.insert(name).second && std::filesystem::exists(path) && random() % 10 == 0) {
        // Nothing of it is lost: it was loaded when the last round ended.
        if (random() % 2 == 0) std::filesystem::resize_file(path, 0);
        if (random() % 2 == 0) {
          WriteFile(in_ / ".new", "");
          std::filesystem::rename(in_ / ".new", path);
        }
        std::filesystem::resize_file(path, 0);
        rests.erase(name);
      }
      std::string text = rests[name];
      for (int line = static_cast<int>(random() % 4); line >= 0; --line) {
        ++lines;
        const std::string id = std::to_string(lines) + std::string(lines % 11, 'x');
        text += "id=" + id + "\n";
        expected.insert(id);
      }
      const size_t cut = text.size() - std::min<size_t>(text.size(), random() % 2 * (random() % 5));
      rests[name] = text.substr(cut);
      Append(path, text.substr(0, cut));
    }
    for (int life = 0; life < 3; ++life) {
      if (random() % 2 == 0) {
        ASSERT_TRUE(ArmFailpoints(std::string(kPoints[random() % std::size(kPoints)]) + "=error:5@" + std::to_string(1 + random() % 4)).ok());
      }
      Status status = Start({}, random() % 2 == 0);
      for (int batches = 0; status.ok() && batches < 3; ++batches) {
        const int steps = random() % 3 == 0 ? static_cast<int>(random() % 3) : 3;
        Result<bool> ran = RunBatch(steps);
        status = ran.status();
        if (steps < 3 || !ran.ok() || !*ran) break;
      }
      ASSERT_TRUE(ArmFailpoints("").ok());
    }
    for (auto& [name, rest] : rests) Append(in_ / name, std::exchange(rest, ""));
    // What is planned already, and then what has come since.
    for (int life = 0; life < 2; ++life) {
      ASSERT_TRUE(Start({}, true).ok());
      ASSERT_TRUE(RunAll().ok());
    }
    std::multiset<std::string> found;
    for (const auto& [name, id] : table_) found.insert(id);
    ASSERT_EQ(found, expected) << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, GrowingHistory, ::testing::Range(1, 17));

}  // namespace
}  // namespace millstream
