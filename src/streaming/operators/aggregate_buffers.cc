#include "streaming/operators/aggregate_buffers.h"

#include "plan/analyzer.h"
#include "plan/coercion.h"
#include "plan/function_registry.h"

namespace millstream {
namespace {

using Exprs = std::vector<ExprPtr>;

// Typed calls without a check after each: the first error is kept.
class Calls {
 public:
  explicit Calls(bool ansi) { conf_.ansi = ansi; }

  ExprPtr operator()(const char* name, Exprs args) {
    std::optional<TypedCall> typed = Typed(name, std::move(args));
    if (!typed) return Null();
    return MakeExpr(Call{FindFunction(name), std::move(typed->args), typed->type, typed->nullable, ModeOf(conf_)});
  }
  ExprPtr Aggregate(const char* name, Exprs args, const AggregateCall& like) {
    std::optional<TypedCall> typed = Typed(name, std::move(args));
    if (!typed) return Null();
    AggregateCall call{.function = FindFunction(name), .args = std::move(typed->args), .type = typed->type, .nullable = typed->nullable, .mode = like.mode};
    call.filter = like.filter;
    return MakeExpr(std::move(call));
  }
  ExprPtr As(ExprPtr expr, const DataType& type) const { return CastTo(std::move(expr), type, ModeOf(conf_)); }
  ExprPtr TryAs(ExprPtr expr, const DataType& type) const { return CastTo(std::move(expr), type, EvalMode::kTry); }
  static ExprPtr Double(double value) { return MakeExpr(Literal{{value}, DataType::Double()}); }
  static ExprPtr Long(int64_t value) { return MakeExpr(Literal{{value}, DataType::Long()}); }
  static ExprPtr Null() { return MakeExpr(Literal{{}, DataType::Null()}); }
  Result<Exprs> Done(Exprs exprs) const {
    if (!status_.ok()) return status_;
    return exprs;
  }
  Result<ExprPtr> Done(ExprPtr expr) const {
    if (!status_.ok()) return status_;
    return expr;
  }
  const Status& status() const { return status_; }

 private:
  std::optional<TypedCall> Typed(const char* name, Exprs args) {
    const FunctionDef* function = FindFunction(name);
    if (function == nullptr) {
      status_ = Status::Internal(std::string("there is no function ") + name);
      return std::nullopt;
    }
    Result<TypedCall> typed = function->rule(*function, std::move(args), conf_);
    if (!typed.ok()) {
      if (status_.ok()) status_ = typed.status();
      return std::nullopt;
    }
    return *std::move(typed);
  }

  AnalyzerConf conf_;
  Status status_;
};

// A function whose buffer is its result, and whose buffers meet in one expression of two columns.
using Meet = std::function<ExprPtr(Calls&, const ExprPtr& older, const ExprPtr& newer)>;
AggregateBuffers OneColumn(const AggregateCall& call, bool ansi, Meet meet) {
  return {.partial = {MakeExpr(AggregateCall(call))},
          .merge = [ansi, type = call.type, meet = std::move(meet)](const Exprs& older, const Exprs& newer) -> Result<Exprs> {
            Calls make(ansi);
            ExprPtr merged = meet(make, older[0], newer[0]);
            return make.Done(Exprs{make.As(std::move(merged), type)});
          },
          .result = [](const Exprs& buffer) -> Result<ExprPtr> { return buffer[0]; }};
}

// The operator of both, and where one has nothing the other.
Meet BothOrEither(const char* op) {
  return [op](Calls& make, const ExprPtr& older, const ExprPtr& newer) { return make("coalesce", {make(op, {older, newer}), older, newer}); };
}

// The sum, and of how many values: a sum that has overflowed is null, which is not the null of no values.
AggregateBuffers Sum(const AggregateCall& call, bool ansi, bool tries) {
  Calls make(ansi);
  return {.partial = {MakeExpr(AggregateCall(call)), make.Aggregate("count", {call.args[0]}, call)},
          .merge = [ansi, tries, type = call.type](const Exprs& older, const Exprs& newer) -> Result<Exprs> {
            Calls make(ansi && !tries);
            // A sum of decimals is one digit wider than its buffer: back to that, or it has overflowed.
            ExprPtr sum = make(tries ? "try_add" : "+", {older[0], newer[0]});
            sum = tries ? make.TryAs(std::move(sum), type) : make.As(std::move(sum), type);
            const ExprPtr no_older = make("=", {older[1], Calls::Long(0)}), no_newer = make("=", {newer[1], Calls::Long(0)});
            return make.Done(Exprs{make.As(make("when", {no_older, newer[0], no_newer, older[0], std::move(sum)}), type), make("+", {older[1], newer[1]})});
          },
          .result = [](const Exprs& buffer) -> Result<ExprPtr> { return buffer[0]; }};
}

AggregateBuffers Average(const AggregateCall& call, bool ansi) {
  Calls make(ansi);
  const bool decimal = call.type.id() == TypeId::kDecimal;
  const ExprPtr value = decimal ? call.args[0] : make.As(call.args[0], DataType::Double());
  const ExprPtr sum = make.Aggregate("sum", {value}, call), count = make.Aggregate("count", {value}, call);
  const DataType sum_type = TypeOf(*sum);
  return {.partial = {sum, count},
          .merge = [ansi, sum_type](const Exprs& older, const Exprs& newer) -> Result<Exprs> {
            Calls make(ansi);
            return make.Done(Exprs{make.As(make("coalesce", {make.As(make("+", {older[0], newer[0]}), sum_type), older[0], newer[0]}), sum_type),
                                   make("coalesce", {make("+", {older[1], newer[1]}), newer[1]})});
          },
          .result = [ansi, decimal, type = call.type](const Exprs& buffer) -> Result<ExprPtr> {
            Calls make(ansi);
            const ExprPtr any = make(">", {buffer[1], Calls::Long(0)});
            const ExprPtr count = make.As(buffer[1], decimal ? DataType::Decimal(20, 0) : DataType::Double());
            return make.Done(make.As(make("when", {any, make("/", {buffer[0], count})}), type));
          }};
}

// n, mean and sum of squared differences (Spark's CentralMomentAgg).
AggregateBuffers Moments(const AggregateCall& call, bool ansi) {
  Calls make(ansi);
  const ExprPtr value = make.As(call.args[0], DataType::Double());
  const std::string name = call.function->name;
  return {
      .partial = {make.Aggregate("count", {value}, call), make.Aggregate("avg", {value}, call), make.Aggregate("var_pop", {value}, call)},
      .merge = [ansi](const Exprs& older, const Exprs& newer) -> Result<Exprs> {
        Calls make(ansi);
        const ExprPtr n1 = make.As(older[0], DataType::Double()), n2 = make.As(newer[0], DataType::Double());
        const ExprPtr n = make("+", {n1, n2}), delta = make("-", {newer[1], older[1]});
        const ExprPtr step = make("/", {delta, n});
        const ExprPtr mean = make("+", {older[1], make("*", {step, n2})});
        const ExprPtr squares =
            make("+", {make("+", {make("*", {older[2], n1}), make("*", {newer[2], n2})}), make("*", {make("*", {delta, step}), make("*", {n1, n2})})});
        const ExprPtr some = make("and", {make(">", {make("coalesce", {older[0], Calls::Long(0)}), Calls::Long(0)}), make(">", {newer[0], Calls::Long(0)})});
        return make.Done(Exprs{make("coalesce", {make("+", {older[0], newer[0]}), newer[0]}),
                               make("when", {some, mean, make("coalesce", {older[1], newer[1]})}),
                               make("when", {some, make("/", {squares, n}), make("coalesce", {older[2], newer[2]})})});
      },
      .result = [ansi, name](const Exprs& buffer) -> Result<ExprPtr> {
        Calls make(ansi);
        const bool of_sample = name != "var_pop" && name != "stddev_pop", root = name.starts_with("std");
        const ExprPtr n = make.As(buffer[0], DataType::Double());
        ExprPtr variance = of_sample ? make("/", {make("*", {buffer[2], n}), make("-", {n, Calls::Double(1)})}) : buffer[2];
        if (root) variance = make("sqrt", {variance});
        return make.Done(make("when", {make(">", {buffer[0], Calls::Long(of_sample ? 1 : 0)}), variance}));
      }};
}

// Beside n, mean and variance: skewness and kurtosis, from which the third and the fourth moment are had back.
AggregateBuffers HigherMoments(const AggregateCall& call, bool ansi) {
  Calls make(ansi);
  const ExprPtr value = make.As(call.args[0], DataType::Double());
  const bool is_skewness = call.function->name == "skewness";
  // Sums of powers of the differences from the mean, of one side. A side without spread has neither skewness nor kurtosis.
  struct Side {
    ExprPtr n, mean, m2, m3, m4;
  };
  auto side = [](Calls& make, const Exprs& buffer) {
    Side of;
    of.n = make.As(make("coalesce", {buffer[0], Calls::Long(0)}), DataType::Double());
    of.mean = make("coalesce", {buffer[1], Calls::Double(0)});
    of.m2 = make("*", {make("coalesce", {buffer[2], Calls::Double(0)}), of.n});
    of.m3 = make("coalesce", {make("/", {make("*", {buffer[3], make("*", {of.m2, make("sqrt", {of.m2})})}), make("sqrt", {of.n})}), Calls::Double(0)});
    of.m4 = make("coalesce", {make("/", {make("*", {make("+", {buffer[4], Calls::Double(3)}), make("*", {of.m2, of.m2})}), of.n}), Calls::Double(0)});
    return of;
  };
  return {.partial = {make.Aggregate("count", {value}, call), make.Aggregate("avg", {value}, call), make.Aggregate("var_pop", {value}, call),
                      make.Aggregate("skewness", {value}, call), make.Aggregate("kurtosis", {value}, call)},
          .merge = [side](const Exprs& older, const Exprs& newer) -> Result<Exprs> {
            // Division by the zero of no values gives null, and what has both sides is taken only where both have values.
            Calls make(false);
            auto sum = [&](Exprs parts) {
              ExprPtr all = parts[0];
              for (size_t i = 1; i < parts.size(); ++i) all = make("+", {all, parts[i]});
              return all;
            };
            auto product = [&](Exprs parts) {
              ExprPtr all = parts[0];
              for (size_t i = 1; i < parts.size(); ++i) all = make("*", {all, parts[i]});
              return all;
            };
            auto minus = [&](ExprPtr a, ExprPtr b) { return make("-", {std::move(a), std::move(b)}); };
            const Side a = side(make, older), b = side(make, newer);
            const ExprPtr n = make("+", {a.n, b.n}), delta = minus(b.mean, a.mean), step = make("/", {delta, n});
            const ExprPtr mean = make("+", {a.mean, make("*", {step, b.n})});
            const ExprPtr m2 = sum({a.m2, b.m2, product({delta, step, a.n, b.n})});
            const ExprPtr m3 = sum({a.m3, b.m3, product({step, step, delta, a.n, b.n, minus(a.n, b.n)}),
                                    product({Calls::Double(3), step, minus(make("*", {a.n, b.m2}), make("*", {b.n, a.m2}))})});
            const ExprPtr squares = minus(make("+", {make("*", {a.n, a.n}), make("*", {b.n, b.n})}), make("*", {a.n, b.n}));
            const ExprPtr m4 = sum({a.m4, b.m4, product({step, step, step, delta, a.n, b.n, squares}),
                                    product({Calls::Double(6), step, step, make("+", {product({a.n, a.n, b.m2}), product({b.n, b.n, a.m2})})}),
                                    product({Calls::Double(4), step, minus(make("*", {a.n, b.m3}), make("*", {b.n, a.m3}))})});
            const ExprPtr some = make("and", {make(">", {a.n, Calls::Double(0)}), make(">", {b.n, Calls::Double(0)})});
            auto either = [&](size_t i) { return make("when", {make(">", {b.n, Calls::Double(0)}), newer[i], older[i]}); };
            const ExprPtr spread = make(">", {m2, Calls::Double(0)});
            const ExprPtr skewness = make("when", {spread, make("/", {make("*", {make("sqrt", {n}), m3}), make("*", {m2, make("sqrt", {m2})})})});
            const ExprPtr kurtosis = make("when", {spread, minus(make("/", {make("*", {n, m4}), make("*", {m2, m2})}), Calls::Double(3))});
            return make.Done(Exprs{make.As(n, DataType::Long()), make("when", {some, mean, either(1)}), make("when", {some, make("/", {m2, n}), either(2)}),
                                   make("when", {some, skewness, either(3)}), make("when", {some, kurtosis, either(4)})});
          },
          .result = [is_skewness](const Exprs& buffer) -> Result<ExprPtr> { return buffer[is_skewness ? 3 : 4]; }};
}

// Of the pairs without a null: n, both means, the covariance and both variances (Spark's Covariance, Corr and the regr_ functions).
AggregateBuffers OfPairs(const AggregateCall& call, bool ansi) {
  Calls make(ansi);
  const ExprPtr both = make("and", {make("isnotnull", {call.args[0]}), make("isnotnull", {call.args[1]})});
  const ExprPtr x = make("when", {both, make.As(call.args[0], DataType::Double())}), y = make("when", {both, make.As(call.args[1], DataType::Double())});
  return {.partial = {make.Aggregate("count", {x}, call), make.Aggregate("avg", {x}, call), make.Aggregate("avg", {y}, call),
                      make.Aggregate("covar_pop", {x, y}, call), make.Aggregate("var_pop", {x}, call), make.Aggregate("var_pop", {y}, call)},
          .merge = [](const Exprs& older, const Exprs& newer) -> Result<Exprs> {
            Calls make(false);
            const ExprPtr zero = Calls::Double(0);
            const ExprPtr n1 = make.As(make("coalesce", {older[0], Calls::Long(0)}), DataType::Double()), n2 = make.As(newer[0], DataType::Double());
            const ExprPtr n = make("+", {n1, n2});
            const ExprPtr some = make("and", {make(">", {n1, zero}), make(">", {n2, zero})});
            auto either = [&](size_t i) { return make("when", {make(">", {n2, zero}), newer[i], older[i]}); };
            auto mean = [&](size_t i) {
              return make("when", {some, make("+", {older[i], make("*", {make("/", {make("-", {newer[i], older[i]}), n}), n2})}), either(i)});
            };
            auto moment = [&](size_t i, size_t one, size_t other) {
              const ExprPtr shift = make("*", {make("-", {newer[one], older[one]}), make("/", {make("-", {newer[other], older[other]}), n})});
              const ExprPtr parts = make("+", {make("*", {older[i], n1}), make("*", {newer[i], n2})});
              return make("when", {some, make("/", {make("+", {parts, make("*", {shift, make("*", {n1, n2})})}), n}), either(i)});
            };
            return make.Done(Exprs{make.As(n, DataType::Long()), mean(1), mean(2), moment(3, 1, 2), moment(4, 1, 1), moment(5, 2, 2)});
          },
          .result = [name = call.function->name](const Exprs& buffer) -> Result<ExprPtr> {
            Calls make(false);
            const ExprPtr n = make.As(buffer[0], DataType::Double());
            const ExprPtr &covariance = buffer[3], &of_x = buffer[4], &of_y = buffer[5];
            auto when = [&](ExprPtr condition, ExprPtr value) { return make("when", {std::move(condition), std::move(value)}); };
            auto sum_of = [&](const ExprPtr& mean_square) { return make("*", {mean_square, n}); };
            const ExprPtr positive_x = make(">", {of_x, Calls::Double(0)}), positive_y = make(">", {of_y, Calls::Double(0)});
            // regr_ functions are of (y, x): the second argument is the independent one.
            const ExprPtr slope = when(positive_y, make("/", {covariance, of_y}));
            ExprPtr result;
            if (name == "covar_pop") result = covariance;
            if (name == "covar_samp") result = when(make(">", {buffer[0], Calls::Long(1)}), make("/", {sum_of(covariance), make("-", {n, Calls::Double(1)})}));
            if (name == "corr") result = when(make("and", {positive_x, positive_y}), make("/", {covariance, make("sqrt", {make("*", {of_x, of_y})})}));
            if (name == "regr_avgx") result = buffer[2];
            if (name == "regr_avgy") result = buffer[1];
            if (name == "regr_sxx") result = sum_of(of_y);
            if (name == "regr_syy") result = sum_of(of_x);
            if (name == "regr_sxy") result = sum_of(covariance);
            if (name == "regr_slope") result = slope;
            if (name == "regr_intercept") result = make("-", {buffer[1], make("*", {slope, buffer[2]})});
            if (name == "regr_r2") {
              const ExprPtr squared = make("/", {make("*", {covariance, covariance}), make("*", {of_x, of_y})});
              result = when(positive_y, make("when", {positive_x, squared, Calls::Double(1)}));
            }
            return make.Done(result);
          }};
}

// Functions of all values, which are kept: they are called with a list.
const FunctionDef kModeOfList{.name = "ms_list_mode"};
const FunctionDef kQuantileOfList{.name = "ms_list_quantile_cont"};
const FunctionDef kRankOfList{.name = "ms_list_quantile_disc"};

AggregateBuffers OfAllValues(const AggregateCall& call, bool ansi) {
  Calls make(ansi);
  const std::string& name = call.function->name;
  const FunctionDef* of_list = name == "mode" ? &kModeOfList : name == "approx_percentile" ? &kRankOfList : &kQuantileOfList;
  const ExprPtr value = of_list == &kQuantileOfList ? make.As(call.args[0], DataType::Double()) : call.args[0];
  Exprs rest = call.args.size() > 1 && name != "mode" ? Exprs{call.args[1]} : name == "mode" ? Exprs{} : Exprs{Calls::Double(0.5)};
  return {.partial = {make.Aggregate("collect_list", {value}, call)},
          .merge = [ansi](const Exprs& older, const Exprs& newer) -> Result<Exprs> {
            Calls make(ansi);
            return make.Done(Exprs{make("concat", {older[0], newer[0]})});
          },
          .result = [of_list, rest, type = call.type](const Exprs& buffer) -> Result<ExprPtr> {
            Exprs args = {buffer[0]};
            args.insert(args.end(), rest.begin(), rest.end());
            return MakeExpr(Call{of_list, std::move(args), type, true, EvalMode::kLegacy});
          }};
}

// min_by, max_by: the value, and what it is chosen by.
AggregateBuffers ChosenBy(const AggregateCall& call, bool ansi, bool least) {
  Calls make(ansi);
  return {.partial = {MakeExpr(AggregateCall(call)), make.Aggregate(least ? "min" : "max", {call.args[1]}, call)},
          .merge = [ansi, least](const Exprs& older, const Exprs& newer) -> Result<Exprs> {
            Calls make(ansi);
            const ExprPtr better = make(least ? "<" : ">", {newer[1], older[1]});
            const ExprPtr takes_newer = make("or", {make("isnull", {older[1]}), make("coalesce", {better, MakeExpr(Literal{{false}, DataType::Boolean()})})});
            return make.Done(Exprs{make("when", {takes_newer, newer[0], older[0]}), make("when", {takes_newer, newer[1], older[1]})});
          },
          .result = [](const Exprs& buffer) -> Result<ExprPtr> { return buffer[0]; }};
}

// Exact: the set of the values' hashes.
AggregateBuffers DistinctCount(const AggregateCall& call, bool ansi) {
  Calls make(ansi);
  const ExprPtr hash = make("when", {make("isnotnull", {call.args[0]}), make("xxhash64", {call.args[0]})});
  return {.partial = {make.Aggregate("collect_set", {hash}, call)},
          .merge = [ansi](const Exprs& older, const Exprs& newer) -> Result<Exprs> {
            Calls make(ansi);
            return make.Done(Exprs{make("array_union", {older[0], newer[0]})});
          },
          .result = [ansi](const Exprs& buffer) -> Result<ExprPtr> {
            Calls make(ansi);
            return make.Done(make.As(make("size", {buffer[0]}), DataType::Long()));
          }};
}

// percentile(x, p, n): each value n times.
bool HasFrequency(const AggregateCall& call) {
  if (call.args.size() < 3) return false;
  const Expr* count = call.args[2].get();
  while (const auto* cast = count->As<Cast>()) count = cast->child.get();
  const auto* literal = count->As<Literal>();
  const auto* once = literal ? std::get_if<int64_t>(&literal->value.held) : nullptr;
  return once == nullptr || *once != 1;
}

bool IgnoresNulls(const AggregateCall& call) {
  if (call.args.size() < 2) return call.ignore_nulls;
  const auto* literal = call.args[1]->As<Literal>();
  const bool* flag = literal ? std::get_if<bool>(&literal->value.held) : nullptr;
  return call.ignore_nulls || (flag && *flag);
}

}  // namespace

Result<AggregateBuffers> BuffersOf(const AggregateCall& call, bool ansi) {
  const std::string& name = call.function->name;
  if (name == "count" || name == "count_if" || name == "regr_count") return OneColumn(call, ansi, BothOrEither("+"));
  if (name == "sum" || name == "try_sum") return Sum(call, ansi, name == "try_sum");
  if (name == "avg" || name == "try_avg") return Average(call, ansi);
  if (name == "min" || name == "max") {
    return OneColumn(call, ansi, [least = name == "min"](Calls& make, const ExprPtr& older, const ExprPtr& newer) {
      const ExprPtr better = make(least ? "<" : ">", {newer, older});
      return make("when", {make("isnull", {older}), newer, make("coalesce", {better, MakeExpr(Literal{{false}, DataType::Boolean()})}), newer, older});
    });
  }
  if ((name == "first" || name == "any_value" || name == "last") && (call.filter == nullptr || IgnoresNulls(call))) {
    return OneColumn(call, ansi, [last = name == "last", skip = IgnoresNulls(call)](Calls& make, const ExprPtr& older, const ExprPtr& newer) {
      if (skip) return make("coalesce", last ? Exprs{newer, older} : Exprs{older, newer});
      return last ? newer : older;
    });
  }
  if (name == "collect_list" || name == "collect_set") {
    return OneColumn(call, ansi, [op = name == "collect_list" ? "concat" : "array_union"](Calls& make, const ExprPtr& older, const ExprPtr& newer) {
      return make(op, {older, newer});
    });
  }
  if (name == "bool_and" || name == "bool_or") return OneColumn(call, ansi, BothOrEither(name == "bool_and" ? "and" : "or"));
  if (name == "bit_and" || name == "bit_or" || name == "bit_xor")
    return OneColumn(call, ansi, BothOrEither(name == "bit_and" ? "&" : name == "bit_or" ? "|" : "^"));
  if (name == "product") return OneColumn(call, ansi, BothOrEither("*"));
  if (name == "stddev_samp" || name == "stddev_pop" || name == "var_samp" || name == "var_pop") return Moments(call, ansi);
  if (name == "skewness" || name == "kurtosis") return HigherMoments(call, ansi);
  if (name == "corr" || name == "covar_pop" || name == "covar_samp" || name.starts_with("regr_")) return OfPairs(call, ansi);
  if (name == "mode" || name == "median" || name == "approx_percentile" || (name == "percentile" && !HasFrequency(call))) return OfAllValues(call, ansi);
  if (name == "min_by" || name == "max_by") return ChosenBy(call, ansi, name == "min_by");
  if (name == "approx_count_distinct") return DistinctCount(call, ansi);
  return Status::Unsupported("The aggregate function " + name + " in a streaming query",
                             "Write the rows to a table first, and aggregate that as a batch query.");
}

}  // namespace millstream
