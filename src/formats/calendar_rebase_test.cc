#include "formats/calendar_rebase.h"

#include <gtest/gtest.h>

#include "formats/spark_text.h"

namespace millstream {
namespace {

TEST(CalendarRebase, KeepsYearMonthAndDayOfTheCalendarOfOld) {
  EXPECT_EQ(RebasedDay(-141427), -141427);                     // 1582-10-15, the first day of the new calendar
  EXPECT_EQ(RebasedDay(-141428), *DaysFromDate(1582, 10, 4));  // the day before
  EXPECT_EQ(RebasedDay(-719164), *DaysFromDate(1, 1, 1));      // Julian 0001-01-01
  EXPECT_EQ(RebasedDay(-171655), *DaysFromDate(1500, 1, 1));
  EXPECT_EQ(RebasedDay(-171655 + 59), *DaysFromDate(1500, 3, 1));  // Julian 1500-02-29, which the Gregorian calendar lacks
  EXPECT_EQ(RebasedMicros(-171655 * int64_t{86'400'000'000} + 5, TimeZone::Utc()), *DaysFromDate(1500, 1, 1) * int64_t{86'400'000'000} + 5);
}
TEST(CalendarRebase, AFileOfSparkSaysItself) {
  using enum CalendarRebase;
  EXPECT_EQ(RebaseOfWriter(std::nullopt, false, kException), kException);
  EXPECT_EQ(RebaseOfWriter("2.4.8", false, kCorrected), kLegacy);
  EXPECT_EQ(RebaseOfWriter("4.2.0", false, kException), kCorrected);
  EXPECT_EQ(RebaseOfWriter("3.5.1", true, kException), kLegacy);
}

}  // namespace
}  // namespace millstream
