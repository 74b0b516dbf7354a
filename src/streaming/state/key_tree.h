#pragma once

// key_tree.h   Entries in the byte order of their keys: an adaptive radix tree (Leis et al., ICDE 2013). A look-up touches one node for each byte in
// which keys differ, so that the long common beginnings of encoded rows cost nothing, and walks are in order.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "streaming/state/state_entry.h"

namespace millstream::state_store {

struct Node;

// An inner node, or an entry: told apart by the lowest bit.
class NodeRef {
 public:
  NodeRef() = default;
  explicit NodeRef(Node* node) : bits_(reinterpret_cast<uintptr_t>(node)) {}
  explicit NodeRef(Entry* entry) : bits_(reinterpret_cast<uintptr_t>(entry) | 1) {}
  bool empty() const { return bits_ == 0; }
  bool is_entry() const { return (bits_ & 1) != 0; }
  Entry* entry() const { return reinterpret_cast<Entry*>(bits_ & ~uintptr_t{1}); }
  Node* node() const { return reinterpret_cast<Node*>(bits_); }

 private:
  uintptr_t bits_ = 0;
};

// Does not own the entries. Not thread-safe.
class KeyTree {
 public:
  KeyTree() = default;
  ~KeyTree() { Clear(); }
  KeyTree(const KeyTree&) = delete;
  KeyTree& operator=(const KeyTree&) = delete;

  Entry* Find(std::string_view key) const;
  // Brings what Find will touch into the processor's cache, for many keys at once: memory is waited for once a level, not once a key and level.
  void Prefetch(std::span<const std::string_view> keys) const;
  // The key must be new.
  void Insert(Entry* entry);
  // Puts another entry of the same key in the place of the one that is there.
  void Replace(Entry* entry);
  // Takes the entry of this key out; nullptr when there is none.
  Entry* Remove(std::string_view key);
  // Forgets everything. The entries are the caller's to free before.
  void Clear();

  int64_t size() const { return size_; }
  int64_t memory_bytes() const { return memory_bytes_; }
  // Changes when a cursor on this tree is of no more use.
  uint64_t generation() const { return generation_; }

  // Walks up from the first key that is not less than `begin`. Of no more use once the tree's generation changes.
  class Cursor {
   public:
    Cursor() = default;
    Cursor(const KeyTree& tree, std::string_view begin) { Seek(tree, begin); }
    void Seek(const KeyTree& tree, std::string_view begin);
    // nullptr at the end.
    Entry* Next();

   private:
    struct Step {
      Node* node;
      int next_byte;  // -1: the node's own entry comes first
    };
    std::vector<Step> steps_;
    Entry* first_ = nullptr;
  };

 private:
  void Free(Node* node);
  Node* MakeNode(int kind);
  void AddChild(NodeRef* slot, uint8_t byte, NodeRef child);
  void SplitPrefix(NodeRef* slot, size_t matched);
  NodeRef JoinEntries(Entry* a, Entry* b, size_t depth);
  void Collapse(NodeRef* slot);

  NodeRef root_;
  int64_t size_ = 0;
  int64_t memory_bytes_ = 0;
  uint64_t generation_ = 0;
};

}  // namespace millstream::state_store
