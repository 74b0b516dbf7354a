#include "formats/parquet_snappy.h"

#include <arrow/io/memory.h>
#include <parquet/column_page.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <snappy.h>

#include <algorithm>

#include "formats/parquet_page_header.h"

namespace millstream {
namespace {

// Writers of Parquet for C++ before this compressed pages of version 2 and did not say so (PARQUET-10353).
bool CompressesInSilence(const parquet::FileMetaData& file) {
  return file.writer_version().VersionLt(parquet::ApplicationVersion::PARQUET_CPP_10353_FIXED_VERSION());
}

// The pages of `packed`, unpacked. As the library's own, a page is valid until the next one is asked for.
class UnpackedPages : public parquet::PageReader {
 public:
  UnpackedPages(std::unique_ptr<parquet::PageReader> packed, int64_t dictionary_bytes, bool always_compressed)
      : packed_(std::move(packed)), dictionary_bytes_(dictionary_bytes), always_compressed_(always_compressed) {}

  std::shared_ptr<parquet::Page> NextPage() override {
    std::shared_ptr<parquet::Page> page = packed_->NextPage();
    if (page == nullptr) return page;
    switch (page->type()) {
      case parquet::PageType::DICTIONARY_PAGE: {
        const auto& dictionary = static_cast<const parquet::DictionaryPage&>(*page);
        return std::make_shared<parquet::DictionaryPage>(Unpack(*page, 0, dictionary_bytes_), dictionary.num_values(), dictionary.encoding(),
                                                         dictionary.is_sorted());
      }
      case parquet::PageType::DATA_PAGE: {
        const auto& data = static_cast<const parquet::DataPageV1&>(*page);
        return std::make_shared<parquet::DataPageV1>(Unpack(*page, 0, data.uncompressed_size()), data.num_values(), data.encoding(),
                                                     data.definition_level_encoding(), data.repetition_level_encoding(), data.uncompressed_size(),
                                                     data.statistics(), data.first_row_index(), data.size_statistics());
      }
      case parquet::PageType::DATA_PAGE_V2: {
        const auto& data = static_cast<const parquet::DataPageV2&>(*page);
        if (!data.is_compressed() && !always_compressed_) return page;
        const int64_t levels = int64_t{data.definition_levels_byte_length()} + data.repetition_levels_byte_length();
        return std::make_shared<parquet::DataPageV2>(Unpack(*page, levels, data.uncompressed_size()), data.num_values(), data.num_nulls(), data.num_rows(),
                                                     data.encoding(), data.definition_levels_byte_length(), data.repetition_levels_byte_length(),
                                                     data.uncompressed_size(), /*is_compressed=*/false, data.statistics(), data.first_row_index(),
                                                     data.size_statistics());
      }
      default:
        return page;
    }
  }

  void set_max_page_header_size(uint32_t size) override { packed_->set_max_page_header_size(size); }

 private:
  // The first `plain` bytes of a page as they are, the others unpacked; together `all` bytes.
  std::shared_ptr<arrow::Buffer> Unpack(const parquet::Page& page, int64_t plain, int64_t all) {
    if (plain < 0 || plain > page.size()) throw parquet::ParquetException("a page is shorter than its levels");
    const auto* bytes = reinterpret_cast<const char*>(page.data());
    const auto packed = static_cast<size_t>(page.size() - plain);
    size_t size = 0;
    // A page of nulls only has no values, and nothing to be unpacked.
    if (packed > 0 && !snappy::GetUncompressedLength(bytes + plain, packed, &size)) throw parquet::ParquetException("a page is not compressed with Snappy");
    if (plain + static_cast<int64_t>(size) != all) throw parquet::ParquetException("a page has another size than its header says");
    if (buffer_ == nullptr || buffer_->size() < all) {
      PARQUET_ASSIGN_OR_THROW(buffer_, arrow::AllocateResizableBuffer(all));
    }
    auto* out = reinterpret_cast<char*>(buffer_->mutable_data());
    std::copy_n(bytes, plain, out);
    if (packed > 0 && !snappy::RawUncompress(bytes + plain, packed, out + plain)) throw parquet::ParquetException("a page is damaged: Snappy cannot unpack it");
    return arrow::SliceBuffer(buffer_, 0, all);
  }

  std::unique_ptr<parquet::PageReader> packed_;
  const int64_t dictionary_bytes_;
  const bool always_compressed_;
  std::shared_ptr<arrow::ResizableBuffer> buffer_;
};

// A row group of which one column is read.
class OneChunk : public parquet::RowGroupReader::Contents {
 public:
  OneChunk(std::unique_ptr<parquet::RowGroupMetaData> metadata, std::unique_ptr<parquet::PageReader> pages, const parquet::ReaderProperties& properties)
      : metadata_(std::move(metadata)), pages_(std::move(pages)), properties_(properties) {}
  ~OneChunk() override = default;
  std::unique_ptr<parquet::PageReader> GetColumnPageReader(int) override { return std::move(pages_); }
  const parquet::RowGroupMetaData* metadata() const override { return metadata_.get(); }
  const parquet::ReaderProperties* properties() const override { return &properties_; }

 private:
  std::unique_ptr<parquet::RowGroupMetaData> metadata_;
  std::unique_ptr<parquet::PageReader> pages_;
  const parquet::ReaderProperties properties_;
};

}  // namespace

std::shared_ptr<parquet::ColumnReader> OpenSnappyChunk(const parquet::FileMetaData& file, int group, int leaf, std::shared_ptr<arrow::Buffer> bytes,
                                                       const parquet::ReaderProperties& properties) {
  std::unique_ptr<parquet::RowGroupMetaData> metadata = file.RowGroup(group);
  const auto chunk = metadata->ColumnChunk(leaf);
  // Of a dictionary, the library does not tell what its header says of its size.
  const std::optional<ParquetPageHeader> first = ParsePageHeader({reinterpret_cast<const char*>(bytes->data()), static_cast<size_t>(bytes->size())});
  if (!first) throw parquet::ParquetException("a column chunk does not begin with a page");
  // Read without a codec, so that pages come as they are, with their CRCs checked.
  auto packed = parquet::PageReader::Open(std::make_shared<arrow::io::BufferReader>(std::move(bytes)), chunk->num_values(), parquet::Compression::UNCOMPRESSED,
                                          properties, *file.schema()->Column(leaf));
  auto pages = std::make_unique<UnpackedPages>(std::move(packed), first->uncompressed_bytes, CompressesInSilence(file));
  parquet::RowGroupReader reader(std::make_unique<OneChunk>(std::move(metadata), std::move(pages), properties));
  return reader.ColumnWithExposeEncoding(leaf, parquet::ExposedEncoding::DICTIONARY);
}

}  // namespace millstream
