#pragma once

// parse_message.h   Bytes → message with Spark's limit on nesting instead of protobuf's 100.

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message_lite.h>

#include <string>

namespace millstream {

inline constexpr int kMessageDepthMax = 1024;

inline bool ParseBounded(const std::string& bytes, google::protobuf::MessageLite* message) {
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  input.SetRecursionLimit(kMessageDepthMax);
  return bytes.size() <= INT32_MAX && message->ParseFromCodedStream(&input) && input.ConsumedEntireMessage();
}

}  // namespace millstream
