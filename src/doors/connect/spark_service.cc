// The generated service, compiled here so that its handlers parse plans with our limit on nesting: a handler that is instantiated without
// bounded_messages.h has protobuf's.

#include "doors/connect/bounded_messages.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#include <spark/connect/base.grpc.pb.cc>
#pragma GCC diagnostic pop
