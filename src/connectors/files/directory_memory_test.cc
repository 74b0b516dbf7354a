#include "connectors/files/directory_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millstream {
namespace {

using ::testing::ElementsAre;

TEST(DirectoryMemory, GivesBackWhatWasRemembered) {
  DirectoryMemory memory;
  NamesDigest names;
  names.Add("a.json");
  memory.Remember("/in", {.device = 1, .inode = 2, .changed_ns = 3, .subdirectories = {"x", "y=1", "\xff"}, .names = names, .gone = 4});
  std::optional<DirectoryMemory::Known> known = memory.Find("/in");
  ASSERT_TRUE(known.has_value());
  EXPECT_EQ(known->device, 1u);
  EXPECT_EQ(known->inode, 2u);
  EXPECT_EQ(known->changed_ns, 3);
  EXPECT_EQ(known->gone, 4);
  EXPECT_EQ(known->names, names);
  EXPECT_THAT(known->subdirectories, ElementsAre("x", "y=1", "\xff"));
  EXPECT_FALSE(memory.Find("/in/x").has_value());
  memory.Forget("/in");
  EXPECT_FALSE(memory.Find("/in").has_value());
  EXPECT_EQ(memory.bytes(), 0u);
}

TEST(DirectoryMemory, StaysWithinItsBytes) {
  DirectoryMemory memory(10'000);
  for (int i = 0; i < 1000; ++i) memory.Remember("/in/" + std::to_string(i), {.inode = 1});
  EXPECT_LE(memory.bytes(), 10'000u);
  EXPECT_TRUE(memory.Find("/in/0").has_value());
  EXPECT_FALSE(memory.Find("/in/999").has_value());
  // What takes more than all of it finds no room either.
  memory.Remember("/in/0", {.subdirectories = {std::string(20'000, 'x')}});
  EXPECT_FALSE(memory.Find("/in/0").has_value());
}

TEST(DirectoryMemory, DirectoriesThatARoundHasNotMetMakeRoom) {
  DirectoryMemory memory(1'000);
  int kept = 0;
  while (memory.Remember("/old/" + std::to_string(kept), {}), memory.Find("/old/" + std::to_string(kept))) ++kept;
  ASSERT_GT(kept, 2);
  memory.EndRound();
  ASSERT_TRUE(memory.Find("/old/1").has_value());  // it is still there
  memory.EndRound();
  EXPECT_FALSE(memory.Find("/old/0").has_value());
  EXPECT_TRUE(memory.Find("/old/1").has_value());
  for (int i = 1; i < kept; ++i) memory.Remember("/new/" + std::to_string(i), {});
  EXPECT_TRUE(memory.Find("/new/" + std::to_string(kept - 1)).has_value());
}

}  // namespace
}  // namespace millstream
