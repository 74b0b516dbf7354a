#pragma once

// stream_requests.h   UNDO, REDO, REPLAY, FORGET FILES IN STREAM 'checkpoint' WHERE … as a command: a WriteData that puts the files of a query over
// cloud_files_state into a request to the stream.

namespace millstream {

// WriteData::format. Its query gives path, source_id and ingestion_state; its path is the checkpoint, as written.
inline constexpr char kStreamRequestFormat[] = "__millstream_stream_request";
// WriteData::options: "UNDO", "REDO", "REPLAY" or "FORGET".
inline constexpr char kStreamRequestOption[] = "request";

}  // namespace millstream
