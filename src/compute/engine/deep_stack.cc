#include "compute/engine/deep_stack.h"

#include "base/status.h"

namespace millstream::compute {

void RunOnDeepStack(const std::function<void()>& work) {
  pthread_attr_t attributes;
  MS_CHECK(pthread_attr_init(&attributes) == 0);
  MS_CHECK(pthread_attr_setstacksize(&attributes, kDeepStackBytes) == 0);
  pthread_t thread;
  auto run = [](void* argument) -> void* {
    (*static_cast<const std::function<void()>*>(argument))();
    return nullptr;
  };
  const int failed = pthread_create(&thread, &attributes, run, const_cast<std::function<void()>*>(&work));
  pthread_attr_destroy(&attributes);
  if (failed) {
    // No room for another stack: the caller's own serves all but the deepest plans.
    work();
    return;
  }
  pthread_join(thread, nullptr);
}

}  // namespace millstream::compute
