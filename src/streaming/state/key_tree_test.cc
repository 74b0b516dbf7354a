#include "streaming/state/key_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace millstream::state_store {
namespace {

// Keys with much in common: few letters, long runs of one, one key the beginning of another.
std::string RandomKey(std::mt19937_64& random) {
  std::string key(random() % 3 == 0 ? random() % 40 : 0, 'p');
  size_t size = random() % 5;
  for (size_t i = 0; i < size; ++i) key.push_back(static_cast<char>(random() % 4 == 0 ? random() % 256 : 'a' + random() % 3));
  return key;
}

class Forest {
 public:
  ~Forest() {
    for (auto& [key, entry] : model) Entry::Free(entry);
  }
  void Insert(const std::string& key) {
    if (model.contains(key)) return;
    model[key] = Entry::Make(key, "");
    tree.Insert(model[key]);
  }
  void Remove(const std::string& key) {
    Entry* removed = tree.Remove(key);
    auto found = model.find(key);
    ASSERT_EQ(removed, found == model.end() ? nullptr : found->second);
    if (removed == nullptr) return;
    model.erase(found);
    Entry::Free(removed);
  }
  void Check(const std::string& from) {
    ASSERT_EQ(tree.size(), static_cast<int64_t>(model.size()));
    KeyTree::Cursor cursor(tree, from);
    for (auto at = model.lower_bound(from); at != model.end(); ++at) {
      Entry* entry = cursor.Next();
      ASSERT_NE(entry, nullptr);
      ASSERT_EQ(entry->key(), at->first);
    }
    ASSERT_EQ(cursor.Next(), nullptr);
  }
  KeyTree tree;
  std::map<std::string, Entry*> model;  // compares as unsigned bytes
};

TEST(KeyTree, HoldsWhatAnOrderedMapHolds) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 random(seed);
    Forest forest;
    for (int step = 0; step < 3000; ++step) {
      std::string key = RandomKey(random);
      // Grows, shrinks, and is emptied now and then.
      if (random() % 100 < (step / 500 % 2 == 0 ? 70u : 30u)) {
        forest.Insert(key);
      } else {
        forest.Remove(key);
      }
      std::string asked = RandomKey(random);
      Entry* found = forest.tree.Find(asked);
      ASSERT_EQ(found != nullptr, forest.model.contains(asked)) << "seed " << seed;
      if (step % 50 == 0) forest.Check(RandomKey(random));
    }
    while (!forest.model.empty()) forest.Remove(forest.model.begin()->first);
    EXPECT_EQ(forest.tree.memory_bytes(), 0) << "seed " << seed;
  }
}

TEST(KeyTree, GrowsThroughAllSizesOfNodesAndBack) {
  Forest forest;
  for (int i = 0; i < 65536; i += 5) forest.Insert(std::string("prefix") + static_cast<char>(i >> 8) + static_cast<char>(i & 255));
  forest.Check("");
  forest.Check("prefix\x80");
  for (int i = 0; i < 65536; i += 5) {
    if (i % 7 != 0) forest.Remove(std::string("prefix") + static_cast<char>(i >> 8) + static_cast<char>(i & 255));
  }
  forest.Check("");
}

TEST(KeyTree, TakesAKeyOfAMegabyteAndItsBeginnings) {
  Forest forest;
  std::string key(1 << 20, 'x');
  forest.Insert(key);
  forest.Insert(key.substr(0, key.size() - 1));
  forest.Insert(key + "y");
  forest.Insert("");
  forest.Check("");
  forest.Check(key);
  forest.Remove(key);
  forest.Check("x");
  forest.Remove(key + "y");
  forest.Remove(key.substr(0, key.size() - 1));
  forest.Remove("");
  EXPECT_EQ(forest.tree.memory_bytes(), 0);
}

}  // namespace
}  // namespace millstream::state_store
