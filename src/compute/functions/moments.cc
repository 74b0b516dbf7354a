// Variance, skewness and kurtosis by the very steps of Spark's CentralMomentAgg, so that the last digit is the same where the order of rows is.

#include <cmath>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/function/aggregate_function.hpp>
#include <duckdb/parser/parsed_data/create_aggregate_function_info.hpp>

#include "compute/functions/functions.h"

namespace millstream::compute {
namespace {

struct Moments {
  double n, mean, m2, m3, m4;
};

enum class Kind { kStddevSamp, kStddevPop, kVarSamp, kVarPop, kSkewness, kKurtosis };

template <Kind kKind>
struct MomentsOperation {
  template <class STATE>
  static void Initialize(STATE& state) {
    state = {};
  }

  template <class INPUT, class STATE, class OP>
  static void Operation(STATE& state, const INPUT& input, duckdb::AggregateUnaryInput&) {
    const double n = state.n + 1, delta = input - state.mean, delta_n = delta / n;
    const double m2 = state.m2 + delta * (delta - delta_n);
    const double delta2 = delta * delta, delta_n2 = delta_n * delta_n;
    const double m3 = state.m3 - 3.0 * delta_n * m2 + delta * (delta2 - delta_n2);
    state.m4 = state.m4 - 4.0 * delta_n * m3 - 6.0 * delta_n2 * m2 + delta * (delta * delta2 - delta_n * delta_n2);
    state.m3 = m3;
    state.m2 = m2;
    state.mean += delta_n;
    state.n = n;
  }

  template <class INPUT, class STATE, class OP>
  static void ConstantOperation(STATE& state, const INPUT& input, duckdb::AggregateUnaryInput& unary, duckdb::idx_t count) {
    for (duckdb::idx_t i = 0; i < count; ++i) Operation<INPUT, STATE, OP>(state, input, unary);
  }

  template <class STATE, class OP>
  static void Combine(const STATE& right, STATE& left, duckdb::AggregateInputData&) {
    const double n1 = left.n, n2 = right.n, n = n1 + n2;
    const double delta = right.mean - left.mean, delta_n = n == 0 ? 0 : delta / n;
    const double m2 = left.m2 + right.m2 + delta * delta_n * n1 * n2;
    const double m3 = left.m3 + right.m3 + delta_n * delta_n * delta * n1 * n2 * (n1 - n2) + 3.0 * delta_n * (n1 * right.m2 - n2 * left.m2);
    const double m4 = left.m4 + right.m4 + delta_n * delta_n * delta_n * delta * n1 * n2 * (n1 * n1 - n1 * n2 + n2 * n2) +
                      6.0 * delta_n * delta_n * (n1 * n1 * right.m2 + n2 * n2 * left.m2) + 4.0 * delta_n * (n1 * right.m3 - n2 * left.m3);
    left = {n, left.mean + delta_n * n2, m2, m3, m4};
  }

  template <class RESULT, class STATE>
  static void Finalize(STATE& state, RESULT& result, duckdb::AggregateFinalizeData& data) {
    const double n = state.n;
    const bool of_sample = kKind == Kind::kStddevSamp || kKind == Kind::kVarSamp;
    const bool higher = kKind == Kind::kSkewness || kKind == Kind::kKurtosis;
    if (n == 0 || (of_sample && n == 1) || (higher && state.m2 == 0)) {
      data.ReturnNull();
      return;
    }
    switch (kKind) {
      case Kind::kStddevSamp:
        result = std::sqrt(state.m2 / (n - 1));
        return;
      case Kind::kStddevPop:
        result = std::sqrt(state.m2 / n);
        return;
      case Kind::kVarSamp:
        result = state.m2 / (n - 1);
        return;
      case Kind::kVarPop:
        result = state.m2 / n;
        return;
      case Kind::kSkewness:
        result = std::sqrt(n) * state.m3 / std::sqrt(state.m2 * state.m2 * state.m2);
        return;
      case Kind::kKurtosis:
        result = n * state.m4 / (state.m2 * state.m2) - 3.0;
        return;
    }
  }

  static bool IgnoreNull() { return true; }
};

template <Kind kKind>
void Register(duckdb::ClientContext& context, duckdb::Catalog& catalog, const char* name) {
  auto function =
      duckdb::AggregateFunction::UnaryAggregate<Moments, double, double, MomentsOperation<kKind>>(duckdb::LogicalType::DOUBLE, duckdb::LogicalType::DOUBLE);
  function.name = name;
  duckdb::CreateAggregateFunctionInfo info(function);
  catalog.CreateFunction(context, info);
}

}  // namespace

void RegisterMoments(duckdb::ClientContext& context, duckdb::Catalog& catalog) {
  Register<Kind::kStddevSamp>(context, catalog, "ms_stddev_samp");
  Register<Kind::kStddevPop>(context, catalog, "ms_stddev_pop");
  Register<Kind::kVarSamp>(context, catalog, "ms_var_samp");
  Register<Kind::kVarPop>(context, catalog, "ms_var_pop");
  Register<Kind::kSkewness>(context, catalog, "ms_skewness");
  Register<Kind::kKurtosis>(context, catalog, "ms_kurtosis");
}

}  // namespace millstream::compute
