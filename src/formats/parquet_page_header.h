#pragma once

// parquet_page_header.h   The header before each page of a Parquet file (Parquet's parquet.thrift PageHeader, in Thrift's compact protocol), as far as who
// copies pages must know it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millstream {

struct ParquetPageHeader {
  enum Type { kData = 0, kIndex = 1, kDictionary = 2, kDataV2 = 3 };
  int type = -1;
  int32_t uncompressed_bytes = 0, compressed_bytes = 0;  // without the header
  std::optional<int32_t> crc;
  int encoding = -1;  // parquet.thrift Encoding of the values
  size_t header_bytes = 0;
  size_t crc_place = 0;  // where a CRC can be put in; 0: nowhere
};

// `bytes` begins with a header. nullopt: it is none. Reads no byte beyond.
std::optional<ParquetPageHeader> ParsePageHeader(std::string_view bytes);

// The same header with a CRC, for one that has none and a place for it.
std::string WithCrc(std::string_view header, const ParquetPageHeader& parsed, uint32_t crc);

}  // namespace millstream
