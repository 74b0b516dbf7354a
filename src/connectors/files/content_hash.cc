#include "connectors/files/content_hash.h"

#include <openssl/evp.h>

#include <vector>

namespace millstream {
namespace {

constexpr int64_t kPieceBytes = 1 << 20;

bool IsSame(const FileInfo& a, const FileInfo& b) { return a.size_bytes == b.size_bytes && a.modified_ns == b.modified_ns && a.inode == b.inode; }

}  // namespace

Result<std::optional<std::string>> ContentHash(Fs& fs, const std::string& path, const FileInfo& expected) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs.OpenForRead(path));
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  MS_CHECK(hash != nullptr && EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr) == 1);
  std::vector<char> piece(static_cast<size_t>(std::min(kPieceBytes, expected.size_bytes + 1)));
  int64_t size = 0;
  for (;;) {
    MS_ASSIGN_OR_RETURN(int64_t got, file->ReadAt(size, static_cast<int64_t>(piece.size()), piece.data()));
    if (got == 0) break;
    MS_CHECK(EVP_DigestUpdate(hash.get(), piece.data(), static_cast<size_t>(got)) == 1);
    size += got;
  }
  MS_ASSIGN_OR_RETURN(FileInfo after, file->Stat());
  if (size != expected.size_bytes || !IsSame(after, expected)) return std::optional<std::string>();
  std::string digest(32, '\0');
  MS_CHECK(EVP_DigestFinal_ex(hash.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1);
  return std::optional(std::move(digest));
}

}  // namespace millstream
