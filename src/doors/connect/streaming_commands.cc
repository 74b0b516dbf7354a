// writeStream.start() and what a client asks of running streams.

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/java_exception.h"
#include "doors/connect/connect_errors.h"
#include "doors/connect/grpc_status.h"
#include "doors/connect/plan_decoder.h"
#include "doors/connect/plan_runner.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

// How often a wait looks whether it has been interrupted.
constexpr int64_t kInterruptPollMs = 100;

void FillId(const StreamingQuery& query, sc::StreamingQueryInstanceId* id) {
  id->set_id(query.id());
  id->set_run_id(query.run_id());
}

// Waits in slices, so that an interrupt ends it. `wait` takes a timeout in milliseconds and says whether what it waits for has come.
template <typename Wait>
Result<bool> WaitInterruptibly(Operation& operation, std::optional<int64_t> timeout_ms, Wait wait) {
  Clock& clock = Clock::System();
  const int64_t begin = clock.MonotonicMicros();
  while (true) {
    int64_t slice = kInterruptPollMs;
    if (timeout_ms) {
      int64_t left = *timeout_ms - (clock.MonotonicMicros() - begin) / 1000;
      slice = std::max<int64_t>(0, std::min(slice, left));
    }
    MS_ASSIGN_OR_RETURN(bool done, wait(slice));
    if (done) return true;
    if (operation.cancel_token()->cancelled()) return Status::Error(errors::kCancelled);
    if (timeout_ms && clock.MonotonicMicros() - begin >= *timeout_ms * 1000) return false;
  }
}

Result<StreamingQueryPtr> Find(ConnectSession& session, const sc::StreamingQueryInstanceId& id) {
  StreamingQueryPtr query = session.session().FindQuery(id.id(), id.run_id());
  if (query) return query;
  query = session.session().FindQuery(id.id());
  if (!query) return Status::Error(errors::kQueryNotFound, {{"id", id.id()}});
  return Status::Error(errors::kQueryRunIdMismatch, {{"id", id.id()}, {"runId", id.run_id()}, {"serverRunId", query->run_id()}});
}

sc::StreamingQueryEventType EventType(StreamingQueryEvent::Kind kind) {
  switch (kind) {
    case StreamingQueryEvent::Kind::kStarted:
      return sc::QUERY_PROGRESS_UNSPECIFIED;
    case StreamingQueryEvent::Kind::kProgress:
      return sc::QUERY_PROGRESS_EVENT;
    case StreamingQueryEvent::Kind::kIdle:
      return sc::QUERY_IDLE_EVENT;
    case StreamingQueryEvent::Kind::kTerminated:
      return sc::QUERY_TERMINATED_EVENT;
  }
  return sc::QUERY_PROGRESS_UNSPECIFIED;
}

constexpr int64_t kStartedBeforeUs = 200'000;

}  // namespace

Status RunStreamStart(ConnectSession& session, Operation& operation, const sc::WriteStreamOperationStart& message) {
  PlanDecoder decoder(session, operation.execution());
  MS_ASSIGN_OR_RETURN(StartStream start, decoder.StreamStart(message));
  // The client tells its listeners that the query has started when it has the answer; a first batch of a millisecond would be there before.
  auto hold_events = [&session] { session.events_from_us()->store(Clock::System().MonotonicMicros() + kStartedBeforeUs); };
  if (session.listener_bus()) hold_events();
  MS_ASSIGN_OR_RETURN(StreamingQueryPtr query, session.session().StartStreamingQuery(start));
  sc::ExecutePlanResponse response;
  auto* result = response.mutable_write_stream_operation_start_result();
  FillId(*query, result->mutable_query_id());
  result->set_name(query->name());
  // The client fires onQueryStarted from this before start() returns; without listeners it must not be there.
  if (session.listener_bus()) {
    nlohmann::json started = {{"id", query->id()},
                              {"runId", query->run_id()},
                              {"name", query->name().empty() ? nlohmann::json() : nlohmann::json(query->name())},
                              {"timestamp", FormatIso8601Millis(Clock::System().WallMillis())},
                              {"jobTags", nlohmann::json::array()}};
    result->set_query_started_event_json(started.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    hold_events();
  }
  return operation.Send(std::move(response));
}

Status RunStreamCommand(ConnectSession& session, Operation& operation, const sc::StreamingQueryCommand& command) {
  MS_ASSIGN_OR_RETURN(StreamingQueryPtr query, Find(session, command.query_id()));
  sc::ExecutePlanResponse response;
  sc::StreamingQueryCommandResult* result = response.mutable_streaming_query_command_result();
  FillId(*query, result->mutable_query_id());
  switch (command.command_case()) {
    case sc::StreamingQueryCommand::kStatus: {
      StreamingQueryStatus status = query->status();
      result->mutable_status()->set_status_message(status.message);
      result->mutable_status()->set_is_data_available(status.is_data_available);
      result->mutable_status()->set_is_trigger_active(status.is_trigger_active);
      result->mutable_status()->set_is_active(query->is_active());
      break;
    }
    case sc::StreamingQueryCommand::kLastProgress: {
      result->mutable_recent_progress();
      if (std::optional<std::string> progress = query->last_progress()) result->mutable_recent_progress()->add_recent_progress_json(*progress);
      break;
    }
    case sc::StreamingQueryCommand::kRecentProgress: {
      result->mutable_recent_progress();
      for (std::string& progress : query->recent_progress()) result->mutable_recent_progress()->add_recent_progress_json(std::move(progress));
      break;
    }
    case sc::StreamingQueryCommand::kStop:
      MS_RETURN_IF_ERROR(query->Stop());
      break;
    case sc::StreamingQueryCommand::kProcessAllAvailable:
      MS_RETURN_IF_ERROR(query->ProcessAllAvailable());
      break;
    case sc::StreamingQueryCommand::kExplain:
      result->mutable_explain()->set_result(query->Explain(command.explain().extended()));
      break;
    case sc::StreamingQueryCommand::kException: {
      std::optional<Status> failed = query->exception();
      if (!failed) break;
      sc::StreamingQueryCommandResult::ExceptionResult* exception = result->mutable_exception();
      // The client takes what follows the first ": ".
      exception->set_exception_message(JavaClassesOf(*failed).front() + ": " + ValidUtf8Text(failed->message()));
      if (!failed->error_class().name.empty()) exception->set_error_class(std::string(failed->error_class().name));
      exception->set_stack_trace(ValidUtf8Text(failed->message()));
      break;
    }
    case sc::StreamingQueryCommand::kAwaitTermination: {
      std::optional<int64_t> timeout_ms;
      if (command.await_termination().has_timeout_ms()) timeout_ms = command.await_termination().timeout_ms();
      MS_ASSIGN_OR_RETURN(bool terminated, WaitInterruptibly(operation, timeout_ms, [&](int64_t slice_ms) { return query->AwaitTermination(slice_ms); }));
      result->mutable_await_termination()->set_terminated(terminated);
      break;
    }
    case sc::StreamingQueryCommand::COMMAND_NOT_SET:
      return NotSupported(command, "command");
  }
  return operation.Send(std::move(response));
}

Status RunStreamManagerCommand(ConnectSession& session, Operation& operation, const sc::StreamingQueryManagerCommand& command) {
  sc::ExecutePlanResponse response;
  sc::StreamingQueryManagerCommandResult* result = response.mutable_streaming_query_manager_command_result();
  auto fill = [](const StreamingQuery& query, sc::StreamingQueryManagerCommandResult::StreamingQueryInstance* instance) {
    FillId(query, instance->mutable_id());
    if (!query.name().empty()) instance->set_name(query.name());
  };
  switch (command.command_case()) {
    case sc::StreamingQueryManagerCommand::kActive:
      result->mutable_active();
      for (const StreamingQueryPtr& query : session.session().ActiveQueries()) fill(*query, result->mutable_active()->add_active_queries());
      break;
    case sc::StreamingQueryManagerCommand::kGetQuery: {
      StreamingQueryPtr query = session.session().FindQuery(command.get_query());
      if (query && query->is_active()) fill(*query, result->mutable_query());
      break;
    }
    case sc::StreamingQueryManagerCommand::kAwaitAnyTermination: {
      std::optional<int64_t> timeout_ms;
      if (command.await_any_termination().has_timeout_ms()) timeout_ms = command.await_any_termination().timeout_ms();
      MS_ASSIGN_OR_RETURN(bool terminated,
                          WaitInterruptibly(operation, timeout_ms, [&](int64_t slice_ms) { return session.session().AwaitAnyTermination(slice_ms); }));
      result->mutable_await_any_termination()->set_terminated(terminated);
      break;
    }
    case sc::StreamingQueryManagerCommand::kResetTerminated:
      session.session().ResetTerminated();
      result->set_reset_terminated(true);
      break;
    case sc::StreamingQueryManagerCommand::kAddListener:
    case sc::StreamingQueryManagerCommand::kRemoveListener:
    case sc::StreamingQueryManagerCommand::kListListeners:
    case sc::StreamingQueryManagerCommand::COMMAND_NOT_SET:
      return NotSupported(command, "command");
  }
  return operation.Send(std::move(response));
}

Status RunListenerBusCommand(ConnectSession& session, const OperationPtr& operation, const sc::StreamingQueryListenerBusCommand& command, bool* held) {
  switch (command.command_case()) {
    case sc::StreamingQueryListenerBusCommand::kAddListenerBusListener: {
      if (OperationPtr earlier = session.ReplaceListenerBus(operation)) earlier->Finish();
      sc::ExecutePlanResponse added;
      added.mutable_streaming_query_listener_events_result()->set_listener_bus_listener_added(true);
      MS_RETURN_IF_ERROR(operation->Send(std::move(added)));
      std::weak_ptr<Operation> weak = operation;
      int64_t handle = session.session().AddListener([weak, events_from_us = session.events_from_us()](const StreamingQueryEvent& event) {
        OperationPtr bus = weak.lock();
        // Started events travel with the answer to start().
        if (!bus || event.kind == StreamingQueryEvent::Kind::kStarted) return;
        const int64_t wait_us = events_from_us->load() - Clock::System().MonotonicMicros();
        if (wait_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(wait_us));
        sc::ExecutePlanResponse response;
        auto* message = response.mutable_streaming_query_listener_events_result()->add_events();
        message->set_event_json(event.json);
        message->set_event_type(EventType(event.kind));
        bus->Post(std::move(response));
      });
      operation->OnEnd([&session, handle] { session.session().RemoveListener(handle); });
      *held = true;
      return Status();
    }
    case sc::StreamingQueryListenerBusCommand::kRemoveListenerBusListener: {
      if (OperationPtr bus = session.ReplaceListenerBus(nullptr)) bus->Finish();
      sc::ExecutePlanResponse removed;
      removed.mutable_streaming_query_listener_events_result();
      return operation->Send(std::move(removed));
    }
    case sc::StreamingQueryListenerBusCommand::COMMAND_NOT_SET:
      break;
  }
  return NotSupported(command, "command");
}

}  // namespace millstream
