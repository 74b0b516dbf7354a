#include "plan/logical_plan.h"

namespace millstream {

const StructType& RelationSource::metadata_schema() const {
  static const StructType none;
  return none;
}

}  // namespace millstream
