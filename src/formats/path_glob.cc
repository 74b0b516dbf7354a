#include "formats/path_glob.h"

#include <re2/re2.h>

namespace millstream {
namespace {

// What a pattern may grow to when its braces are expanded, and how deep they may nest.
constexpr size_t kAlternativesMax = 1000;
constexpr int kBraceDepthMax = 32;

Status Invalid(std::string_view pattern, std::string reason) {
  return Status::Error(errors::kInvalidGlob, {{"pattern", std::string(pattern)}, {"reason", std::move(reason)}});
}

std::string Quote(char c) { return RE2::QuoteMeta(std::string_view(&c, 1)); }

// One character class from `at` (behind the '['); leaves `at` behind its ']'.
Result<std::string> TranslateClass(std::string_view glob, size_t* at) {
  std::string out = "[";
  size_t i = *at;
  if (i < glob.size() && (glob[i] == '^' || glob[i] == '!')) {
    out += '^';
    ++i;
  }
  bool any = false;
  for (; i < glob.size() && (glob[i] != ']' || !any); ++i) {
    char c = glob[i];
    if (c == '\\') {
      if (++i == glob.size()) return Invalid(glob, "it ends in a backslash");
      c = glob[i];
    } else if (c == '-' && any && i + 1 < glob.size() && glob[i + 1] != ']') {
      out += '-';
      continue;
    }
    char hex[8];
    std::snprintf(hex, sizeof(hex), "\\x%02x", static_cast<unsigned char>(c));
    out += hex;
    any = true;
  }
  if (i == glob.size()) return Invalid(glob, "a [ has no ]");
  *at = i + 1;
  return out + "]";
}

// A regular expression over bytes. `any` stands for what `?` matches.
Result<std::string> Translate(std::string_view glob, std::string_view any) {
  std::string out;
  int braces = 0;
  for (size_t i = 0; i < glob.size();) {
    char c = glob[i++];
    switch (c) {
      case '\\':
        if (i == glob.size()) return Invalid(glob, "it ends in a backslash");
        out += Quote(glob[i++]);
        break;
      case '*':
        out += any;
        out += '*';
        break;
      case '?':
        out += any;
        break;
      case '[': {
        MS_ASSIGN_OR_RETURN(std::string translated, TranslateClass(glob, &i));
        out += translated;
        break;
      }
      case '{':
        if (++braces > kBraceDepthMax) return Invalid(glob, "braces nest too deep");
        out += "(?:";
        break;
      case '}':
        if (braces > 0) {
          --braces;
          out += ')';
        } else {
          out += Quote(c);
        }
        break;
      case ',':
        out += braces > 0 ? "|" : ",";
        break;
      default:
        out += Quote(c);
    }
  }
  if (braces > 0) return Invalid(glob, "a { has no }");
  return out;
}

Result<std::shared_ptr<const RE2>> Compile(std::string_view glob, const std::string& expression) {
  RE2::Options options(RE2::Latin1);  // bytes: names need not be UTF-8
  options.set_dot_nl(true);
  options.set_log_errors(false);
  auto regex = std::make_shared<const RE2>(expression, options);
  if (!regex->ok()) return Invalid(glob, regex->error());
  return regex;
}

// Replaces braces that hold a slash by their alternatives, so that the rest can be matched name by name.
Result<std::vector<std::string>> ExpandSlashBraces(std::string_view glob) {
  std::vector<std::string> done, open{std::string(glob)};
  while (!open.empty()) {
    std::string pattern = std::move(open.back());
    open.pop_back();
    // The innermost alternatives of the first brace that holds a slash.
    size_t from = std::string::npos, to = 0;
    std::vector<size_t> starts;
    std::vector<bool> slashed;
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] == '\\') {
        ++i;
      } else if (pattern[i] == '{') {
        starts.push_back(i);
        slashed.push_back(false);
      } else if (pattern[i] == '/') {
        for (size_t level = 0; level < slashed.size(); ++level) slashed[level] = true;
      } else if (pattern[i] == '}' && !starts.empty()) {
        bool slash = slashed.back();
        size_t start = starts.back();
        starts.pop_back();
        slashed.pop_back();
        if (slash && (starts.empty() || from == std::string::npos)) {
          from = start;
          to = i;
          if (starts.empty()) break;
        }
      }
    }
    if (from == std::string::npos) {
      done.push_back(std::move(pattern));
      continue;
    }
    std::string head = pattern.substr(0, from), tail = pattern.substr(to + 1);
    int depth = 0;
    std::string alternative;
    for (size_t i = from + 1; i <= to; ++i) {
      char c = pattern[i];
      if (c == '\\' && i + 1 < to) {
        alternative += c;
        alternative += pattern[++i];
      } else if ((c == ',' && depth == 0) || i == to) {
        open.push_back(head + alternative + tail);
        alternative.clear();
      } else {
        depth += c == '{' ? 1 : c == '}' ? -1 : 0;
        alternative += c;
      }
    }
    if (open.size() + done.size() > kAlternativesMax) return Invalid(glob, "its braces have too many alternatives");
  }
  return done;
}

std::vector<std::string_view> Split(std::string_view path) {
  std::vector<std::string_view> names;
  for (size_t at = 0; at < path.size();) {
    size_t end = std::min(path.find('/', at), path.size());
    if (end > at) names.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

size_t FirstGlob(std::string_view path) {
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\') {
      ++i;
    } else if (path[i] == '*' || path[i] == '?' || path[i] == '[' || path[i] == '{') {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

bool HasGlob(std::string_view path) { return FirstGlob(path) != std::string_view::npos; }

std::string NormalizePath(std::string_view path) {
  std::vector<std::string_view> kept;
  for (std::string_view name : Split(path)) {
    if (name == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (name != ".") {
      kept.push_back(name);
    }
  }
  std::string out;
  for (std::string_view name : kept) (out += '/') += name;
  return out.empty() ? "/" : out;
}

Result<NameGlob> NameGlob::Parse(std::string_view pattern) {
  MS_ASSIGN_OR_RETURN(std::string expression, Translate(pattern, "."));
  NameGlob glob;
  MS_ASSIGN_OR_RETURN(glob.regex_, Compile(pattern, expression));
  return glob;
}

std::string_view NameGlob::pattern() const { return regex_->pattern(); }

bool NameGlob::Matches(std::string_view name) const { return RE2::FullMatch(name, *regex_); }

Result<PathGlob> PathGlob::Parse(std::string_view path, Mode mode) {
  PathGlob glob;
  glob.pattern_ = NormalizePath(path);
  glob.mode_ = mode;
  size_t first = FirstGlob(glob.pattern_);
  if (first == std::string::npos) {
    glob.base_ = Unescape(glob.pattern_);
    return glob;
  }
  glob.has_glob_ = true;
  size_t slash = glob.pattern_.rfind('/', first);
  glob.base_ = slash == 0 ? "/" : Unescape(std::string_view(glob.pattern_).substr(0, slash));
  if (mode == Mode::kLoose) {
    MS_ASSIGN_OR_RETURN(std::string expression, Translate(glob.pattern_, "."));
    MS_ASSIGN_OR_RETURN(glob.loose_, Compile(glob.pattern_, expression + ".*"));
    return glob;
  }
  MS_ASSIGN_OR_RETURN(std::vector<std::string> alternatives, ExpandSlashBraces(glob.pattern_));
  for (const std::string& alternative : alternatives) {
    Components components;
    std::string normal = NormalizePath(alternative);
    for (std::string_view name : Split(normal)) {
      MS_ASSIGN_OR_RETURN(std::string expression, Translate(name, "."));
      MS_ASSIGN_OR_RETURN(auto regex, Compile(glob.pattern_, expression));
      components.push_back(std::move(regex));
    }
    glob.strict_.push_back(std::move(components));
  }
  return glob;
}

bool PathGlob::MatchesFile(std::string_view path) const {
  if (!has_glob_) return true;
  if (mode_ == Mode::kLoose) return RE2::FullMatch(path, *loose_);
  std::vector<std::string_view> names = Split(path);
  for (const Components& components : strict_) {
    bool matches = names.size() >= components.size();
    for (size_t i = 0; matches && i < components.size(); ++i) matches = RE2::FullMatch(names[i], *components[i]);
    if (matches) return true;
  }
  return false;
}

bool PathGlob::MayHoldMatches(std::string_view directory) const {
  if (!has_glob_ || mode_ == Mode::kLoose) return true;
  std::vector<std::string_view> names = Split(directory);
  for (const Components& components : strict_) {
    bool matches = true;
    for (size_t i = 0; matches && i < components.size() && i < names.size(); ++i) matches = RE2::FullMatch(names[i], *components[i]);
    if (matches) return true;
  }
  return false;
}

std::string PathGlob::RootOf(std::string_view path) const {
  if (!has_glob_ || mode_ == Mode::kLoose) return base_;
  std::vector<std::string_view> names = Split(path);
  size_t depth = strict_.empty() ? 0 : strict_.front().size();
  for (const Components& components : strict_) {
    bool matches = names.size() >= components.size();
    for (size_t i = 0; matches && i < components.size(); ++i) matches = RE2::FullMatch(names[i], *components[i]);
    if (matches) depth = components.size();
  }
  std::string root;
  for (size_t i = 0; i < depth && i < names.size(); ++i) (root += '/') += names[i];
  return root.empty() ? "/" : root;
}

}  // namespace millstream
