#pragma once

// failpoint.h   Named places where a test may kill the process or make a step fail, before and after every durable step.
//
//   MS_FAILPOINT("delta.commit.before_link");
//
// In release builds too; armed only by the environment of the process (MILLSTREAM_FAILPOINTS="name=kill@3,other=error:5"),
// never by a client. Unarmed, one costs a relaxed load. All names stand in failpoint.cc's table, so that the kill test can list them and none
// can be forgotten; `millstream serve --list-failpoints` prints it.

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace millstream {

// Every failpoint there is, in the order in which a batch passes them.
const std::vector<std::string_view>& AllFailpoints();

namespace failpoint_internal {
extern std::atomic<bool> armed;
// "kill": SIGKILL at once. "error:N": errno N. "sleep:MS". "@n": only the n-th time (from 1).
Status Hit(std::string_view name);
}  // namespace failpoint_internal

// Reads MILLSTREAM_FAILPOINTS; called once by main. An unknown name is an error.
Status ArmFailpointsFromEnvironment();
// The same from a string, for unit tests; "" disarms all.
Status ArmFailpoints(std::string_view specification);

// OK unless armed to fail. Must be a name of the table.
inline Status Failpoint(std::string_view name) {
  if (!failpoint_internal::armed.load(std::memory_order_relaxed)) return Status();
  return failpoint_internal::Hit(name);
}

}  // namespace millstream

#define MS_FAILPOINT(name) MS_RETURN_IF_ERROR(::millstream::Failpoint(name))
