#include "doors/cli/progress_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace millstream {

namespace {

std::string Grouped(double number) {
  std::string digits = std::to_string(static_cast<long long>(number));
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return digits;
}

double NumberAt(const nlohmann::json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

}  // namespace

ProgressLine::ProgressLine(ConnectServer& server) : server_(server) {
  if (isatty(STDERR_FILENO)) thread_ = std::thread([this] { Loop(); });
}

ProgressLine::~ProgressLine() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

std::string ProgressLine::Text(ConnectServer& server) {
  std::string text;
  for (const StreamingQueryPtr& query : server.ActiveQueries()) {
    if (!text.empty()) text += "  |  ";
    text += query->name().empty() ? query->id().substr(0, 8) : query->name();
    std::optional<std::string> last = query->last_progress();
    nlohmann::json progress = last ? nlohmann::json::parse(*last, nullptr, false) : nlohmann::json();
    if (!progress.is_object()) {
      text += ": " + query->status().message;
      continue;
    }
    double files = 0, seconds = 0;
    bool is_complete = true;
    for (const auto& source : progress.value("sources", nlohmann::json::array())) {
      if (source.contains("metrics") && source["metrics"].is_object()) {
        const auto& metrics = source["metrics"];
        auto number = [&](const char* name) {
          auto found = metrics.find(name);
          return found != metrics.end() && found->is_string() ? std::atof(found->get<std::string>().c_str()) : 0.0;
        };
        files += number("numFilesOutstanding");
        seconds = std::max(seconds, number("estimatedSecondsToFinish"));
        is_complete &= metrics.value("backlogIsComplete", "true") == "true";
      }
    }
    text += ": batch " + Grouped(NumberAt(progress, "batchId")) + ", " + Grouped(NumberAt(progress, "numInputRows")) + " rows, " +
            Grouped(NumberAt(progress, "processedRowsPerSecond")) + " rows/s";
    if (files > 0) text += ", " + Grouped(files) + (is_complete ? "" : " or more") + " files waiting";
    if (files > 0 && seconds > 0) text += ", about " + Grouped(seconds) + " s";
  }
  return text;
}

void ProgressLine::Loop() {
  std::unique_lock lock(mutex_);
  bool shown = false;
  while (!wake_.wait_for(lock, std::chrono::milliseconds(500), [this] { return stopped_; })) {
    lock.unlock();
    std::string text = Text(server_);
    winsize size{};
    size_t width = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1 : 79;
    if (text.size() > width) text.resize(width);
    if (!text.empty() || shown) std::fprintf(stderr, "\r\033[K%s", text.c_str());
    shown = !text.empty();
    lock.lock();
  }
  if (shown) std::fprintf(stderr, "\r\033[K");
}

}  // namespace millstream
