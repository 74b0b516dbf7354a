#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "storage/failpoint.h"
#include "storage/fs.h"

namespace millstream {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LocalFsTest : public ::testing::Test {
 protected:
  LocalFsTest() {
    char name[] = "/tmp/millstream_fs_XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~LocalFsTest() override {
    EXPECT_TRUE(ArmFailpoints("").ok());
    std::filesystem::remove_all(directory_);
  }
  std::string In(const std::string& name) const { return JoinPath(directory_, name); }

  Fs& fs_ = Fs::Local();
  std::string directory_;
};

TEST_F(LocalFsTest, PublishesWholeFilesAndNeverOverwrites) {
  ASSERT_TRUE(Publish(fs_, In("a"), "one", "test").ok());
  EXPECT_TRUE(Publish(fs_, In("a"), "two", "test").Is(errors::kFileAlreadyExists));
  EXPECT_EQ(*fs_.ReadFile(In("a")), "one");
}

TEST_F(LocalFsTest, LeavesNothingBehindWhenPublishFailsBeforeTheLink) {
  ASSERT_TRUE(ArmFailpoints("test.before_link=error:28").ok());
  Status status = Publish(fs_, In("a"), "one", "test");
  EXPECT_EQ(status.error_number(), ENOSPC);
  EXPECT_TRUE(fs_.List(directory_)->empty());
}

TEST_F(LocalFsTest, PublishesNothingOfAFileThatTheDiskTakesOnlyAPartOf) {
  // Up to the limit the kernel writes short, beyond it not at all: as a disk that fills up.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  Status published = Publish(fs_, In("a"), std::string(5000, 'x'), "test");
  Status replaced = fs_.Replace(In("b"), std::string(5000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(published.error_number(), EFBIG) << published.message();
  EXPECT_EQ(replaced.error_number(), EFBIG) << replaced.message();
  EXPECT_TRUE(fs_.List(directory_)->empty());
}

TEST_F(LocalFsTest, TakesEveryNameThatTheKernelTakes) {
  for (const std::string name : {"a b", "x\ny", "a%20b", "a#b?", "[x]*", "a:b", "\xff\xfe", "'q\"\\"}) {
    ASSERT_TRUE(Publish(fs_, In(name), name, "test").ok()) << name;
    EXPECT_EQ(*fs_.ReadFile(In(name)), name);
    EXPECT_EQ(DecodeUriPath(EncodeUriPath(In(name))), In(name));
  }
  EXPECT_EQ(fs_.List(directory_)->size(), 8u);
}

TEST_F(LocalFsTest, ReadsManyFilesAndReportsTheOnesThatItCannotRead) {
  std::string big(100000, 'x');
  ASSERT_TRUE(Publish(fs_, In("a"), "one", "test").ok());
  ASSERT_TRUE(Publish(fs_, In("b"), big, "test").ok());
  ASSERT_TRUE(Publish(fs_, In("e"), "", "test").ok());
  std::string a = In("a"), b = In("b"), gone = In("gone"), e = In("e"), buffer;
  const std::string* paths[] = {&a, &gone, &b, &e};
  auto slots = fs_.ReadFiles(paths, 1 << 20, buffer);
  EXPECT_EQ(buffer.substr(slots[0].offset, slots[0].size), "one");
  EXPECT_TRUE(slots[1].status.Is(errors::kFileNotFound));
  EXPECT_EQ(buffer.substr(slots[2].offset, slots[2].size), big);
  EXPECT_EQ(slots[3].size, 0u);
  buffer.clear();
  EXPECT_EQ(fs_.ReadFiles(paths, 50000, buffer)[2].status.error_number(), EFBIG);
}

TEST_F(LocalFsTest, CreatesNestedDirectoriesAndReplacesHints) {
  ASSERT_TRUE(fs_.CreateDirectories(In("x/y/z")).ok());
  ASSERT_TRUE(fs_.CreateDirectories(In("x/y/z")).ok());
  ASSERT_TRUE(fs_.Replace(In("x/hint"), "1").ok());
  ASSERT_TRUE(fs_.Replace(In("x/hint"), "2").ok());
  EXPECT_EQ(*fs_.ReadFile(In("x/hint")), "2");
  EXPECT_EQ(fs_.CreateDirectories(In("x/hint/below")).error_number(), ENOTDIR);
}

TEST_F(LocalFsTest, GivesALockToOneHolder) {
  auto first = *TryLock(In("lock"));
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(*TryLock(In("lock")), nullptr);
  first.reset();
  EXPECT_NE(*TryLock(In("lock")), nullptr);
}

TEST(Paths, FollowHadoop) {
  EXPECT_EQ(*PathFromUri("file:///in//a b/./c/"), "/in/a b/c");
  EXPECT_EQ(*PathFromUri("file:/in%20x"), "/in%20x");
  EXPECT_EQ(*PathFromUri("/a:b"), "/a:b");
  EXPECT_THAT(PathFromUri("s3://bucket/x").status().message(), HasSubstr("'s3'"));
  EXPECT_FALSE(PathFromUri("").ok());
  EXPECT_EQ(UriFromPath("/in/a b%"), "file:///in/a%20b%25");
  EXPECT_EQ(HadoopPathString("/in/a b"), "file:/in/a b");
  EXPECT_EQ(ParentPath("/a"), "/");
  EXPECT_EQ(BaseName("/a/b"), "b");
}

TEST(Failpoints, RefuseUnknownNames) {
  EXPECT_THAT(ArmFailpoints("test.before_lnk=kill").message(), HasSubstr("Did you mean 'test.before_link'"));
  EXPECT_FALSE(ArmFailpoints("test.before_link=explode").ok());
  EXPECT_TRUE(ArmFailpoints("").ok());
}

TEST(Failpoints, FireOnTheNamedOccurrenceOnly) {
  ASSERT_TRUE(ArmFailpoints("test.before_link=error:5@2").ok());
  EXPECT_TRUE(Failpoint("test.before_link").ok());
  EXPECT_EQ(Failpoint("test.before_link").error_number(), EIO);
  EXPECT_TRUE(Failpoint("test.before_link").ok());
  EXPECT_TRUE(ArmFailpoints("").ok());
}

}  // namespace
}  // namespace millstream
