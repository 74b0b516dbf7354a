#include "streaming/state/scratch_stores.h"

#include <cstdlib>

#include "base/uuid.h"

namespace millstream {

Result<std::unique_ptr<ScratchStores>> ScratchStores::Make(Fs& fs) {
  const char* temporary = std::getenv("TMPDIR");
  const std::string root = temporary != nullptr && temporary[0] == '/' ? temporary : "/tmp";
  std::unique_ptr<ScratchStores> scratch(new ScratchStores(fs, JoinPath(root, "millstream-state-" + NewUuid())));
  MS_ASSIGN_OR_RETURN(scratch->stores_, StateStores::Open(fs, {.directory = scratch->directory_}));
  return scratch;
}

ScratchStores::~ScratchStores() {
  stores_.reset();
  // What cannot be removed is in nobody's way.
  static_cast<void>(fs_.RemoveRecursively(directory_));
}

}  // namespace millstream
