// compression_test.cc   Each codec: what is written is read back, from small reads too, and damaged files are told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/compressor.h"
#include "formats/decompressor.h"
#include "formats/test_files.h"

namespace millstream {
namespace {

class Compression : public testing::TestWithParam<Codec> {};

std::string Text() {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += "{\"id\":" + std::to_string(i) + "}\n";
  return text;
}

std::string Written(TestFiles& files, Codec codec, const std::string& text) {
  const std::string path = files.directory() + "/f" + std::string(ExtensionOf(codec));
  auto file = Fs::Local().CreatePending(files.directory());
  auto compressor = Compressor::Make(codec, **file);
  EXPECT_TRUE((*compressor)->Write(text).ok());
  EXPECT_TRUE((*compressor)->Finish().ok());
  EXPECT_TRUE((*file)->Publish(path).ok());
  return path;
}

Result<std::string> ReadAll(const std::string& path, int64_t step) {
  MS_ASSIGN_OR_RETURN(auto stream, Decompressor::Open(Fs::Local(), path, CodecOfPath(path)));
  std::string all(static_cast<size_t>(step), '\0'), out;
  while (true) {
    MS_ASSIGN_OR_RETURN(int64_t got, stream->Read(all.data(), step));
    out.append(all, 0, static_cast<size_t>(got));
    if (got < step) return out;
  }
}

TEST_P(Compression, GivesBackWhatWasWritten) {
  TestFiles files;
  const std::string text = Text(), path = Written(files, GetParam(), text);
  for (int64_t step : {7'001, 1 << 20, 64 << 20}) {
    auto read = ReadAll(path, step);
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(*read, text) << step;
  }
}

TEST_P(Compression, TellsADamagedFile) {
  if (GetParam() == Codec::kNone) return;
  TestFiles files;
  auto bytes = Fs::Local().ReadFile(Written(files, GetParam(), Text()));
  const std::string cut = files.Add("cut" + std::string(ExtensionOf(GetParam())), bytes->substr(0, bytes->size() - 9)).path;
  auto read = ReadAll(cut, 1 << 20);
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.status().message(), testing::AllOf(testing::HasSubstr("FAILED_READ_FILE"), testing::HasSubstr("/cut.")));
}

INSTANTIATE_TEST_SUITE_P(Codecs, Compression,
                         testing::Values(Codec::kNone, Codec::kGzip, Codec::kZstd, Codec::kBzip2, Codec::kDeflate, Codec::kSnappy, Codec::kLz4));

}  // namespace
}  // namespace millstream
