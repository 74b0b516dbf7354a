// formats_bench_main.cc   How fast files become rows: formats_bench <json|csv|parquet|text> <ddl> <threads> <file or directory>... [--option=value]

#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "formats/file_format.h"
#include "types/spark_ddl.h"

using namespace millstream;  // NOLINT: a program of one file

int main(int argc, char** argv) {
  if (argc < 5) return std::fprintf(stderr, "usage: formats_bench FORMAT DDL THREADS PATH... [--option=value]\n"), 2;
  OptionMap options;
  std::vector<InputFile> files;
  for (int i = 4; i < argc; ++i) {
    if (std::strncmp(argv[i], "--", 2) == 0) {
      const char* equals = std::strchr(argv[i], '=');
      options[std::string(argv[i] + 2, static_cast<size_t>(equals - argv[i] - 2))] = equals + 1;
      continue;
    }
    auto info = Fs::Local().Stat(argv[i]);
    if (!info.ok()) return std::fprintf(stderr, "%s\n", info.status().message().c_str()), 1;
    if (!info->is_directory) {
      files.push_back({argv[i], info->size_bytes, info->modified_ns, {}});
      continue;
    }
    auto entries = Fs::Local().List(argv[i]);
    for (const DirectoryEntry& entry : *entries) {
      std::string path = JoinPath(argv[i], entry.name);
      auto one = Fs::Local().Stat(path);
      files.push_back({path, one->size_bytes, one->modified_ns, {}});
    }
  }
  auto format = MakeFileFormat(argv[1], options, {});
  auto schema = SchemaFromDdl(argv[2]);
  if (!format.ok() || !schema.ok()) return std::fprintf(stderr, "bad format or schema\n"), 1;
  FileScan scan{.data_schema = *schema};
  for (const StructField& field : *schema) scan.columns.push_back(field.name);
  for (int round = 0; round < 4; ++round) {
    auto stats = std::make_shared<FileScanStats>();
    auto started = std::chrono::steady_clock::now();
    auto rows = (*format)->Read(files, scan, stats);
    if (!rows.ok()) return std::fprintf(stderr, "%s\n", rows.status().message().c_str()), 1;
    std::vector<std::thread> threads;
    for (int t = 0; t < std::atoi(argv[3]); ++t) {
      threads.emplace_back([&] {
        while (true) {
          auto batch = (*rows)->Next();
          if (!batch.ok()) std::fprintf(stderr, "%s\n", batch.status().message().c_str());
          if (!batch.ok() || *batch == nullptr) return;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    std::printf("%lld rows, %lld files, %.1f MB in %.3f s: %.3f GB/s, %.0f files/s, %.2f M rows/s\n", static_cast<long long>(stats->rows_out.load()),
                static_cast<long long>(stats->files_read.load()), static_cast<double>(stats->bytes_read.load()) / 1e6, seconds,
                static_cast<double>(stats->bytes_read.load()) / seconds / 1e9, static_cast<double>(stats->files_read.load()) / seconds,
                static_cast<double>(stats->rows_out.load()) / seconds / 1e6);
  }
}
