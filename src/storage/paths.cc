#include <unistd.h>

#include <cctype>
#include <climits>

#include "storage/fs.h"

namespace millstream {
namespace {

bool IsUnreserved(unsigned char c) { return std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

// What java.net.URI leaves alone in a path.
bool StaysInUriPath(unsigned char c) {
  return c < 0x80 && (IsUnreserved(c) || std::string_view("/=!$&'()*+,;:@").find(static_cast<char>(c)) != std::string_view::npos);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The scheme of "s3://bucket/x" or "file:/x"; empty: the text is a path.
std::string_view SchemeOf(std::string_view text) {
  size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !std::isalpha(static_cast<unsigned char>(text[0]))) return {};
  for (char c : text.substr(0, colon)) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '+' && c != '.' && c != '-') return {};
  }
  if (colon + 1 >= text.size() || text[colon + 1] != '/') return {};
  return text.substr(0, colon);
}

// "/a//b/./c/" → "/a/b/c". ".." stays: what it means depends on symlinks.
std::string Tidy(std::string_view path) {
  std::string tidy;
  for (size_t at = 0; at < path.size();) {
    size_t slash = path.find('/', at);
    std::string_view part = path.substr(at, slash == std::string_view::npos ? slash : slash - at);
    if (!part.empty() && part != ".") {
      tidy += '/';
      tidy += part;
    }
    if (slash == std::string_view::npos) break;
    at = slash + 1;
  }
  return tidy.empty() ? "/" : tidy;
}

}  // namespace

Result<std::string> PathFromUri(std::string_view uri_or_path) {
  std::string_view path = uri_or_path;
  if (path.empty()) return Status::IllegalArgument("Can not create a Path from an empty string");
  if (path.find('\0') != std::string_view::npos) return Status::IllegalArgument("A path cannot contain the character NUL");
  if (std::string_view scheme = SchemeOf(path); !scheme.empty()) {
    if (scheme != "file") {
      return Status::Unsupported("The file system scheme '" + std::string(scheme) + "'", "Use a path on this machine, such as file:///data/in.");
    }
    path.remove_prefix(5);
    if (path.starts_with("//")) {
      path.remove_prefix(2);
      size_t slash = path.find('/');
      std::string_view host = path.substr(0, slash);
      if (!host.empty() && host != "localhost") return Status::IllegalArgument("Wrong FS: " + std::string(uri_or_path) + ", expected: file:///");
      path = slash == std::string_view::npos ? "/" : path.substr(slash);
    }
  }
  if (path.starts_with('/')) return Tidy(path);
  char working_directory[PATH_MAX];
  if (::getcwd(working_directory, sizeof(working_directory)) == nullptr) return Status::Errno("getcwd", ".", errno);
  return Tidy(std::string(working_directory) + "/" + std::string(path));
}

std::string EncodeUriPath(std::string_view path) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (char c : path) {
    auto byte = static_cast<unsigned char>(c);
    if (StaysInUriPath(byte)) {
      encoded += c;
    } else {
      encoded += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return encoded;
}

std::string DecodeUriPath(std::string_view encoded) {
  std::string path;
  for (size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] == '%' && i + 2 < encoded.size() && HexDigit(encoded[i + 1]) >= 0 && HexDigit(encoded[i + 2]) >= 0) {
      path += static_cast<char>(HexDigit(encoded[i + 1]) * 16 + HexDigit(encoded[i + 2]));
      i += 2;
    } else {
      path += encoded[i];
    }
  }
  return path;
}

std::string UriFromPath(std::string_view path) { return "file://" + EncodeUriPath(path); }
std::string HadoopPathString(std::string_view path) { return "file:" + std::string(path); }

std::string JoinPath(std::string_view directory, std::string_view name) {
  std::string joined(directory);
  if (!joined.ends_with('/')) joined += '/';
  joined += name;
  return joined;
}

std::string_view ParentPath(std::string_view path) {
  size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string_view BaseName(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace millstream
