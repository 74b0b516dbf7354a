#pragma once

// observed_metrics.h   What DataFrame.observe has seen, as the client wants to be told.

#include <spark/connect/base.pb.h>
#include <spark/connect/expressions.pb.h>

#include <vector>

#include "session/session.h"

namespace millstream {

// MILLSTREAM_UNSUPPORTED for a type that a literal cannot have.
Status EncodeLiteral(const Value& value, const DataType& type, spark::connect::Expression::Literal* out);
Result<spark::connect::ExecutePlanResponse> ToResponse(const std::vector<ObservedMetrics>& observed);

}  // namespace millstream
