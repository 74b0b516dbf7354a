#include "doors/cli/startup_pages.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace millstream {

namespace {

// Segments that are never writable hold nothing but their file's bytes: dropping them loses nothing.
int ReleaseObject(dl_phdr_info* object, size_t, void*) {
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const uintptr_t begin = (object->dlpi_addr + segment.p_vaddr + page - 1) / page * page;
    const uintptr_t end = (object->dlpi_addr + segment.p_vaddr + segment.p_memsz) / page * page;
    // Refused for what is no file (the vDSO): nothing is lost.
    if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void ReleaseStartupPages() { dl_iterate_phdr(ReleaseObject, nullptr); }

}  // namespace millstream
