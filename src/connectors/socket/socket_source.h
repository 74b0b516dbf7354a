#pragma once

// socket_source.h   readStream.format("socket"): lines of text from a server, for trying things out. Lines that were read and not processed when the
// process ended are lost, as in Spark: nobody can ask a socket for them again.

#include "base/clock.h"
#include "base/option_table.h"
#include "plan/logical_plan.h"

namespace millstream {

const OptionTable& SocketOptions();
// A StreamingRelationSource; it connects when the query starts. `clock` must outlive it.
Result<RelationSourcePtr> OpenSocket(const OptionMap& options, Clock& clock);

}  // namespace millstream
