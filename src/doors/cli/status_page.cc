#include "doors/cli/status_page.h"

#include <httplib.h>

#include <nlohmann/json.hpp>

#include <chrono>
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
    if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '&') out += "&amp;";
    else if (c == '"') out += "&quot;";
    else out += c;
  }
  return out;
}

nlohmann::json QueriesJson(ConnectServer& server) {
  nlohmann::json queries = nlohmann::json::array();
  for (const StreamingQueryPtr& query : server.ActiveQueries()) {
    nlohmann::json progress;
    if (std::optional<std::string> last = query->last_progress()) progress = nlohmann::json::parse(*last, nullptr, false);
    queries.push_back({{"id", query->id()}, {"runId", query->run_id()}, {"name", query->name()}, {"status", query->status().message}, {"lastProgress", progress}});
  }
  return queries;
}

std::string Number(const nlohmann::json& progress, const char* key) {
  return progress.is_object() && progress.contains(key) && progress[key].is_number() ? std::to_string(static_cast<int64_t>(progress[key].get<double>())) : "";
}

std::string PageHtml(ConnectServer& server) {
  std::string html =
      "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=2><title>millstream</title>"
      "<style>body{font:15px system-ui;margin:2em}table{border-collapse:collapse}td,th{padding:.3em 1em;border-bottom:1px solid #ccc;text-align:left}</style>"
      "<h1>millstream</h1>";
  nlohmann::json queries = QueriesJson(server);
  if (queries.empty()) return html + "<p>No stream is running.</p>";
  html += "<table><tr><th>name<th>id<th>status<th>batch<th>rows in batch<th>rows/s";
  for (const auto& query : queries) {
    const auto& progress = query["lastProgress"];
    html += "<tr><td>" + Escaped(query["name"].get<std::string>()) + "<td>" + Escaped(query["id"].get<std::string>()) + "<td>" +
            Escaped(query["status"].get<std::string>()) + "<td>" + Number(progress, "batchId") + "<td>" + Number(progress, "numInputRows") + "<td>" +
            Number(progress, "processedRowsPerSecond");
  }
  return html + "</table><p><a href=/api/queries>as JSON</a>";
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
