#include "doors/connect/server.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "doors/connect/service.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kHostNotLoopback{
    "MILLSTREAM_HOST_NOT_LOOPBACK", "08004", ExceptionKind::kIllegalArgument,
    "The server listens on this machine only: '<host>' is refused, since without a token and TLS anybody on the network could read and write your "
    "files. Use --host localhost; from another machine, an SSH tunnel (ssh -L <port>:localhost:<port>)."};
inline constexpr ErrorClass kPortTaken{"MILLSTREAM_PORT_TAKEN", "08004", ExceptionKind::kIllegalArgument,
                                       "Cannot listen on <host>:<port>: it is in use, or not allowed. Choose another with --port, or --port 0 for any "
                                       "free one."};
}  // namespace errors

namespace {

// A client's broken bytes are answered with an error; they are no news for the server's log.
void LogProtobuf(google::protobuf::LogLevel level, const char*, int, const std::string& message) {
  if (level == google::protobuf::LOGLEVEL_FATAL)
    spdlog::critical("protobuf: {}", message);
  else
    spdlog::debug("protobuf: {}", message);
}

constexpr int kRequestBytesMax = 128 << 20;

class GrpcConnectServer final : public ConnectServer {
 public:
  explicit GrpcConnectServer(Engine& engine) : sessions_(engine), service_(sessions_, pool_) {}
  ~GrpcConnectServer() override { Stop(0); }

  Status Start(const ConnectServerOptions& options) {
    if (options.host != "localhost" && options.host != "127.0.0.1" && options.host != "::1") {
      return Status::Error(errors::kHostNotLoopback, {{"host", options.host}, {"port", std::to_string(options.port)}});
    }
    google::protobuf::SetLogHandler(LogProtobuf);
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(kRequestBytesMax);
    builder.SetMaxSendMessageSize(kRequestBytesMax);
    // Two servers on one port would share its connections.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    // 4.3's clients ping every minute, calls or not; gRPC's defaults answer that with GOAWAY.
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
    builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
    std::string host = options.host == "::1" ? "[::1]" : options.host;
    builder.AddListeningPort(host + ":" + std::to_string(options.port), grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (!server_ || port_ <= 0) return Status::Error(errors::kPortTaken, {{"host", options.host}, {"port", std::to_string(options.port)}});
    sessions_.SetPort(port_);
    janitor_ = std::thread([this] { CleanUp(); });
    return Status();
  }

  int port() const override { return port_; }

  void Stop(int64_t grace_ms) override {
    {
      std::lock_guard lock(mutex_);
      if (stopped_) return;
      stopped_ = true;
      wake_.notify_all();
    }
    if (janitor_.joinable()) janitor_.join();
    service_.Stop();
    sessions_.CloseAll();
    if (server_) {
      server_->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(grace_ms, GPR_TIMESPAN)));
      server_->Wait();
    }
  }

  std::vector<StreamingQueryPtr> ActiveQueries() override {
    std::vector<StreamingQueryPtr> all;
    for (const ConnectSessionPtr& session : sessions_.All()) {
      for (StreamingQueryPtr& query : session->session().ActiveQueries()) all.push_back(std::move(query));
    }
    return all;
  }

  std::vector<StreamingQueryPtr> RecentQueries() override {
    std::vector<StreamingQueryPtr> all;
    for (const ConnectSessionPtr& session : sessions_.All()) {
      for (StreamingQueryPtr& query : session->session().RecentQueries()) all.push_back(std::move(query));
    }
    return all;
  }

 private:
  void CleanUp() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::seconds(30), [this] { return stopped_; })) {
      lock.unlock();
      sessions_.DropIdle();
      lock.lock();
    }
  }

  SessionRegistry sessions_;
  BigStackPool pool_;
  ConnectService service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::thread janitor_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<ConnectServer>> ConnectServer::Start(Engine& engine, const ConnectServerOptions& options) {
  auto server = std::make_unique<GrpcConnectServer>(engine);
  MS_RETURN_IF_ERROR(server->Start(options));
  return std::unique_ptr<ConnectServer>(std::move(server));
}

}  // namespace millstream
