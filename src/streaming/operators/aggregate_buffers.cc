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
using Meet = std::function<ExprPtr(Calls&, const ExprPtr& older, const ExprPtr& newer, const ExprPtr& found)>;
AggregateBuffers OneColumn(const AggregateCall& call, bool ansi, Meet meet) {
  return {.partial = {MakeExpr(AggregateCall(call))},
          .merge = [ansi, type = call.type, meet = std::move(meet)](const Exprs& older, const Exprs& newer, const ExprPtr& found) -> Result<Exprs> {
            Calls make(ansi);
            ExprPtr merged = meet(make, older[0], newer[0], found);
            return make.Done(Exprs{make.As(std::move(merged), type)});
          },
          .result = [](const Exprs& buffer) -> Result<ExprPtr> { return buffer[0]; }};
}

// The operator of both, and where one has nothing the other.
Meet BothOrEither(const char* op) {
  return [op](Calls& make, const ExprPtr& older, const ExprPtr& newer, const ExprPtr&) { return make("coalesce", {make(op, {older, newer}), older, newer}); };
}

AggregateBuffers Sum(const AggregateCall& call, bool ansi, bool tries) {
  return OneColumn(call, ansi && !tries, [type = call.type, tries](Calls& make, const ExprPtr& older, const ExprPtr& newer, const ExprPtr&) {
    // A sum of decimals is one digit wider than its buffer: back to that, or it has overflowed.
    ExprPtr sum = make("+", {older, newer});
    sum = tries ? make.TryAs(std::move(sum), type) : make.As(std::move(sum), type);
    return make("coalesce", {std::move(sum), older, newer});
  });
}

AggregateBuffers Average(const AggregateCall& call, bool ansi) {
  Calls make(ansi);
  const bool decimal = call.type.id() == TypeId::kDecimal;
  const ExprPtr value = decimal ? call.args[0] : make.As(call.args[0], DataType::Double());
  const ExprPtr sum = make.Aggregate("sum", {value}, call), count = make.Aggregate("count", {value}, call);
  const DataType sum_type = TypeOf(*sum);
  return {.partial = {sum, count},
          .merge = [ansi, sum_type](const Exprs& older, const Exprs& newer, const ExprPtr&) -> Result<Exprs> {
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
      .merge = [ansi](const Exprs& older, const Exprs& newer, const ExprPtr&) -> Result<Exprs> {
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

// min_by, max_by: the value, and what it is chosen by.
AggregateBuffers ChosenBy(const AggregateCall& call, bool ansi, bool least) {
  Calls make(ansi);
  return {.partial = {MakeExpr(AggregateCall(call)), make.Aggregate(least ? "min" : "max", {call.args[1]}, call)},
          .merge = [ansi, least](const Exprs& older, const Exprs& newer, const ExprPtr&) -> Result<Exprs> {
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
          .merge = [ansi](const Exprs& older, const Exprs& newer, const ExprPtr& found) -> Result<Exprs> {
            Calls make(ansi);
            return make.Done(Exprs{make("when", {found, make("array_union", {older[0], newer[0]}), newer[0]})});
          },
          .result = [ansi](const Exprs& buffer) -> Result<ExprPtr> {
            Calls make(ansi);
            return make.Done(make.As(make("size", {buffer[0]}), DataType::Long()));
          }};
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
    return OneColumn(call, ansi, [least = name == "min"](Calls& make, const ExprPtr& older, const ExprPtr& newer, const ExprPtr&) {
      const ExprPtr better = make(least ? "<" : ">", {newer, older});
      return make("when", {make("isnull", {older}), newer, make("coalesce", {better, MakeExpr(Literal{{false}, DataType::Boolean()})}), newer, older});
    });
  }
  if ((name == "first" || name == "any_value" || name == "last") && (call.filter == nullptr || IgnoresNulls(call))) {
    return OneColumn(call, ansi,
                     [last = name == "last", skip = IgnoresNulls(call)](Calls& make, const ExprPtr& older, const ExprPtr& newer, const ExprPtr& found) {
                       if (skip) return make("coalesce", last ? Exprs{newer, older} : Exprs{older, newer});
                       return last ? newer : make("when", {found, older, newer});
                     });
  }
  if (name == "collect_list" || name == "collect_set") {
    return OneColumn(call, ansi,
                     [op = name == "collect_list" ? "concat" : "array_union"](Calls& make, const ExprPtr& older, const ExprPtr& newer, const ExprPtr& found) {
                       return make("when", {found, make(op, {older, newer}), newer});
                     });
  }
  if (name == "bool_and" || name == "bool_or") return OneColumn(call, ansi, BothOrEither(name == "bool_and" ? "and" : "or"));
  if (name == "bit_and" || name == "bit_or" || name == "bit_xor")
    return OneColumn(call, ansi, BothOrEither(name == "bit_and" ? "&" : name == "bit_or" ? "|" : "^"));
  if (name == "product") return OneColumn(call, ansi, BothOrEither("*"));
  if (name == "stddev_samp" || name == "stddev_pop" || name == "var_samp" || name == "var_pop") return Moments(call, ansi);
  if (name == "min_by" || name == "max_by") return ChosenBy(call, ansi, name == "min_by");
  if (name == "approx_count_distinct") return DistinctCount(call, ansi);
  return Status::Unsupported("The aggregate function " + name + " in a streaming query",
                             "Write the rows to a table first, and aggregate that as a batch query.");
}

}  // namespace millstream
