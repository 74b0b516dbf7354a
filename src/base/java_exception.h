#pragma once

// java_exception.h   The Java exception that stands for a Status where Spark's users see one: in an error of the Connect protocol, in the event of a query's
// end.

#include <string>
#include <vector>

#include "base/status.h"

namespace millstream {

// The Java class that Spark would throw and its superclasses, nearest first. Never empty.
std::vector<std::string> JavaClassesOf(const Status& status);

}  // namespace millstream
