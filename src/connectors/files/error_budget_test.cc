#include "connectors/files/error_budget.h"

#include <gtest/gtest.h>

namespace millstream {
namespace {

ErrorBudget Budget(const std::string& on_error, std::optional<std::string> max_bad_records = std::nullopt) {
  return ErrorBudget::Parse(on_error, max_bad_records, false, "test").value();
}

TEST(ErrorBudget, GoesOnUnlessNothingIsSaid) {
  EXPECT_FALSE(ErrorBudget().goes_on());
  EXPECT_FALSE(Budget("ABORT_STATEMENT").goes_on());
  EXPECT_FALSE(Budget("abort").goes_on());
  EXPECT_TRUE(Budget("Continue").goes_on());
  EXPECT_TRUE(ErrorBudget::Parse(std::nullopt, "5", false, "test").value().goes_on());
  EXPECT_TRUE(ErrorBudget::Parse(std::nullopt, std::nullopt, /*keeps=*/true, "test").value().goes_on());
}

TEST(ErrorBudget, LeavesOutFilesFromANumberOnAndAboveAPercentage) {
  EXPECT_FALSE(Budget("CONTINUE").LeavesOut(9, 9));
  EXPECT_TRUE(Budget("SKIP_FILE").LeavesOut(1, 1000));
  EXPECT_FALSE(Budget("SKIP_FILE").LeavesOut(0, 0));
  EXPECT_FALSE(Budget("skip_file_3").LeavesOut(2, 2));
  EXPECT_TRUE(Budget("skip_file_3").LeavesOut(3, 1000));
  EXPECT_FALSE(Budget("SKIP_FILE_10%").LeavesOut(10, 100));
  EXPECT_TRUE(Budget("SKIP_FILE_10%").LeavesOut(11, 100));
  EXPECT_TRUE(Budget("SKIP_FILE_0%").LeavesOut(1, 1'000'000));
}

TEST(ErrorBudget, StopsTheLoadAboveItsOwnLimit) {
  EXPECT_TRUE(Budget("CONTINUE").Check(9, 9, {}, "this batch").ok());
  EXPECT_TRUE(Budget("CONTINUE", "2").Check(2, 9, {}, "this batch").ok());
  const Status stopped = Budget("CONTINUE", "2").Check(3, 9, {"/in/a.json line 1: broken"}, "this batch");
  EXPECT_TRUE(stopped.Is(errors::kTooManyBadRecords));
  EXPECT_NE(stopped.text().find("/in/a.json line 1: broken"), std::string::npos);
  EXPECT_TRUE(Budget("CONTINUE", "50%").Check(1, 2, {}, "this batch").ok());
  EXPECT_FALSE(Budget("CONTINUE", "49.9%").Check(1, 2, {}, "this batch").ok());
}

TEST(ErrorBudget, RefusesWhatMeansNothing) {
  for (const char* value : {"", "SKIP", "SKIP_FILE_", "SKIP_FILE_0", "SKIP_FILE_-1", "SKIP_FILE_1.5", "SKIP_FILE_101%", "SKIP_FILE_%", "SKIP_FILE_nan%"}) {
    EXPECT_FALSE(ErrorBudget::Parse(value, std::nullopt, false, "test").ok()) << value;
  }
  for (const char* value : {"", "many", "-1", "1.5", "%", "inf%"}) EXPECT_FALSE(ErrorBudget::Parse(std::nullopt, value, false, "test").ok()) << value;
  EXPECT_FALSE(ErrorBudget::Parse("ABORT_STATEMENT", std::nullopt, /*keeps=*/true, "test").ok());
  EXPECT_FALSE(ErrorBudget::Parse("ABORT", "1", false, "test").ok());
}

}  // namespace
}  // namespace millstream
