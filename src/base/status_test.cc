#include "base/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace millstream {
namespace {

TEST(Status, FillsPlaceholdersAndFramesTheMessageAsSparkDoes) {
  Status status = Status::Error(errors::kPathNotFound, {{"path", "file:/in"}});
  EXPECT_EQ(status.message(), "[PATH_NOT_FOUND] Path does not exist: file:/in. SQLSTATE: 42K03");
  EXPECT_TRUE(status.Is(errors::kPathNotFound));
}

TEST(Status, PutsThePlaceInTheUsersTextBehindTheSqlState) {
  Status status = Status::Error(errors::kPathNotFound, {{"path", "x"}}).Where("; line 1 pos 7");
  EXPECT_EQ(status.message(), "[PATH_NOT_FOUND] Path does not exist: x. SQLSTATE: 42K03; line 1 pos 7");
}

TEST(Status, KeepsWhatWasBeingDone) {
  Status status = Status::Errno("fsync", "/t/a", EIO).While("while committing batch 3");
  EXPECT_EQ(status.error_number(), EIO);
  EXPECT_THAT(status.message(), ::testing::HasSubstr("while committing batch 3"));
}

TEST(Result, ReturnsTheValueOrTheError) {
  auto half = [](int n) -> Result<int> {
    if (n % 2) return Status::IllegalArgument("odd");
    return n / 2;
  };
  auto quarter = [&](int n) -> Result<int> {
    MS_ASSIGN_OR_RETURN(int h, half(n));
    return half(h);
  };
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).status().message(), "odd");
}

}  // namespace
}  // namespace millstream
