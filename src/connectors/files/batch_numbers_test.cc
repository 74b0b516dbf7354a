#include "connectors/files/batch_numbers.h"

#include <gtest/gtest.h>

#include "connectors/files/fake_format.h"

namespace millstream {
namespace {

std::string Log(int64_t a, int64_t b) {
  auto line = [](int64_t number) { return "{\"seqNum\":" + std::to_string(number) + ",\"sourceVersion\":1}"; };
  return "v1\n{}\n" + line(a) + "\n" + line(b);
}

TEST(BatchNumbers, FindsTheBatchOfAFileAsFarAsTheLogGoesBack) {
  test::TempDir checkpoint;
  EXPECT_FALSE(BatchNumbers::Read(Fs::Local(), checkpoint.path(), "0")->BatchOf(1).has_value());
  test::WriteFile(checkpoint / "offsets/9", Log(5, 0));
  test::WriteFile(checkpoint / "offsets/10", Log(7, 0));
  test::WriteFile(checkpoint / "offsets/11", Log(7, 3));
  test::WriteFile(checkpoint / "offsets/.12.tmp", "v1");
  BatchNumbers first = *BatchNumbers::Read(Fs::Local(), checkpoint.path(), "0"), second = *BatchNumbers::Read(Fs::Local(), checkpoint.path(), "1");
  EXPECT_EQ(first.BatchOf(5), std::nullopt);  // in batch 9 or before
  EXPECT_EQ(first.BatchOf(6), 10);
  EXPECT_EQ(first.BatchOf(7), 10);
  EXPECT_EQ(first.BatchOf(8), std::nullopt);
  EXPECT_EQ(second.BatchOf(1), 11);
  EXPECT_EQ(BatchNumbers::Read(Fs::Local(), checkpoint.path(), "2")->BatchOf(1), std::nullopt);
  test::WriteFile(checkpoint / "offsets/0", Log(2, 0));
  EXPECT_EQ(BatchNumbers::Read(Fs::Local(), checkpoint.path(), "0")->BatchOf(1), 0);
}

}  // namespace
}  // namespace millstream
