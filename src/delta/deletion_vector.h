#pragma once

// deletion_vector.h   The rows of a file that are deleted.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "delta/actions.h"
#include "storage/fs.h"

namespace millstream {

// Row indexes within the file, ascending.
using DeletedRows = std::shared_ptr<const std::vector<uint64_t>>;

// Reads and checks (size, CRC-32, cardinality) an inline or stored vector. MILLSTREAM_DELTA_LOG_CORRUPT.
Result<DeletedRows> LoadDeletionVector(Fs& fs, const std::string& table_path, const DeletionVectorDescriptor& vector);

// Writes vectors into one new file of the table, durable and named when this returns (the directory is synced). Each is ascending and not empty; the
// descriptors come in the same order.
Result<std::vector<DeletionVectorDescriptor>> WriteDeletionVectors(Fs& fs, const std::string& table_path, const std::vector<DeletedRows>& vectors);

// Ascending, each once.
DeletedRows UnionOf(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b);
// What is in `a` and not in `b`.
DeletedRows DifferenceOf(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b);

// ZeroMQ's base 85, of a multiple of four bytes.
std::string EncodeZ85(std::string_view bytes);
// The reverse; nullopt: not of it. Needs a multiple of five characters.
std::optional<std::string> DecodeZ85(std::string_view text);

}  // namespace millstream
