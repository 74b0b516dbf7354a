#include "doors/cli/status_page.h"

#include <httplib.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

namespace millstream {

namespace errors {
inline constexpr ErrorClass kPagePortTaken{"MILLSTREAM_PORT_TAKEN", "08004", ExceptionKind::kIllegalArgument,
                                           "The page cannot be shown on port <port>: it is in use. Choose another with --ui-port, or 0 for no page."};
}

namespace {

std::string Escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

nlohmann::json QueriesJson(ConnectServer& server) {
  nlohmann::json queries = nlohmann::json::array();
  for (const StreamingQueryPtr& query : server.RecentQueries()) {
    nlohmann::json progress, error;
    if (std::optional<std::string> last = query->last_progress()) progress = nlohmann::json::parse(*last, nullptr, false);
    if (std::optional<Status> failed = query->exception()) error = failed->message();
    queries.push_back({{"id", query->id()},
                       {"runId", query->run_id()},
                       {"name", query->name()},
                       {"isActive", query->is_active()},
                       {"status", query->status().message},
                       {"exception", error},
                       {"lastProgress", progress}});
  }
  return queries;
}

// Whole, with a space between thousands; empty where there is no such number.
std::string Number(const nlohmann::json& progress, const char* key) {
  if (!progress.is_object() || !progress.contains(key) || !progress[key].is_number()) return "";
  std::string digits = std::to_string(static_cast<int64_t>(progress[key].get<double>()));
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<size_t>(at), "\u202f");
  return digits;
}

std::string Text(const nlohmann::json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string() ? Escaped(object[key].get<std::string>()) : "";
}

void AddRow(const nlohmann::json& query, std::string& html) {
  const nlohmann::json& progress = query["lastProgress"];
  const bool active = query["isActive"].get<bool>(), failed = query["exception"].is_string();
  const std::string name = Text(query, "name");
  html += std::string("<tr class=") +
          (active   ? "runs"
           : failed ? "failed"
                    : "ended") +
          "><td><b>" + (name.empty() ? "<i>no name</i>" : name) + "</b><br><small>" + Text(query, "id") + "</small><td>" +
          (active   ? "running"
           : failed ? "failed"
                    : "ended") +
          "<br><small>" + (failed ? "" : Text(query, "status")) + "</small><td class=n>" + Number(progress, "batchId") + "<td class=n>" +
          Number(progress, "numInputRows") + "<td class=n>" + Number(progress, "processedRowsPerSecond") + "<td class=n>" + Number(progress, "batchDuration") +
          "<td><small>" + Text(progress, "timestamp") + "</small><td><small>";
  if (progress.is_object() && progress.contains("sources") && progress["sources"].is_array()) {
    for (const auto& source : progress["sources"]) html += Text(source, "description") + "<br>";
  }
  if (progress.is_object() && progress.contains("sink")) html += "→ " + Text(progress["sink"], "description");
  html += "</small>";
  if (failed) html += "<tr class=failed><td colspan=8><pre>" + Text(query, "exception") + "</pre>";
}

std::string PageHtml(ConnectServer& server) {
  std::string html =
      "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=2><title>millstream</title>"
      "<style>:root{color-scheme:light dark}body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em}h1{font-size:1.4em}"
      "table{border-collapse:collapse;width:100%}td,th{padding:.45em .8em;border-bottom:1px solid #8884;text-align:left;vertical-align:top}"
      ".n{text-align:right;font-variant-numeric:tabular-nums}small{opacity:.75;overflow-wrap:anywhere}pre{white-space:pre-wrap;margin:0;max-height:12em;"
      "overflow:auto}"
      ".runs td:first-child{border-left:4px solid #2a9d57}.failed td:first-child{border-left:4px solid #c8372d}.ended td:first-child{border-left:4px solid "
      "#8888}</style>"
      "<h1>millstream</h1>";
  nlohmann::json queries = QueriesJson(server);
  size_t running = 0;
  for (const auto& query : queries) running += query["isActive"].get<bool>() ? 1 : 0;
  html += "<p>" + std::to_string(running) + (running == 1 ? " stream is" : " streams are") + " running, " + std::to_string(queries.size() - running) +
          " ended within the last hour.";
  if (!queries.empty()) {
    html += "<table><tr><th>stream<th>state<th class=n>batch<th class=n>rows in batch<th class=n>rows/s<th class=n>ms<th>at<th>from → to";
    // The newest start first, and those that run before those that have ended.
    for (const bool active : {true, false}) {
      for (auto query = queries.rbegin(); query != queries.rend(); ++query)
        if ((*query)["isActive"].get<bool>() == active) AddRow(*query, html);
    }
    html += "</table>";
  }
  return html + "<p><small><a href=/api/queries>as JSON</a></small>";
}

class HttpStatusPage final : public StatusPage {
 public:
  HttpStatusPage(ConnectServer& server, int port) : port_(port) {
    http_.new_task_queue = [] { return new httplib::ThreadPool(2); };
    // A page of another origin that resolves its name to this machine must not read this one.
    http_.set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      std::string host = request.get_header_value("Host");
      std::string suffix = ":" + std::to_string(port_);
      if (host == "localhost" + suffix || host == "127.0.0.1" + suffix) return httplib::Server::HandlerResponse::Unhandled;
      response.status = 403;
      return httplib::Server::HandlerResponse::Handled;
    });
    http_.Get("/", [&server](const httplib::Request&, httplib::Response& response) {
      response.set_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
      response.set_content(PageHtml(server), "text/html");
    });
    http_.Get("/api/queries", [&server](const httplib::Request&, httplib::Response& response) {
      response.set_content(QueriesJson(server).dump(1, ' ', false, nlohmann::json::error_handler_t::replace), "application/json");
    });
  }
  ~HttpStatusPage() override {
    http_.stop();
    if (thread_.joinable()) thread_.join();
  }
  bool Start() {
    // Not SO_REUSEPORT, httplib's default: two servers would share the port's requests.
    http_.set_socket_options([](socket_t socket) {
      int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    if (!http_.bind_to_port("127.0.0.1", port_)) return false;
    thread_ = std::thread([this] { http_.listen_after_bind(); });
    // stop() is lost on a server that does not run yet.
    for (int i = 0; i < 1000 && !http_.is_running(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return true;
  }

 private:
  httplib::Server http_;
  int port_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<StatusPage>> StatusPage::Start(ConnectServer& server, int port) {
  auto page = std::make_unique<HttpStatusPage>(server, port);
  if (!page->Start()) return Status::Error(errors::kPagePortTaken, {{"port", std::to_string(port)}});
  return std::unique_ptr<StatusPage>(std::move(page));
}

}  // namespace millstream
