#include "connectors/files/shared_directories.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace millstream {
namespace {

// A name is its kind, its length and its bytes.
constexpr size_t kNameHeaderBytes = 1 + sizeof(uint16_t);
constexpr int64_t kNamesAtATime = 4096;
// Somebody who comes later has missed it.
constexpr int64_t kKeptUs = 5'000'000;
// A directory's time may stand still for so long while names come: as FileDiscovery has it.
constexpr int64_t kSettledNs = 100'000'000;
// Whoever has waited so long for a reading that began too early reads for itself.
constexpr std::chrono::seconds kWaitMax{1};

void PackName(std::string_view name, DirectoryEntry::Kind kind, std::string& out) {
  const auto size = static_cast<uint16_t>(name.size());
  out.push_back(static_cast<char>(kind));
  out.append(reinterpret_cast<const char*>(&size), sizeof(size));
  out.append(name);
}

bool LiesWithin(const std::string& path, const std::string& base) {
  return path.starts_with(base) && (path.size() == base.size() || base.ends_with('/') || path[base.size()] == '/');
}

}  // namespace

// The names of a reading, and then those that it has left.
class SharedDirectories::PackedNames : public NameReader {
 public:
  PackedNames(ReadingPtr reading, std::unique_ptr<NameReader> rest) : reading_(std::move(reading)), rest_(std::move(rest)) {}

  Result<bool> Next(int64_t count_max, const std::function<void(std::string_view, DirectoryEntry::Kind)>& visit) override {
    const std::string_view names = reading_ == nullptr ? std::string_view() : reading_->names;
    for (; count_max > 0 && at_ < names.size(); --count_max) {
      uint16_t size = 0;
      std::memcpy(&size, names.data() + at_ + 1, sizeof(size));
      visit({names.data() + at_ + kNameHeaderBytes, size}, static_cast<DirectoryEntry::Kind>(names[at_]));
      at_ += kNameHeaderBytes + size;
    }
    if (at_ < names.size()) return true;
    if (rest_ == nullptr) return false;
    reading_.reset();
    at_ = 0;
    return count_max > 0 ? rest_->Next(count_max, visit) : Result<bool>(true);
  }

 private:
  ReadingPtr reading_;  // null: all of it has been given
  const std::unique_ptr<NameReader> rest_;  // null: nothing
  size_t at_ = 0;
};

SharedDirectories* SharedDirectories::Of(const Fs& fs) {
  // Never destroyed: streams may end with the process.
  static auto* local = new SharedDirectories(Clock::System());
  return &fs == &Fs::Local() ? local : nullptr;
}

SharedDirectories::Member::Member(SharedDirectories& all, std::string base) : all_(all), base_(std::move(base)) {
  std::lock_guard lock(all_.mutex_);
  all_.members_.push_back(this);
}

SharedDirectories::Member::~Member() {
  std::lock_guard lock(all_.mutex_);
  std::erase(all_.members_, this);
  if (all_.members_.size() > 1) return;
  all_.kept_.clear();
  all_.by_age_.clear();
  all_.bytes_ = 0;
}

bool SharedDirectories::Member::HasPeers() const {
  std::lock_guard lock(all_.mutex_);
  return std::any_of(all_.members_.begin(), all_.members_.end(), [this](const Member* member) {
    return member != this && (LiesWithin(member->base_, base_) || LiesWithin(base_, member->base_));
  });
}

bool SharedDirectories::Serves(const Reading& reading, const FileInfo& looked, const NamesWanted& wanted, int64_t now_us) {
  if (reading.info.device != looked.device || reading.info.inode != looked.inode) return false;
  if (reading.began > wanted.began_after) return true;
  return now_us - reading.began_us < wanted.age_ms_max * 1000 && reading.info.changed_ns == looked.changed_ns && looked.changed_ns != 0 &&
         reading.began_ms * 1'000'000 - looked.changed_ns > kSettledNs;
}

Result<SharedNames> SharedDirectories::Open(Fs& fs, const std::string& path, const FileInfo& looked, const NamesWanted& wanted) {
  std::unique_lock lock(mutex_);
  DropOld();
  for (const auto give_up = std::chrono::steady_clock::now() + kWaitMax;;) {
    if (auto kept = kept_.find(path); kept != kept_.end()) {
      const ReadingPtr reading = kept->second;
      const bool has_too_many = !reading->is_whole;
      if (has_too_many || Serves(*reading, looked, wanted, clock_.MonotonicMicros())) {
        lock.unlock();
        return has_too_many ? ReadAlone(fs, path, looked) : NamesOf(reading, nullptr, /*is_shared=*/true);
      }
    }
    auto [running, leads] = running_.try_emplace(path);
    if (leads) {
      const ReadingPtr reading = running->second = std::make_shared<Reading>(looked);
      reading->began = NextMoment();
      reading->began_ms = clock_.WallMillis();
      reading->began_us = clock_.MonotonicMicros();
      lock.unlock();
      return Lead(fs, path, reading);
    }
    const ReadingPtr reading = running->second;
    if (!done_.wait_until(lock, give_up, [&] { return reading->is_done; })) {
      lock.unlock();
      return ReadAlone(fs, path, looked);
    }
    if (!reading->status.ok() && reading->began > wanted.began_after) return reading->status;
  }
}

Result<SharedNames> SharedDirectories::ReadAlone(Fs& fs, const std::string& path, const FileInfo& looked) {
  SharedNames names{.reader = nullptr, .info = looked, .began_ms = clock_.WallMillis()};
  MS_ASSIGN_OR_RETURN(names.reader, NameReader::Open(fs, path));
  return names;
}

SharedNames SharedDirectories::NamesOf(const ReadingPtr& reading, std::unique_ptr<NameReader> rest, bool is_shared) {
  return {.reader = std::make_unique<PackedNames>(reading, std::move(rest)), .is_shared = is_shared, .info = reading->info, .began_ms = reading->began_ms};
}

// Reads for itself and for all who have asked by now.
Result<SharedNames> SharedDirectories::Lead(Fs& fs, const std::string& path, const ReadingPtr& reading) {
  std::unique_ptr<NameReader> rest;
  auto read = [&]() -> Status {
    MS_ASSIGN_OR_RETURN(rest, NameReader::Open(fs, path));
    for (bool more = true; more && reading->names.size() < kDirectoryBytesMax;) {
      MS_ASSIGN_OR_RETURN(more, rest->Next(kNamesAtATime, [&](std::string_view name, DirectoryEntry::Kind kind) { PackName(name, kind, reading->names); }));
      if (!more) rest.reset();
    }
    return Status();
  };
  Status status = read();
  reading->names.shrink_to_fit();
  ReadingPtr kept = reading;
  if (rest != nullptr) {
    // The names that are here already are the leader's; the others learn that there are too many.
    kept = std::make_shared<Reading>(reading->info);
    kept->began_us = reading->began_us;
    kept->is_whole = false;
  }
  {
    std::lock_guard lock(mutex_);
    reading->status = status;
    reading->is_done = true;
    running_.erase(path);
    if (status.ok()) Keep(path, kept);
  }
  done_.notify_all();
  MS_RETURN_IF_ERROR(status);
  return NamesOf(reading, std::move(rest), /*is_shared=*/false);
}

void SharedDirectories::Keep(const std::string& path, const ReadingPtr& reading) {
  kept_[path] = reading;
  bytes_ += reading->names.size() + path.size() + sizeof(Reading);
  by_age_.emplace_back(path, reading);
  DropOld();
}

void SharedDirectories::DropOld() {
  const int64_t now_us = clock_.MonotonicMicros();
  while (!by_age_.empty() && (bytes_ > kBytesMax || now_us - by_age_.front().second->began_us > kKeptUs)) {
    const auto& [path, reading] = by_age_.front();
    bytes_ -= reading->names.size() + path.size() + sizeof(Reading);
    if (auto kept = kept_.find(path); kept != kept_.end() && kept->second == reading) kept_.erase(kept);
    by_age_.pop_front();
  }
}

}  // namespace millstream
