#pragma once

// scratch_stores.h   State of something that is done when its owner is: of a batch query. What memory does not hold is in a directory that goes with it.

#include <memory>
#include <string>

#include "streaming/state/state_store.h"

namespace millstream {

class ScratchStores {
 public:
  static Result<std::unique_ptr<ScratchStores>> Make(Fs& fs);
  ~ScratchStores();
  ScratchStores(const ScratchStores&) = delete;
  ScratchStores& operator=(const ScratchStores&) = delete;

  StateStores& stores() { return *stores_; }

 private:
  ScratchStores(Fs& fs, std::string directory) : fs_(fs), directory_(std::move(directory)) {}
  Fs& fs_;
  const std::string directory_;
  std::unique_ptr<StateStores> stores_;
};

}  // namespace millstream
