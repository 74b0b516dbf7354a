#include "connectors/files/schema_evolution.h"

#include <algorithm>
#include <span>

#include "connectors/files/files_errors.h"
#include "delta/type_widening.h"
#include "formats/formats_errors.h"

namespace millstream {
namespace {

// The walk over what the files have, beside what is known.
class AllowedChanges {
 public:
  explicit AllowedChanges(const EvolutionPolicy& policy) : policy_(policy) {}

  // `known` with those fields of `wanted` that may be added.
  StructType Added(const StructType& known, const StructType& wanted) {
    std::vector<StructField> fields = known.fields();
    for (const StructField& field : wanted) {
      path_.push_back(field.name);
      if (std::optional<size_t> at = known.IndexOf(field.name)) {
        fields[*at].type = AddedBelow(known[*at].type, field.type);
      } else if (std::optional<DataType> type = NewType(field.type)) {
        fields.push_back(field);
        fields.back().type = *std::move(type);
      }
      path_.pop_back();
    }
    return StructType(std::move(fields));
  }

  // A column that no hint speaks of; hints are applied again behind this.
  StructType Widened(const StructType& schema, const StructType& found) {
    std::vector<StructField> fields = schema.fields();
    for (StructField& field : fields) {
      std::optional<size_t> at = found.IndexOf(field.name);
      if (!at) continue;
      path_.push_back(field.name);
      const DataType& type = found[*at].type;
      if (CanWiden(field.type, type) && policy_.At(path_).widens) field.type = type;
      if (field.type.id() == TypeId::kStruct && type.id() == TypeId::kStruct) field.type = DataType::Struct(Widened(field.type.fields(), type.fields()));
      path_.pop_back();
    }
    return StructType(std::move(fields));
  }

  const std::vector<std::string>& refused() const { return refused_; }

 private:
  DataType AddedBelow(const DataType& known, const DataType& wanted) {
    if (known == wanted) return known;
    if (known.id() == TypeId::kStruct && wanted.id() == TypeId::kStruct) return DataType::Struct(Added(known.fields(), wanted.fields()));
    if (known.id() == TypeId::kArray && wanted.id() == TypeId::kArray) {
      return DataType::Array(Below("element", known.element(), wanted.element()), wanted.contains_null());
    }
    if (known.id() == TypeId::kMap && wanted.id() == TypeId::kMap) {
      return DataType::Map(known.key(), Below("value", known.value(), wanted.value()), wanted.contains_null());
    }
    return policy_.At(path_).adds ? wanted : known;
  }

  DataType Below(const char* name, const DataType& known, const DataType& wanted) {
    path_.emplace_back(name);
    DataType type = AddedBelow(known, wanted);
    path_.pop_back();
    return type;
  }

  // What of a new field may come; nullopt: nothing. Leaves decide, so that a rule for payload.x lets payload come.
  std::optional<DataType> NewType(const DataType& type) {
    auto below = [&](const char* name, const DataType& nested) {
      path_.emplace_back(name);
      std::optional<DataType> allowed = NewType(nested);
      path_.pop_back();
      return allowed;
    };
    if (type.id() == TypeId::kArray) {
      std::optional<DataType> element = below("element", type.element());
      if (!element) return std::nullopt;
      return DataType::Array(*element, type.contains_null());
    }
    if (type.id() == TypeId::kMap) {
      std::optional<DataType> value = below("value", type.value());
      if (!value) return std::nullopt;
      return DataType::Map(type.key(), *value, type.contains_null());
    }
    if (type.id() == TypeId::kStruct && !type.fields().empty()) {
      StructType allowed = Added(StructType(), type.fields());
      if (allowed.empty()) return std::nullopt;
      return DataType::Struct(std::move(allowed));
    }
    const EvolutionPolicy::Change change = policy_.At(path_);
    if (change.fails) refused_.push_back(ToText(path_));
    if (!change.adds) return std::nullopt;
    return type;
  }

  const EvolutionPolicy& policy_;
  ColumnPath path_;
  std::vector<std::string> refused_;
};

std::vector<SchemaHint> HintsOf(const std::vector<SchemaHint>& hints, const StructType& partitions, bool of_partitions) {
  std::vector<SchemaHint> chosen = hints;
  std::erase_if(chosen, [&](const SchemaHint& hint) { return partitions.IndexOf(hint.path[0]).has_value() != of_partitions; });
  return chosen;
}

// The partition columns that `files` lead to.
StructType Partitions(const CloudFilesDefinition& definition, const EvolutionPolicy& policy, const StructType& data, const StructType& known,
                      std::span<const InputFile> files) {
  if (definition.options.partition_columns) return known;
  PartitionInference inference(definition.options.infer_column_types);
  for (const InputFile& file : files) inference.Add(PartitionsOf(definition.glob.base(), file.path));
  auto hint_of = [&](const std::string& name) -> const SchemaHint* {
    for (const SchemaHint& hint : definition.options.schema_hints)
      if (hint.path.size() == 1 && StructType({{name, hint.type}}).IndexOf(hint.path[0])) return &hint;
    return nullptr;
  };
  std::vector<StructField> columns = known.fields();
  for (StructField& column : columns) {
    const std::optional<std::string> key = inference.KeyOf(column.name);
    if (!key || hint_of(column.name) != nullptr || !policy.At({column.name}).widens) continue;
    const DataType found = inference.TypeOf(*key);
    if (CanWiden(column.type, found)) column.type = found;
  }
  for (const std::string& key : inference.keys()) {
    // A column of the files stays one.
    if (data.IndexOf(key) || StructType(columns).IndexOf(key) || !policy.At({key}).adds) continue;
    const SchemaHint* hint = hint_of(key);
    columns.push_back({key, hint == nullptr ? inference.TypeOf(key) : hint->type});
  }
  return StructType(std::move(columns));
}

// What `files` make of a version, as far as the policy lets them.
class NextVersion {
 public:
  NextVersion(const CloudFilesDefinition& definition, const SchemaVersion& latest)
      : definition_(definition), latest_(latest), policy_(definition.policy.WithFrozen(latest.frozen)) {}

  Result<SchemaVersion> For(std::span<const InputFile> span) {
    const std::vector<InputFile> files(span.begin(), span.end());
    SchemaVersion next = latest_;
    next.partition = Partitions(definition_, policy_, latest_.data, latest_.partition, files);
    StructType known = latest_.data;
    // Columns that the path gives are not new, whatever the files say of them.
    for (const StructField& column : next.partition) {
      if (!known.IndexOf(column.name)) known.Add(column);
    }
    AllowedChanges allowed(policy_);
    MS_ASSIGN_OR_RETURN(StructType merged, definition_.format->MergeNewFields(files, known));
    merged = allowed.Added(known, merged);
    if (!allowed.refused().empty()) {
      std::string names;
      for (const std::string& name : allowed.refused()) names += (names.empty() ? "" : ", ") + name;
      return Status::Error(errors::kNewFieldsRefused, {{"unknownFields", std::move(names)}});
    }
    if (policy_.may_widen()) {
      MS_ASSIGN_OR_RETURN(StructType found, definition_.format->InferSchema(files));
      merged = allowed.Widened(merged, found);
    }
    StructType data;
    for (const StructField& field : merged) {
      if (!next.partition.IndexOf(field.name)) data.Add(field);
    }
    next.data = ApplySchemaHints(data, HintsOf(definition_.options.schema_hints, next.partition, /*of_partitions=*/false));
    return next;
  }

  // The first file that any of the changes comes from: halving looks at each file once more at most.
  std::string CauseIn(const std::vector<InputFile>& files) {
    std::span<const InputFile> span(files);
    while (span.size() > 1) {
      const size_t half = span.size() / 2;
      Result<SchemaVersion> next = For(span.first(half));
      // Only told: a file that is gone meanwhile is the next batch's to find.
      if (!next.ok()) return "";
      span = next->data == latest_.data && next->partition == latest_.partition ? span.subspan(half) : span.first(half);
    }
    return span.empty() ? "" : span.front().path;
  }

 private:
  const CloudFilesDefinition& definition_;
  const SchemaVersion& latest_;
  const EvolutionPolicy policy_;
};

}  // namespace

StructType FirstPartitions(const PartitionInference& inference, const EvolutionPolicy& policy) {
  if (!inference.conflict() || !policy.may_add()) return inference.Columns();
  StructType columns;
  for (const std::string& key : inference.keys()) {
    if (policy.At({key}).adds && !columns.IndexOf(key)) columns.Add({key, inference.TypeOf(key)});
  }
  return columns;
}

bool HasNewPartitions(const CloudFilesDefinition& definition, const std::vector<InputFile>& files) {
  if (!definition.policy.may_add() || definition.options.partition_columns || !definition.schema_location) return false;
  const EvolutionPolicy policy = definition.policy.WithFrozen(definition.frozen);
  return Partitions(definition, policy, definition.data_schema, definition.partition_schema, files) != definition.partition_schema;
}

Result<bool> EvolveSchema(const CloudFilesDefinition& definition, const std::vector<InputFile>& files, std::optional<int64_t> batch) {
  SchemaLog log(definition.fs, *definition.schema_location);
  constexpr int kRacesMax = 100;
  for (int race = 0; race < kRacesMax; ++race) {
    MS_ASSIGN_OR_RETURN(std::optional<SchemaVersion> found, log.Latest());
    const SchemaVersion latest = found.value_or(SchemaVersion{.number = -1});
    NextVersion evolving(definition, latest);
    MS_ASSIGN_OR_RETURN(SchemaVersion next, evolving.For(files));
    // Another query, or this batch before a crash, may have done it.
    if (next.data == latest.data && next.partition == latest.partition) return false;
    ++next.number;
    next.cause = {.time_ms = definition.clock.WallMillis(), .mode = NameOf(definition.policy.mode()), .file = evolving.CauseIn(files), .batch = batch};
    for (const SchemaChanges& changes : {ChangesBetween(latest.data, next.data), ChangesBetween(latest.partition, next.partition)}) {
      next.cause.added.insert(next.cause.added.end(), changes.added.begin(), changes.added.end());
      next.cause.widened.insert(next.cause.widened.end(), changes.widened.begin(), changes.widened.end());
    }
    MS_ASSIGN_OR_RETURN(bool added, log.Add(next));
    if (added) return true;
  }
  return Status::Internal("the schema log " + log.directory() + " changes all the time");
}

}  // namespace millstream
