#include "storage/clone_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace millstream {
namespace {

class CloneFileTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "clone-" + std::to_string(::getpid()) + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(directory_);
    Write("from", std::string(3 << 20, 'x') + "end");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string At(const std::string& name) const { return directory_ + "/" + name; }
  void Write(const std::string& name, const std::string& bytes) const { std::ofstream(At(name)) << bytes; }
  FileMeant Meant(const std::string& name) const {
    const FileInfo info = Fs::Local().Stat(At(name)).value();
    return {.size_bytes = info.size_bytes, .modified_ns = info.modified_ns, .inode = info.inode, .device = info.device};
  }
  static Status Fine() { return Status(); }

  std::string directory_;
};

TEST_F(CloneFileTest, CopiesAllBytesIntoAFileOfItsOwn) {
  ASSERT_TRUE(CloneFile(At("from"), At("to"), Meant("from"), Fine).value());
  EXPECT_EQ(Fs::Local().ReadFile(At("from")).value(), Fs::Local().ReadFile(At("to")).value());
  EXPECT_NE(Meant("from").inode, Meant("to").inode);
  EXPECT_TRUE(CloneFile(At("from"), At("to"), Meant("from"), Fine).status().Is(errors::kFileAlreadyExists));
}

TEST_F(CloneFileTest, LinksAlsoWhatASymbolicLinkMeans) {
  std::filesystem::create_symlink(At("from"), At("symbolic"));
  ASSERT_TRUE(LinkFile(At("symbolic"), At("to"), Meant("from"), Fine).value());
  EXPECT_EQ(Meant("from").inode, Meant("to").inode);
  EXPECT_TRUE(LinkFile(At("from"), At("to"), Meant("from"), Fine).status().Is(errors::kFileAlreadyExists));
}

TEST_F(CloneFileTest, AnotherFileThanTheOneThatIsMeantIsNotTaken) {
  FileMeant meant = Meant("from");
  Write("from", "short");
  for (auto take : {CloneFile, LinkFile}) {
    EXPECT_FALSE(take(At("from"), At("to"), meant, Fine).value());
    EXPECT_FALSE(Fs::Local().Exists(At("to")).value());
  }
  // Another comes while this one is being linked or copied.
  meant = Meant("from");
  const auto replace = [&]() -> Status {
    Write("other", "other");
    std::filesystem::rename(At("other"), At("from"));
    return Status();
  };
  EXPECT_FALSE(LinkFile(At("from"), At("to"), meant, replace).value());
  EXPECT_FALSE(Fs::Local().Exists(At("to")).value());
}

TEST_F(CloneFileTest, WhatStopsBeforeTheNameLeavesNothing) {
  const auto stop = [] { return Status::Errno("stop", "here", EIO); };
  for (auto take : {CloneFile, LinkFile}) {
    EXPECT_FALSE(take(At("from"), At("to"), Meant("from"), stop).ok());
    EXPECT_FALSE(Fs::Local().Exists(At("to")).value());
  }
}

TEST_F(CloneFileTest, OtherFileSystemsCannotBeLinked) {
  struct stat here {}, memory {};
  if (::stat(directory_.c_str(), &here) != 0 || ::stat("/dev/shm", &memory) != 0 || here.st_dev == memory.st_dev) GTEST_SKIP();
  const std::string to = "/dev/shm/millstream-clone-" + std::to_string(::getpid());
  EXPECT_TRUE(LinkFile(At("from"), to, Meant("from"), Fine).status().Is(errors::kCannotLinkFile));
  ASSERT_TRUE(CloneFile(At("from"), to, Meant("from"), Fine).value());
  EXPECT_EQ(Fs::Local().ReadFile(At("from")).value(), Fs::Local().ReadFile(to).value());
  std::filesystem::remove(to);
}

}  // namespace
}  // namespace millstream
