#include "formats/time_zone.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>

#include "storage/fs.h"

namespace millstream {
namespace {

constexpr int64_t kMicros = 1'000'000;
constexpr int kLastYear = 2450;  // of the tabulated transitions
constexpr int64_t kSecondsOf400Years = int64_t{146097} * 86400;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// ZoneOffset.of, with the two lenient forms that Spark adds ("+1:30", "+01:3"). nullopt: not an offset.
std::optional<int32_t> ParseOffset(std::string_view text) {
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  int sign = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  int parts[3] = {0, 0, 0};
  if (text.find(':') == std::string_view::npos) {
    if (!std::all_of(text.begin(), text.end(), IsDigit)) return std::nullopt;
    if (text.size() == 1) {
      parts[0] = text[0] - '0';
    } else if (text.size() == 2 || text.size() == 4 || text.size() == 6) {
      for (size_t i = 0; i < text.size(); i += 2) parts[i / 2] = (text[i] - '0') * 10 + (text[i + 1] - '0');
    } else {
      return std::nullopt;
    }
  } else {
    int part = 0, digits = 0;
    for (char c : text) {
      if (c == ':') {
        if (digits == 0 || ++part > 2) return std::nullopt;
        digits = 0;
      } else if (IsDigit(c) && digits < 2) {
        parts[part] = parts[part] * 10 + (c - '0');
        ++digits;
      } else {
        return std::nullopt;
      }
    }
    if (digits == 0 || (part == 2 && digits != 2)) return std::nullopt;
  }
  if (parts[1] > 59 || parts[2] > 59) return std::nullopt;
  int32_t seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
  if (seconds > 18 * 3600) return std::nullopt;
  return sign * seconds;
}

// ZoneId.SHORT_IDS.
const std::map<std::string, std::string, std::less<>>& ShortIds() {
  static const std::map<std::string, std::string, std::less<>> ids = {{"ACT", "Australia/Darwin"},
                                                                      {"AET", "Australia/Sydney"},
                                                                      {"AGT", "America/Argentina/Buenos_Aires"},
                                                                      {"ART", "Africa/Cairo"},
                                                                      {"AST", "America/Anchorage"},
                                                                      {"BET", "America/Sao_Paulo"},
                                                                      {"BST", "Asia/Dhaka"},
                                                                      {"CAT", "Africa/Harare"},
                                                                      {"CNT", "America/St_Johns"},
                                                                      {"CST", "America/Chicago"},
                                                                      {"CTT", "Asia/Shanghai"},
                                                                      {"EAT", "Africa/Addis_Ababa"},
                                                                      {"ECT", "Europe/Paris"},
                                                                      {"IET", "America/Indiana/Indianapolis"},
                                                                      {"IST", "Asia/Kolkata"},
                                                                      {"JST", "Asia/Tokyo"},
                                                                      {"MIT", "Pacific/Apia"},
                                                                      {"NET", "Asia/Yerevan"},
                                                                      {"NST", "Pacific/Auckland"},
                                                                      {"PLT", "Asia/Karachi"},
                                                                      {"PNT", "America/Phoenix"},
                                                                      {"PRT", "America/Puerto_Rico"},
                                                                      {"PST", "America/Los_Angeles"},
                                                                      {"SST", "Pacific/Guadalcanal"},
                                                                      {"VST", "Asia/Ho_Chi_Minh"},
                                                                      {"EST", "-05:00"},
                                                                      {"MST", "-07:00"},
                                                                      {"HST", "-10:00"}};
  return ids;
}

int64_t BigEndian(const char* p, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(p[i]);
  return bytes == 4 ? static_cast<int32_t>(value) : static_cast<int64_t>(value);
}

int64_t DaysFromCivil(int64_t year, int month, int day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t of_era = year - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// The footer of a TZif file: "CET-1CEST,M3.5.0,M10.5.0/3". Only the M form occurs in the tz database.
struct FooterRule {
  int32_t standard_s = 0, summer_s = 0;
  bool has_summer = false;
  struct Day {
    int month = 0, week = 0, weekday = 0;
    int32_t time_s = 7200;
  } start, end;
};

class FooterParser {
 public:
  explicit FooterParser(std::string_view text) : p_(text.data()), end_(text.data() + text.size()) {}
  std::optional<FooterRule> Parse() {
    FooterRule rule;
    int32_t offset = 0;
    if (!Name() || !Time(&offset)) return std::nullopt;
    rule.standard_s = -offset;
    if (p_ == end_) return rule;
    if (!Name()) return std::nullopt;
    rule.summer_s = rule.standard_s + 3600;
    if (p_ < end_ && *p_ != ',') {
      if (!Time(&offset)) return std::nullopt;
      rule.summer_s = -offset;
    }
    rule.has_summer = true;
    if (!Day(&rule.start) || !Day(&rule.end)) return std::nullopt;
    return rule;
  }

 private:
  bool Name() {
    const char* begin = p_;
    if (p_ < end_ && *p_ == '<') {
      while (p_ < end_ && *p_ != '>') ++p_;
      if (p_ == end_) return false;
      ++p_;
      return true;
    }
    while (p_ < end_ && ((*p_ >= 'A' && *p_ <= 'Z') || (*p_ >= 'a' && *p_ <= 'z'))) ++p_;
    return p_ > begin;
  }
  bool Number(int* value) {
    const char* begin = p_;
    *value = 0;
    while (p_ < end_ && IsDigit(*p_) && p_ - begin < 4) *value = *value * 10 + (*p_++ - '0');
    return p_ > begin;
  }
  bool Time(int32_t* seconds) {
    int sign = 1, part = 0;
    if (p_ < end_ && (*p_ == '-' || *p_ == '+')) sign = *p_++ == '-' ? -1 : 1;
    *seconds = 0;
    for (int unit : {3600, 60, 1}) {
      if (!Number(&part)) return false;
      *seconds += part * unit;
      if (p_ == end_ || *p_ != ':') break;
      ++p_;
    }
    *seconds *= sign;
    return true;
  }
  bool Expect(char c) { return p_ < end_ && *p_++ == c; }
  bool Day(FooterRule::Day* day) {
    if (!Expect(',') || !Expect('M') || !Number(&day->month) || !Expect('.') || !Number(&day->week) || !Expect('.') || !Number(&day->weekday)) return false;
    if (p_ < end_ && *p_ == '/') {
      ++p_;
      return Time(&day->time_s);
    }
    return true;
  }
  const char* p_;
  const char* end_;
};

// Seconds of local time at which the rule's day begins to count in `year`.
int64_t LocalSeconds(const FooterRule::Day& day, int year) {
  int64_t first = DaysFromCivil(year, day.month, 1);
  int weekday = static_cast<int>(((first + 4) % 7 + 7) % 7);  // 1970-01-01 was a Thursday
  int64_t date = first + (day.weekday - weekday + 7) % 7 + (day.week - 1) * 7;
  int64_t next_month = day.month == 12 ? DaysFromCivil(year + 1, 1, 1) : DaysFromCivil(year, day.month + 1, 1);
  while (date >= next_month) date -= 7;
  return date * 86400 + day.time_s;
}

}  // namespace

const TimeZone& TimeZone::Utc() {
  static const TimeZone utc;
  return utc;
}

const TimeZone* TimeZone::Find(std::string_view id) {
  static std::mutex mutex;
  static auto* cache = new std::map<std::string, std::unique_ptr<const TimeZone>, std::less<>>();
  std::lock_guard lock(mutex);
  if (auto found = cache->find(id); found != cache->end()) return found->second.get();
  std::string name(id);
  if (auto alias = ShortIds().find(id); alias != ShortIds().end()) name = alias->second;
  auto zone = std::make_unique<TimeZone>();
  std::string_view rest = name;
  for (std::string_view prefix : {"UTC", "GMT", "UT"}) {
    if (rest.starts_with(prefix) && (rest.size() == prefix.size() || rest[prefix.size()] == '+' || rest[prefix.size()] == '-')) {
      rest.remove_prefix(prefix.size());
      break;
    }
  }
  const TimeZone* answer = nullptr;
  if (rest.empty() || rest == "Z") {
    answer = name.empty() ? nullptr : zone.get();
  } else if (auto offset = ParseOffset(rest)) {
    zone->fixed_s_ = *offset;
    answer = zone.get();
  } else if (const TimeZone* loaded = Load(name)) {
    zone.reset(const_cast<TimeZone*>(loaded));
    answer = loaded;
  }
  // Names come from the data too: the cache of wrong ones must not grow without end.
  if (answer != nullptr || cache->size() < 1000) (*cache)[std::string(id)] = answer == nullptr ? nullptr : std::move(zone);
  return answer;
}

const TimeZone* TimeZone::Load(const std::string& region) {
  bool plain = !region.empty() && region[0] != '/' && region.find("..") == std::string::npos && std::all_of(region.begin(), region.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '/' || c == '_' || c == '-' || c == '+';
  });
  if (!plain) return nullptr;
  Result<std::string> bytes = Fs::Local().ReadFile("/usr/share/zoneinfo/" + region, 1 << 20);
  if (!bytes.ok() || bytes->size() < 88 || bytes->compare(0, 4, "TZif") != 0 || (*bytes)[4] < '2') return nullptr;
  const std::string& file = *bytes;
  auto counts = [&](size_t header, int64_t(&out)[6]) {
    for (int i = 0; i < 6; ++i) out[i] = BigEndian(file.data() + header + 20 + i * 4, 4);
  };
  int64_t old[6], now[6];  // isut, isstd, leap, time, type, char
  counts(0, old);
  size_t header = 44 + static_cast<size_t>(old[3] * 5 + old[4] * 6 + old[5] + old[2] * 8 + old[1] + old[0]);
  if (header + 44 > file.size()) return nullptr;
  counts(header, now);
  size_t times = header + 44, indexes = times + static_cast<size_t>(now[3]) * 8, types = indexes + static_cast<size_t>(now[3]);
  size_t footer = types + static_cast<size_t>(now[4] * 6 + now[5] + now[2] * 12 + now[1] + now[0]);
  if (now[3] < 0 || now[4] < 1 || footer > file.size()) return nullptr;
  auto zone = std::make_unique<TimeZone>();
  auto offset_of = [&](int64_t type) { return static_cast<int32_t>(BigEndian(file.data() + types + static_cast<size_t>(type) * 6, 4)); };
  int32_t offset = offset_of(0);
  zone->fixed_s_ = offset;
  for (int64_t i = 0; i < now[3]; ++i) {
    auto type = static_cast<unsigned char>(file[indexes + static_cast<size_t>(i)]);
    if (type >= now[4]) return nullptr;
    int32_t after = offset_of(type);
    if (after != offset) zone->transitions_.push_back({BigEndian(file.data() + times + static_cast<size_t>(i) * 8, 8), offset, after});
    offset = after;
  }
  std::string_view rule_text = std::string_view(file).substr(footer);
  while (!rule_text.empty() && rule_text.front() == '\n') rule_text.remove_prefix(1);
  rule_text = rule_text.substr(0, rule_text.find('\n'));
  std::optional<FooterRule> rule = FooterParser(rule_text).Parse();
  if (rule && rule->has_summer) {
    // The rule repeats for ever, and the calendar every 400 years.
    int64_t last = zone->transitions_.empty() ? INT64_MIN : zone->transitions_.back().at_s;
    std::vector<Transition> more;
    for (int year = 1970; year <= kLastYear; ++year) {
      more.push_back({LocalSeconds(rule->start, year) - rule->standard_s, rule->standard_s, rule->summer_s});
      more.push_back({LocalSeconds(rule->end, year) - rule->summer_s, rule->summer_s, rule->standard_s});
    }
    std::sort(more.begin(), more.end(), [](const Transition& a, const Transition& b) { return a.at_s < b.at_s; });
    for (const Transition& transition : more) {
      if (transition.at_s > last) zone->transitions_.push_back(transition);
    }
  }
  return zone.release();
}

int64_t TimeZone::LocalToUtcMicros(int64_t local_us) const {
  if (transitions_.empty()) return local_us - fixed_s_ * kMicros;
  int64_t local_s = local_us >= 0 ? local_us / kMicros : (local_us - kMicros + 1) / kMicros;
  if (int64_t end_s = int64_t{kLastYear - 1970} * 31'556'952; local_s > end_s) {
    local_s -= ((local_s - end_s) / kSecondsOf400Years + 1) * kSecondsOf400Years;
  }
  // The last transition whose wall clock, read with the smaller of both offsets before it, lies behind us.
  auto after = std::upper_bound(transitions_.begin(), transitions_.end(), local_s,
                                [](int64_t s, const Transition& t) { return s < t.at_s + std::max(t.before_s, t.after_s); });
  // Gap: local times between at+before and at+after do not exist and take the offset before. Overlap: the earlier instant, offset before.
  int64_t offset = after == transitions_.begin() ? transitions_.front().before_s : std::prev(after)->after_s;
  return local_us - offset * kMicros;
}

int64_t TimeZone::OffsetSecondsAt(int64_t utc_us) const {
  if (transitions_.empty()) return fixed_s_;
  int64_t utc_s = utc_us >= 0 ? utc_us / kMicros : (utc_us - kMicros + 1) / kMicros;
  if (int64_t end_s = int64_t{kLastYear - 1970} * 31'556'952; utc_s > end_s) utc_s -= ((utc_s - end_s) / kSecondsOf400Years + 1) * kSecondsOf400Years;
  auto after = std::upper_bound(transitions_.begin(), transitions_.end(), utc_s, [](int64_t s, const Transition& t) { return s < t.at_s; });
  return after == transitions_.begin() ? transitions_.front().before_s : std::prev(after)->after_s;
}

}  // namespace millstream
