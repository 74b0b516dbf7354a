#include "doors/connect/service.h"

#include <chrono>

#include "doors/connect/artifacts.h"
#include "doors/connect/connect_errors.h"
#include "doors/connect/plan_runner.h"
#include "doors/connect/requests.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

// A client that can reattach is sent away after this long or this much, as Spark does, so that proxies see no endless calls.
constexpr auto kStreamMax = std::chrono::minutes(2);
constexpr size_t kStreamBytesMax = size_t{1} << 30;
// How often a stream looks whether its client has gone.
constexpr auto kLivenessPoll = std::chrono::milliseconds(200);

template <typename Request>
std::string Observed(const Request& request) {
  return request.client_observed_server_side_session_id();
}

grpc::Status Failed(ConnectSession* session, const Status& status) { return ToGrpcStatus(status, session ? session->RememberError(status) : ""); }

}  // namespace

template <typename Request, typename Response>
grpc::Status ConnectService::WithSession(const Request& request, Response* response, const std::function<Status(ConnectSession&)>& answer) {
  Result<ConnectSessionPtr> session = sessions_.GetOrCreate(request.user_context().user_id(), request.session_id(), Observed(request));
  if (!session.ok()) return Failed(nullptr, session.status());
  response->set_session_id((*session)->session_id());
  response->set_server_side_session_id((*session)->server_side_id());
  Status status;
  try {
    status = answer(**session);
  } catch (const std::exception& caught) {
    status = Status::Internal(caught.what());
  }
  return status.ok() ? grpc::Status() : Failed(session->get(), status);
}

grpc::Status ConnectService::Stream(Context context, ConnectSession& session, const OperationPtr& operation, int64_t index, ResponseWriter* writer) {
  using Kind = Operation::Next::Kind;
  const int64_t attachment = operation->Attach();
  const auto begin = std::chrono::steady_clock::now();
  size_t sent_bytes = 0;
  grpc::Status end;
  bool abandoned = false;
  while (true) {
    Operation::Next next = operation->WaitFor(index, attachment, kLivenessPoll);
    if (next.kind == Kind::kEnd) break;
    if (next.kind == Kind::kDisconnected) {
      end = Failed(&session, Status::Error(errors::kCursorDisconnected));
      break;
    }
    if (next.kind == Kind::kError) {
      end = Failed(&session, next.error);
      break;
    }
    if (next.kind == Kind::kResponse) {
      // No write options: gRPC 1.51's buffer hint (also behind set_last_message) can leave a write that nobody completes.
      bool last = next.response->has_result_complete();
      if (!writer->Write(*next.response)) {
        abandoned = true;
        break;
      }
      sent_bytes += next.response->ByteSizeLong();
      ++index;
      if (last) break;
    }
    if (next.kind == Kind::kTimeout && context->IsCancelled()) {
      abandoned = true;
      break;
    }
    if (stopping_.load() && next.kind == Kind::kTimeout) {
      end = grpc::Status(grpc::StatusCode::UNAVAILABLE, "The server is stopping.");
      break;
    }
    if (operation->reattachable() && (std::chrono::steady_clock::now() - begin > kStreamMax || sent_bytes > kStreamBytesMax)) break;
  }
  operation->Detach(attachment);
  if (!operation->reattachable()) session.RemoveOperation(operation->id());
  return abandoned ? grpc::Status(grpc::StatusCode::CANCELLED, "The client has gone.") : end;
}

grpc::Status ConnectService::ExecutePlan(Context context, const sc::ExecutePlanRequest* request, ResponseWriter* writer) {
  Result<ConnectSessionPtr> session = sessions_.GetOrCreate(request->user_context().user_id(), request->session_id(), Observed(*request));
  if (!session.ok()) return Failed(nullptr, session.status());
  bool reattachable = false;
  for (const auto& option : request->request_options()) reattachable |= option.reattach_options().reattachable();
  Result<OperationPtr> made = (*session)->NewOperation(request->operation_id(), {request->tags().begin(), request->tags().end()}, reattachable);
  if (!made.ok()) return Failed(session->get(), made.status());
  OperationPtr operation = *made;
  if (auto batch = context->client_metadata().find(kBatchMetadata); batch != context->client_metadata().end())
    operation->set_batch_writes((*session)->FindBatchWrites(std::string(batch->second.data(), batch->second.size())));
  // The request outlives this call when the client leaves and comes back: the plan moves to the operation's thread.
  auto plan = std::make_shared<sc::Plan>();
  plan->Swap(const_cast<sc::ExecutePlanRequest*>(request)->mutable_plan());
  Status submitted = pool_.Submit([session = *session, operation, plan = std::move(plan)]() mutable {
    RunPlan(*session, operation, *plan);
    plan.reset();
  });
  if (!submitted.ok()) operation->Fail(std::move(submitted));
  return Stream(context, **session, operation, 0, writer);
}

grpc::Status ConnectService::ReattachExecute(Context context, const sc::ReattachExecuteRequest* request, ResponseWriter* writer) {
  Result<ConnectSessionPtr> session = sessions_.GetOrCreate(request->user_context().user_id(), request->session_id(), Observed(*request));
  if (!session.ok()) return Failed(nullptr, session.status());
  Result<OperationPtr> operation = (*session)->FindOperation(request->operation_id());
  if (!operation.ok()) return Failed(session->get(), operation.status());
  if (!(*operation)->reattachable()) return Failed(session->get(), Status::Error(errors::kCursorNotReattachable));
  Result<int64_t> index = int64_t{0};
  if (request->has_last_response_id()) index = (*operation)->IndexAfter(request->last_response_id());
  if (!index.ok()) return Failed(session->get(), index.status());
  return Stream(context, **session, *operation, *index, writer);
}

grpc::Status ConnectService::AnalyzePlan(Context, const sc::AnalyzePlanRequest* request, sc::AnalyzePlanResponse* response) {
  return WithSession(*request, response, [&](ConnectSession& session) -> Status {
    Status status;
    MS_RETURN_IF_ERROR(pool_.Run([&] {
      try {
        status = AnswerAnalyze(session, *request, response);
      } catch (const std::exception& caught) {
        status = Status::Internal(caught.what());
      }
    }));
    return status;
  });
}

grpc::Status ConnectService::Config(Context, const sc::ConfigRequest* request, sc::ConfigResponse* response) {
  return WithSession(*request, response, [&](ConnectSession& session) { return AnswerConfig(session, *request, response); });
}

grpc::Status ConnectService::AddArtifacts(Context, grpc::ServerReader<sc::AddArtifactsRequest>* reader, sc::AddArtifactsResponse* response) {
  sc::AddArtifactsRequest request;
  if (!reader->Read(&request)) return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "AddArtifacts without a message.");
  return WithSession(request, response, [&](ConnectSession& session) -> Status {
    ArtifactReceiver receiver(session);
    do {
      MS_RETURN_IF_ERROR(receiver.Take(request));
    } while (reader->Read(&request));
    return receiver.Finish(response);
  });
}

grpc::Status ConnectService::ArtifactStatus(Context, const sc::ArtifactStatusesRequest* request, sc::ArtifactStatusesResponse* response) {
  return WithSession(*request, response, [&](ConnectSession& session) {
    for (const std::string& name : request->names()) (*response->mutable_statuses())[name].set_exists(session.HasArtifact(name));
    return Status();
  });
}

grpc::Status ConnectService::Interrupt(Context, const sc::InterruptRequest* request, sc::InterruptResponse* response) {
  return WithSession(*request, response, [&](ConnectSession& session) {
    std::vector<std::string> ids;
    switch (request->interrupt_type()) {
      case sc::InterruptRequest::INTERRUPT_TYPE_ALL:
        session.session().StopAllQueries();
        ids = session.Interrupt([](const Operation&) { return true; });
        break;
      case sc::InterruptRequest::INTERRUPT_TYPE_TAG:
        ids = session.Interrupt([&](const Operation& operation) { return operation.tags().count(request->operation_tag()) > 0; });
        break;
      case sc::InterruptRequest::INTERRUPT_TYPE_OPERATION_ID:
        ids = session.Interrupt([&](const Operation& operation) { return operation.id() == request->operation_id(); });
        break;
      default:
        return Status::IllegalArgument("Unknown interrupt type " + std::to_string(request->interrupt_type()) + ".");
    }
    for (std::string& id : ids) response->add_interrupted_ids(std::move(id));
    return Status();
  });
}

grpc::Status ConnectService::ReleaseExecute(Context, const sc::ReleaseExecuteRequest* request, sc::ReleaseExecuteResponse* response) {
  return WithSession(*request, response, [&](ConnectSession& session) {
    OperationPtr operation = session.FindOperationOrNull(request->operation_id());
    if (!operation) return Status();  // released before: fine
    response->set_operation_id(operation->id());
    if (request->has_release_until()) {
      operation->ReleaseUntil(request->release_until().response_id());
    } else {
      session.RemoveOperation(operation->id());
    }
    return Status();
  });
}

grpc::Status ConnectService::ReleaseSession(Context, const sc::ReleaseSessionRequest* request, sc::ReleaseSessionResponse* response) {
  response->set_session_id(request->session_id());
  if (ConnectSessionPtr session = sessions_.Find(request->user_context().user_id(), request->session_id())) {
    response->set_server_side_session_id(session->server_side_id());
  }
  sessions_.Release(request->user_context().user_id(), request->session_id(), request->allow_reconnect());
  return grpc::Status();
}

grpc::Status ConnectService::FetchErrorDetails(Context, const sc::FetchErrorDetailsRequest* request, sc::FetchErrorDetailsResponse* response) {
  return WithSession(*request, response, [&](ConnectSession& session) {
    if (std::optional<Status> error = session.FindError(request->error_id())) FillErrorDetails(*error, response);
    return Status();
  });
}

grpc::Status ConnectService::CloneSession(Context, const sc::CloneSessionRequest* request, sc::CloneSessionResponse* response) {
  return WithSession(*request, response, [&](ConnectSession& session) -> Status {
    MS_ASSIGN_OR_RETURN(ConnectSessionPtr clone, sessions_.Clone(session, request->new_session_id()));
    response->set_new_session_id(clone->session_id());
    response->set_new_server_side_session_id(clone->server_side_id());
    return Status();
  });
}

grpc::Status ConnectService::GetStatus(Context, const sc::GetStatusRequest* request, sc::GetStatusResponse* response) {
  using Answer = sc::GetStatusResponse::OperationStatus;
  return WithSession(*request, response, [&](ConnectSession& session) {
    for (const std::string& id : request->operation_status().operation_ids()) {
      Answer* answer = response->add_operation_statuses();
      answer->set_operation_id(id);
      answer->set_state(Answer::OPERATION_STATE_UNKNOWN);
      OperationPtr operation = session.FindOperationOrNull(id);
      if (!operation) continue;
      switch (operation->state()) {
        case Operation::State::kRunning:
          answer->set_state(Answer::OPERATION_STATE_RUNNING);
          break;
        case Operation::State::kSucceeded:
          answer->set_state(Answer::OPERATION_STATE_SUCCEEDED);
          break;
        case Operation::State::kFailed:
          answer->set_state(Answer::OPERATION_STATE_FAILED);
          break;
        case Operation::State::kCancelled:
          answer->set_state(Answer::OPERATION_STATE_CANCELLED);
          break;
      }
    }
    return Status();
  });
}

}  // namespace millstream
