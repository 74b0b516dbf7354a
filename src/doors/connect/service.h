#pragma once

// service.h   The twelve calls of Spark Connect on gRPC's synchronous API: one thread a call, as many as there are calls, so that a call that waits
// (awaitTermination, the listener bus) holds up no other. Plans are walked on the pool's big stacks.

#include <spark/connect/base.grpc.pb.h>

#include <atomic>
#include <functional>
#include <string>

#include "doors/connect/big_stack_pool.h"
#include "doors/connect/bounded_messages.h"
#include "doors/connect/connect_session.h"

namespace millstream {

class ConnectService final : public spark::connect::SparkConnectService::Service {
 public:
  ConnectService(SessionRegistry& sessions, BigStackPool& pool) : sessions_(sessions), pool_(pool) {}

  // From now on streams end, so that the server can stop.
  void Stop() { stopping_.store(true); }

 private:
  using Context = grpc::ServerContext*;
  using ResponseWriter = grpc::ServerWriter<spark::connect::ExecutePlanResponse>;

  grpc::Status ExecutePlan(Context context, const spark::connect::ExecutePlanRequest* request, ResponseWriter* writer) override;
  grpc::Status ReattachExecute(Context context, const spark::connect::ReattachExecuteRequest* request, ResponseWriter* writer) override;
  grpc::Status AnalyzePlan(Context context, const spark::connect::AnalyzePlanRequest* request, spark::connect::AnalyzePlanResponse* response) override;
  grpc::Status Config(Context context, const spark::connect::ConfigRequest* request, spark::connect::ConfigResponse* response) override;
  grpc::Status AddArtifacts(Context context, grpc::ServerReader<spark::connect::AddArtifactsRequest>* reader,
                            spark::connect::AddArtifactsResponse* response) override;
  grpc::Status ArtifactStatus(Context context, const spark::connect::ArtifactStatusesRequest* request,
                              spark::connect::ArtifactStatusesResponse* response) override;
  grpc::Status Interrupt(Context context, const spark::connect::InterruptRequest* request, spark::connect::InterruptResponse* response) override;
  grpc::Status ReleaseExecute(Context context, const spark::connect::ReleaseExecuteRequest* request, spark::connect::ReleaseExecuteResponse* response) override;
  grpc::Status ReleaseSession(Context context, const spark::connect::ReleaseSessionRequest* request, spark::connect::ReleaseSessionResponse* response) override;
  grpc::Status FetchErrorDetails(Context context, const spark::connect::FetchErrorDetailsRequest* request,
                                 spark::connect::FetchErrorDetailsResponse* response) override;
  grpc::Status CloneSession(Context context, const spark::connect::CloneSessionRequest* request, spark::connect::CloneSessionResponse* response) override;
  grpc::Status GetStatus(Context context, const spark::connect::GetStatusRequest* request, spark::connect::GetStatusResponse* response) override;

  // Finds or makes the request's session, runs `answer` on it, and fills the ids that every response carries.
  template <typename Request, typename Response>
  grpc::Status WithSession(const Request& request, Response* response, const std::function<Status(ConnectSession&)>& answer);
  grpc::Status Stream(Context context, ConnectSession& session, const OperationPtr& operation, int64_t index, ResponseWriter* writer);

  SessionRegistry& sessions_;
  BigStackPool& pool_;
  std::atomic<bool> stopping_{false};
};

}  // namespace millstream
