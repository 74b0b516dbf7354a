#include <functional>
#include <string>
#include <vector>

#include "doors/connect/connect_errors.h"
#include "doors/connect/plan_decoder.h"
#include "doors/connect/plan_runner.h"
#include "doors/connect/requests.h"
#include "doors/connect/tree_string.h"
#include "plan/analyzer.h"
#include "types/spark_ddl.h"
#include "types/spark_json.h"
#include "types/spark_proto.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

Result<PlanPtr> Decode(ConnectSession& session, const sc::Plan& sent) {
  sc::Plan space;
  MS_ASSIGN_OR_RETURN(const sc::Plan* plan, Decompressed(sent, &space));
  if (!plan->has_root()) return Status::Error(errors::kPlanMalformed, {{"message", "A relation is expected, not a command."}});
  return PlanDecoder(session, Execution{}).Relation(plan->root());
}

Result<PlanPtr> DecodeAndAnalyze(ConnectSession& session, const sc::Plan& sent) {
  MS_ASSIGN_OR_RETURN(PlanPtr plan, Decode(session, sent));
  return session.session().AnalyzePlan(plan);
}

// Two plans mean the same for sure when their analyzed trees print the same; ids of attributes differ from analysis to analysis.
std::string Canonical(const PlanNode& plan) {
  std::string text = TreeString(plan), out;
  for (size_t at = 0; at < text.size(); ++at) {
    out += text[at];
    if (text[at] == '#') {
      while (at + 1 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '9') ++at;
    }
  }
  return out;
}

Result<std::string> ExplainText(ConnectSession& session, const sc::AnalyzePlanRequest::Explain& request) {
  MS_ASSIGN_OR_RETURN(PlanPtr parsed, Decode(session, request.plan()));
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, session.session().AnalyzePlan(parsed));
  std::string physical = "== Physical Plan ==\n" + TreeString(*Optimize(analyzed));
  if (request.explain_mode() != sc::AnalyzePlanRequest::Explain::EXPLAIN_MODE_EXTENDED) return physical;
  return "== Parsed Logical Plan ==\n" + TreeString(*parsed) + "\n== Analyzed Logical Plan ==\n" + TreeString(*analyzed) + "\n== Optimized Logical Plan ==\n" +
         TreeString(*Optimize(analyzed)) + "\n" + physical;
}

bool IsLocal(const PlanNode& plan) {
  if (plan.As<LocalRelation>() || plan.As<OneRow>()) return true;
  std::vector<PlanPtr> children = ChildrenOf(plan);
  return plan.As<Project>() && children.size() == 1 && IsLocal(*children[0]);
}

}  // namespace

Status AnswerAnalyze(ConnectSession& session, const sc::AnalyzePlanRequest& request, sc::AnalyzePlanResponse* response) {
  switch (request.analyze_case()) {
    case sc::AnalyzePlanRequest::kSchema: {
      MS_ASSIGN_OR_RETURN(PlanPtr plan, DecodeAndAnalyze(session, request.schema().plan()));
      ToSparkProto(SchemaOf(*plan), response->mutable_schema()->mutable_schema());
      return Status();
    }
    case sc::AnalyzePlanRequest::kExplain: {
      MS_ASSIGN_OR_RETURN(*response->mutable_explain()->mutable_explain_string(), ExplainText(session, request.explain()));
      return Status();
    }
    case sc::AnalyzePlanRequest::kTreeString: {
      MS_ASSIGN_OR_RETURN(PlanPtr plan, DecodeAndAnalyze(session, request.tree_string().plan()));
      response->mutable_tree_string()->set_tree_string(SchemaTreeString(SchemaOf(*plan), request.tree_string().level()));
      return Status();
    }
    case sc::AnalyzePlanRequest::kIsLocal: {
      MS_ASSIGN_OR_RETURN(PlanPtr plan, DecodeAndAnalyze(session, request.is_local().plan()));
      response->mutable_is_local()->set_is_local(IsLocal(*plan));
      return Status();
    }
    case sc::AnalyzePlanRequest::kIsStreaming: {
      MS_ASSIGN_OR_RETURN(PlanPtr plan, DecodeAndAnalyze(session, request.is_streaming().plan()));
      response->mutable_is_streaming()->set_is_streaming(IsStreaming(*plan));
      return Status();
    }
    case sc::AnalyzePlanRequest::kInputFiles:
      return Status::Unsupported("AnalyzePlan.input_files (df.inputFiles)", "Select the column _metadata.file_path instead.");
    case sc::AnalyzePlanRequest::kSparkVersion:
      response->mutable_spark_version()->set_version(kSparkVersion);
      return Status();
    case sc::AnalyzePlanRequest::kDdlParse: {
      // A column list, or else one type.
      if (Result<StructType> schema = SchemaFromDdl(request.ddl_parse().ddl_string()); schema.ok()) {
        ToSparkProto(*schema, response->mutable_ddl_parse()->mutable_parsed());
        return Status();
      }
      MS_ASSIGN_OR_RETURN(DataType type, DataTypeFromDdl(request.ddl_parse().ddl_string()));
      ToSparkProto(type, response->mutable_ddl_parse()->mutable_parsed());
      return Status();
    }
    case sc::AnalyzePlanRequest::kJsonToDdl: {
      MS_ASSIGN_OR_RETURN(StructType schema, SchemaFromSparkJson(request.json_to_ddl().json_string()));
      response->mutable_json_to_ddl()->set_ddl_string(ToDdl(schema));
      return Status();
    }
    case sc::AnalyzePlanRequest::kSameSemantics: {
      MS_ASSIGN_OR_RETURN(PlanPtr target, DecodeAndAnalyze(session, request.same_semantics().target_plan()));
      MS_ASSIGN_OR_RETURN(PlanPtr other, DecodeAndAnalyze(session, request.same_semantics().other_plan()));
      response->mutable_same_semantics()->set_result(Canonical(*target) == Canonical(*other));
      return Status();
    }
    case sc::AnalyzePlanRequest::kSemanticHash: {
      MS_ASSIGN_OR_RETURN(PlanPtr plan, DecodeAndAnalyze(session, request.semantic_hash().plan()));
      response->mutable_semantic_hash()->set_result(static_cast<int32_t>(std::hash<std::string>()(Canonical(*plan))));
      return Status();
    }
    // Caching is a wish, and every query gives the same answer without it.
    case sc::AnalyzePlanRequest::kPersist:
      response->mutable_persist();
      return Status();
    case sc::AnalyzePlanRequest::kUnpersist:
      response->mutable_unpersist();
      return Status();
    case sc::AnalyzePlanRequest::kGetStorageLevel:
      response->mutable_get_storage_level()->mutable_storage_level()->set_replication(1);
      return Status();
    case sc::AnalyzePlanRequest::ANALYZE_NOT_SET:
      break;
  }
  return NotSupported(request, "analyze");
}

}  // namespace millstream
