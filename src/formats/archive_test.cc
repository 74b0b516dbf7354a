// archive_test.cc   Files in an archive give the rows that they give in a directory, and archives that are broken or hostile end in errors that name them.

#include "formats/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <thread>

#include "formats/bad_records.h"
#include "formats/compressor.h"
#include "formats/recorded_files.h"
#include "formats/row_file_format.h"
#include "formats/source_file_column.h"
#include "formats/test_files.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kMemberTime = 1'700'000'000;

struct Packed {
  std::string name, bytes;
  std::string link_to = {};  // a hard link
};

void Check(archive* writer, int code) { MS_CHECK_MSG(code == ARCHIVE_OK, archive_error_string(writer)); }

// As its name says. `settings` of the library: "zip:compression=store".
InputFile Pack(const TestFiles& files, const std::string& name, const std::vector<Packed>& members, const std::string& settings = "") {
  archive* writer = archive_write_new();
  const bool is_zip = name.ends_with(".zip") || name.ends_with(".ZIP");
  Check(writer, is_zip ? archive_write_set_format_zip(writer) : archive_write_set_format_pax_restricted(writer));
  if (name.ends_with("gz")) Check(writer, archive_write_add_filter_gzip(writer));
  if (name.ends_with("bz2")) Check(writer, archive_write_add_filter_bzip2(writer));
  if (name.ends_with("zst")) Check(writer, archive_write_add_filter_zstd(writer));
  if (name.ends_with("xz")) Check(writer, archive_write_add_filter_xz(writer));
  if (!settings.empty()) Check(writer, archive_write_set_options(writer, settings.c_str()));
  if (settings.find("encryption") != std::string::npos) Check(writer, archive_write_set_passphrase(writer, "secret"));
  const std::string path = files.directory() + "/" + name;
  Check(writer, archive_write_open_filename(writer, path.c_str()));
  for (const Packed& member : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, member.name.c_str());
    archive_entry_set_filetype(entry, member.name.ends_with('/') ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, kMemberTime, 0);
    archive_entry_set_size(entry, static_cast<int64_t>(member.bytes.size()));
    if (!member.link_to.empty()) archive_entry_set_hardlink(entry, member.link_to.c_str());
    Check(writer, archive_write_header(writer, entry));
    if (!member.bytes.empty()) {
      MS_CHECK(archive_write_data(writer, member.bytes.data(), member.bytes.size()) == static_cast<la_ssize_t>(member.bytes.size()));
    }
    archive_entry_free(entry);
  }
  Check(writer, archive_write_close(writer));
  archive_write_free(writer);
  FileInfo info = *Fs::Local().Stat(path);
  return {.path = path, .size_bytes = info.size_bytes, .modified_ns = info.modified_ns};
}

std::string SortedLines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  std::sort(lines.begin(), lines.end());
  std::string sorted;
  for (const std::string& line : lines) sorted += line + "\n";
  return sorted;
}

OptionMap WithMembers(OptionMap options) {
  options["archiveMembers"] = "true";
  return options;
}

const std::vector<std::string>& Endings() {
  static const std::vector<std::string> endings{".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.zst", ".tar.xz", ".ZIP"};
  return endings;
}

// Some of what Spark was asked about, of each format: alone in a directory, and alone in an archive.
TEST(Archives, GiveTheRowsOfRecordedFiles) {
  int compared = 0;
  for (const char* format : {"json", "csv", "xml", "avro", "orc"}) {
    const std::vector<RecordedFile> recorded = RecordedFiles(format);
    ASSERT_FALSE(recorded.empty()) << format;
    for (size_t i = 0; i < recorded.size(); i += std::max<size_t>(1, recorded.size() / 40)) {
      const RecordedFile& file = recorded[i];
      if (file.schema.empty() || file.content.empty()) continue;
      TestFiles files;
      const InputFile plain = files.Add("f.data", file.content);
      const InputFile packed = Pack(files, i % 2 == 0 ? "a.zip" : "a.tar.gz", {{"_hidden", "x"}, {"d/", ""}, {"d/f.data", file.content}});
      const std::vector<std::string> columns = ColumnsOf(file.schema);
      std::string expected = ReadToText(format, file.options, {plain}, file.schema, columns);
      std::string got = ReadToText(format, WithMembers(file.options), {packed}, file.schema, columns);
      // Errors name the file.
      for (std::string* text : {&expected, &got}) {
        for (const std::string& path : {packed.path + "!/d/f.data", plain.path})
          for (size_t at = text->find(path); at != std::string::npos; at = text->find(path)) text->replace(at, path.size(), "PATH");
      }
      EXPECT_EQ(got, expected) << format << " " << i;
      ++compared;
    }
  }
  EXPECT_GT(compared, 60);
}

// Many members, small, large and without bytes, read by three threads at a time.
TEST(Archives, GiveTheRowsOfADirectoryFromSeveralThreads) {
  TestFiles files;
  std::vector<Packed> json, csv;
  std::vector<InputFile> json_files, csv_files;
  int64_t id = 0;
  for (int i = 0; i < 120; ++i) {
    const int rows = i == 7 ? 50'000 : i == 60 ? 32'000 : i % 10 == 3 ? 0 : i % 17;
    std::string lines, cells = i % 2 == 0 ? "id,name\r\n" : "name,id\n";
    for (int row = 0; row < rows; ++row, ++id) {
      const std::string name = "n" + std::to_string(id % 1000) + std::string(id % 7 == 0 ? 700 : 5, 'x');
      lines += "{\"id\": " + std::to_string(id) + ", \"name\": \"" + name + "\"}" + (row + 1 == rows && i % 3 == 0 ? "" : "\n");
      cells += i % 2 == 0 ? std::to_string(id) + "," + name + "\r\n" : name + "," + std::to_string(id) + "\n";
    }
    const std::string name = "part-" + std::to_string(i);
    json.push_back({"d/" + name + ".json", lines});
    csv.push_back({name + ".csv", cells});
    json_files.push_back(files.Add(name + ".json", lines));
    csv_files.push_back(files.Add(name + ".csv", cells));
  }
  auto read = [&](const std::string& format, const OptionMap& options, std::vector<InputFile> inputs) {
    auto made = MakeFileFormat(format, options, {});
    auto stats = std::make_shared<FileScanStats>();
    stats->outcomes = std::make_shared<FileOutcomes>(inputs.size());
    FileScan scan{.data_schema = *SchemaFromDdl("id BIGINT, name STRING"), .columns = {"id", "name"}, .columns_by_name = true, .outcomes = stats->outcomes};
    auto rows = (*made)->Read(inputs, scan, stats);
    std::mutex mutex;
    std::string text;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        while (true) {
          auto batch = (*rows)->Next();
          std::lock_guard lock(mutex);
          if (!batch.ok()) text += batch.status().message() + "\n";
          if (!batch.ok() || *batch == nullptr) return;
          const auto& ids = static_cast<const arrow::Int64Array&>(*(*batch)->column(0));
          const auto& names = static_cast<const arrow::StringArray&>(*(*batch)->column(1));
          for (int64_t row = 0; row < ids.length(); ++row) text += std::to_string(ids.Value(row)) + "|" + std::string(names.GetView(row)) + "\n";
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(stats->CheckCounts(nullptr).ok()) << stats->CheckCounts(nullptr).message();
    return SortedLines(text);
  };
  const std::string expected_json = read("json", {}, json_files), expected_csv = read("csv", {{"header", "true"}}, csv_files);
  ASSERT_EQ(std::count(expected_json.begin(), expected_json.end(), '\n'), id);
  ASSERT_EQ(expected_csv, expected_json);
  for (const std::string& ending : Endings()) {
    const InputFile json_archive = Pack(files, "json" + ending, json), csv_archive = Pack(files, "csv" + ending, csv);
    EXPECT_TRUE(read("json", WithMembers({}), {json_archive}) == expected_json) << ending;
    EXPECT_TRUE(read("csv", WithMembers({{"header", "true"}}), {csv_archive}) == expected_csv) << ending;
  }
  const InputFile whole = Pack(files, "whole.tar.zst", {json.begin() + 10, json.begin() + 40});
  EXPECT_EQ(read("json", WithMembers({{"multiLine", "true"}}), {whole}),
            read("json", {{"multiLine", "true"}}, {json_files.begin() + 10, json_files.begin() + 40}));
  // Beside files, and two archives at a time.
  const InputFile first = Pack(files, "first.tgz", {json.begin(), json.begin() + 50}),
                  second = Pack(files, "second.zip", {json.begin() + 50, json.begin() + 100});
  std::vector<InputFile> mixed{first, second};
  mixed.insert(mixed.end(), json_files.begin() + 100, json_files.end());
  EXPECT_TRUE(read("ndjson", WithMembers({}), mixed) == expected_json);
}

TEST(Archives, GiveParquetTextAndBinaryMembers) {
  TestFiles files;
  auto row_format = MakeRowFileFormat("parquet", {}, *SchemaFromDdl("id BIGINT"), {});
  ASSERT_TRUE(row_format.ok());
  for (const char* name : {"a.parquet", "b.parquet"}) {
    auto writer = (*row_format)->Create(Fs::Local(), files.directory() + "/" + name);
    arrow::Int64Builder ids;
    for (int64_t i = 0; i < 5; ++i) ASSERT_TRUE(ids.Append(i + (name[0] - 'a') * 5).ok());
    auto batch = arrow::RecordBatch::Make(arrow::schema({arrow::field("id", arrow::int64())}), 5, {*ids.Finish()});
    ASSERT_TRUE((*writer)->Write(*batch).ok());
    ASSERT_TRUE((*writer)->Close().ok());
  }
  const std::string a = *Fs::Local().ReadFile(files.directory() + "/a.parquet"), b = *Fs::Local().ReadFile(files.directory() + "/b.parquet");
  const InputFile archive = Pack(files, "p.tar.xz", {{"a.parquet", a}, {"x/b.parquet", b}});
  EXPECT_EQ(ReadToText("parquet", WithMembers({}), {archive}, "id BIGINT", {"id"}), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  const std::string metadata = ReadToText("parquet", WithMembers({}), {archive}, "id BIGINT", {"_metadata"});
  EXPECT_THAT(metadata, AllOf(HasSubstr("p.tar.xz!/x/b.parquet"), HasSubstr("row_index"))) << metadata;
  const InputFile texts = Pack(files, "t.zip", {{"one.txt", "a\nb"}, {"two.txt", "c\n"}});
  EXPECT_EQ(ReadToText("text", WithMembers({}), {texts}, "value STRING", {"value"}), "a\nb\nc\n");
  EXPECT_EQ(ReadToText("binaryFile", WithMembers({}), {Pack(files, "e.tar", {{"empty", ""}, {"one", "abc"}})},
                       "path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY", {"length"}),
            "0\n3\n");
}

TEST(Archives, WithoutMembersHaveNoRows) {
  TestFiles files;
  for (const std::string& ending : Endings())
    EXPECT_EQ(ReadToText("json", WithMembers({}), {Pack(files, "none" + ending, {})}, "a BIGINT", {"a"}), "") << ending;
  const std::string end = "PK\5\6" + std::string(16, '\0');
  EXPECT_EQ(ReadToText("json", WithMembers({}), {files.Add("comment.zip", end + std::string("\3\0abc", 5))}, "a BIGINT", {"a"}), "");
  // Cut within its comment.
  EXPECT_THAT(ReadToText("json", WithMembers({}), {files.Add("cut.zip", end + std::string("\3\0ab", 4))}, "a BIGINT", {"a"}), HasSubstr("FAILED_READ_FILE"));
}

TEST(Archives, TakeTheMembersThatAreMeant) {
  TestFiles files;
  const std::string gzipped = [&] {
    auto file = Fs::Local().CreatePending(files.directory());
    auto compressor = Compressor::Make(Codec::kGzip, **file);
    EXPECT_TRUE((*compressor)->Write("{\"a\":4}\n").ok());
    EXPECT_TRUE((*compressor)->Finish().ok());
    EXPECT_TRUE((*file)->Publish(files.directory() + "/z.gz").ok());
    return *Fs::Local().ReadFile(files.directory() + "/z.gz");
  }();
  const std::vector<Packed> members{
      {"./one.json", "{\"a\":1}\n"},           {"/abs/two.json", "{\"a\":2}"}, {"__MACOSX/._one.json", "junk"}, {".hidden/x.json", "junk"}, {"_SUCCESS", ""},
      {"part=1/_x=1/three.json", "{\"a\":3}"}, {"four.json.gz", gzipped},      {"read me.txt", "{\"a\":5}"}};
  for (const char* name : {"m.zip", "m.tar"}) {
    const InputFile archive = Pack(files, name, members);
    EXPECT_EQ(SortedLines(ReadToText("json", WithMembers({}), {archive}, "a INT", {"a"})), "1\n2\n3\n4\n5\n") << name;
    EXPECT_EQ(SortedLines(ReadToText("json", WithMembers({{"archiveMemberGlob", "*.{json,json.gz}"}}), {archive}, "a INT", {"a"})), "1\n2\n3\n4\n") << name;
    const std::string metadata = ReadToText("json", WithMembers({{"archiveMemberGlob", "*.txt"}}), {archive}, "a INT", {"_metadata"});
    EXPECT_THAT(metadata, AllOf(HasSubstr("file://" + archive.path + "!/read%20me.txt"), HasSubstr("2023-11-14"))) << name;
  }
  // Off, an archive is a file like another.
  EXPECT_THAT(ReadToText("json", {}, {Pack(files, "n.zip", members)}, "a INT", {"a"}), Not(HasSubstr("4\n5")));
  EXPECT_EQ(InferToText("json", WithMembers({}), "{\"a\":1}", true), "struct<a:bigint>");
}

TEST(Archives, NameTheirFilesAndMembersWhereTheyShould) {
  TestFiles files;
  const InputFile plain = files.Add("p.json", "{\"a\":1}\n{\"a\":\"x\"}\n");
  const InputFile archive = Pack(files, "m.tar.gz", {{"one.json", "{\"a\":2}\nbroken\n"}, {"two.json", "{\"a\":3}\n{\"b\":1}\n"}});
  struct Kept : BadRecords {
    Status Take(const BadRecord& record) override {
      seen += std::to_string(record.file) + " " + record.path.substr(record.path.rfind('/') + 1) + " " + std::string(record.raw) + "\n";
      return Status();
    }
    std::string seen;
  };
  auto kept = std::make_shared<Kept>();
  auto format = MakeFileFormat("json", WithMembers({}), {});
  auto stats = std::make_shared<FileScanStats>();
  stats->outcomes = std::make_shared<FileOutcomes>(2);
  FileScan scan{.data_schema = *SchemaFromDdl("a INT"),
                .columns = {"a", "_rescued_data", std::string(kSourceFileColumn)},
                .rescued_data_column = "_rescued_data",
                .outcomes = stats->outcomes,
                .bad_records = kept};
  auto rows = (*format)->Read({plain, archive}, scan, stats);
  std::string text;
  while (auto batch = *(*rows)->Next()) {
    for (int64_t row = 0; row < batch->num_rows(); ++row)
      for (int column = 0; column < 3; ++column) text += batch->column(column)->GetScalar(row).ValueOrDie()->ToString() + (column == 2 ? "\n" : "|");
  }
  EXPECT_THAT(text, AllOf(HasSubstr("1|null|0\n"), HasSubstr("2|null|1\n"), HasSubstr("3|null|1\n"), HasSubstr("m.tar.gz!/two.json")));
  EXPECT_EQ(kept->seen, "1 one.json broken\n");
  EXPECT_EQ(stats->outcomes->of(0).rows, 2);
  EXPECT_EQ(stats->outcomes->of(1).rows, 3);
  EXPECT_EQ(stats->outcomes->of(1).quarantined, 1);
  EXPECT_TRUE(stats->CheckCounts(kept.get()).ok());
}

// A broken archive: an error that names it and says what to do, and left out as a broken file is.
void ExpectRefused(const InputFile& archive, const OptionMap& options, const std::string& text) {
  const std::string error = ReadToText("json", WithMembers(options), {archive}, "a INT", {"a"});
  EXPECT_THAT(error, AllOf(HasSubstr(UriFromPath(archive.path)), HasSubstr(text)));
  OptionMap ignoring = WithMembers(options);
  ignoring["ignoreCorruptFiles"] = "true";
  auto stats = std::make_shared<FileScanStats>();
  EXPECT_THAT(ReadToText("json", ignoring, {archive}, "a INT", {"a"}, "", false, stats), Not(HasSubstr("["))) << archive.path;
  EXPECT_EQ(stats->files_skipped, 1) << archive.path;
}

TEST(Archives, RefuseWhatIsHostile) {
  TestFiles files;
  const std::string row = "{\"a\":1}\n";
  ExpectRefused(Pack(files, "up.tar", {{"../up.json", row}}), {}, "leaves the archive");
  ExpectRefused(Pack(files, "up.zip", {{"a/../../up.json", row}}), {}, "leaves the archive");
  ExpectRefused(Pack(files, "nested.zip", {{"a.json", row}, {"b/inner.TAR.gz", row}}), {}, "nested.zip!/b/inner.TAR.gz. The member is an archive itself");
  ExpectRefused(Pack(files, "twice.tar.gz", {{"a.json", row}, {"./a.json", row}}), {}, "two members of this name");
  ExpectRefused(Pack(files, "link.tar", {{"a.json", row}, {"b.json", "", "a.json"}}), {}, "hard link");
  ExpectRefused(Pack(files, "locked.zip", {{"a.json", row}}, "zip:encryption=traditional"), {}, "encrypted");
  ExpectRefused(files.Add("none.zip", "no archive at all"), {}, "damaged");
  ExpectRefused(files.Add("none.tar", std::string(2000, 'x')), {}, "damaged");
  ExpectRefused(files.Add("none.tar.gz", "no archive at all"), {}, "damaged");
  const std::string large(70 << 20, '\n');
  for (const char* name : {"bomb.zip", "bomb.tar.gz", "bomb.tar.zst"}) {
    const InputFile bomb = Pack(files, name, {{"a.json", large}});
    ExpectRefused(bomb, {{"archiveMaxRatio", "50"}}, "MILLSTREAM_ARCHIVE_TOO_LARGE");
    ExpectRefused(bomb, {{"archiveMaxBytes", "1m"}}, "unpacks to more than 1048576 bytes. Raise the option archiveMaxBytes");
  }
  std::vector<Packed> many;
  for (int i = 0; i < 2000; ++i) many.push_back({"m" + std::to_string(i), ""});
  for (const char* name : {"many.zip", "many.tar"}) {
    const InputFile archive = Pack(files, name, many);
    ExpectRefused(archive, {{"archiveMaxMembers", "1999"}}, "has more than 1999 members");
    EXPECT_EQ(ReadToText("json", WithMembers({}), {archive}, "a INT", {"a"}), "");
  }
  EXPECT_THAT(ReadToText("json", WithMembers({{"archiveMaxRatio", "0"}}), {}, "a INT", {"a"}), HasSubstr("archiveMaxRatio"));
  EXPECT_THAT(ReadToText("json", WithMembers({{"archiveMemberGlob", "[a"}}), {}, "a INT", {"a"}), HasSubstr("MILLSTREAM_INVALID_GLOB"));
}

// Cut off anywhere: an error, never fewer rows.
TEST(Archives, TellThatTheyAreTruncated) {
  TestFiles files;
  std::vector<Packed> members;
  for (int i = 0; i < 8; ++i)
    members.push_back({"m" + std::to_string(i) + ".json", "{\"a\":" + std::to_string(i) + std::string(static_cast<size_t>(i * 37), ' ') + "}\n"});
  for (const std::string& ending : Endings()) {
    const InputFile whole = Pack(files, "whole" + ending, members);
    const std::string expected = ReadToText("json", WithMembers({}), {whole}, "a INT", {"a"}), bytes = *Fs::Local().ReadFile(whole.path);
    ASSERT_EQ(SortedLines(expected), "0\n1\n2\n3\n4\n5\n6\n7\n");
    for (size_t size = 1; size < bytes.size(); size += std::max<size_t>(1, bytes.size() / 61)) {
      const InputFile cut = files.Add("cut" + std::to_string(size) + ending, bytes.substr(0, size));
      const std::string text = ReadToText("json", WithMembers({}), {cut}, "a INT", {"a"});
      // Behind the end mark of a tar stands only what fills its last block.
      if (text == expected && ending == ".tar") continue;
      EXPECT_THAT(text, AllOf(HasSubstr("[FAILED_READ_FILE"), HasSubstr(UriFromPath(cut.path)))) << ending << " cut at " << size << " of " << bytes.size();
    }
  }
}

// tar reads the first of several archives in one file alone; nobody would miss the rows of the others.
TEST(Archives, TellOfWhatStandsBehindTheEndMark) {
  TestFiles files;
  auto read = [&](const InputFile& file) { return ReadToText("json", WithMembers({}), {file}, "a INT", {"a"}); };
  std::string tar;
  for (const char* ending : {".tar", ".tar.gz", ".tar.bz2", ".tar.zst", ".tar.xz"}) {
    const std::string one = *Fs::Local().ReadFile(Pack(files, std::string("one") + ending, {{"a.json", "{\"a\":1}\n"}}).path);
    const std::string two = *Fs::Local().ReadFile(Pack(files, std::string("two") + ending, {{"b.json", "{\"a\":2}\n"}}).path);
    EXPECT_THAT(read(files.Add(std::string("both") + ending, one + two)), AllOf(HasSubstr("[FAILED_READ_FILE"), HasSubstr("Behind the end mark"))) << ending;
    if (tar.empty()) tar = one;
  }
  EXPECT_EQ(read(files.Add("long.tar", tar + std::string(700'000, '\0'))), "1\n");
  EXPECT_THAT(read(files.Add("far.tar", tar + std::string(700'000, '\0') + "x")), HasSubstr("Behind the end mark"));
}

// A flipped bit gives the same rows (in what nobody reads) or an error; where nothing has a checksum (plain tars, and zstd as the library writes it), another
// value. Never a crash.
TEST(Archives, TellThatTheyAreDamaged) {
  TestFiles files;
  std::vector<Packed> members;
  for (int i = 0; i < 8; ++i) members.push_back({"m" + std::to_string(i) + ".json", "{\"a\":" + std::to_string(i * 1000) + "}\n"});
  for (const std::string& ending : Endings()) {
    const InputFile whole = Pack(files, "whole" + ending, members);
    const std::string expected = SortedLines(ReadToText("json", WithMembers({{"mode", "FAILFAST"}}), {whole}, "a INT", {"a"}));
    const std::string bytes = *Fs::Local().ReadFile(whole.path);
    for (size_t at = 0; at < bytes.size(); at += std::max<size_t>(1, bytes.size() / 150)) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
      const InputFile file = files.Add("d" + std::to_string(at) + ending, damaged);
      const std::string text = ReadToText("json", WithMembers({{"mode", "FAILFAST"}}), {file}, "a INT", {"a"});
      if (ending == ".tar" || ending == ".tar.zst" || text.find('[') != std::string::npos) continue;
      // What is left of a zip's name may make it a hidden one or none; everything else is held by a checksum.
      if (ending == ".zip" || ending == ".ZIP") {
        EXPECT_THAT(expected, HasSubstr(text.substr(0, text.find('\n')))) << ending << " damaged at " << at;
      } else {
        EXPECT_EQ(SortedLines(text), expected) << ending << " damaged at " << at;
      }
    }
  }
}

TEST(Archives, AreReadOnceWhateverTheMemberOrder) {
  TestFiles files;
  const InputFile archive = Pack(files, "o.tar.gz", {{"a.json", "{\"a\":1}"}, {"b.json", "{\"a\":2}"}, {"c.json", "{\"a\":3}"}});
  const ArchiveSelection all{.wants = [](std::string_view) { return true; }, .wants_empty = false, .limits = {1 << 30, 1000, 1000}};
  auto members = ListArchive(Fs::Local(), archive, all);
  ASSERT_TRUE(members.ok()) << members.status().message();
  ASSERT_EQ(members->size(), 3u);
  for (size_t i : {2u, 0u, 1u, 1u, 2u}) {
    auto bytes = ReadToText("text", {}, {(*members)[i]}, "value STRING", {"value"});
    EXPECT_EQ(bytes, "{\"a\":" + std::to_string(i + 1) + "}\n");
  }
  // Another file under the name is no part of what was listed.
  files.Add("o.tar.gz", "something else");
  EXPECT_THAT(ReadToText("text", {}, {(*members)[0]}, "value STRING", {"value"}), HasSubstr("MILLSTREAM_SOURCE_FILE_CHANGED"));
}

}  // namespace
}  // namespace millstream
