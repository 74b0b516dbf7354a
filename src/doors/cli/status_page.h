#pragma once

// status_page.h   A page in the browser with the running streams and their last progress; as JSON under /api/queries.

#include <memory>

#include "doors/connect/server.h"

namespace millstream {

class StatusPage {
 public:
  // On loopback only. `server` outlives the page.
  static Result<std::unique_ptr<StatusPage>> Start(ConnectServer& server, int port);
  virtual ~StatusPage() = default;
};

}  // namespace millstream
