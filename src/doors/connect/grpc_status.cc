#include "doors/connect/grpc_status.h"

#include <rpc_status.pb.h>
#include <spark/connect/base.pb.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "base/java_exception.h"

namespace millstream {

namespace {

// Peers refuse more than 8 KiB of metadata. The message travels twice: percent-encoded in grpc-message and base64 in the details.
constexpr size_t kStatusMessageBytesMax = 2048;
constexpr size_t kParametersBytesMax = 1024;

std::string Json(const nlohmann::json& value) { return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

// The longest cut of `text` whose percent-encoded form (gRPC encodes everything but printable ASCII, threefold) fits.
std::string CutEncoded(const std::string& text, size_t encoded_max) {
  size_t encoded = 0, at = 0;
  while (at < text.size()) {
    unsigned char byte = static_cast<unsigned char>(text[at]);
    encoded += byte >= 0x20 && byte <= 0x7E && byte != '%' ? 1 : 3;
    if (encoded > encoded_max) break;
    ++at;
  }
  return at == text.size() ? text : CutUtf8(text, at);
}

}  // namespace

std::string ValidUtf8Text(const std::string& text) { return nlohmann::json::parse(Json(text)).get<std::string>(); }

std::string CutUtf8(const std::string& text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

grpc::Status ToGrpcStatus(const Status& status, const std::string& error_id) {
  const ErrorClass& error_class = status.error_class();
  const std::string message = status.message();
  const std::vector<std::string> classes = JavaClassesOf(status);

  google::rpc::ErrorInfo info;
  info.set_reason(classes.front());
  info.set_domain("org.apache.spark");
  auto& metadata = *info.mutable_metadata();
  metadata["classes"] = Json(classes);
  if (!error_class.name.empty()) {
    metadata["errorClass"] = std::string(error_class.name);
    nlohmann::json parameters = nlohmann::json::object();
    for (const auto& [name, value] : status.params()) parameters[name] = value;
    std::string text = Json(parameters);
    if (text.size() <= kParametersBytesMax) metadata["messageParameters"] = text;
  }
  if (!error_class.sql_state.empty()) metadata["sqlState"] = std::string(error_class.sql_state);
  if (!error_id.empty()) metadata["errorId"] = error_id;

  google::rpc::Status details;
  details.set_code(grpc::StatusCode::INTERNAL);
  // Python's client refuses a status whose two messages differ. What is cut here it fetches whole with FetchErrorDetails.
  const std::string sent = CutEncoded(ValidUtf8Text(message), kStatusMessageBytesMax);
  details.set_message(sent);
  details.add_details()->PackFrom(info);
  return grpc::Status(grpc::StatusCode::INTERNAL, sent, details.SerializeAsString());
}

void FillErrorDetails(const Status& status, spark::connect::FetchErrorDetailsResponse* response) {
  response->set_root_error_idx(0);
  auto* error = response->add_errors();
  for (std::string& name : JavaClassesOf(status)) error->add_error_type_hierarchy(std::move(name));
  error->set_message(ValidUtf8Text(status.message()));
  auto* throwable = error->mutable_spark_throwable();
  const ErrorClass& error_class = status.error_class();
  if (!error_class.name.empty()) throwable->set_error_class(std::string(error_class.name));
  if (!error_class.sql_state.empty()) throwable->set_sql_state(std::string(error_class.sql_state));
  for (const auto& [name, value] : status.params()) (*throwable->mutable_message_parameters())[name] = ValidUtf8Text(value);
}

}  // namespace millstream
