// files_to_delta.cc   New JSON files -> Delta table, exactly once, from C++. Run it again after adding files: only those are loaded.
//
//   build/release/examples/files_to_delta LANDING LAKE

#include <cstdio>

#include "millstream/millstream.h"

using namespace millstream::sql;

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr,
                 "usage: %s LANDING LAKE\n  LANDING: directory where JSON files arrive\n  LAKE: directory for the table, its checkpoint and its schema\n",
                 argv[0]);
    return 2;
  }
  const std::string landing = argv[1], lake = argv[2];
  try {
    SparkSession spark = SparkSession::builder().warehouse(lake).getOrCreate();
    StreamingQuery query = spark.readStream()
                               .format("cloudFiles")
                               .option("cloudFiles.format", "json")
                               .option("cloudFiles.inferColumnTypes", "true")
                               .option("cloudFiles.schemaLocation", lake + "/_schema")
                               .load(landing)
                               .writeStream()
                               .option("checkpointLocation", lake + "/_checkpoint")
                               .option("mergeSchema", "true")
                               .trigger(Trigger::AvailableNow())
                               .toTable("bronze");
    query.awaitTermination();
    if (auto progress = query.lastProgress()) std::printf("%s\n", progress->c_str());
    std::printf("%lld rows in the table\n", static_cast<long long>(spark.table("bronze").count()));
    spark.table("bronze").show(5);
  } catch (const SparkException& error) {
    std::fprintf(stderr, "files_to_delta: %s\n", error.what());
    return 1;
  }
  std::printf("next: add files to %s and run this again, or look at the table: millstream sql --warehouse %s -c \"SELECT * FROM bronze\"\n", argv[1], argv[2]);
  return 0;
}
