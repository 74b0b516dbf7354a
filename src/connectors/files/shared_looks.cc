#include "connectors/files/shared_looks.h"

namespace millstream {
namespace {

// Of the full rounds that are due, every so many is a stream's own, whoever else lists: known files are looked at in them.
constexpr int64_t kOwnFullRounds = 10;

}  // namespace

SharedLooks::SharedLooks(SharedDirectories* directories, const ListerOptions& lister) : directories_(directories) {
  if (directories_ == nullptr) return;
  member_ = directories_->Join(lister.glob.base());
  tree_ = lister.glob.pattern() + '\0' + (lister.glob.mode() == PathGlob::Mode::kStrict ? 's' : 'l') + lister.start_after;
  listed_tree_ = tree_ + '\0' + (lister.skip_unfinished ? 'u' : 'a') + std::string(lister.name_filter ? lister.name_filter->pattern() : "");
}

SharedListing SharedLooks::Listing(const NamesWanted& wanted) const {
  if (member_ == nullptr || !member_->HasPeers()) return {};
  return {.directories = directories_, .wanted = wanted};
}

std::optional<int64_t> SharedLooks::Take(const std::string& tree, uint64_t& from, int64_t now_us, int64_t pause_us) {
  if (member_ == nullptr || from == 0 || !member_->HasPeers()) return std::nullopt;
  const std::optional<QuietTime> quiet = directories_->quiet_times().Find(tree);
  if (!quiet || quiet->since > from || quiet->until <= from || now_us - quiet->until_us >= pause_us) return std::nullopt;
  from = quiet->until;
  ++taken_;
  return quiet->until_us;
}

std::optional<int64_t> SharedLooks::TakeListing(int64_t now_us, int64_t pause_us) {
  if (!own_full_us_ || now_us - *own_full_us_ >= kOwnFullRounds * pause_us) return std::nullopt;
  return Take(listed_tree_, listed_from_, now_us, pause_us);
}

std::optional<int64_t> SharedLooks::TakeLook(int64_t now_us, int64_t pause_us) { return Take(tree_, looked_from_, now_us, pause_us); }

// Each directory was last read before changed_at_ and moved_at_, so that a round which finds all of them as they were tells of the whole time since.
void SharedLooks::EndRound(const RoundSeen& seen) {
  if (member_ == nullptr) return;
  if (!seen.is_quiet) changed_at_ = NextMoment();
  if (!seen.is_quiet || !seen.is_still) moved_at_ = NextMoment();
  if (!seen.is_whole) Forget();
  if (seen.is_full) own_full_us_ = seen.began_us;
  if (!seen.is_look || !seen.is_whole) return;
  auto tell = [&](const std::string& tree, uint64_t since) {
    if (since < seen.began) directories_->quiet_times().Tell(tree, {.since = since, .until = seen.began, .until_us = seen.began_us});
  };
  if (looked_from_ != 0) tell(tree_, moved_at_);
  looked_from_ = seen.began;
  if (!seen.is_full) return;
  if (listed_from_ != 0) tell(listed_tree_, changed_at_);
  listed_from_ = seen.began;
}

}  // namespace millstream
