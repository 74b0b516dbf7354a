#pragma once

// row_function.h   A C++ function of one row as a scalar function of DuckDB's SQL: the types of its arguments are read off its signature.
//
//   Define(registry, "ms_is_even", [](int64_t number) { return number % 2 == 0; });
//
// A null argument gives null, unless the parameter is a std::optional; a std::optional result may be null. Errors: ThrowError.

#include <duckdb.hpp>
#include <duckdb/parser/parsed_data/create_scalar_function_info.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace millstream::compute {

struct Date {
  int32_t days;
};
struct Timestamp {
  int64_t micros;
};
struct Bytes {
  std::string_view view;
};
struct OwnedBytes {
  std::string held;
};

// All functions by name; overloads of one name together.
class FunctionRegistry {
 public:
  void Add(duckdb::ScalarFunction function) {
    auto [entry, is_new] = sets_.try_emplace(function.name, function.name);
    entry->second.AddFunction(std::move(function));
  }
  const std::map<std::string, duckdb::ScalarFunctionSet>& sets() const { return sets_; }

 private:
  std::map<std::string, duckdb::ScalarFunctionSet> sets_;
};

// How a C++ type looks to DuckDB: its SQL type, what a vector holds, and both ways between.
template <typename T>
struct SqlType;

#define MS_PLAIN_SQL_TYPE(cpp, logical)                                           \
  template <>                                                                     \
  struct SqlType<cpp> {                                                           \
    using Held = cpp;                                                             \
    static duckdb::LogicalType Logical() { return duckdb::LogicalType(logical); } \
    static cpp From(const cpp& held) { return held; }                             \
    static cpp To(cpp value, duckdb::Vector&) { return value; }                   \
  }
MS_PLAIN_SQL_TYPE(bool, duckdb::LogicalTypeId::BOOLEAN);
MS_PLAIN_SQL_TYPE(int8_t, duckdb::LogicalTypeId::TINYINT);
MS_PLAIN_SQL_TYPE(int16_t, duckdb::LogicalTypeId::SMALLINT);
MS_PLAIN_SQL_TYPE(int32_t, duckdb::LogicalTypeId::INTEGER);
MS_PLAIN_SQL_TYPE(int64_t, duckdb::LogicalTypeId::BIGINT);
MS_PLAIN_SQL_TYPE(float, duckdb::LogicalTypeId::FLOAT);
MS_PLAIN_SQL_TYPE(double, duckdb::LogicalTypeId::DOUBLE);
MS_PLAIN_SQL_TYPE(duckdb::hugeint_t, duckdb::LogicalTypeId::HUGEINT);
#undef MS_PLAIN_SQL_TYPE

template <>
struct SqlType<Date> {
  using Held = duckdb::date_t;
  static duckdb::LogicalType Logical() { return duckdb::LogicalType::DATE; }
  static Date From(const Held& held) { return {held.days}; }
  static Held To(Date value, duckdb::Vector&) { return Held(value.days); }
};
template <>
struct SqlType<Timestamp> {
  using Held = duckdb::timestamp_t;
  static duckdb::LogicalType Logical() { return duckdb::LogicalType::TIMESTAMP; }
  static Timestamp From(const Held& held) { return {held.value}; }
  static Held To(Timestamp value, duckdb::Vector&) { return Held(value.micros); }
};
template <>
struct SqlType<std::string_view> {
  using Held = duckdb::string_t;
  static duckdb::LogicalType Logical() { return duckdb::LogicalType::VARCHAR; }
  static std::string_view From(const Held& held) { return {held.GetData(), held.GetSize()}; }
  static Held To(std::string_view value, duckdb::Vector& result) { return duckdb::StringVector::AddString(result, value.data(), value.size()); }
};
template <>
struct SqlType<std::string> : SqlType<std::string_view> {};
template <>
struct SqlType<Bytes> {
  using Held = duckdb::string_t;
  static duckdb::LogicalType Logical() { return duckdb::LogicalType::BLOB; }
  static Bytes From(const Held& held) { return {{held.GetData(), held.GetSize()}}; }
};
template <>
struct SqlType<OwnedBytes> {
  using Held = duckdb::string_t;
  static duckdb::LogicalType Logical() { return duckdb::LogicalType::BLOB; }
  static Held To(const OwnedBytes& value, duckdb::Vector& result) {
    return duckdb::StringVector::AddStringOrBlob(result, value.held.data(), value.held.size());
  }
};

template <typename T>
struct Nullable {
  using Inner = T;
  static constexpr bool kOptional = false;
};
template <typename T>
struct Nullable<std::optional<T>> {
  using Inner = T;
  static constexpr bool kOptional = true;
};

// Takes a lambda's signature apart.
template <typename F>
struct Signature : Signature<decltype(&F::operator())> {};
template <typename C, typename R, typename... A>
struct Signature<R (C::*)(A...) const> {
  using Return = R;
  using Arguments = std::tuple<std::decay_t<A>...>;
};

template <typename F, typename R, typename... A, size_t... I>
void RunRows(const F& function, duckdb::DataChunk& arguments, duckdb::Vector& result, bool is_volatile, std::tuple<A...>*, std::index_sequence<I...>) {
  using Out = typename Nullable<R>::Inner;
  using OutSql = SqlType<Out>;
  constexpr size_t kCount = sizeof...(A);
  const duckdb::idx_t rows = arguments.size();
  std::array<duckdb::UnifiedVectorFormat, kCount> formats;
  bool constant = !is_volatile;
  for (size_t i = 0; i < kCount; ++i) {
    arguments.data[i].ToUnifiedFormat(rows, formats[i]);
    constant = constant && arguments.data[i].GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  }
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* out = duckdb::FlatVector::GetData<typename OutSql::Held>(result);
  auto& validity = duckdb::FlatVector::Validity(result);
  for (duckdb::idx_t row = 0; row < (constant ? 1 : rows); ++row) {
    [[maybe_unused]] const std::array<duckdb::idx_t, kCount> at = {formats[I].sel->get_index(row)...};
    if (((!Nullable<A>::kOptional && !formats[I].validity.RowIsValid(at[I])) || ...)) {
      validity.SetInvalid(row);
      continue;
    }
    auto argument = [&]<typename T>(size_t i, T*) -> T {
      using Inner = typename Nullable<T>::Inner;
      using Held = typename SqlType<Inner>::Held;
      if constexpr (Nullable<T>::kOptional) {
        if (!formats[i].validity.RowIsValid(at[i])) return std::nullopt;
      }
      return SqlType<Inner>::From(duckdb::UnifiedVectorFormat::GetData<Held>(formats[i])[at[i]]);
    };
    if constexpr (Nullable<R>::kOptional) {
      R value = function(argument(I, static_cast<A*>(nullptr))...);
      if (!value) {
        validity.SetInvalid(row);
        continue;
      }
      out[row] = OutSql::To(std::move(*value), result);
    } else {
      out[row] = OutSql::To(function(argument(I, static_cast<A*>(nullptr))...), result);
    }
  }
  if (constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
}

template <typename... A>
duckdb::vector<duckdb::LogicalType> LogicalTypesOf(std::tuple<A...>*) {
  return {SqlType<typename Nullable<A>::Inner>::Logical()...};
}

// `is_volatile`: gives another value on each row (rand, uuid).
template <typename F>
void Define(FunctionRegistry& registry, const std::string& name, F function, bool is_volatile = false) {
  using Return = typename Signature<F>::Return;
  using Arguments = typename Signature<F>::Arguments;
  auto run = [function, is_volatile](duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
    RunRows<F, Return>(function, arguments, result, is_volatile, static_cast<Arguments*>(nullptr), std::make_index_sequence<std::tuple_size_v<Arguments>>());
  };
  duckdb::ScalarFunction scalar(name, LogicalTypesOf(static_cast<Arguments*>(nullptr)), SqlType<typename Nullable<Return>::Inner>::Logical(), run);
  scalar.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  scalar.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  if (is_volatile) scalar.stability = duckdb::FunctionStability::VOLATILE;
  registry.Add(std::move(scalar));
}

}  // namespace millstream::compute
