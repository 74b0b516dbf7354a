#pragma once

// generated_column.h   What the metadata of a table's field says of how its values come about (Delta: GENERATED ALWAYS AS).

#include <optional>
#include <string>

#include "types/data_type.h"

namespace millstream {

inline constexpr char kGenerationExpressionKey[] = "delta.generationExpression";

// The text that stands under `key` in the field's metadata; nullopt: none.
std::optional<std::string> MetadataText(const StructField& field, const char* key);

// The metadata with this text in it.
std::string WithMetadata(const StructField& field, const char* key, const std::string& text);

// SQL of the column; nullopt: it is not generated.
inline std::optional<std::string> GenerationExpressionOf(const StructField& column) { return MetadataText(column, kGenerationExpressionKey); }

}  // namespace millstream
