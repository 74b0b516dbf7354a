#pragma once

// bounded_messages.h   Requests that carry a plan are parsed with Spark's limit on nesting, 1,024, instead of protobuf's 100. Must be included before
// base.grpc.pb.h and wherever a handler is instantiated (spark_service.cc).

#include <grpcpp/impl/codegen/proto_buffer_reader.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <spark/connect/base.pb.h>

#include "doors/connect/connect_errors.h"
#include "doors/connect/grpc_status.h"
#include "doors/connect/parse_message.h"

namespace millstream {

template <typename Message>
struct BoundedSerialization {
  static grpc::Status Serialize(const Message& message, grpc::ByteBuffer* buffer, bool* own_buffer) {
    return grpc::GenericSerialize<grpc::ProtoBufferWriter, Message>(message, buffer, own_buffer);
  }
  static grpc::Status Deserialize(grpc::ByteBuffer* buffer, Message* message) {
    if (buffer == nullptr) return grpc::Status(grpc::StatusCode::INTERNAL, "No payload");
    bool parsed = false;
    {
      grpc::ProtoBufferReader reader(buffer);
      if (!reader.status().ok()) return reader.status();
      google::protobuf::io::CodedInputStream input(&reader);
      input.SetRecursionLimit(kMessageDepthMax);
      parsed = message->ParseFromCodedStream(&input) && input.ConsumedEntireMessage();
    }
    buffer->Clear();
    if (parsed) return grpc::Status();
    return ToGrpcStatus(Status::Error(errors::kPlanMalformed,
                                      {{"message", "It cannot be parsed: broken, or nested deeper than " + std::to_string(kMessageDepthMax) + " messages."}}),
                        "");
  }
};

}  // namespace millstream

namespace grpc {
template <>
class SerializationTraits<spark::connect::ExecutePlanRequest, void> : public millstream::BoundedSerialization<spark::connect::ExecutePlanRequest> {};
template <>
class SerializationTraits<spark::connect::AnalyzePlanRequest, void> : public millstream::BoundedSerialization<spark::connect::AnalyzePlanRequest> {};
}  // namespace grpc
