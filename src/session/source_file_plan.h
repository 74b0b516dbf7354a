#pragma once

// source_file_plan.h   A plan whose rows tell which file they were read from. Pure.

#include "plan/logical_plan.h"

namespace millstream {

// `analyzed` with kSourceFileColumn as its last column. Null: its rows cannot be traced to a file one by one (it aggregates, joins, sorts, runs Python over
// several rows …), or they do not come from one source of files.
PlanPtr WithSourceFileColumn(const PlanPtr& analyzed);

}  // namespace millstream
