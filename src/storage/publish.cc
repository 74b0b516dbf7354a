#include <string>

#include "storage/failpoint.h"
#include "storage/fs.h"

namespace millstream {

Status Publish(Fs& fs, const std::string& path, std::string_view bytes, std::string_view failpoint) {
  const std::string prefix(failpoint);
  const std::string directory(ParentPath(path));
  MS_ASSIGN_OR_RETURN(std::unique_ptr<PendingFile> file, fs.CreatePending(directory));
  MS_RETURN_IF_ERROR(file->Append(bytes));
  MS_RETURN_IF_ERROR(Failpoint(prefix + ".before_sync"));
  MS_RETURN_IF_ERROR(file->Sync());
  MS_RETURN_IF_ERROR(Failpoint(prefix + ".before_link"));
  MS_RETURN_IF_ERROR(file->Publish(path));
  MS_RETURN_IF_ERROR(Failpoint(prefix + ".after_link"));
  // The name itself must survive a power cut before anybody acts on it.
  MS_RETURN_IF_ERROR(fs.SyncDirectory(directory));
  return Failpoint(prefix + ".after_dirsync");
}

}  // namespace millstream
