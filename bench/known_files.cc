// known_files.cc   How long a run over files that are all known takes in the process: start, one look, end.
//
//   known_files LANDING SCRATCH RUNS      the first run loads the files; prints JSON: {"first_ms": …, "again_ms": […]}

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "millstream/millstream.h"

using namespace millstream::sql;

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s LANDING SCRATCH RUNS\n", argv[0]);
    return 2;
  }
  const std::string landing = argv[1], scratch = argv[2];
  try {
    SparkSession spark = SparkSession::builder().warehouse(scratch + "/warehouse").getOrCreate();
    auto run = [&] {
      auto began = std::chrono::steady_clock::now();
      spark.readStream()
          .format("cloudFiles")
          .option("cloudFiles.format", "json")
          .option("cloudFiles.maxFilesPerTrigger", "1000000")
          .schema("id BIGINT, event STRING")
          .load(landing)
          .writeStream()
          .option("checkpointLocation", scratch + "/checkpoint")
          .trigger(Trigger::AvailableNow())
          .toTable("known")
          .awaitTermination();
      return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
    };
    std::printf("{\"first_ms\": %.3f, \"again_ms\": [", run());
    for (int i = 0; i < std::atoi(argv[3]); ++i) std::printf("%s%.3f", i ? ", " : "", run());
    std::printf("]}\n");
  } catch (const SparkException& error) {
    std::fprintf(stderr, "known_files: %s\n", error.what());
    return 1;
  }
  return 0;
}
