#include "connectors/files/directory_memory.h"

namespace millstream {

NamesDigest DirectoryMemory::KeyOf(const std::string& path) {
  NamesDigest key;
  key.Add(path);
  return key;
}

size_t DirectoryMemory::BytesOf(const Kept& kept) {
  // The pair, its links, and what the allocator adds.
  constexpr size_t kNodeBytes = sizeof(KeptByPath::value_type) + 4 * sizeof(void*);
  return kNodeBytes + (kept.subdirectories.capacity() > std::string().capacity() ? kept.subdirectories.capacity() : 0);
}

DirectoryMemory::Kept* DirectoryMemory::Meet(const std::string& path) {
  auto found = kept_.find(KeyOf(path));
  if (found == kept_.end()) return nullptr;
  found->second.round = round_;
  return &found->second;
}

std::optional<DirectoryMemory::Known> DirectoryMemory::Find(const std::string& path) {
  const Kept* kept = Meet(path);
  if (kept == nullptr) return std::nullopt;
  Known known{.device = kept->device, .inode = kept->inode, .changed_ns = kept->changed_ns, .subdirectories = {}, .names = kept->names, .gone = kept->gone};
  for (size_t at = 0; at < kept->subdirectories.size();) {
    const size_t end = kept->subdirectories.find('\0', at);
    known.subdirectories.push_back(kept->subdirectories.substr(at, end - at));
    at = end + 1;
  }
  return known;
}

std::optional<NamesDigest> DirectoryMemory::FindNames(const std::string& path) {
  const Kept* kept = Meet(path);
  return kept == nullptr ? std::nullopt : kept->names;
}

bool DirectoryMemory::Remember(const std::string& path, const Known& known) {
  Forget(path);
  Kept kept{.device = known.device, .inode = known.inode, .changed_ns = known.changed_ns, .gone = known.gone, .subdirectories = {}, .names = known.names,
            .round = round_};
  size_t length = 0;
  for (const std::string& name : known.subdirectories) length += name.size() + 1;
  kept.subdirectories.reserve(length);
  for (const std::string& name : known.subdirectories) kept.subdirectories.append(name).push_back('\0');
  const size_t bytes = BytesOf(kept);
  if (bytes_ + bytes > bytes_max_) return false;
  bytes_ += bytes;
  kept_.emplace(KeyOf(path), std::move(kept));
  return true;
}

void DirectoryMemory::Forget(const std::string& path) {
  auto found = kept_.find(KeyOf(path));
  if (found == kept_.end()) return;
  bytes_ -= BytesOf(found->second);
  kept_.erase(found);
}

void DirectoryMemory::Clear() {
  kept_.clear();
  bytes_ = 0;
}

void DirectoryMemory::EndRound() {
  std::erase_if(kept_, [this](const auto& entry) {
    if (entry.second.round == round_) return false;
    bytes_ -= BytesOf(entry.second);
    return true;
  });
  ++round_;
}

}  // namespace millstream
