#pragma once

// grpc_status.h   Our Status as PySpark wants to see it: gRPC INTERNAL with google.rpc.ErrorInfo, from which the client picks its exception class.

#include <grpcpp/support/status.h>

#include <string>

#include "base/status.h"

namespace spark::connect {
class FetchErrorDetailsResponse;
}

namespace millstream {

// `error_id`: under which FetchErrorDetails finds the full error; empty: it cannot.
grpc::Status ToGrpcStatus(const Status& status, const std::string& error_id);
void FillErrorDetails(const Status& status, spark::connect::FetchErrorDetailsResponse* response);
// A protobuf string must be valid UTF-8, and names of files need not be: broken bytes become U+FFFD.
std::string ValidUtf8Text(const std::string& text);
// At most `bytes_max` bytes of text, cut between characters.
std::string CutUtf8(const std::string& text, size_t bytes_max);

}  // namespace millstream
