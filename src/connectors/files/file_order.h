#pragma once

// file_order.h   In which order the files that wait for a batch go into it (cloudFiles.fileOrder).

namespace millstream {

enum class FileOrder {
  kDiscovery,         // as they are found
  kPath,              // by the bytes of their paths
  kModificationTime,  // the oldest first; by path among those of one time
};

}  // namespace millstream
