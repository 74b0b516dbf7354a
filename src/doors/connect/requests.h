#pragma once

// requests.h   The unary calls, free of gRPC: a request, a session, an answer.

#include <spark/connect/base.pb.h>

#include "doors/connect/connect_session.h"

namespace millstream {

// spark.conf. config_request.cc
Status AnswerConfig(ConnectSession& session, const spark::connect::ConfigRequest& request, spark::connect::ConfigResponse* response);
// df.schema, df.explain() … On a big stack. analyze_request.cc
Status AnswerAnalyze(ConnectSession& session, const spark::connect::AnalyzePlanRequest& request, spark::connect::AnalyzePlanResponse* response);

// Spark's version that this server speaks for.
inline constexpr char kSparkVersion[] = "4.2.0";

}  // namespace millstream
