#pragma once

// path_glob.h   Hadoop's globs: `*`, `?`, `[abc]`, `[a-z]`, `[^a]`, `{ab,c{de,fh}}`, `\x` for a literal x. Patterns are what users write in load paths and in
// pathGlobFilter; names that are found in directories are never patterns. All on raw bytes.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace re2 {
class RE2;
}

namespace millstream {

namespace errors {
inline constexpr ErrorClass kInvalidGlob{"MILLSTREAM_INVALID_GLOB", "42601", ExceptionKind::kIllegalArgument, "'<pattern>' is not a valid glob: <reason>."};
}  // namespace errors

bool HasGlob(std::string_view path);

// A pattern for one name, matched as a whole (pathGlobFilter).
class NameGlob {
 public:
  // Error: MILLSTREAM_INVALID_GLOB.
  static Result<NameGlob> Parse(std::string_view pattern);
  bool Matches(std::string_view name) const;
  std::string_view pattern() const;

 private:
  std::shared_ptr<const re2::RE2> regex_;
};

// A load path. Without a glob it is a directory (everything below it) or a file.
class PathGlob {
 public:
  // Loose, Auto Loader's default: `*` and `?` cross slashes, a trailing slash is ignored, and what follows a match may be anything.
  // Strict, Spark's: name by name; whatever lies below a matching directory belongs to it.
  enum class Mode { kLoose, kStrict };
  // `path` is absolute. Doubled slashes and "." and ".." are resolved, as in Hadoop's Path. Error: MILLSTREAM_INVALID_GLOB.
  static Result<PathGlob> Parse(std::string_view path, Mode mode);

  // Where to start listing: the directories in front of the first glob, or the path itself.
  const std::string& base() const { return base_; }
  bool has_glob() const { return has_glob_; }
  const std::string& pattern() const { return pattern_; }
  Mode mode() const { return mode_; }
  // Paths are absolute and lie below base() (or are it).
  bool MatchesFile(std::string_view path) const;
  // False: no file below this directory can match, so that it need not be listed.
  bool MayHoldMatches(std::string_view directory) const;
  // Strict: the part of a matching file's path that the pattern names, Spark's root path of it. The base otherwise.
  std::string RootOf(std::string_view path) const;

 private:
  using Components = std::vector<std::shared_ptr<const re2::RE2>>;
  std::string pattern_, base_;
  Mode mode_ = Mode::kLoose;
  bool has_glob_ = false;
  std::shared_ptr<const re2::RE2> loose_;
  std::vector<Components> strict_;  // one entry for each alternative of a brace that holds a slash
};

// "/in//a/./b/" → "/in/a/b".
std::string NormalizePath(std::string_view path);

}  // namespace millstream
