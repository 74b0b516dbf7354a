#include "storage/directory_watch.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "storage/fs.h"

namespace millstream {
namespace {

class Counter {
 public:
  std::function<void()> Callback() {
    return [this] {
      std::lock_guard lock(mutex_);
      ++count_;
      changed_.notify_all();
    };
  }
  bool WaitForOne() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return count_ > 0; });
  }
  int count() {
    std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

TEST(DirectoryWatch, TellsOfANewFileAndNotOfOnesElsewhere) {
  const std::string base = ::testing::TempDir() + "directory-watch";
  Fs& fs = Fs::Local();
  ASSERT_TRUE(fs.CreateDirectories(base + "/a").ok());
  ASSERT_TRUE(fs.CreateDirectories(base + "/b").ok());
  Counter a, again, b;
  auto watch_a = WatchDirectory(base + "/a", a.Callback());
  auto watch_again = WatchDirectory(base + "/a", again.Callback());
  auto watch_b = WatchDirectory(base + "/b", b.Callback());
  ASSERT_TRUE(watch_a && watch_again && watch_b);
  ASSERT_TRUE(fs.Replace(base + "/a/file", "x").ok());
  EXPECT_TRUE(a.WaitForOne());
  EXPECT_TRUE(again.WaitForOne());
  EXPECT_EQ(b.count(), 0);
  ASSERT_TRUE(fs.RemoveRecursively(base).ok());
}

TEST(DirectoryWatch, IsSilentOnceItIsGoneAlsoWhenAnotherOfTheSameDirectoryLives) {
  const std::string base = ::testing::TempDir() + "directory-watch-gone";
  Fs& fs = Fs::Local();
  ASSERT_TRUE(fs.CreateDirectories(base).ok());
  Counter gone, lives;
  auto watch_gone = WatchDirectory(base, gone.Callback());
  auto watch_lives = WatchDirectory(base, lives.Callback());
  watch_gone.reset();
  ASSERT_TRUE(fs.Replace(base + "/file", "x").ok());
  EXPECT_TRUE(lives.WaitForOne());
  EXPECT_EQ(gone.count(), 0);
  ASSERT_TRUE(fs.RemoveRecursively(base).ok());
}

TEST(DirectoryWatch, OfADirectoryThatIsNotThereIsNone) {
  EXPECT_EQ(WatchDirectory("/no/such/directory", [] {}), nullptr);
}

}  // namespace
}  // namespace millstream
