#include "delta/source_runs.h"

#include <arrow/builder.h>
#include <arrow/util/base64.h>
#include <gtest/gtest.h>

#include <random>

namespace millstream {
namespace {

TEST(SourceRuns, WhatIsWrittenIsRead) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    SourceRuns runs;
    const int paths = static_cast<int>(random() % 20) + 1;
    for (int i = 0; i < paths; ++i) runs.paths.push_back("/landing/2026-11-30/part-" + std::to_string(random() % 1000) + std::string(random() % 3, '\xff'));
    int64_t rows = 0;
    for (int i = 0; i < 50; ++i) {
      runs.runs.push_back({static_cast<int32_t>(random() % (paths + 1)) - 1, static_cast<int64_t>(random() % 100000)});
      rows += runs.runs.back().rows;
    }
    runs.runs.push_back({0, 1});
    ++rows;
    const std::string value = EncodeSourceRuns(runs);
    auto read = DecodeSourceRuns(value, rows);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->paths, runs.paths);
    EXPECT_EQ(read->runs, runs.runs);
    EXPECT_FALSE(DecodeSourceRuns(value, rows + 1)) << "it is the value of another file";
    EXPECT_FALSE(DecodeSourceRuns(value, rows - 1));
  }
}

TEST(SourceRuns, RowsOfWhichNothingIsKnownAreNotWorthAValue) {
  EXPECT_EQ(EncodeSourceRuns({.paths = {}, .runs = {{-1, 10}}}), "");
  EXPECT_EQ(EncodeSourceRuns({}), "");
}

TEST(SourceRuns, DamagedValuesAreRefused) {
  const std::string value = EncodeSourceRuns({.paths = {"/in/a", "/in/b"}, .runs = {{0, 3}, {1, 4}}});
  ASSERT_TRUE(DecodeSourceRuns(value, 7));
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = value;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    if (random() % 3 == 0) damaged.resize(random() % damaged.size());
    if (auto read = DecodeSourceRuns(damaged, 7)) {
      int64_t rows = 0;
      for (const SourceRun& run : read->runs) {
        ASSERT_LT(run.file, static_cast<int32_t>(read->paths.size()));
        rows += run.rows;
      }
      EXPECT_EQ(rows, 7);
    }
  }
  EXPECT_FALSE(DecodeSourceRuns("", 0));
}

TEST(SourceRuns, SmallFilesCostAFewBytesEach) {
  SourceRuns runs;
  for (int i = 0; i < 100000; ++i) {
    runs.paths.push_back("/landing/orders/2026/11/30/orders-" + std::to_string(1000000 + i) + ".json");
    runs.runs.push_back({i, 10});
  }
  EXPECT_LT(EncodeSourceRuns(runs).size(), 400'000u);
}

TEST(SourceRuns, ColumnsAreCountedInRunsWithNullsAsUnknown) {
  arrow::Int32Builder builder;
  ASSERT_TRUE(builder.AppendValues({4, 4, 4, 2}).ok());
  ASSERT_TRUE(builder.AppendNulls(2).ok());
  ASSERT_TRUE(builder.AppendValues({2, 4}).ok());
  auto array = builder.Finish().ValueOrDie();
  SourceRunCounter counter;
  counter.Add(static_cast<const arrow::Int32Array&>(*array));
  counter.Add(4, 5);
  EXPECT_EQ(counter.runs(), (std::vector<SourceRun>{{4, 3}, {2, 1}, {-1, 2}, {2, 1}, {4, 6}}));
  SourceRuns named = counter.Named({"a", "b", "c", "d", "e"});
  EXPECT_EQ(named.paths, (std::vector<std::string>{"e", "c"}));
  EXPECT_EQ(named.runs, (std::vector<SourceRun>{{0, 3}, {1, 1}, {-1, 2}, {1, 1}, {0, 6}}));
}

}  // namespace
}  // namespace millstream
