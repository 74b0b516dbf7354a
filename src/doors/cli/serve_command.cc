#include <spdlog/spdlog.h>

#include <cstdio>

#include "doors/cli/commands.h"
#include "doors/cli/signals.h"
#include "doors/cli/startup_pages.h"
#include "doors/cli/status_page.h"

namespace millstream {

namespace {
constexpr int kStopSecondsMax = 10;
constexpr int64_t kCallGraceMs = 1000;
}  // namespace

void PrintError(const Status& status) {
  std::fflush(stdout);
  std::fprintf(stderr, "error: %s\n", status.message().c_str());
}

int Serve(const ServeOptions& options) {
  Result<std::unique_ptr<Engine>> engine = Engine::Open(options.engine);
  if (!engine.ok()) {
    PrintError(engine.status());
    return 1;
  }
  Result<std::unique_ptr<ConnectServer>> server = ConnectServer::Start(**engine, options.connect);
  if (!server.ok()) {
    PrintError(server.status());
    return 1;
  }
  const int port = (*server)->port();
  std::printf("millstream is ready: sc://localhost:%d (warehouse %s)\n", port, options.engine.warehouse.c_str());
  std::fflush(stdout);
  std::unique_ptr<StatusPage> page;
  if (options.ui_port != 0) {
    Result<std::unique_ptr<StatusPage>> started = StatusPage::Start(**server, options.ui_port);
    if (started.ok()) {
      page = std::move(*started);
      std::printf("queries and their progress: http://localhost:%d\n", options.ui_port);
    } else {
      // Jobs come first: a page that cannot be shown stops none.
      std::fprintf(stderr, "warning: %s\n", started.status().message().c_str());
    }
  }
  std::printf("next, in Python: SparkSession.builder.remote(\"sc://localhost:%d\").getOrCreate()     stop with Ctrl-C\n", port);
  std::fflush(stdout);
  ReleaseStartupPages();

  int number = NextStopSignal();
  // Streams may be cut off at any moment, the next start recovers: stopping takes its time, but not for ever.
  EndAtNextSignalOrAfter(kStopSecondsMax);
  spdlog::info("stopping on signal {}", number);
  page = nullptr;
  (*server)->Stop(kCallGraceMs);
  (*engine)->Shutdown();
  spdlog::info("stopped");
  return 0;
}

}  // namespace millstream
