#include "formats/path_glob.h"

#include <gtest/gtest.h>

namespace millstream {
namespace {

// A file is found when listing the base reaches it and the pattern lets it through.
bool Finds(std::string_view pattern, std::string_view path, PathGlob::Mode mode) {
  PathGlob glob = *PathGlob::Parse(pattern, mode);
  bool below = path == glob.base() || glob.base() == "/" || path.starts_with(glob.base() + "/");
  if (!below) return false;
  for (size_t slash = path.find('/', glob.base().size() + 1); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    if (!glob.MayHoldMatches(path.substr(0, slash))) return false;
  }
  return glob.MatchesFile(path);
}

struct Row {
  std::string_view pattern, path;
  bool loose, strict;
};

// The examples of Databricks' documentation on glob patterns.
TEST(PathGlob, AgreesWithTheDocumentedExamplesOfBothGlobbers) {
  const std::vector<Row> rows = {
      {"/a/*/d/", "/a/b/c/d/file.txt", true, false},
      {"/a/*/c/", "/a/b/x/y/c/file.txt", true, false},
      {"/a/*/c", "/a/b/c_file.txt", true, false},
      {"/a/*/c/", "/a/b/c_file.txt", true, false},
      {"/a/*/c", "/a/b/cookie/file.txt", true, false},
      {"/a/b", "/a/b/c/file.txt", true, true},
      {"/a/*/c/", "/a/b/c/file.txt", true, true},
      {"/a/*/c/", "/a/b/c/d/file.txt", true, true},
      {"/a/b*", "/a/b.txt", true, true},
      {"/a/b*", "/a/b/file.txt", true, true},
      {"/a/{0.txt,1.txt}", "/a/0.txt", true, true},
      {"/a/b/[cde-h]/i/", "/a/b/c/i/file.txt", true, true},
      {"/a/b", "/a/b_dir/c/file.txt", false, false},
      {"/a/b", "/a/b.txt", false, false},
      {"/a/b/", "/a/b.txt", false, false},
      {"/a/*/{0.txt,1.txt}", "/a/0.txt", false, false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Finds(row.pattern, row.path, PathGlob::Mode::kLoose), row.loose) << "loose " << row.pattern << " ~ " << row.path;
    EXPECT_EQ(Finds(row.pattern, row.path, PathGlob::Mode::kStrict), row.strict) << "strict " << row.pattern << " ~ " << row.path;
  }
}

TEST(PathGlob, UnderstandsClassesBracesAndEscapes) {
  auto strict = [](std::string_view pattern, std::string_view path) { return Finds(pattern, path, PathGlob::Mode::kStrict); };
  EXPECT_TRUE(strict("/in/*/x=[ab]", "/in/d/x=a/f"));
  EXPECT_FALSE(strict("/in/*/x=[ab]", "/in/d/x=c/f"));
  EXPECT_TRUE(strict("/in/x=[^ab]", "/in/x=c/f"));
  EXPECT_TRUE(strict("/in/{ab,c{de,fh}}", "/in/cfh"));
  EXPECT_TRUE(strict("/in/{a/b,c}/f", "/in/a/b/f"));
  EXPECT_TRUE(strict("/in/{a/b,c}/f", "/in/c/f"));
  EXPECT_FALSE(strict("/in/{a/b,c}/f", "/in/a/c/f"));
  EXPECT_TRUE(strict("/in/\\[x\\]", "/in/[x]/f"));
  EXPECT_TRUE(strict("/in/\\*/a*", "/in/*/abc"));
  EXPECT_TRUE(strict("/in/f?o", "/in/f\xffo"));
  EXPECT_TRUE(strict("/in/a.c*", "/in/a.c"));
  EXPECT_FALSE(strict("/in/a.c*", "/in/abc"));
}

TEST(PathGlob, PrunesDirectoriesThatCannotHoldAMatch) {
  PathGlob glob = *PathGlob::Parse("/in/2026-*/x", PathGlob::Mode::kStrict);
  EXPECT_EQ(glob.base(), "/in");
  EXPECT_TRUE(glob.MayHoldMatches("/in"));
  EXPECT_TRUE(glob.MayHoldMatches("/in/2026-01"));
  EXPECT_FALSE(glob.MayHoldMatches("/in/2025-01"));
  EXPECT_FALSE(glob.MayHoldMatches("/in/2026-01/y"));
  EXPECT_TRUE(glob.MayHoldMatches("/in/2026-01/x/deeper/still"));
  EXPECT_EQ(glob.RootOf("/in/2026-01/x/deeper/f"), "/in/2026-01/x");
}

TEST(PathGlob, RefusesBrokenPatterns) {
  for (const char* pattern : {"/in/[a", "/in/{a,b", "/in/*\\"}) {
    EXPECT_TRUE(PathGlob::Parse(pattern, PathGlob::Mode::kLoose).status().Is(errors::kInvalidGlob)) << pattern;
  }
  std::string bomb = "/in";
  for (int i = 0; i < 20; ++i) bomb += "/{a/b,c/d}";
  EXPECT_TRUE(PathGlob::Parse(bomb, PathGlob::Mode::kStrict).status().Is(errors::kInvalidGlob));
}

TEST(NameGlob, MatchesTheWholeName) {
  NameGlob glob = *NameGlob::Parse("*.json");
  EXPECT_TRUE(glob.Matches("a b\n.json"));
  EXPECT_FALSE(glob.Matches("a.json.gz"));
}

TEST(NormalizePath, ResolvesWhatMeansNothing) {
  EXPECT_EQ(NormalizePath("/in//a/./b/"), "/in/a/b");
  EXPECT_EQ(NormalizePath("/in/../x"), "/x");
  EXPECT_EQ(NormalizePath("/"), "/");
}

}  // namespace
}  // namespace millstream
