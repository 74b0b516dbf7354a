#pragma once

// planted_bug.h   Bugs that this program can switch on to show that it would see them. Each is a disk, a sink or a source that breaks its promise, or
// a disk that makes two steps of the engine durable in the wrong order, as an engine would that did them in that order.

#include <optional>
#include <string_view>
#include <vector>

namespace millstream::simulation {

enum class PlantedBug {
  kNone,
  kFilesAreNotSynced,
  kDirectoriesAreNotSynced,
  kOffsetsDirectoryIsNotSynced,
  kStateDirectoryIsNotSynced,
  kSinkDirectoryIsNotSynced,
  kSinkAfterState,
  kSinkAfterCommit,
  kOffsetsAfterSink,
  kStateAfterCommit,
  kSinkTakesBatchesTwice,
  kSinkTrustsUnsyncedNames,
  kSourceReadsPastTheEnd,
  kSourceForgetsTooEarly,
};

struct PlantedBugName {
  PlantedBug bug;
  std::string_view name;
};
inline constexpr PlantedBugName kPlantedBugs[] = {
    {PlantedBug::kFilesAreNotSynced, "files-are-not-synced"},
    {PlantedBug::kDirectoriesAreNotSynced, "directories-are-not-synced"},
    {PlantedBug::kOffsetsDirectoryIsNotSynced, "offsets-directory-is-not-synced"},
    {PlantedBug::kStateDirectoryIsNotSynced, "state-directory-is-not-synced"},
    {PlantedBug::kSinkDirectoryIsNotSynced, "sink-directory-is-not-synced"},
    {PlantedBug::kSinkAfterState, "sink-after-state"},
    {PlantedBug::kSinkAfterCommit, "sink-after-commit"},
    {PlantedBug::kOffsetsAfterSink, "offsets-after-sink"},
    {PlantedBug::kStateAfterCommit, "state-after-commit"},
    {PlantedBug::kSinkTakesBatchesTwice, "sink-takes-batches-twice"},
    {PlantedBug::kSinkTrustsUnsyncedNames, "sink-trusts-unsynced-names"},
    {PlantedBug::kSourceReadsPastTheEnd, "source-reads-past-the-end"},
    {PlantedBug::kSourceForgetsTooEarly, "source-forgets-too-early"},
};

}  // namespace millstream::simulation
