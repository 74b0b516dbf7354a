#include "streaming/state/key_tree.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/status.h"

namespace millstream::state_store {

namespace {
constexpr size_t kPrefixMax = 12;
}

// The bytes that all keys below have here, then one child for each next byte. `end` is the key that ends here.
struct Node {
  uint8_t kind;  // 4, 16, 48 or 0 for 256
  uint8_t prefix_size;
  uint16_t count;
  std::array<uint8_t, kPrefixMax> prefix;
  Entry* end;
};

namespace {

struct Node4 : Node {
  std::array<uint8_t, 4> bytes;  // ascending
  std::array<NodeRef, 4> children;
};
struct Node16 : Node {
  std::array<uint8_t, 16> bytes;  // ascending
  std::array<NodeRef, 16> children;
};
struct Node48 : Node {
  static constexpr uint8_t kNone = 255;
  std::array<uint8_t, 256> slots;
  std::array<NodeRef, 48> children;
};
struct Node256 : Node {
  std::array<NodeRef, 256> children;
};

size_t SizeOf(uint8_t kind) {
  switch (kind) {
    case 4:
      return sizeof(Node4);
    case 16:
      return sizeof(Node16);
    case 48:
      return sizeof(Node48);
    default:
      return sizeof(Node256);
  }
}

template <typename N>
NodeRef* FindSorted(N* node, uint8_t byte) {
  for (int i = 0; i < node->count; ++i) {
    if (node->bytes[i] == byte) return &node->children[i];
  }
  return nullptr;
}

NodeRef* FindChild(Node* node, uint8_t byte) {
  switch (node->kind) {
    case 4:
      return FindSorted(static_cast<Node4*>(node), byte);
    case 16:
      return FindSorted(static_cast<Node16*>(node), byte);
    case 48: {
      auto* n = static_cast<Node48*>(node);
      return n->slots[byte] == Node48::kNone ? nullptr : &n->children[n->slots[byte]];
    }
    default: {
      auto* n = static_cast<Node256*>(node);
      return n->children[byte].empty() ? nullptr : &n->children[byte];
    }
  }
}

// What FindChild reads first in a large node.
const void* PlaceOfChild(const Node* node, uint8_t byte) {
  if (node->kind == 48) return &static_cast<const Node48*>(node)->slots[byte];
  return &static_cast<const Node256*>(node)->children[byte];
}

// The first child whose byte is not below `from`; its byte, or 256.
int NextChild(Node* node, int from, NodeRef* child) {
  auto sorted = [&](auto* n) {
    for (int i = 0; i < n->count; ++i) {
      if (n->bytes[i] >= from) return *child = n->children[i], static_cast<int>(n->bytes[i]);
    }
    return 256;
  };
  switch (node->kind) {
    case 4:
      return sorted(static_cast<Node4*>(node));
    case 16:
      return sorted(static_cast<Node16*>(node));
    case 48: {
      auto* n = static_cast<Node48*>(node);
      for (; from < 256; ++from) {
        if (n->slots[from] != Node48::kNone) return *child = n->children[n->slots[from]], from;
      }
      return 256;
    }
    default: {
      auto* n = static_cast<Node256*>(node);
      for (; from < 256; ++from) {
        if (!n->children[from].empty()) return *child = n->children[from], from;
      }
      return 256;
    }
  }
}

// There must be room.
void Place(Node* node, uint8_t byte, NodeRef child) {
  auto sorted = [&](auto* n) {
    int at = n->count;
    for (; at > 0 && n->bytes[at - 1] > byte; --at) {
      n->bytes[at] = n->bytes[at - 1];
      n->children[at] = n->children[at - 1];
    }
    n->bytes[at] = byte;
    n->children[at] = child;
  };
  switch (node->kind) {
    case 4:
      sorted(static_cast<Node4*>(node));
      break;
    case 16:
      sorted(static_cast<Node16*>(node));
      break;
    case 48: {
      auto* n = static_cast<Node48*>(node);
      uint8_t slot = 0;
      while (!n->children[slot].empty()) ++slot;
      n->slots[byte] = slot;
      n->children[slot] = child;
      break;
    }
    default:
      static_cast<Node256*>(node)->children[byte] = child;
  }
  ++node->count;
}

void Displace(Node* node, uint8_t byte) {
  auto sorted = [&](auto* n) {
    int at = 0;
    while (n->bytes[at] != byte) ++at;
    for (; at + 1 < n->count; ++at) {
      n->bytes[at] = n->bytes[at + 1];
      n->children[at] = n->children[at + 1];
    }
  };
  switch (node->kind) {
    case 4:
      sorted(static_cast<Node4*>(node));
      break;
    case 16:
      sorted(static_cast<Node16*>(node));
      break;
    case 48: {
      auto* n = static_cast<Node48*>(node);
      n->children[n->slots[byte]] = NodeRef();
      n->slots[byte] = Node48::kNone;
      break;
    }
    default:
      static_cast<Node256*>(node)->children[byte] = NodeRef();
  }
  --node->count;
}

size_t CapacityOf(uint8_t kind) { return kind == 0 ? 256 : kind; }

uint8_t ByteAt(std::string_view key, size_t i) { return static_cast<uint8_t>(key[i]); }

// A piece of a prefix that is too long for one node.
bool IsLink(const Node* node) { return node->count == 1 && node->end == nullptr; }

void CopyHead(Node* to, const Node* from) {
  to->prefix_size = from->prefix_size;
  to->prefix = from->prefix;
  to->end = from->end;
}

}  // namespace

Node* KeyTree::MakeNode(int kind) {
  void* memory = nullptr;
  size_t bytes = SizeOf(static_cast<uint8_t>(kind));
  memory = std::calloc(1, bytes);
  if (memory == nullptr) std::abort();
  memory_bytes_ += static_cast<int64_t>(bytes) + Entry::kAllocatorBytes;
  auto* node = static_cast<Node*>(memory);
  node->kind = static_cast<uint8_t>(kind);
  if (kind == 48) static_cast<Node48*>(node)->slots.fill(Node48::kNone);
  return node;
}

void KeyTree::Free(Node* node) {
  memory_bytes_ -= static_cast<int64_t>(SizeOf(node->kind)) + Entry::kAllocatorBytes;
  std::free(node);
}

Entry* KeyTree::Find(std::string_view key) const {
  NodeRef at = root_;
  size_t depth = 0;
  while (!at.empty()) {
    if (at.is_entry()) return at.entry()->key() == key ? at.entry() : nullptr;
    Node* node = at.node();
    if (key.size() - depth < node->prefix_size || std::memcmp(node->prefix.data(), key.data() + depth, node->prefix_size) != 0) return nullptr;
    depth += node->prefix_size;
    if (depth == key.size()) return node->end;
    NodeRef* child = FindChild(node, ByteAt(key, depth));
    if (child == nullptr) return nullptr;
    at = *child;
    ++depth;
  }
  return nullptr;
}

void KeyTree::Prefetch(std::span<const std::string_view> keys) const {
  constexpr size_t kTogether = 32;
  struct Walk {
    std::string_view key;
    NodeRef at;
    size_t depth;
    bool at_child;  // where a large node names the child is on its way too
  };
  std::array<Walk, kTogether> walks;
  for (; !keys.empty(); keys = keys.subspan(std::min(kTogether, keys.size()))) {
    size_t count = 0;
    if (!root_.empty()) {
      for (std::string_view key : keys.first(std::min(kTogether, keys.size()))) walks[count++] = {key, root_, 0, false};
    }
    while (count > 0) {
      size_t left = 0;
      for (size_t i = 0; i < count; ++i) {
        Walk walk = walks[i];
        Node* node = walk.at.node();
        if (walk.at.is_entry()) continue;
        if (!walk.at_child) {
          walk.depth += node->prefix_size;
          if (walk.depth >= walk.key.size()) continue;
          if (node->kind == 0 || node->kind == 48) {
            __builtin_prefetch(PlaceOfChild(node, ByteAt(walk.key, walk.depth)));
            walk.at_child = true;
            walks[left++] = walk;
            continue;
          }
        }
        NodeRef* child = FindChild(node, ByteAt(walk.key, walk.depth));
        if (child == nullptr) continue;
        walk.at = *child;
        walk.at_child = false;
        ++walk.depth;
        const char* next = walk.at.is_entry() ? reinterpret_cast<const char*>(walk.at.entry()) : reinterpret_cast<const char*>(walk.at.node());
        __builtin_prefetch(next);
        __builtin_prefetch(next + 64);
        walks[left++] = walk;
      }
      count = left;
    }
  }
}

// A small tree of two entries whose keys have their first `depth` bytes in common, and differ after.
NodeRef KeyTree::JoinEntries(Entry* a, Entry* b, size_t depth) {
  std::string_view key_a = a->key(), key_b = b->key();
  size_t limit = std::min(key_a.size(), key_b.size());
  size_t same = depth;
  while (same < limit && key_a[same] == key_b[same]) ++same;
  NodeRef top;
  NodeRef* slot = &top;
  // What does not fit into one node's prefix goes into a chain of them.
  while (same - depth > kPrefixMax) {
    Node* link = MakeNode(4);
    link->prefix_size = kPrefixMax;
    std::memcpy(link->prefix.data(), key_a.data() + depth, kPrefixMax);
    auto* four = static_cast<Node4*>(link);
    four->bytes[0] = ByteAt(key_a, depth + kPrefixMax);
    four->count = 1;
    *slot = NodeRef(link);
    slot = &four->children[0];
    depth += kPrefixMax + 1;
  }
  Node* node = MakeNode(4);
  node->prefix_size = static_cast<uint8_t>(same - depth);
  if (node->prefix_size > 0) std::memcpy(node->prefix.data(), key_a.data() + depth, node->prefix_size);
  for (Entry* entry : {a, b}) {
    if (entry->key_size == same) {
      node->end = entry;
    } else {
      Place(node, ByteAt(entry->key(), same), NodeRef(entry));
    }
  }
  *slot = NodeRef(node);
  return top;
}

void KeyTree::AddChild(NodeRef* slot, uint8_t byte, NodeRef child) {
  Node* node = slot->node();
  if (node->count == CapacityOf(node->kind)) {
    Node* larger = MakeNode(node->kind == 4 ? 16 : node->kind == 16 ? 48 : 0);
    CopyHead(larger, node);
    NodeRef moved;
    for (int b = NextChild(node, 0, &moved); b < 256; b = NextChild(node, b + 1, &moved)) Place(larger, static_cast<uint8_t>(b), moved);
    Free(node);
    *slot = NodeRef(larger);
    node = larger;
  }
  Place(node, byte, child);
}

// Gives the first `matched` bytes of the prefix to a new node above this one.
void KeyTree::SplitPrefix(NodeRef* slot, size_t matched) {
  Node* lower = slot->node();
  Node* upper = MakeNode(4);
  upper->prefix_size = static_cast<uint8_t>(matched);
  std::copy_n(lower->prefix.begin(), matched, upper->prefix.begin());
  uint8_t byte = lower->prefix[matched];
  lower->prefix_size = static_cast<uint8_t>(lower->prefix_size - matched - 1);
  std::memmove(lower->prefix.data(), lower->prefix.data() + matched + 1, lower->prefix_size);
  Place(upper, byte, NodeRef(lower));
  *slot = NodeRef(upper);
}

void KeyTree::Insert(Entry* entry) {
  ++generation_;
  ++size_;
  memory_bytes_ += entry->memory_bytes();
  std::string_view key = entry->key();
  NodeRef* slot = &root_;
  size_t depth = 0;
  for (;;) {
    if (slot->empty()) {
      *slot = NodeRef(entry);
      return;
    }
    if (slot->is_entry()) {
      *slot = JoinEntries(slot->entry(), entry, depth);
      return;
    }
    Node* node = slot->node();
    size_t limit = std::min<size_t>(node->prefix_size, key.size() - depth), matched = 0;
    while (matched < limit && node->prefix[matched] == ByteAt(key, depth + matched)) ++matched;
    if (matched < node->prefix_size) SplitPrefix(slot, matched);
    node = slot->node();
    depth += matched;
    if (depth == key.size()) {
      MS_CHECK(node->end == nullptr);
      node->end = entry;
      return;
    }
    uint8_t byte = ByteAt(key, depth);
    NodeRef* child = FindChild(node, byte);
    if (child == nullptr) {
      AddChild(slot, byte, NodeRef(entry));
      return;
    }
    slot = child;
    ++depth;
  }
}

void KeyTree::Replace(Entry* entry) {
  ++generation_;
  std::string_view key = entry->key();
  NodeRef* slot = &root_;
  size_t depth = 0;
  for (;;) {
    if (slot->is_entry()) {
      memory_bytes_ += entry->memory_bytes() - slot->entry()->memory_bytes();
      *slot = NodeRef(entry);
      return;
    }
    Node* node = slot->node();
    depth += node->prefix_size;
    if (depth == key.size()) {
      memory_bytes_ += entry->memory_bytes() - node->end->memory_bytes();
      node->end = entry;
      return;
    }
    slot = FindChild(node, ByteAt(key, depth++));
    MS_CHECK(slot != nullptr);
  }
}

// A node with one child and no end is its child, when the prefixes fit into one.
void KeyTree::Collapse(NodeRef* slot) {
  Node* node = slot->node();
  if (node->count == 0) {
    *slot = node->end == nullptr ? NodeRef() : NodeRef(node->end);
    Free(node);
    return;
  }
  if (IsLink(node)) {
    NodeRef only;
    auto byte = static_cast<uint8_t>(NextChild(node, 0, &only));
    if (only.is_entry()) {
      *slot = only;
      Free(node);
    } else if (Node* child = only.node(); node->prefix_size + 1u + child->prefix_size <= kPrefixMax) {
      std::memmove(child->prefix.data() + node->prefix_size + 1, child->prefix.data(), child->prefix_size);
      std::copy_n(node->prefix.begin(), node->prefix_size, child->prefix.begin());
      child->prefix[node->prefix_size] = byte;
      child->prefix_size = static_cast<uint8_t>(child->prefix_size + node->prefix_size + 1);
      *slot = only;
      Free(node);
    }
    return;
  }
  // Smaller with room to spare, so that a key that comes and goes does not copy a node each time.
  int kind = node->kind == 0 && node->count <= 36 ? 48 : node->kind == 48 && node->count <= 12 ? 16 : node->kind == 16 && node->count <= 3 ? 4 : -1;
  if (kind < 0) return;
  Node* smaller = MakeNode(kind);
  CopyHead(smaller, node);
  NodeRef moved;
  for (int b = NextChild(node, 0, &moved); b < 256; b = NextChild(node, b + 1, &moved)) Place(smaller, static_cast<uint8_t>(b), moved);
  Free(node);
  *slot = NodeRef(smaller);
}

Entry* KeyTree::Remove(std::string_view key) {
  // The node that names the entry, and before it those directly above that have nothing else below.
  std::vector<NodeRef*> path;
  NodeRef* slot = &root_;
  size_t depth = 0;
  Entry* found = nullptr;
  while (found == nullptr) {
    if (slot == nullptr || slot->empty()) return nullptr;
    if (slot->is_entry()) {
      if (slot->entry()->key() != key) return nullptr;
      found = slot->entry();
      if (path.empty()) {
        root_ = NodeRef();
      } else {
        Displace(path.back()->node(), ByteAt(key, depth - 1));
      }
      break;
    }
    Node* node = slot->node();
    if (key.size() - depth < node->prefix_size || std::memcmp(node->prefix.data(), key.data() + depth, node->prefix_size) != 0) return nullptr;
    depth += node->prefix_size;
    if (!path.empty() && !IsLink(path.back()->node())) path.clear();
    path.push_back(slot);
    if (depth == key.size()) {
      if (node->end == nullptr) return nullptr;
      found = node->end;
      node->end = nullptr;
      break;
    }
    slot = FindChild(node, ByteAt(key, depth++));
  }
  ++generation_;
  --size_;
  memory_bytes_ -= found->memory_bytes();
  for (; !path.empty(); path.pop_back()) Collapse(path.back());
  return found;
}

void KeyTree::Clear() {
  ++generation_;
  std::vector<Node*> open;
  if (!root_.empty() && !root_.is_entry()) open.push_back(root_.node());
  while (!open.empty()) {
    Node* node = open.back();
    open.pop_back();
    NodeRef child;
    for (int b = NextChild(node, 0, &child); b < 256; b = NextChild(node, b + 1, &child)) {
      if (!child.is_entry()) open.push_back(child.node());
    }
    Free(node);
  }
  root_ = NodeRef();
  size_ = 0;
  memory_bytes_ = 0;
}

void KeyTree::Cursor::Seek(const KeyTree& tree, std::string_view begin) {
  steps_.clear();
  first_ = nullptr;
  NodeRef at = tree.root_;
  size_t depth = 0;
  while (!at.empty()) {
    if (at.is_entry()) {
      if (at.entry()->key() >= begin) first_ = at.entry();
      return;
    }
    Node* node = at.node();
    std::string_view prefix(reinterpret_cast<const char*>(node->prefix.data()), node->prefix_size);
    std::string_view rest = begin.substr(depth);
    int order = prefix.substr(0, std::min(prefix.size(), rest.size())).compare(rest.substr(0, prefix.size()));
    if (order < 0) return;
    if (order > 0 || rest.size() <= prefix.size()) {
      steps_.push_back({node, -1});
      return;
    }
    depth += prefix.size();
    uint8_t byte = ByteAt(begin, depth++);
    steps_.push_back({node, byte + 1});
    NodeRef* child = FindChild(node, byte);
    if (child == nullptr) return;
    at = *child;
  }
}

Entry* KeyTree::Cursor::Next() {
  if (first_ != nullptr) return std::exchange(first_, nullptr);
  while (!steps_.empty()) {
    Step& step = steps_.back();
    if (step.next_byte < 0) {
      step.next_byte = 0;
      if (step.node->end != nullptr) return step.node->end;
    }
    NodeRef child;
    int byte = NextChild(step.node, step.next_byte, &child);
    if (byte == 256) {
      steps_.pop_back();
      continue;
    }
    step.next_byte = byte + 1;
    if (child.is_entry()) {
      // Whoever walks reads what comes next too; it lies anywhere.
      NodeRef next;
      if (NextChild(step.node, step.next_byte, &next) != 256) __builtin_prefetch(next.is_entry() ? static_cast<const void*>(next.entry()) : next.node());
      return child.entry();
    }
    steps_.push_back({child.node(), -1});
  }
  return nullptr;
}

}  // namespace millstream::state_store
