#include <openssl/evp.h>

#include <cstring>
#include <string>

#include "base/status.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/functions.h"

namespace millstream::compute {
namespace {

// Spark's Murmur3_x86_32: as the original but for the last bytes, which are mixed in one by one.
struct Murmur3 {
  using Hash = int32_t;

  static uint32_t Rotate(uint32_t x, int by) { return x << by | x >> (32 - by); }
  static uint32_t MixK(uint32_t k) { return Rotate(k * 0xcc9e2d51u, 15) * 0x1b873593u; }
  static uint32_t MixH(uint32_t h, uint32_t k) { return Rotate(h ^ k, 13) * 5 + 0xe6546b64u; }
  static int32_t Finish(uint32_t h, uint32_t length) {
    h ^= length;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return static_cast<int32_t>(h ^ h >> 16);
  }
  static int32_t OfInt(int32_t value, int32_t seed) { return Finish(MixH(static_cast<uint32_t>(seed), MixK(static_cast<uint32_t>(value))), 4); }
  static int32_t OfLong(int64_t value, int32_t seed) {
    uint32_t h = MixH(static_cast<uint32_t>(seed), MixK(static_cast<uint32_t>(value)));
    h = MixH(h, MixK(static_cast<uint32_t>(static_cast<uint64_t>(value) >> 32)));
    return Finish(h, 8);
  }
  static int32_t OfBytes(std::string_view bytes, int32_t seed) {
    uint32_t h = static_cast<uint32_t>(seed);
    size_t at = 0;
    for (; at + 4 <= bytes.size(); at += 4) {
      uint32_t word;
      std::memcpy(&word, bytes.data() + at, 4);
      h = MixH(h, MixK(word));
    }
    for (; at < bytes.size(); ++at) h = MixH(h, MixK(static_cast<uint32_t>(static_cast<int32_t>(static_cast<int8_t>(bytes[at])))));
    return Finish(h, static_cast<uint32_t>(bytes.size()));
  }
};

// Spark's XXH64 takes an int as eight bytes would be taken if there were four: the original's tail steps.
struct XxHash64 {
  using Hash = int64_t;
  static constexpr uint64_t kPrime1 = 0x9E3779B185EBCA87u, kPrime2 = 0xC2B2AE3D27D4EB4Fu, kPrime3 = 0x165667B19E3779F9u, kPrime4 = 0x85EBCA77C2B2AE63u,
                            kPrime5 = 0x27D4EB2F165667C5u;
  static uint64_t Rotate(uint64_t x, int by) { return x << by | x >> (64 - by); }
  static int64_t Finish(uint64_t hash) {
    hash = (hash ^ hash >> 33) * kPrime2;
    hash = (hash ^ hash >> 29) * kPrime3;
    return static_cast<int64_t>(hash ^ hash >> 32);
  }
  static int64_t OfInt(int32_t value, int64_t seed) {
    uint64_t hash = static_cast<uint64_t>(seed) + kPrime5 + 4;
    hash ^= (static_cast<uint64_t>(static_cast<uint32_t>(value))) * kPrime1;
    return Finish(Rotate(hash, 23) * kPrime2 + kPrime3);
  }
  static int64_t OfLong(int64_t value, int64_t seed) {
    uint64_t hash = static_cast<uint64_t>(seed) + kPrime5 + 8;
    hash ^= Rotate(static_cast<uint64_t>(value) * kPrime2, 31) * kPrime1;
    return Finish(Rotate(hash, 27) * kPrime1 + kPrime4);
  }
  static uint64_t Word(const char* at) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    return word;
  }
  static int64_t OfBytes(std::string_view bytes, int64_t seed) {
    const char* at = bytes.data();
    const char* const end = at + bytes.size();
    const uint64_t start = static_cast<uint64_t>(seed);
    uint64_t hash;
    if (bytes.size() >= 32) {
      uint64_t lanes[4] = {start + kPrime1 + kPrime2, start + kPrime2, start, start - kPrime1};
      for (; at + 32 <= end; at += 32) {
        for (int i = 0; i < 4; ++i) lanes[i] = Rotate(lanes[i] + Word(at + 8 * i) * kPrime2, 31) * kPrime1;
      }
      hash = Rotate(lanes[0], 1) + Rotate(lanes[1], 7) + Rotate(lanes[2], 12) + Rotate(lanes[3], 18);
      for (uint64_t lane : lanes) hash = (hash ^ Rotate(lane * kPrime2, 31) * kPrime1) * kPrime1 + kPrime4;
    } else {
      hash = start + kPrime5;
    }
    hash += bytes.size();
    for (; at + 8 <= end; at += 8) hash = Rotate(hash ^ Rotate(Word(at) * kPrime2, 31) * kPrime1, 27) * kPrime1 + kPrime4;
    if (at + 4 <= end) {
      uint32_t word;
      std::memcpy(&word, at, 4);
      hash = Rotate(hash ^ word * kPrime1, 23) * kPrime2 + kPrime3;
      at += 4;
    }
    for (; at < end; ++at) hash = Rotate(hash ^ static_cast<unsigned char>(*at) * kPrime5, 11) * kPrime1;
    return Finish(hash);
  }
};

// BigInteger.toByteArray: big-endian, as few bytes as keep the sign.
std::string BigEndian(duckdb::hugeint_t value) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(static_cast<uint64_t>(value.upper) >> shift);
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(value.lower >> shift);
  size_t begin = 0;
  while (begin + 1 < bytes.size() && ((bytes[begin] == 0 && bytes[begin + 1] >= 0) || (bytes[begin] == -1 && bytes[begin + 1] < 0))) ++begin;
  return bytes.substr(begin);
}

template <typename H>
typename H::Hash HashValue(const duckdb::Value& value, typename H::Hash seed) {
  using duckdb::LogicalTypeId;
  if (value.IsNull()) return seed;
  switch (value.type().id()) {
    case LogicalTypeId::BOOLEAN:
      return H::OfInt(value.GetValue<bool>() ? 1 : 0, seed);
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
      return H::OfInt(value.GetValue<int32_t>(), seed);
    case LogicalTypeId::DATE:
      return H::OfInt(duckdb::DateValue::Get(value).days, seed);
    case LogicalTypeId::BIGINT:
      return H::OfLong(value.GetValue<int64_t>(), seed);
    case LogicalTypeId::TIMESTAMP:
      return H::OfLong(duckdb::TimestampValue::Get(value).value, seed);
    case LogicalTypeId::FLOAT: {
      const float number = value.GetValue<float>() == 0 ? 0.0f : value.GetValue<float>();
      int32_t bits;
      std::memcpy(&bits, &number, 4);
      return H::OfInt(number != number ? 0x7fc00000 : bits, seed);
    }
    case LogicalTypeId::DOUBLE: {
      const double number = value.GetValue<double>() == 0 ? 0.0 : value.GetValue<double>();
      int64_t bits;
      std::memcpy(&bits, &number, 8);
      return H::OfLong(number != number ? 0x7ff8000000000000 : bits, seed);
    }
    case LogicalTypeId::DECIMAL: {
      const auto width = duckdb::DecimalType::GetWidth(value.type());
      const auto unscaled = duckdb::IntegralValue::Get(value);
      return width <= 18 ? H::OfLong(static_cast<int64_t>(unscaled.lower), seed) : H::OfBytes(BigEndian(unscaled), seed);
    }
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::BLOB:
      return H::OfBytes(duckdb::StringValue::Get(value), seed);
    case LogicalTypeId::LIST:
      for (const auto& item : duckdb::ListValue::GetChildren(value)) seed = HashValue<H>(item, seed);
      return seed;
    case LogicalTypeId::STRUCT:
      for (const auto& item : duckdb::StructValue::GetChildren(value)) seed = HashValue<H>(item, seed);
      return seed;
    default:  // DuckDB's types that carry none of Spark's.
      return seed;
  }
}

template <typename H>
void RunHash(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* out = duckdb::FlatVector::GetData<typename H::Hash>(result);
  for (duckdb::idx_t row = 0; row < arguments.size(); ++row) {
    auto hash = arguments.data[0].GetValue(row).GetValue<typename H::Hash>();
    for (duckdb::idx_t column = 1; column < arguments.ColumnCount(); ++column) hash = HashValue<H>(arguments.data[column].GetValue(row), hash);
    out[row] = hash;
  }
}

void AddHash(FunctionRegistry& registry, const char* name, const duckdb::LogicalType& type, duckdb::scalar_function_t run) {
  duckdb::ScalarFunction function(name, {type}, type, std::move(run));
  function.varargs = duckdb::LogicalType::ANY;
  function.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  registry.Add(std::move(function));
}

int64_t Crc32(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
  }
  return static_cast<int64_t>(~crc);
}

// 0 means 256; other sizes than these are null.
std::optional<std::string> Sha2(std::string_view bytes, int32_t bits) {
  const EVP_MD* digest = bits == 224                ? EVP_sha224()
                         : bits == 0 || bits == 256 ? EVP_sha256()
                         : bits == 384              ? EVP_sha384()
                         : bits == 512              ? EVP_sha512()
                                                    : nullptr;
  if (!digest) return std::nullopt;
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (!EVP_Digest(bytes.data(), bytes.size(), hash, &size, digest, nullptr)) ThrowStatus(Status::Internal("a hash could not be computed"));
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += "0123456789abcdef"[hash[i] >> 4];
    text += "0123456789abcdef"[hash[i] & 15];
  }
  return text;
}

}  // namespace

void DefineHashes(FunctionRegistry& registry) {
  AddHash(registry, "ms_hash", duckdb::LogicalType::INTEGER, RunHash<Murmur3>);
  AddHash(registry, "ms_xxhash64", duckdb::LogicalType::BIGINT, RunHash<XxHash64>);
  Define(registry, "ms_sha2", [](Bytes bytes, int32_t bits) { return Sha2(bytes.view, bits); });
  Define(registry, "ms_sha2", [](std::string_view text, int32_t bits) { return Sha2(text, bits); });
  Define(registry, "ms_crc32", [](Bytes bytes) { return static_cast<int64_t>(static_cast<uint32_t>(Crc32(bytes.view))); });
}

}  // namespace millstream::compute
