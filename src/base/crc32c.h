#pragma once

// crc32c.h   The Castagnoli checksum, by the processor's instruction where it has one.

#include <cstdint>
#include <string_view>

namespace millstream {

uint32_t Crc32c(std::string_view bytes);

}  // namespace millstream
