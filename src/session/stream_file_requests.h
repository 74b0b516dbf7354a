#pragma once

// stream_file_requests.h   What UNDO, REDO, REPLAY and FORGET FILES IN STREAM leave in the checkpoint for the stream to take.

#include <string>

#include "base/clock.h"
#include "session/session.h"
#include "storage/fs.h"

namespace millstream {

// `request`: "UNDO", "REDO", "REPLAY" or "FORGET". `checkpoint` as written. `files`: path, source_id and ingestion_state of cloud_files_state; those in a
// state for which the request means nothing are left out. One row: num_requested_files, note.
Result<QueryResult> WriteStreamRequest(Fs& fs, Clock& clock, const std::string& request, const std::string& checkpoint, RowStream& files);

}  // namespace millstream
